#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# virtio-net: GW1 has two ports of it, each wired to another one, whose other ends are
# A's and GW2's. Native XDP in that driver: both ways, tagged or not, and what goes up the
# stack keeps its sec_path. They are physical devices to the kernel, which a namespace that ends
# gives back: it waits for what is in the crypto layer.
#
#   HA ------------ GW1 ============================== GW2 ---- HB
#   eth0 -------- lan   wire ------------------------ wire     kernel
#    virtio   virtio     virtio                     virtio
#
# The ports are the test machine's: selftests/vm/run.sh --nic 4.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The virtio-net devices of the machine, in the order of their slots.
nics_find()
{
	local dev

	NICS=() NIC_DEVICES=()
	for dev in /sys/class/net/*; do
		[ "$(readlink "$dev/device/driver")" != ../../../../bus/virtio/drivers/virtio_net ] || {
			NICS+=("${dev##*/}")
			NIC_DEVICES+=("$(readlink -f "$dev/device")")
		}
	done
	[ ${#NICS[@]} -ge 4 ]
}

# In place of lib/topology.sh's: no bridge between the gateways, nobody taps the wire.
links_create()
{
	cat >"$TMP/batch" <<-END
	link set ${NICS[0]} netns $HA name eth0 address $MAC_A
	link set ${NICS[1]} netns $GW1 name lan address $MAC_GW1_LAN
	link set ${NICS[2]} netns $GW1 name wire address $MAC_GW1
	link set ${NICS[3]} netns $GW2 name wire address $MAC_GW2
	link add g1 netns $WIRE type veth peer name g2 netns $WIRE
	link add eth0 netns $HB address $MAC_B type veth peer name lan netns $GW2 address $MAC_GW2_LAN
	END
	agent ip "file=$TMP/batch"
}

# These have none to turn off: whoever is at the other end could not do without.
offload_settings() { :; }

# both_ways SPORT A B: one packet each way teaches, nine more are fast
both_ways()
{
	agent clear name=A
	agent clear name=B
	burst "$HA" "$2" "$3" "$1" 5001 1
	agent got name=B n=1
	burst "$HB" "$3" "$2" "$1" 5001 1
	agent got name=A n=1
	mark "$GW1" "$GW2"
	burst "$HA" "$2" "$3" "$1" 5001 6 first=1
	burst "$HA" "$2" "$3" "$1" 5001 3 first=7 size=1380
	expect_got B 10 62
	burst "$HB" "$3" "$2" "$1" 5001 6 first=1
	burst "$HB" "$3" "$2" "$1" 5001 3 first=7 size=1380
	expect_got A 10 62
	expect_counts "$GW1" Encrypted=9 Decrypted=9 ForwardDone=9 FlowLearned=0
	expect_no_errors "$GW1" "$GW2"
}

test_both_ways()
{
	local a=A$1 b=B$1

	test_begin "IPv$1, $2: both ways fast"
	both_ways 4000 "${!a}" "${!b}"
	test_end
}

native()
{
	test_begin "the driver runs XDP itself"
	expect "XDP, 1 is the driver's" \
		"$(ip -n "$GW1" -d -j link show dev wire | jq -r '.[0].xdp.mode')" 1
	expect "driver" "$(in_ns "$GW1" ethtool -i wire | sed -n 's/^driver: //p')" virtio_net
	test_end
}

tcp()
{
	test_begin "TCP to GW1's own address, by ESP"
	mark "$GW1" "$GW2"
	transfer 7777 "$GW1_LAN4" "$B4" "$HB" 200000
	counters "$GW1"
	expect_range "decrypted in XDP" "$(since "$GW1" Decrypted)" 137 1000
	expect_range "restored" "$(since "$GW1" Restored)" 1 "$(since "$GW1" Decrypted)"
	expect_no_errors "$GW1" "$GW2" except XfrmOutStateModeError
	test_end
}

tag()
{
	configure "$GW1" "addr flush dev wire" "link add link wire name wire.7 type vlan id 7" \
		"link set wire.7 up" "addr add $GW1_4/24 dev wire.7" \
		"addr add $GW1_6/64 dev wire.7 nodad" \
		"$(neigh wire.7 $GW2_4 $GW2_6 $MAC_GW2)" \
		"route replace $NET_B4 via $GW2_4" "route replace $NET_B6 via $GW2_6"
	configure "$GW2" "addr flush dev wire" "link add link wire name wire.7 type vlan id 7" \
		"link set wire.7 up" "addr add $GW2_4/24 dev wire.7" \
		"addr add $GW2_6/64 dev wire.7 nodad" \
		"$(neigh wire.7 $GW1_4 $GW1_6 $MAC_GW1)" \
		"route replace $NET_A4 via $GW1_4" "route replace $NET_A6 via $GW1_6"
}

# The rest is about one request that cannot complete: it waits for a worker of HOGGED, the CPU that
# receives from GW1's wire, and that CPU has no time for workers. All else is on the CPU beside it,
# where answers about the root filesystem come, for that interrupt cannot be moved. No process is
# started meanwhile: that may wait for a worker of each CPU.
HOGGED=0 BESIDE=1 IRQ='' HOG_PID='' CPUS='' GW1_PINS=''
RT=/proc/sys/kernel/sched_rt_runtime_us		# what the scheduler leaves to workers
FAIR=/sys/kernel/debug/sched/fair_server/cpu	# and once more, of each CPU
STARVED=/sys/module/workqueue/parameters/watchdog_thresh	# may report them after 30 s
declare -A BEFORE=()

# hog_settings HOW BESIDE HOGGED: starve, or as before; and the CPUs of this test and of GW1's wire
hog_settings()
{
	if [ "$1" = starve ]; then
		# In this order: the second does not ask then what is left over.
		BEFORE[rt]=$(cat "$RT") && echo -1 >"$RT" &&
			BEFORE[fair]=$(cat "$FAIR$HOGGED/runtime") && echo 0 >"$FAIR$HOGGED/runtime" &&
			{ [ ! -e "$STARVED" ] || { BEFORE[starved]=$(cat "$STARVED") && echo 0 >"$STARVED"; }; }
	else
		echo "${BEFORE[fair]}" >"$FAIR$HOGGED/runtime" && echo "${BEFORE[rt]}" >"$RT" &&
			{ [ ! -e "$STARVED" ] || echo "${BEFORE[starved]}" >"$STARVED"; }
	fi || return
	taskset -apc "$2" "$AGENT_PID" && taskset -apc "$2" $$ || return
	echo "$3" >"$IRQ/smp_affinity_list"
}

# irq_moved: an interrupt moves with the next one
irq_moved()
{
	agent clear name=A
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	[ "$(cat "$IRQ/effective_affinity_list")" = $HOGGED ]
}

hogging()
{
	local flags

	mapfile -d '' -t flags <"$TMP/hog"
	[ "${flags[1]:-}" = $'\1' ]
}

hog_start()
{
	BESIDE=$(awk '/-requests/ { if ($3 > most) { most = $3; cpu = 1 }
				    if ($2 > most) { most = $2; cpu = 0 } } END { print cpu }' /proc/interrupts)
	HOGGED=$((1 - BESIDE))
	IRQ=/proc/irq/$(awk -F: "/${NIC_DEVICES[2]##*/}-input/ { print \$1 + 0 }" /proc/interrupts)
	CPUS=$(taskset -pc $$)
	CPUS=${CPUS##* }
	hog_settings starve "$BESIDE" "$HOGGED" >"$TMP/hog.log" 2>&1 ||
		bail "no way to hold a worker back: $(cat "$TMP/hog.log")"
	wait_for 5 irq_moved || bail "$IRQ does not move to CPU $HOGGED"
	printf '\0\0' >"$TMP/hog"
	/usr/bin/python3 -I "$LIB/hog.py" $HOGGED 90 "$TMP/hog" &
	HOG_PID=$!
	wait_for 5 hogging || bail "nobody keeps the workers off CPU $HOGGED"
}

# hog_stop: and whether it was in time
hog_stop()
{
	local rc

	[ -n "$HOG_PID" ] || return 0
	printf '\1' 1<>"$TMP/hog"
	wait "$HOG_PID"
	rc=$?
	HOG_PID=
	hog_settings back "$CPUS" "$CPUS" >/dev/null || bail "the scheduler's settings are lost"
	return $rc
}

# GW1's ports are in the first namespace again.
gave_back()
{
	local there=("${NIC_DEVICES[2]}"/net/*)

	[ -d "${there[0]}" ]
}

closing()
{
	local file stack

	for file in /proc/[0-9]*/stack; do
		mapfile -t stack <"$file"
		[[ ${stack[*]} != *xfrm_xdp_frame_close* ]] || return 0
	done 2>/dev/null
	return 1
}

gave_back_or_closing() { gave_back || closing; }

netns_removed_with_request()
{
	test_begin "ip netns del waits for a request in the crypto layer, and then gives the ports back"
	configure "$GW1" "xfrm state flush"
	configure "$GW2" "xfrm state flush"
	TRANSFORM=cryptd
	transform cryptd
	sa_setup
	agent clear name=A
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	mark "$GW1"
	burst "$HB" "$B4" "$A4" 4000 5001 1 first=1
	agent got name=A n=2
	expect_counts "$GW1" InputTaken=1
	# XDP alone holds no namespace.
	GW1_PINS=$(pins)
	rm -f "$GW1_PINS"/link-nf*

	hog_start
	agent clear name=A
	mark "$GW1"
	burst "$HB" "$B4" "$A4" 4000 5001 1
	wait_for 2 counter_at_least "$GW1" InputTaken 1 || wrong "it was not taken"
	agent got name=A timeout=0
	expect "datagrams at A while it is in the crypto layer" "${R[n]}" 0
	agent netns_del "name=$GW1"
	wait_for 2 gave_back_or_closing || wrong "the namespace neither waits nor ends"
	! gave_back || wrong "the namespace has gone before its request completed"
	hog_stop || wrong "the worker was not held back for long enough"
	wait_for 20 gave_back || wrong "the namespace is kept"
	expect_ok "detach --orphaned" "$CLI" detach --orphaned
	test_end
}

# They come back to the first namespace with the names that they had, which the next test
# may want.
nics_return()
{
	local i

	hog_stop
	agent_stop
	detach_quietly
	[ -z "$GW1_PINS" ] || rm -rf "$GW1_PINS"
	topology_delete
	wait_for 20 nics_find || true
	[ -z "$TRANSFORM" ] || transform cpu
	for i in "${!NICS[@]}"; do
		ip link set "${NICS[i]}" down name "nic$i"
	done
}

plan 7
needs jq taskset:util-linux
TRANSFORM=''
[ "$(nproc)" -ge 2 ] || bail "one CPU is to do nothing but receive: run it with two"
modprobe -q virtio_net
wait_for 5 nics_find ||
	bail "no four virtio-net devices here: run it as selftests/vm/run.sh --nic 4 -- $0"
at_exit nics_return
setup
# What sends in software leaves checksums to nobody.
for dev in "$GW2/lan" "$HB/eth0"; do
	agent offload "ns=${dev%/*}" "dev=${dev#*/}" tx=off tso=off gso=off
done
sa_setup
attach

native
test_both_ways 4 untagged
test_both_ways 6 untagged
tcp
tag
test_both_ways 4 "tagged on the wire"
test_both_ways 6 "tagged on the wire"
netns_removed_with_request
