#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Decrypted in XDP, but not to be forwarded there: the packet goes up the stack
# with metadata that the tc program turns into a sec_path, so that inbound policy,
# local delivery, forwarding and nft see it as decrypted. Metadata that somebody
# else wrote gets nobody in.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#        TCP server     ^      kernel   TCP client
#                       plaintext is injected here

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

local_tcp()
{
	local dst=$1 src=$2 size=200000 sha

	test_begin "TCP to GW1's own $dst, by ESP"
	sa_setup
	mark "$GW1" "$GW2"
	agent tcp_serve name=T "ns=$GW1" addr="$dst" port=7777
	agent tcp_send "ns=$HB" src="$src" dst="$dst" port=7777 size=$size
	sha=${R[sha256]}
	agent tcp_got name=T
	expect "bytes" "${R[total]}" $size
	expect "what arrived" "${R[sha256]}" "$sha"
	expect "closed" "${R[closed]}" 1
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

local_plain_refused()
{
	test_begin "plaintext to GW1's own address is refused by the inbound policy"
	mark "$GW1"
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" \
		src="$B4" dst="$GW1_LAN4" sport=4000 dport=5002 n=5
	wait_for 5 counter_at_least "$GW1" XfrmInTmplMismatch 5
	expect_counts "$GW1" XfrmInTmplMismatch=5 Restored=0
	expect_got GW1 0
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

# forged WHAT HANDLE: metadata in our format, from a program that decrypted nothing
forged()
{
	local what=$1 handle=$2

	test_begin "forged metadata with $what opens no door"
	expect_match "a handle to forge with" "$handle" '^0x[1-9a-f]'
	agent clear name=A
	mark "$GW1"
	agent xdp_forge "ns=$GW1" dev=wire magic=0x58465250 sa="$handle" proof=0x0123456789abcdef
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" \
		src="$B4" dst="$A4" sport=4000 dport=5001 n=5 ttl=63
	wait_for 5 counter_at_least "$GW1" RestoreForged 5
	expect_counts "$GW1" RestoreForged=5 Restored=0 ForwardDone=0 FlowLearned=0
	expect_got A 0
	agent xdp_off "ns=$GW1" dev=wire
	test_end
}

plan 6
needs nft:nftables
setup
agent sink name=GW1 "ns=$GW1" port=5002
attach

local_tcp "$GW1_LAN4" "$B4"
local_tcp "$GW1_LAN6" "$B6"
local_plain_refused
unknown_inner_flow

# Somebody with the right to load XDP programs takes ours away, not tc's.
agent sa_handle path="$(pins)/flows"
LIVE=${R[handle]}
rm -f "$(pins)/xdp-wire"
forged "the handle of a live SA" "$LIVE"
forged "a handle of nothing" 0x123456789
