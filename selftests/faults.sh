#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Allocations fail: in the module while packets flow, while it is loaded, while a
# namespace is made. Packets are the stack's then, or lost; never in the clear, and nothing
# is left over. Needs a kernel with failslab and fail_page_alloc: the debug kernel.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#     flows both ways; GW1 is
#     short of memory

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SEQ=0
# flows_both_ways N PORT: N new flows each way and to GW1 itself, three packets each
flows_both_ways()
{
	local port

	for ((port = $2; port < $2 + $1; port++)); do
		burst "$HA" "$A4" "$B4" $port 5001 3 first=$SEQ
		burst "$HB" "$B4" "$A4" $port 5001 3 first=$SEQ
		burst "$HB" "$B6" "$A6" $port 5001 3 first=$((SEQ + 3))
		burst "$HB" "$B4" "$GW1_LAN4" $port 5003 3 first=$SEQ
		SEQ=$((SEQ + 6))
	done
}

fresh()
{
	local sink

	sa_setup
	for sink in A B L; do
		agent clear name=$sink
	done
	mark "$GW1"
}

recovers()
{
	faults_in 0
	mark "$GW1"
	flows_both_ways 3 "$1"
	counters "$GW1"
	expect_range "encrypted in XDP without faults" "$(since "$GW1" Encrypted)" 4 9
	expect_range "forwarded in XDP without faults" "$(since "$GW1" ForwardDone)" 9 18
	expect_range "restored without faults" "$(since "$GW1" Restored)" 6 18
}

# What cannot be learned is the stack's: every packet arrives, none of them fast.
nothing_learned()
{
	test_begin "every allocation of the module fails: the stack does all, nothing is lost"
	fresh
	faults_in 100
	flows_both_ways 5 4200
	expect_got B 15
	expect_got A 30
	expect_got L 15
	faults_in 0
	counters "$GW1"
	for name in FlowLearned Encrypted Decrypted ForwardDone Restored; do
		expect_count "$GW1" $name 0
	done
	expect_range "not learned" "$(since "$GW1" LearnFull)" 1 1000
	expect_no_errors "$GW1" "$GW2"
	recovers 4220
	test_end
}

# Some fail: what XDP has decrypted and cannot hand on is lost, and counted.
some_fail()
{
	local percent=$1 got lost

	test_begin "$percent of 100 allocations of the module fail: lost is what was counted"
	fresh
	faults_in "$percent"
	flows_both_ways 20 4300
	agent got name=B n=60
	got=${R[n]}
	# Of those that XDP decrypted some are lost, and not waited for any longer.
	agent got name=A n=120 timeout=3
	got=$((got + R[n]))
	agent got name=L n=60 timeout=3
	got=$((got + R[n]))
	faults_in 0
	expect "damaged datagrams at L" "${R[bad]}" 0
	counters "$GW1"
	lost=$(($(since "$GW1" RestoreNoMem) + $(since "$GW1" DropNoMem)))
	expect "datagrams that arrived" "$got" $((240 - lost))
	expect_range "learned nevertheless" "$(since "$GW1" FlowLearned)" 1 1000
	expect_range "not learned" "$(since "$GW1" LearnFull)" 1 1000
	recovers 4400
	test_end
}

# Forged and damaged ESP makes audit records, of memory that is not there.
audit_fails()
{
	test_begin "no memory for what is wrong with a packet: dropped as ever"
	fresh
	capture_start damaged
	burst "$HB" "$B4" "$A4" 4500 5001 5
	expect_got A 5
	capture_sync
	faults_in 100
	mark "$GW1"
	agent inject "ns=$WIRE" dev=g1 "file=$CAPTURE" "spi=$SPI_BA" seq=3-5
	wait_for 5 counter_at_least "$GW1" XfrmInStateSeqError 3 || wrong "replays are not counted"
	faults_in 0
	expect_got A 5
	recovers 4510
	capture_sync
	expect_no_plaintext
	test_end
}

# fail_each UNDO CHECK CMD…: the first allocation of CMD fails, then a later one, in steps
# that grow by a fourth, until CMD has succeeded eight times in a row: it can do without
# some of them. CHECK says whether a failure left nothing behind, UNDO what success did.
fail_each()
{
	local n failed=0 fine=0 undo=$1 check=$2

	shift 2
	for ((n = 1; n <= 20000 && fine < 8; n += 1 + n / 4)); do
		if nth_fails $n "$@" >"$TMP/out" 2>&1; then
			fine=$((fine + 1))
			$undo
			continue
		fi
		fine=0 failed=$((failed + 1))
		$check || wrong "allocation $n of '$*': $(tr '\n' ';' <"$TMP/out")"
	done
	note "'$*' failed for want of memory $failed times"
	expect_range "failures of '$*'" $failed 1 1000
}

module_not_there() { [ ! -d /sys/module/xfrm_xdp ]; }

loading_fails()
{
	test_begin "each allocation while the module is loaded: it is loaded, or not at all"
	must xx detach
	must rmmod xfrm_xdp
	# Of a cache that cannot be made the kernel itself prints a trace.
	faults_below do_one_initcall __kmem_cache_create_args
	fail_each "must rmmod xfrm_xdp" module_not_there modprobe xfrm_xdp
	must modprobe xfrm_xdp
	test_end
}

netns_not_there() { [ ! -e /run/netns/$NS_PREFIX-f ]; }

namespace_fails()
{
	test_begin "each allocation while a namespace is made: it is made, or not at all"
	faults_below xfrm_xdp_net_init
	fail_each "must ip netns del $NS_PREFIX-f" netns_not_there ip netns add $NS_PREFIX-f
	test_end
}

plan 7
setup
faults_available || bail "this kernel has no failslab and fail_page_alloc; run with --kernel debug"
at_exit faults_in 0
agent sink name=L "ns=$GW1" port=5003
sa_setup
capture_start
attach
faults_below '[xfrm_xdp]'
nothing_learned
some_fail 50
some_fail 10

test_begin "no plaintext on the wire"
capture_sync
expect_no_plaintext
test_end

audit_fails
loading_fails
namespace_fails
