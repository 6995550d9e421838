#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two packets of the same addresses and ports need not be treated alike: routes may
# depend on the TOS, and what leaves need not be what arrived, where rules rewrite it.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#     rules by TOS,          kernel
#     and that rewrite

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

nft_gw1()
{
	must in_ns "$GW1" nft flush ruleset
	[ $# -eq 0 ] || { echo "$*" >"$TMP/rules"; must in_ns "$GW1" nft -f "$TMP/rules"; }
}

fresh()
{
	sa_setup
	agent clear name=A
	agent clear name=B
	mark "$GW1" "$GW2"
}

# crafted DIR FAMILY FIRST N TOS: N datagrams numbered from FIRST on; from HB they are
# encrypted by GW2
crafted()
{
	local a=A$2 b=B$2

	if [ "$1" = out ]; then
		agent craft "ns=$HA" dev=eth0 smac=$MAC_A dmac=$MAC_GW1_LAN "src=${!a}" \
			"dst=${!b}" sport=4000 dport=5001 "first=$3" "n=$4" "tos=$5"
	else
		agent craft "ns=$HB" dev=eth0 smac=$MAC_B dmac=$MAC_GW2_LAN "src=${!b}" \
			"dst=${!a}" sport=4000 dport=5001 "first=$3" "n=$4" "tos=$5"
	fi
}

# routed DIR FAMILY: TOS 0x10 goes nowhere
routed()
{
	local dir=$1 family=$2 sink=B done=Encrypted

	[ "$dir" = out ] || sink=A done=ForwardDone
	test_begin "$dir, IPv$family: a route by TOS holds for a flow of another TOS"
	fresh
	ip -n "$GW1" "-$family" rule add tos 0x10 lookup 100
	ip -n "$GW1" "-$family" route add blackhole default table 100
	crafted "$dir" "$family" 0 3 0
	expect_got $sink 3
	crafted "$dir" "$family" 3 3 0x10
	crafted "$dir" "$family" 6 2 0
	expect_got $sink 5
	expect_counts "$GW1" $done=4
	ip -n "$GW1" "-$family" rule del tos 0x10 lookup 100
	ip -n "$GW1" "-$family" route flush table 100
	test_end
}

# The ECN bits are no part of it: routers change them.
one_flow_each()
{
	test_begin "$1, IPv$2: each DSCP is a flow, whatever its ECN bits"
	fresh
	crafted "$1" "$2" 0 2 0x00
	crafted "$1" "$2" 2 2 0xb8
	crafted "$1" "$2" 4 3 0xba
	crafted "$1" "$2" 7 3 0x01
	if [ "$1" = out ]; then
		expect_got B 10
		expect_counts "$GW1" FlowLearned=2 Encrypted=8
	else
		expect_got A 10
		# The SA, too.
		expect_counts "$GW1" FlowLearned=3 ForwardDone=8
	fi
	expect_no_errors "$GW1" "$GW2"
	test_end
}

# The flow of what was rewritten looks like that of packets that a rule drops.
rewritten_address()
{
	test_begin "packets that a rule sends to another address teach nothing, and open no door"
	fresh
	nft_gw1 "table ip t { chain c { type filter hook prerouting priority -300; \
		ip daddr 203.0.113.99 counter ip daddr set $B4 accept; \
		iifname lan ip daddr $B4 udp dport 5001 counter drop; }; }"
	agent craft "ns=$HA" dev=eth0 smac=$MAC_A dmac=$MAC_GW1_LAN "src=$A4" \
		dst=203.0.113.99 sport=4000 dport=5001 first=0 n=3
	expect_got B 3
	crafted out 4 3 3 0
	agent craft "ns=$HA" dev=eth0 smac=$MAC_A dmac=$MAC_GW1_LAN "src=$A4" \
		dst=203.0.113.99 sport=4000 dport=5001 first=6 n=2
	expect_got B 5
	expect_counts "$GW1" FlowLearned=0 Encrypted=0 LearnChanged=5
	nft_gw1
	test_end
}

# rewritten WHAT STATEMENT: in the stack only, so the stack has to go on doing it
rewritten()
{
	test_begin "what a rule makes of $1 is made of every packet"
	fresh
	nft_gw1 "table ip t { chain c { type filter hook forward priority 0; \
		udp dport 5001 counter $2; }; }"
	burst "$HA" "$A4" "$B4" 4000 5001 5
	burst "$HB" "$B4" "$A4" 4000 5001 5
	expect_got B 5
	expect_got A 5
	expect_counts "$GW1" Encrypted=0 ForwardDone=0
	expect_range "not learned" "$(since "$GW1" LearnChanged)" 10 10
	expect_match "rule" "$(in_ns "$GW1" nft list ruleset)" "counter packets 10 "
	nft_gw1
	test_end
}

plan 10
setup
sa_setup
attach
routed out 4
routed in 4
routed out 6
routed in 6
one_flow_each out 4
one_flow_each in 6
rewritten_address
rewritten "the TTL" "ip ttl set 17"
rewritten "the DSCP" "ip dscp set cs3"
rewritten "a port" "udp sport set 4444"
