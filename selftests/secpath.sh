#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Decrypted in XDP, but not to be forwarded there: the packet goes up the stack
# with metadata that the tc program turns into a sec_path, so that inbound policy,
# local delivery, forwarding and nft see it as decrypted. Metadata that somebody
# else wrote: attacks.sh.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#        TCP server            kernel   TCP client

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

local_tcp()
{
	local dst=$1 src=$2

	test_begin "TCP to GW1's own $dst, by ESP"
	sa_setup
	mark "$GW1" "$GW2"
	transfer 7777 "$dst" "$src" "$HB" 200000
	counters "$GW1"
	# 200 kB are at least 137 segments; the first ones teach the SA.
	expect_range "decrypted in XDP" "$(since "$GW1" Decrypted)" 137 1000
	# GRO has merged some of them before.
	expect_range "restored" "$(since "$GW1" Restored)" 1 "$(since "$GW1" InputDone)"
	expect_count "$GW1" ForwardDone 0
	expect_count "$GW1" RestoreForged 0
	# GW2 tells B the MTU; for IPv6 the kernel counts that as an error.
	expect_no_errors "$GW1" "$GW2" except XfrmOutStateModeError
	test_end
}

unknown_inner_flow()
{
	test_begin "an unknown inner flow of a known SA is forwarded by the stack, once"
	sa_setup
	agent clear name=A
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	cat >"$TMP/rules" <<-END
	table inet t {
		chain c {
			type filter hook forward priority 0
			meta secpath exists udp dport 5001 counter comment "secpath"
			meta secpath missing udp dport 5001 counter comment "none"
		}
	}
	END
	must in_ns "$GW1" nft -f "$TMP/rules"
	mark "$GW1"
	burst "$HB" "$B4" "$A4" 4001 5001 1 first=1
	expect_got A 2 62
	expect_counts "$GW1" Decrypted=1 Restored=1 FlowLearned=1 ForwardDone=0
	burst "$HB" "$B4" "$A4" 4001 5001 9 first=2
	expect_got A 11 62
	expect_counts "$GW1" Decrypted=10 Restored=1 FlowLearned=1 ForwardDone=9
	expect_no_errors "$GW1"
	expect_match "nft saw the one packet with its sec_path" "$(in_ns "$GW1" nft list ruleset)" \
		'counter packets 1 .*"secpath".*counter packets 0 .*"none"'
	must in_ns "$GW1" nft flush ruleset
	test_end
}

plan 3
needs nft:nftables
setup
attach

local_tcp "$GW1_LAN4" "$B4"
local_tcp "$GW1_LAN6" "$B6"
unknown_inner_flow
