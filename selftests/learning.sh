#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What becomes a flow and what must not: only packets that the stack has really
# forwarded through an SA teach one. Rules, NAT, marks and the like: who_may.sh. What then
# looks like them: attacks.sh.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path            kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# fresh [OPTION…]: new SAs, nothing learned, sinks empty
fresh()
{
	sa_setup "$@"
	agent clear name=A
	agent clear name=B
	mark "$GW1" "$GW2"
}

first_and_second()
{
	local family=$1 a=A$1 b=B$1

	test_begin "IPv$family: the first packet teaches, the second is fast, both ways"
	fresh
	burst "$HA" "${!a}" "${!b}" 4000 5001 1
	expect_got B 1
	expect_counts "$GW1" FlowLearned=1 Encrypted=0
	burst "$HA" "${!a}" "${!b}" 4000 5001 1 first=1
	expect_got B 2
	expect_counts "$GW1" FlowLearned=1 Encrypted=1
	# The way back: the SA and the flow.
	burst "$HB" "${!b}" "${!a}" 4000 5001 1
	expect_got A 1
	expect_counts "$GW1" FlowLearned=3 Decrypted=0 ForwardDone=0
	burst "$HB" "${!b}" "${!a}" 4000 5001 1 first=1
	expect_got A 2
	expect_counts "$GW1" FlowLearned=3 Decrypted=1 ForwardDone=1
	test_end
}

echo_flows()
{
	test_begin "IPv$1: ping learns request and reply, nothing is lost"
	fresh
	# One after the other, each when the one before is answered.
	expect_ok "ten echoes" in_ns "$HA" ping -q -A -c 10 -W 10 "$2"
	expect_match "ping" "$OUTPUT" "10 packets transmitted, 10 received"
	# Request, SA and reply.
	expect_counts "$GW1" FlowLearned=3 Encrypted=9 Decrypted=9 ForwardDone=9
	test_end
}

local_plain()
{
	test_begin "what is for GW1 itself teaches nothing"
	fresh
	agent clear name=GW1
	burst "$HA" "$A4" "$GW1_LAN4" 4000 5002 5
	expect_got GW1 5
	expect_counts "$GW1" FlowLearned=0 FlowRenewed=0 Encrypted=0
	test_end
}

local_esp()
{
	test_begin "what is for GW1 itself and came by ESP teaches the SA only"
	fresh
	agent clear name=GW1
	burst "$HB" "$B4" "$GW1_LAN4" 4000 5002 1
	agent got name=GW1 n=1
	expect_counts "$GW1" FlowLearned=1 Decrypted=0
	burst "$HB" "$B4" "$GW1_LAN4" 4000 5002 4 first=1
	expect_got GW1 5
	expect_counts "$GW1" FlowLearned=1 Decrypted=4 Restored=4 ForwardDone=0
	test_end
}

# An inbound SA that is found by mark: rules that set one come after XDP. The stack
# decrypts by it, and says so with each packet.
other_kind_of_sa()
{
	test_begin "an SA of a kind that the fast path does not take is the stack's"
	sa_setup in="mark 0x0 mask 0xff"
	agent clear name=A
	mark "$GW1" "$GW2"
	burst "$HB" "$B4" "$A4" 4000 5001 5
	expect_got A 5 62
	expect_counts "$GW1" LearnSaKind=5 FlowLearned=0 Decrypted=0
	expect_no_errors "$GW1" "$GW2"
	test_end
}

# esp4_offload decrypts while it merges, before the stack's IP layer: no rule at LOCAL_IN sees
# the ESP. esp6_offload does the same.
decrypted_in_gro()
{
	local family=$1 a=A$1 b=B$1 label="IPv$1: what esp$1_offload decrypted teaches as well"

	if ! modprobe -q -n "esp${family}_offload"; then
		test_skip "$label" "this kernel has no CONFIG_INET${family#4}_ESP_OFFLOAD"
		return
	fi
	test_begin "$label"
	fresh "outer=$family"
	agent offload "ns=$GW1" dev=wire gro=on
	must in_ns "$GW1" nft -f - <<<"table inet t { chain c { type filter hook input priority 0;
		meta l4proto esp counter; }; }"
	at_exit "modprobe -q -r esp${family}_offload"
	must modprobe "esp${family}_offload"
	burst "$HB" "${!b}" "${!a}" 4000 5001 1
	expect_got A 1
	expect_counts "$GW1" FlowLearned=2 Decrypted=0
	burst "$HB" "${!b}" "${!a}" 4000 5001 5 first=1
	expect_got A 6
	expect_counts "$GW1" Decrypted=5 ForwardDone=5
	expect "ESP that LOCAL_IN has seen" \
		"$(in_ns "$GW1" nft -j list table inet t | jq '.nftables[].rule.expr[]?.counter.packets // empty')" 0
	must modprobe -r "esp${family}_offload"
	must in_ns "$GW1" nft delete table inet t
	agent offload "ns=$GW1" dev=wire gro=off
	expect_no_errors "$GW1" "$GW2"
	test_end
}

plan 9
needs ping:iputils-ping nft:nftables jq
setup
agent sink name=GW1 "ns=$GW1" port=5002
attach

first_and_second 4
first_and_second 6
echo_flows 4 "$B4"
echo_flows 6 "$B6"
local_plain
local_esp
other_kind_of_sa
decrypted_in_gro 4
decrypted_in_gro 6
