#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# State of the module is per network namespace and per device, and has limits: a namespace that
# fills its own takes nothing from another, devices are not mixed up, limits follow their parameters
# at once, and references are dropped after a grace period only.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#      fast path           fast path, for some tests

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# table NS NAME: of a namespace's /proc/net/xfrm_xdp_table
# shellcheck disable=SC2016  # awk's
table() { in_ns "$1" awk -v name="$2" '$1 == name { print $2 }' /proc/net/xfrm_xdp_table; }

at_most() { [ "$(table "$1" "$2")" -le "$3" ]; }

# fresh [ARG…]: nothing learned, new SAs, GW1 attached with ARGs
fresh()
{
	sa_setup
	attach "$@"
	agent clear name=A
	agent clear name=B
	mark "$GW1"
}

# flows N [FIRST]: N flows of A to a host beyond GW1 that takes everything, in the clear
flows()
{
	local i first=${2:-7000}

	for ((i = first; i < first + $1; i++)); do
		agent send "ns=$HA" src="$A4" dst=192.0.2.99 sport=4000 dport=$i n=1 size=32
	done
}

limits()
{
	test_begin "a namespace with a full table takes nothing from another"
	fresh lan wire --plain
	agent offload "ns=$HB" dev=eth0 gro=on
	agent offload "ns=$WIRE" dev=g2 gro=on
	must "$CLI" -n "$GW2" attach lan wire
	# Two flows and an SA of GW2, and as many of GW1.
	burst "$HA" "$A4" "$B4" 4000 5001 1
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	burst "$HA" "$A4" "$B4" 4000 5001 1 first=1
	burst "$HB" "$B4" "$A4" 4000 5001 1 first=1
	agent got name=B n=2
	echo 4 >"$PARAMS/max_flows" || wrong "cannot set max_flows"
	mark "$GW1" "$GW2"
	flows 40
	wait_for 10 counter_at_least "$GW1" FlowEvicted 38 || wrong "no eviction in GW1"
	burst "$HA" "$A4" "$B4" 4000 5001 5 first=2
	expect_got B 7
	burst "$HB" "$B4" "$A4" 4000 5001 5 first=2
	expect_got A 7
	expect_counts "$GW2" FlowEvicted=0 FlowLearned=0 Decrypted=5 ForwardDone=5 Encrypted=5
	expect "flows of GW1" "$(table "$GW1" Flows)" 4
	expect "flows of GW2" "$(table "$GW2" Flows)" 2
	expect "SAs of GW2" "$(table "$GW2" Sas)" 2
	echo "$LIMIT" >"$PARAMS/max_flows"
	must "$CLI" -n "$GW2" detach
	detach
	test_end
}

parameters()
{
	test_begin "max_flows and idle_ms take effect at once, without a packet"
	fresh lan wire --plain
	flows 20
	wait_for 10 counter_at_least "$GW1" FlowLearned 20 || wrong "flows are not learned"
	expect "flows" "$(table "$GW1" Flows)" 20
	echo 5 >"$PARAMS/max_flows" || wrong "cannot set max_flows"
	wait_for 5 at_most "$GW1" Flows 5 || wrong "$(table "$GW1" Flows) flows, 5 may be"
	expect_counts "$GW1" FlowEvicted=15
	echo "$LIMIT" >"$PARAMS/max_flows"
	# Until here a day.
	echo 50 >"$PARAMS/idle_ms" || wrong "cannot set idle_ms"
	wait_for 5 at_most "$GW1" Flows 0 || wrong "$(table "$GW1" Flows) idle flows are kept"
	expect "SAs" "$(table "$GW1" Sas)" 0
	echo $DAY_MS >"$PARAMS/idle_ms"
	detach
	test_end
}

# Their ifindexes have the same hash, by which facts about devices were kept once.
devices()
{
	test_begin "what is known of one device is not taken for another's"
	agent ifindex "ns=$GW1" dev=lan
	expect "ifindex of lan" "${R[ifindex]}" $LAN_INDEX
	agent ifindex "ns=$GW1" dev=wire
	expect "ifindex of wire" "${R[ifindex]}" $WIRE_INDEX
	for dev in lan wire; do
		must in_ns "$GW1" ethtool -K $dev rxvlan off rx-vlan-stag-hw-parse off
	done
	must in_ns "$HA" ethtool -K eth0 txvlan off tx-vlan-stag-hw-insert off
	must in_ns "$WIRE" ethtool -K g1 txvlan off tx-vlan-stag-hw-insert off
	fresh lan wire --mode generic
	# The stack decrypts at wire: frames in the clear there are left to it, and only there.
	burst "$HB" "$B4" "$A4" 4000 5001 1
	expect_got A 1
	burst "$HA" "$A4" "$B4" 4000 5001 1
	expect_got B 1
	burst "$HA" "$A4" "$B4" 4000 5001 5 first=1
	expect_got B 6
	expect_counts "$GW1" Encrypted=5 PuntGeneric=0
	detach
	test_end
}

# references: who drops references to routes, by the call stack, while flows end
references()
{
	local tracing=/sys/kernel/tracing calls late
	local label="a flow drops its route after a grace period, not while packets may use it"

	if [ ! -e $tracing/kprobe_events ]; then
		test_skip "$label" "this kernel has no CONFIG_KPROBE_EVENTS"
		return
	fi
	test_begin "$label"
	fresh
	burst "$HA" "$A4" "$B4" 4000 5001 1
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	expect_counts "$GW1" FlowLearned=3
	echo >$tracing/trace
	echo 'p:ref_dropped dst_release' >$tracing/kprobe_events || wrong "no kprobe at dst_release"
	echo stacktrace >$tracing/events/kprobes/ref_dropped/trigger
	echo 1 >$tracing/events/kprobes/ref_dropped/enable
	echo 1 >$tracing/tracing_on
	expect_ok "device down" ip -n "$GW1" link set wire down
	wait_for 5 at_most "$GW1" Flows 0 || wrong "flows are kept"
	wait_for 5 dropped_by_module || wrong "no reference was dropped"
	echo 0 >$tracing/events/kprobes/ref_dropped/enable
	echo '!stacktrace' >$tracing/events/kprobes/ref_dropped/trigger
	echo 0 >$tracing/tracing_on
	# Blocks of a trace are parted by the line of the event.
	calls=$(awk '/<stack trace>/ { n += ours; ours = 0 } /xfrm_xdp_/ { ours = 1 } END { print n + ours }' $tracing/trace)
	late=$(awk '/<stack trace>/ { n += ours && rcu; ours = rcu = 0 } /xfrm_xdp_/ { ours = 1 }
		/rcu_core|rcu_do_batch/ { rcu = 1 } END { print n + (ours && rcu) }' $tracing/trace)
	echo >$tracing/kprobe_events
	expect_range "routes dropped by the module" "$calls" 2 100
	expect "of these in an RCU callback" "$late" "$calls"
	detach
	test_end
}

dropped_by_module() { [ "$(grep -c ' xfrm_xdp_' /sys/kernel/tracing/trace)" -ge 2 ]; }

# shellcheck disable=SC2317  # called at the exit
limit_again() { echo "$LIMIT" >"$PARAMS/max_flows"; }

# shellcheck disable=SC2034  # for topology.sh
LAN_INDEX=243 WIRE_INDEX=10
plan 4
setup
module_load
LIMIT=$(cat "$PARAMS/max_flows")
at_exit limit_again
configure "$GW1" "neigh replace 192.0.2.99 lladdr 02:00:00:00:00:99 dev wire nud permanent"
limits
parameters
devices
references
