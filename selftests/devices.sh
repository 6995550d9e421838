#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Devices that are not a plain port: packets take the fast path where they may and the
# stack everywhere else; they arrive in any case, and nothing crosses from one network to
# another.
#
#   HA ------------ GW1 ============ wire ============ GW2 ---- HB
#   eth0 ---- lan         wire ---- g1--g2 ---------- wire     kernel
#   HC ------ lan2 (a VRF of its own, with the addresses of A)
#
# In turn lan or wire is the port of a bridge or a bond, or below a macvlan; then the
# addresses are there.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

HC=$NS_PREFIX-hc
ALL_NS+=("$HC")
MAC_LAN2=02:00:00:00:0c:01 MAC_MACVLAN=02:00:00:00:0f:09

# has TYPE CONFIG MODULE [ARG]…: or the test fails and says what the kernel lacks
has()
{
	modprobe -q "$3"
	if in_ns "$HB" ip link add link eth0 name probe0 type "$1" "${@:4}" 2>"$TMP/probe"; then
		must in_ns "$HB" ip link del probe0
		return 0
	fi
	wrong "this kernel has no $1 devices ($(<"$TMP/probe")): it needs CONFIG_$2"
	test_end
	return 1
}

# wire_on DEV [MAC]: the addresses of wire are on this device of GW1
wire_on()
{
	local mac=${2:-$MAC_GW1}

	configure "$GW1" "addr flush dev wire" \
		"addr add $GW1_4/24 dev $1" "addr add $GW1_6/64 dev $1 nodad" \
		"$(neigh "$1" $GW2_4 $GW2_6 $MAC_GW2)" \
		"route replace $NET_B4 via $GW2_4" "route replace $NET_B6 via $GW2_6"
	configure "$GW2" "$(neigh wire $GW1_4 $GW1_6 "$mac")"
}

lan_on()
{
	configure "$GW1" "addr flush dev lan" \
		"addr add $GW1_LAN4/24 dev $1" "addr add $GW1_LAN6/64 dev $1 nodad" \
		"$(neigh "$1" $A4 $A6 $MAC_A)"
}

# both_ways SPORT [A B]: one packet each way, which may teach, and five more; counted are
# the five
both_ways()
{
	local a=${2:-$A4} b=${3:-$B4}

	agent clear name=A
	agent clear name=B
	burst "$HA" "$a" "$b" "$1" 5001 1
	agent got name=B n=1
	burst "$HB" "$b" "$a" "$1" 5001 1
	agent got name=A n=1
	mark "$GW1" "$GW2"
	burst "$HA" "$a" "$b" "$1" 5001 5 first=1
	expect_got B 6 62
	burst "$HB" "$b" "$a" "$1" 5001 5 first=1
	expect_got A 6 62
	expect_no_errors "$GW1" "$GW2"
}

no_transmit()
{
	test_begin "a device that stops taking XDP frames: the stack sends, at once"
	both_ways 4000
	expect_counts "$GW1" Encrypted=5 Decrypted=5
	agent offload "ns=$WIRE" dev=g1 gro=off
	agent clear name=B
	mark "$GW1"
	burst "$HA" $A4 $B4 4000 5001 5
	expect_got B 5 62
	expect_counts "$GW1" Encrypted=0 PuntEgress=5
	test_end

	test_begin "and flows that leave by it are not learned"
	both_ways 4001
	expect_counts "$GW1" Encrypted=0 LearnEgress=5 Decrypted=5 ForwardDone=5
	agent offload "ns=$WIRE" dev=g1 gro=on
	test_end
}

macvlan()
{
	test_begin "a macvlan has the addresses: all by the stack"
	has macvlan MACVLAN macvlan mode bridge || return
	configure "$GW1" "link add link wire name mv0 address $MAC_MACVLAN type macvlan mode bridge" \
		"link set mv0 up"
	wire_on mv0 $MAC_MACVLAN
	both_ways 4002
	expect_counts "$GW1" Encrypted=0 Decrypted=0 LearnEgress=5
	both_ways 4002 $A6 $B6
	expect_counts "$GW1" Encrypted=0 Decrypted=0 LearnEgress=5
	configure "$GW1" "link del mv0"
	wire_on wire
	test_end
}

# What lan receives is the bridge's from the moment on when it is a port.
bridge_port()
{
	test_begin "a device becomes a port of a bridge: its flows end"
	both_ways 4003
	expect_counts "$GW1" Encrypted=5 Decrypted=5
	configure "$GW1" "link add br0 address $MAC_GW1_LAN type bridge mcast_snooping 0" \
		"link set br0 up" "link set lan master br0"
	agent clear name=B
	mark "$GW1"
	burst "$HA" $A4 $B4 4003 5001 5
	# The bridge has no address yet and routes all the same.
	expect_got B 5 62
	expect_counts "$GW1" Encrypted=0 Decrypted=0
	test_end

	test_begin "a bridge between hosts and gateway: all by the stack"
	lan_on br0
	both_ways 4004
	expect_counts "$GW1" Encrypted=0 ForwardDone=0
	test_end

	test_begin "a bridge in generic mode: all by the stack, for it hides tags"
	must in_ns "$GW1" ethtool -K br0 gro off
	must xx detach lan
	must xx attach br0 --mode generic
	both_ways 4004
	expect_counts "$GW1" Encrypted=0 PuntVlan=5
	must xx detach br0
	must xx attach lan
	configure "$GW1" "link del br0"
	lan_on lan
	test_end
}

# hook_of KIND DEV: a rule or program at its egress that drops ESP
hook_of()
{
	if [ "$1" = tc ]; then
		agent tcx_pass "ns=$GW1" dev="$2" hook=egress verdict=2
		return
	fi
	echo "table netdev t { chain c { type filter hook egress device \"$2\" priority 0; \
		meta protocol vlan counter drop; ip protocol esp counter drop; }; }" >"$TMP/rules"
	must in_ns "$GW1" nft -f "$TMP/rules"
}

unhook()
{
	if [ "$1" = tc ]; then
		agent xdp_off "ns=$GW1" dev="$2"
	else
		must in_ns "$GW1" nft flush ruleset
	fi
}

# port_hooked OUT: frames of the device OUT leave by wire; the hooks there are asked as those of
# OUT itself, at once, and when flows are learned.
port_hooked()
{
	local kind

	test_begin "rules and programs at the egress of a port of $1 are asked for every packet"
	for kind in nft tc; do
		both_ways 4010
		expect_counts "$GW1" Encrypted=5
		hook_of $kind wire
		agent clear name=B
		mark "$GW1"
		burst "$HA" $A4 $B4 4010 5001 5
		wait_for 5 counter_at_least "$GW1" PuntEgressHook 5
		expect_counts "$GW1" Encrypted=0 PuntEgressHook=5 LearnEgress=5
		burst "$HA" $A4 $B4 4011 5001 5
		wait_for 5 counter_at_least "$GW1" LearnEgress 10
		expect_counts "$GW1" Encrypted=0 FlowLearned=0 LearnEgress=10
		expect_got B 0
		unhook $kind wire
	done
	both_ways 4010
	expect_counts "$GW1" Encrypted=5
	test_end
}

bond()
{
	test_begin "a bond towards the gateway: encrypted fast, received by the stack"
	has bond BONDING bonding || return
	configure "$GW1" "link add bond0 type bond mode active-backup" "link set wire down" \
		"link set wire master bond0" "link set bond0 up"
	wire_on bond0
	both_ways 4005
	expect_counts "$GW1" Encrypted=5 Decrypted=0
	both_ways 4005 $A6 $B6
	expect_counts "$GW1" Encrypted=5 Decrypted=0
	test_end
	port_hooked "a bond"

	test_begin "a VLAN device on a bond: the same, tagged"
	configure "$GW1" "link add link bond0 name bond0.7 type vlan id 7" "link set bond0.7 up" \
		"addr flush dev bond0"
	configure "$GW2" "addr flush dev wire" "link add link wire name wire.7 type vlan id 7" \
		"link set wire.7 up" "addr add $GW2_4/24 dev wire.7" \
		"$(neigh wire.7 $GW1_4 $GW1_6 $MAC_GW1)" "route replace $NET_A4 via $GW1_4"
	wire_on bond0.7
	both_ways 4006
	expect_counts "$GW1" Encrypted=5 Decrypted=0
	test_end
	port_hooked "the bond below a VLAN device"

	test_begin "and back"
	configure "$GW1" "link del bond0.7"
	configure "$GW2" "link del wire.7" "addr add $GW2_4/24 dev wire" \
		"addr add $GW2_6/64 dev wire nodad" \
		"route replace $NET_A4 via $GW1_4" "route replace $NET_A6 via $GW1_6"
	wire_on bond0
	both_ways 4006
	expect_counts "$GW1" Encrypted=5 Decrypted=0
	test_end

	test_begin "XDP on the bond itself: received by the stack"
	must xx detach wire
	must xx attach bond0
	both_ways 4007
	expect_counts "$GW1" Decrypted=0
	must xx detach bond0
	configure "$GW1" "link del bond0" "link set wire up"
	must xx attach wire
	wire_on wire
	test_end
}

# HC has the address of A, and the same MAC; it is behind lan2, in a VRF of its own.
hc_create()
{
	agent sysctl "ns=$HC" net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.addr_gen_mode=1
	cat >"$TMP/batch" <<-END
	link add eth0 netns $HC address $MAC_A type veth peer name lan2 netns $GW1 address $MAC_LAN2
	END
	agent ip "file=$TMP/batch"
	agent offload "ns=$HC" dev=eth0 tx=off tso=off gso=off gro=on
	configure "$HC" "link set eth0 up" "addr add $A4/24 dev eth0" \
		"neigh replace $GW1_LAN4 lladdr $MAC_LAN2 dev eth0 nud permanent" \
		"route add default via $GW1_LAN4"
	configure "$GW1" "link set lan2 up"
	must xx attach lan2
}

vrf()
{
	test_begin "the same addresses in another VRF are not the flow"
	has vrf NET_VRF vrf table 99 || return
	hc_create
	both_ways 4008
	expect_counts "$GW1" Encrypted=5 Decrypted=5
	configure "$GW1" "link add blue type vrf table 20" "link set blue up" \
		"link set lan2 master blue" "addr add $GW1_LAN4/24 dev lan2" \
		"route add table 20 unreachable default metric 9999"
	agent clear name=B
	mark "$GW1"
	burst "$HC" $A4 $B4 4008 5001 5 errors=1
	# The stack limits the rate of its errors.
	expect_range "errors from the VRF without a route" "${R[icmp_n]}" 1 5
	expect_got B 0
	expect_counts "$GW1" Encrypted=0 FlowLearned=0
	both_ways 4008
	expect_counts "$GW1" Encrypted=5 Decrypted=5
	test_end

	test_begin "devices that move into a VRF: their flows end, the stack forwards within it"
	configure "$GW1" "link add red type vrf table 10" "link set red up" \
		"link set lan master red" "link set wire master red" \
		"addr replace $GW1_LAN6/64 dev lan nodad" "addr replace $GW1_6/64 dev wire nodad" \
		"$(neigh lan $A4 $A6 $MAC_A)" "$(neigh wire $GW2_4 $GW2_6 $MAC_GW2)" \
		"route add table 10 $NET_B4 via $GW2_4 dev wire" \
		"route add table 10 unreachable default metric 9999"
	both_ways 4008
	expect_counts "$GW1" Encrypted=0 Decrypted=0 FlowLearned=0
	mark "$GW1"
	burst "$HC" $A4 $B4 4008 5001 5 errors=1
	# Of which the limit may leave none.
	expect_range "errors from the other VRF" "${R[icmp_n]}" 0 5
	expect_got B 6
	expect_counts "$GW1" Encrypted=0
	test_end
}

plan 14
needs nft:nftables
setup
attach
sa_setup

no_transmit
macvlan
bridge_port
bond
vrf
