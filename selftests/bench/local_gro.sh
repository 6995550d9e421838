#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a byte costs GW1 that it receives for itself by TCP: plain, by ESP in the stack
# and by ESP in XDP; and how many segments GRO makes one packet of. In a test machine
# where one nanosecond is one instruction:
#
#   selftests/vm/run.sh --icount -- selftests/bench/local_gro.sh [BYTES]
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#        TCP server           kernel   TCP client
#
# Counted is all that GW1 does between taking frames from its device and the socket's
# receive queue, ACKs that it sends included: the time spent in veth_poll() of its wire,
# and where the stack decrypts in gro_cell_poll() behind it. No other device here has a
# veth_poll(), no other SA gro_cells: those want GRO, which is on for that device only.
# The function graph tracer measures both, and costs some hundred instructions per poll.
# A wrong byte, or an SA or a path that did not do what the line says, is a failure.

# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=../lib/icount.sh
. "$LIB/icount.sh"

SIZE=${1:-5000000}
TRACE=/sys/kernel/debug/tracing

trace_start()
{
	echo 0 >$TRACE/tracing_on
	echo nop >$TRACE/current_tracer
	echo veth_poll gro_cell_poll >$TRACE/set_ftrace_filter || bail "cannot trace the polls"
	echo 16384 >$TRACE/buffer_size_kb
	echo function_graph >$TRACE/current_tracer || bail "no function graph tracer"
	at_exit trace_stop
}

# shellcheck disable=SC2317  # called by the trap
trace_stop()
{
	echo nop >$TRACE/current_tracer
	echo >$TRACE/set_ftrace_filter
}

# polled: POLLS and NS of all polls since trace_clear
POLLS=0 NS=0
trace_clear() { : >$TRACE/trace; echo 1 >$TRACE/tracing_on; }

polled()
{
	echo 0 >$TRACE/tracing_on
	! grep -q 'LOST' $TRACE/trace || bail "the trace is larger than its buffer"
	read -r POLLS NS < <(awk '
		match($0, /[0-9.]+ us +\|.*(veth_poll|gro_cell_poll)/) {
			polls++
			ns += 1000 * substr($0, RSTART, RLENGTH)
		}
		END { printf "%d %d\n", polls, ns }' $TRACE/trace)
}

# snmp PROTOCOL FIELD: of GW1
snmp()
{
	in_ns "$GW1" cat /proc/net/snmp | awk -v p="$1:" -v f="$2" '
		$1 == p && !n { for (n = 2; $n != f; n++); next }
		$1 == p { print $n }'
}

rx_packets() { in_ns "$GW1" sed -n 's/^ *wire: *[0-9]* *\([0-9]*\).*/\1/p' /proc/net/dev; }

transfer()
{
	local sha

	agent tcp_serve name=T "ns=$GW1" addr="$GW1_LAN4" port=7777
	agent tcp_send "ns=$HB" src="$B4" dst="$GW1_LAN4" port=7777 "size=$1" timeout=300
	sha=${R[sha256]}
	agent tcp_got name=T timeout=300
	expect "bytes" "${R[total]}" "$1"
	expect "what arrived" "${R[sha256]}" "$sha"
}

# row NAME: one transfer, and what it cost
declare -A COST=()
SEGMENTS=0 PACKETS=0
row()
{
	local segments packets

	transfer 200000		# teaches the path MTU and the SA
	segments=$(rx_packets)
	packets=$(snmp Tcp InSegs)
	mark "$GW1" "$GW2"
	trace_clear
	transfer "$SIZE"
	polled
	SEGMENTS=$(($(rx_packets) - segments))
	PACKETS=$(($(snmp Tcp InSegs) - packets))
	COST[$1]=$((NS * 1000 / SIZE))
	expect_no_errors "$GW1" "$GW2"
	note "$(printf '%-26s %8d segments %6d packets %5.1f : 1 %7d polls %7.3f instructions/B' \
		"$1" "$SEGMENTS" "$PACKETS" "$((SEGMENTS * 10 / PACKETS))e-1" "$POLLS" \
		"${COST[$1]}e-3")"
}

# protected ALG: the rows of one algorithm
protected()
{
	local alg=$1

	test_begin "$alg: ESP by the stack"
	sa_setup window=1024 alg="$alg"
	row "$alg stack"
	test_end

	# On veth every XDP program costs a copy of the packet, which drivers need not.
	test_begin "$alg: ESP by the stack, behind an XDP program that passes all"
	agent xdp_pass "ns=$GW1" dev=wire
	row "$alg stack-xdp-pass"
	agent xdp_off "ns=$GW1" dev=wire
	test_end

	test_begin "$alg: ESP in XDP"
	attach
	row "$alg xdp"
	expect "decrypted in XDP" "$(since "$GW1" InputDone)" "$SEGMENTS"
	expect "restored" "$(since "$GW1" Restored)" "$PACKETS"
	test_end

	test_begin "$alg: ESP in XDP, without GRO"
	agent offload "ns=$GW1" dev=wire gro=off
	row "$alg xdp-no-gro"
	expect "decrypted in XDP" "$(since "$GW1" InputDone)" "$SEGMENTS"
	expect "packets" "$PACKETS" "$SEGMENTS"
	agent offload "ns=$GW1" dev=wire gro=on
	detach
	test_end
}

# What the stack does in GRO since esp4_offload is there, where somebody loads it.
offloaded()
{
	test_begin "gcm128: ESP by the stack, in GRO"
	must modprobe esp4_offload
	sa_setup window=1024
	row "gcm128 stack-esp4-offload"
	test_end
}

# compare ALG PERCENT: at most so much of what the stack takes on the same device
compare()
{
	local alone=${COST["$1 stack"]} behind=${COST["$1 stack-xdp-pass"]} fast=${COST["$1 xdp"]}

	test_begin "$1: ESP in XDP costs at most $2% of that in the stack behind XDP"
	expect_range "percent" $((100 * fast / behind)) 1 "$2"
	note "$1: $((100 * fast / behind))% of the stack behind XDP," \
		"$((100 * fast / alone))% of the stack without"
	test_end
}

plan 12
needs_icount
never_idle
setup
agent offload "ns=$GW1" dev=wire gro=on
# Behind a device with TSO a veth does not poll for what is not for XDP.
agent offload "ns=$WIRE" dev=g1 gro=off tso=off
agent offload "ns=$HA" dev=eth0 gro=off
trace_start

test_begin "in the clear"
row clear
test_end
protected gcm128
protected chacha
offloaded
# In 6.12 AES-NI may complete later, and so works on a copy that is copied back; ChaCha
# works on the packet.
compare gcm128 106
compare chacha 99
