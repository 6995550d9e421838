#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# attach --plain: flows without any SA take the fast path, too, and are encrypted from
# the very packet on that a policy wants them to be.
#
#   HA ---- GW1 ---- wire ---- GW2 ---- HB
#        no SA at first       kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

no_ipsec()
{
	local ns

	for ns in "$GW1" "$GW2"; do
		configure "$ns" "xfrm state flush" "xfrm policy flush"
	done
	agent clear name=A
	agent clear name=B
}

not_asked_for()
{
	test_begin "without --plain nothing of it is learned"
	no_ipsec
	attach
	expect "status" "$(xx -j status | jq '.namespaces[0].plain')" false
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4000 5001 5
	expect_got B 5 62
	expect_counts "$GW1" FlowLearned=0 ForwardDone=0 LearnRoute=5
	expect_fail "attach --plain" xx attach lan wire --plain
	expect_match "reason" "$OUTPUT" "without --plain"
	detach
	test_end
}

asked_for()
{
	test_begin "attach --plain: the status says so, and all devices have to agree"
	attach lan --plain
	expect "status" "$(xx -j status | jq '.namespaces[0].plain')" true
	expect_match "status" "$(xx status)" "those without an SA, too"
	expect_fail "attach" xx attach wire
	expect_match "reason" "$OUTPUT" "with --plain"
	must xx attach wire lan --plain
	test_end
}

# both_ways FAMILY: what comes out of the wire is the packet, one hop later
both_ways()
{
	local family=$1 a=A$1 b=B$1 hops=ttl\ 63

	test_begin "IPv$family in the clear: the first packet teaches, nine are fast, both ways"
	[ "$family" = 4 ] || hops='hlim 63'
	no_ipsec
	capture_start
	mark "$GW1"
	burst "$HA" "${!a}" "${!b}" 4000 5001 1
	burst "$HB" "${!b}" "${!a}" 4000 5001 1
	agent got name=A n=1
	agent got name=B n=1
	expect_counts "$GW1" FlowLearned=2 ForwardDone=0
	burst "$HA" "${!a}" "${!b}" 4000 5001 9 first=1
	burst "$HB" "${!b}" "${!a}" 4000 5001 9 first=1
	expect_got B 10 62
	expect_got A 10 62
	expect_counts "$GW1" FlowLearned=2 ForwardDone=18 Encrypted=0 Decrypted=0
	capture_sync
	expect_wire "frames from GW1 to GW2" 10 "ether src $MAC_GW1 and ether dst $MAC_GW2 and \
		src host ${!a} and dst host ${!b} and udp dst port 5001"
	expect "of these with $hops" "$(wire_text "src host ${!a}" | grep -c "$hops")" 10
	capture_stop
	test_end
}

limits()
{
	test_begin "TTL and size: the stack answers, as it does without the fast path"
	no_ipsec
	configure "$GW1" "route replace $NET_B4 via $GW2_4 mtu 1400"
	burst "$HA" "$A4" "$B4" 4001 5001 1
	agent got name=B n=1
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4001 5001 1 ttl=1 errors=1
	expect "ICMP" "${R[icmp]}" "11/0/0/$GW1_LAN4"
	burst "$HA" "$A4" "$B4" 4001 5001 1 size=1401 errors=1
	expect "ICMP" "${R[icmp]}" "3/4/1400/$GW1_LAN4"
	expect_counts "$GW1" PuntTtl=1 PuntMtu=1 ForwardDone=0
	configure "$GW1" "route replace $NET_B4 via $GW2_4"
	test_end
}

# Plaintext of a plain flow does not pass once ESP is asked for, nor before it is.
policy_added()
{
	local plain

	test_begin "a policy that wants ESP is obeyed by the next packet"
	no_ipsec
	capture_start
	burst "$HA" "$A4" "$B4" 4002 5001 1
	agent got name=B n=1
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4002 5001 9 first=1
	expect_got B 10
	expect_counts "$GW1" ForwardDone=9
	sa_setup
	capture_sync
	plain=$(wire "src host $A4")
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4002 5001 5 first=10
	expect_got B 15 62
	expect_counts "$GW1" ForwardDone=0 Encrypted=4
	capture_sync
	expect "frames in the clear" "$(wire "src host $A4")" "$plain"
	expect_wire "frames of ESP" 5 "ip proto 50 and src host $GW1_4"
	# And the plaintext that is now refused on its way in.
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src="$B4" dst="$A4" \
		sport=4000 dport=5001 n=5
	wait_for 5 counter_at_least "$GW1" XfrmInTmplMismatch 5
	expect_counts "$GW1" XfrmInTmplMismatch=5 ForwardDone=0
	capture_stop
	test_end
}

policy_deleted()
{
	test_begin "and when the policies go, the flow is plain again"
	no_ipsec
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4002 5001 5
	expect_got B 5 62
	expect_counts "$GW1" ForwardDone=4 Encrypted=0
	test_end
}

# optional LABEL COMMAND…: in the clear, for the policy's only template is optional; then
# COMMAND brings its SA. So does the kernel alone, first.
SPI_OPTIONAL=0x3001
optional()
{
	local tmpl="tmpl proto esp reqid 9 mode transport level use" fast plain

	test_begin "a template that was optional is obeyed by the next packet: $1"
	for fast in no yes; do
		no_ipsec
		configure "$HB" "xfrm state flush"
		[ $fast = yes ] || detach
		configure "$GW1" "xfrm policy add src $A4 dst $B4 dir out $tmpl"
		[ $fast = no ] || attach lan wire --plain
		capture_start "optional-$fast"
		burst "$HA" "$A4" "$B4" 4003 5001 1
		agent got name=B n=1
		mark "$GW1"
		burst "$HA" "$A4" "$B4" 4003 5001 9 first=1
		expect_got B 10 62
		[ $fast = no ] || expect_counts "$GW1" ForwardDone=9
		capture_sync
		expect_wire "frames in the clear" 10 "src host $A4 and udp"
		STATE="src $A4 dst $B4 proto esp spi $SPI_OPTIONAL reqid 9 mode transport ${ALGO[gcm128]}"
		configure "$HB" "xfrm state add $STATE"
		"${@:2}"
		mark "$GW1"
		burst "$HA" "$A4" "$B4" 4003 5001 5 first=10
		expect_got B 15 62
		[ $fast = no ] || expect_counts "$GW1" ForwardDone=0 Encrypted=4
		capture_sync
		expect_wire "frames in the clear" 10 "src host $A4 and udp"
		expect_wire "frames of ESP" 5 "ip proto 50 and src host $A4"
		capture_stop
	done
	configure "$HB" "xfrm state flush"
	test_end
}

sa_added() { configure "$GW1" "xfrm state add $STATE"; }

larval_sa_filled()
{
	configure "$GW1" "xfrm state allocspi src $A4 dst $B4 proto esp reqid 9 mode transport \
			min $SPI_OPTIONAL max $SPI_OPTIONAL" \
		"xfrm state update $STATE"
}

# One that the module has not been told of.
policy_before_module()
{
	local STATE="src $A4 dst $B4 proto esp spi $SPI_OPTIONAL reqid 9 mode transport ${ALGO[gcm128]}"

	test_begin "a policy that was there before the module: its optional template, too"
	no_ipsec
	detach
	must modprobe -r xfrm_xdp
	configure "$GW1" "xfrm policy add src $A4 dst $B4 dir out \
		tmpl proto esp reqid 9 mode transport level use"
	attach lan wire --plain
	burst "$HA" "$A4" "$B4" 4004 5001 10
	expect_got B 10 62
	mark "$GW1"
	configure "$GW1" "xfrm state add $STATE"
	burst "$HA" "$A4" "$B4" 4004 5001 5
	# HB has no such SA.
	expect_counts "$GW1" ForwardDone=0 Encrypted=4
	test_end
}

# Another template is optional: of that SA alone the policy can do without.
required_and_optional()
{
	local comp="src $A4 dst $B4 proto comp"

	test_begin "an SA that no policy has optional ends no flow; one that a policy has does"
	no_ipsec
	sa_setup
	configure "$GW1" "xfrm policy add src $A4 dst $B4 dir out \
		tmpl $comp reqid 8 mode transport level use \
		tmpl src $GW1_4 dst $GW2_4 proto esp reqid 1 mode tunnel"
	burst "$HA" "$A4" "$B4" 4005 5001 1
	agent got name=B n=1
	mark "$GW1"
	sa_state "$GW1_4" "$GW2_4" 0x7777 gcm128 off 64
	configure "$GW1" "${STATE/reqid 1/reqid 7}"
	burst "$HA" "$A4" "$B4" 4005 5001 3 first=1
	agent got name=B n=4
	expect_counts "$GW1" Encrypted=3 PuntPolicy=0
	mark "$GW1"
	configure "$GW1" "xfrm state add $comp spi 0x77 reqid 8 mode transport comp deflate"
	burst "$HA" "$A4" "$B4" 4005 5001 3 first=4
	wait_for 5 counter_at_least "$GW1" LearnRoute 3
	expect_counts "$GW1" Encrypted=0 PuntPolicy=1 LearnRoute=3
	test_end
}

# behind_router N: of each family from B's net, which has a gateway
behind_router()
{
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src="$B4" \
		dst=203.0.114.2 sport=4000 dport=5001 n="$1"
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src="$B6" \
		dst=2001:db8:c::2 sport=4000 dport=5001 n="$1"
}

# One device for both: the stack tells a neighbour of the better way, and nobody else.
same_device()
{
	test_begin "by the device that it came by: not where the stack sends redirects"
	no_ipsec
	configure "$GW1" "route add 203.0.114.0/24 via $GW2_4" \
		"neigh replace fe80::2 lladdr $MAC_GW2 dev wire nud permanent" \
		"route add 2001:db8:c::/64 via fe80::2 dev wire"
	configure "$GW2" "route add blackhole 203.0.114.0/24" "route add blackhole 2001:db8:c::/64"
	mark "$GW1"
	# From a neighbour: learned by nobody.
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src=192.0.2.77 \
		dst=203.0.114.2 sport=4000 dport=5001 n=5
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src=2001:db8:f::77 \
		dst=2001:db8:c::2 sport=4000 dport=5001 n=5
	wait_for 5 counter_at_least "$GW1" LearnRoute 5
	expect_counts "$GW1" FlowLearned=0 ForwardDone=0 LearnRoute=5
	# These, and the redirects.
	expect_range "LearnNotForwarded" "$(since "$GW1" LearnNotForwarded)" 6 15
	# From behind a router of that link nobody is told anything.
	behind_router 1
	wait_for 5 counter_at_least "$GW1" FlowLearned 2
	behind_router 5
	wait_for 5 counter_at_least "$GW1" ForwardDone 10
	expect_counts "$GW1" FlowLearned=2 ForwardDone=10
	test_end
}

plan 12
needs jq:jq
setup
not_asked_for
asked_for
both_ways 4
both_ways 6
limits
policy_added
policy_deleted
optional "an SA is added" sa_added
optional "a larval SA is filled in" larval_sa_filled
policy_before_module
required_and_optional
same_device
