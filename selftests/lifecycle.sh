#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Everything goes away under traffic: the module, SAs, policies, a device, the
# namespace. Nothing may hang, keep a reference, or let plaintext out.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#     streams both ways; GW1 loses
#     one thing after the other

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

LIMIT=$((30 * SLOWER))	# seconds; a command that takes longer hangs

# complaints: what the kernel says when a reference is not given back
complaints() { dmesg | grep -c 'unregister_netdevice: waiting'; }

module_there() { [ -d /sys/module/xfrm_xdp ]; }
module_gone() { ! module_there; }

# new_sas: with other SPIs, as after a rekeying: the gateways change one after the
# other, and what still comes by the old ones must not meet the new replay windows
new_sas()
{
	SPI_AB=$((SPI_AB + 1)) SPI_BA=$((SPI_BA + 1))
	sa_setup policies=keep
}

# reclaimed: every flow of GW1 that was ever learned has been forgotten
reclaimed()
{
	counters "$GW1"
	[ "${CUR[$GW1:FlowLearned]:-0}" -eq "${CUR[$GW1:FlowReclaimed]:--1}" ]
}

PLAIN=0
# wire_check: adds up the plaintext seen on the wire, and closes the capture
wire_check()
{
	capture_sync
	PLAIN=$((PLAIN + $(wire "$PLAINTEXT")))
	capture_stop
}

rmmod_refused()
{
	test_begin "rmmod while attached is refused, and harms nothing"
	attach
	streams_start
	expect_fail "rmmod" timeout $LIMIT rmmod xfrm_xdp
	expect_match "reason" "$OUTPUT" "in use"
	module_there || wrong "the module is gone"
	streams_fast
	streams_stop
	expect_got B "${STREAMED[OUT]}" 62
	expect_got A "${STREAMED[BACK]}" 62
	test_end
}

rmmod_under_traffic()
{
	local turn before

	test_begin "detach and rmmod under traffic, three times; it works again each time"
	before=$(complaints)
	streams_start
	for turn in 1 2 3; do
		expect_ok "detach $turn" timeout $LIMIT "$CLI" -n "$GW1" detach
		expect_ok "rmmod $turn" timeout $LIMIT rmmod xfrm_xdp
		module_gone || wrong "the module is still there"
		streams_run 20
		attach
		streams_fast
	done
	streams_stop
	# Taking XDP off a veth throws away what is in its ring, once per turn.
	agent got name=B "n=${STREAMED[OUT]}" timeout=1
	expect_range "datagrams at B" "${R[n]}" $((STREAMED[OUT] - 30)) "${STREAMED[OUT]}"
	expect "complaints of the kernel" "$(complaints)" "$before"
	test_end
}

sa_flush()
{
	local got

	test_begin "ip xfrm state flush under traffic: nothing passes, nothing is kept"
	streams_start
	expect_ok "flush" timeout $LIMIT ip -n "$GW1" xfrm state flush
	mark "$GW1"
	streams_run 100
	expect_counts "$GW1" Encrypted=0 Decrypted=0 ForwardDone=0 FlowLearned=0
	agent got name=B timeout=0
	got=${R[n]}
	streams_run 50
	expect_got B "$got"
	counters "$GW1"
	expect_range "refused for want of an SA" "$(since "$GW1" XfrmInNoStates)" 50 1000
	# And with new SAs all goes on.
	new_sas
	streams_fast
	streams_stop
	test_end
}

policy_flush()
{
	local got

	test_begin "ip xfrm policy flush under traffic: nothing passes"
	configure "$GW1" "xfrm policy setdefault in block fwd block out block" \
		"xfrm policy add src $NET_A4 dst $NET_B4 dir fwd" \
		"xfrm policy add src $NET_B4 dst $NET_A4 dir out"
	streams_start
	expect_ok "flush" timeout $LIMIT ip -n "$GW1" xfrm policy flush
	mark "$GW1"
	agent got name=B timeout=0
	got=${R[n]}
	streams_run 100
	expect_counts "$GW1" Encrypted=0 ForwardDone=0 FlowLearned=0
	agent got name=B timeout=0
	expect_range "datagrams at B after it" $((R[n] - got)) 0 2
	sa_policies "$GW1_4" "$GW2_4" NET_A NET_B
	configure "$GW1" "$POLICIES" \
		"xfrm policy setdefault in accept fwd accept out accept"
	streams_fast
	streams_stop
	test_end
}

device_down()
{
	test_begin "a device that goes down takes its flows with it, and comes back"
	streams_start
	expect_ok "down" timeout $LIMIT ip -n "$GW1" link set wire down
	wait_for 5 reclaimed || wrong "flows are kept: $(since "$GW1" FlowReclaimed) reclaimed"
	configure "$GW1" "link set wire up" "addr replace $GW1_6/64 dev wire nodad" \
		"$(neigh wire "$GW2_4" "$GW2_6" "$MAC_GW2")" \
		"route replace $NET_B4 via $GW2_4" "route replace $NET_B6 via $GW2_6"
	streams_fast
	streams_stop
	test_end
}

device_removed()
{
	local before

	test_begin "ip link del under traffic, with cached flows"
	before=$(complaints)
	streams_start
	wire_check
	expect_ok "link del" timeout $LIMIT ip -n "$GW1" link del wire
	wait_for 5 reclaimed || wrong "flows are kept: $(since "$GW1" FlowReclaimed) reclaimed"
	streams_run 20
	streams_stop
	expect_ok "detach of what is left" timeout $LIMIT "$CLI" -n "$GW1" detach
	[ ! -e "$(pins)" ] || wrong "pins are left: $(echo "$(pins)"/*)"
	expect_ok "rmmod" timeout $LIMIT rmmod xfrm_xdp
	expect "complaints of the kernel" "$(complaints)" "$before"
	test_end
}

# peer_gone: GW1's devices are gone, for that of HA was the other end of one
peer_gone() { ! ip -n "$HA" link show eth0 >/dev/null 2>&1; }

# The namespace lives as long as a pinned netfilter link wants it to.
netns_removed()
{
	local before

	test_begin "ip netns del under traffic while attached: orphans are named and removed"
	before=$(complaints)
	streams_start
	expect_ok "netns del" timeout $LIMIT ip netns del "$GW1"
	streams_run 20
	wire_check
	expect_ok "detach --orphaned" timeout $LIMIT "$CLI" detach --orphaned
	wait_for 30 peer_gone || wrong "the namespace is kept"
	streams_stop
	expect_ok "rmmod" timeout $LIMIT rmmod xfrm_xdp
	expect "complaints of the kernel" "$(complaints)" "$before"
	test_end
}

# Flows outlive the programs for a while; the namespace must not wait for them.
netns_removed_with_flows()
{
	local before

	test_begin "ip netns del right after detach, with cached flows"
	before=$(complaints)
	streams_start
	wire_check
	expect_ok "detach" timeout $LIMIT "$CLI" -n "$GW1" detach
	expect_ok "netns del" timeout $LIMIT ip netns del "$GW1"
	wait_for 30 peer_gone || wrong "the namespace is kept"
	streams_stop
	expect_ok "rmmod" timeout $LIMIT rmmod xfrm_xdp
	expect "complaints of the kernel" "$(complaints)" "$before"
	test_end
}

# new_topology: after a test that broke the old one
new_topology()
{
	topology_delete
	topology
	agent sink name=A "ns=$HA" port=5001
	agent sink name=B "ns=$HB" port=5001
	sa_setup
	capture_start
	attach
}

plan 9
setup
sa_setup
capture_start
rmmod_refused
rmmod_under_traffic
sa_flush
policy_flush
device_down
device_removed
new_topology
netns_removed
new_topology
netns_removed_with_flows

test_begin "no plaintext on the wire"
expect "plaintext frames" "$PLAIN" 0
test_end
