#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# xfrm interfaces: GW1 routes by xfrm0 instead of by addresses, GW2 is the kernel with
# plain policies. Both ways are fast, and the interface counts what it carries.
#
#   HA ---- GW1 ---- xfrm0 ==== wire ==== GW2 ---- HB
#        TCP server  if_id 42             kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# GW1 once more, with its SAs and policies behind xfrm0.
iface_setup()
{
	local line

	sa_setup "$@"
	sa_state "$GW1_4" "$GW2_4" "$SPI_AB" gcm128 off 64 "if_id 42"
	line=$STATE
	sa_state "$GW2_4" "$GW1_4" "$SPI_BA" gcm128 off 64 "if_id 42"
	sa_policies "$GW1_4" "$GW2_4" NET_A NET_B
	configure "$GW1" "xfrm state flush" "xfrm policy flush" "$line" "$STATE" \
		"${POLICIES//priority 1000/priority 1000 if_id 42}"
}

# iface_stats: STATS[rx_packets|rx_bytes|rx_errors|tx_packets|tx_bytes|tx_errors] of xfrm0
declare -A STATS=()
iface_stats()
{
	local key value

	STATS=()
	while read -r key value; do
		STATS[$key]=$value
	done < <(in_ns "$GW1" ip -j -s link show dev xfrm0 | jq -r '.[0].stats64 |
		(.rx | to_entries[] | "rx_\(.key) \(.value)"),
		(.tx | to_entries[] | "tx_\(.key) \(.value)")')
}

# both_ways A B SPORT HLEN: the first packet of each direction teaches, nine more are fast
both_ways()
{
	local a=$1 b=$2 sport=$3 hlen=$4

	agent clear name=A
	agent clear name=B
	burst "$HA" "$a" "$b" "$sport" 5001 1
	burst "$HB" "$b" "$a" "$sport" 5001 1
	agent got name=B n=1
	agent got name=A n=1
	iface_stats
	local rx=${STATS[rx_packets]} tx=${STATS[tx_packets]}
	local rx_bytes=${STATS[rx_bytes]} tx_bytes=${STATS[tx_bytes]}
	mark "$GW1" "$GW2"
	burst "$HA" "$a" "$b" "$sport" 5001 9 first=1
	burst "$HB" "$b" "$a" "$sport" 5001 9 first=1
	expect_got B 10 62
	expect_got A 10 62
	expect_counts "$GW1" Encrypted=9 Decrypted=9 ForwardDone=9 FlowLearned=0 Restored=0
	expect_no_errors "$GW1" "$GW2"
	iface_stats
	expect "packets sent by xfrm0" $((STATS[tx_packets] - tx)) 9
	expect "packets received by xfrm0" $((STATS[rx_packets] - rx)) 9
	expect "bytes sent" $((STATS[tx_bytes] - tx_bytes)) $((9 * (hlen + 8 + 64)))
	expect "bytes received" $((STATS[rx_bytes] - rx_bytes)) $((9 * (hlen + 8 + 64)))
}

test_both_ways()
{
	test_begin "IPv$1 through an xfrm interface: both ways fast, counters move"
	both_ways "${2}" "${3}" 4000 "$4"
	test_end
}

local_delivery()
{
	test_begin "TCP to GW1's own address comes in by the xfrm interface"
	cat >"$TMP/rules" <<-END
	table inet t {
		chain c {
			type filter hook input priority 0
			tcp dport 7777 iifname "xfrm0" meta secpath exists counter comment "xfrm0"
			tcp dport 7777 iifname != "xfrm0" counter comment "other"
		}
	}
	END
	must in_ns "$GW1" nft -f "$TMP/rules"
	mark "$GW1" "$GW2"
	transfer 7777 "$GW1_LAN4" "$B4" "$HB" 100000
	counters "$GW1"
	expect_range "decrypted in XDP" "$(since "$GW1" Decrypted)" 60 1000
	expect_range "restored" "$(since "$GW1" Restored)" 1 1000
	expect_count "$GW1" ForwardDone 0
	expect_no_errors "$GW1" "$GW2"
	expect_match "nft saw xfrm0 and the sec_path" "$(in_ns "$GW1" nft list ruleset)" \
		'counter packets [1-9].*"xfrm0".*counter packets 0 .*"other"'
	must in_ns "$GW1" nft flush ruleset
	test_end
}

# What the interface receives is its own: the tc program may still write to the packet.
written_after_restore()
{
	local evil=/sys/fs/bpf/$NS_PREFIX-write

	test_begin "what tc writes to a packet that the interface has received"
	both_ways "$A4" "$B4" 4005 20
	must bpftool prog load "$XFRM_XDP_BPF/lib/restore_write.bpf.o" "$evil"
	agent xdp_program "link=$(pins)/tc-wire" program="$evil"
	rm "$evil"
	mark "$GW1" "$GW2"
	# Flows that are not known: each goes up the stack, and on from there.
	burst "$HB" "$B4" "$A4" 4006 5001 1 first=10
	burst "$HB" "$B4" "$A4" 4007 5001 1 first=11
	burst "$HB" "$B4" "$A4" 4008 5001 1 first=12
	expect_got A 13 62
	expect_counts "$GW1" Decrypted=3 Restored=3 ForwardDone=0
	agent xdp_program "link=$(pins)/tc-wire" program="$(pins)/prog-tc"
	expect_no_errors "$GW1" "$GW2"
	test_end
}

# changed LABEL COUNTER COMMAND…: after it no packet takes the fast path
changed()
{
	local label=$1 counter=$2

	shift 2
	test_begin "$label"
	both_ways "$A4" "$B4" 4002 20
	configure "$GW1" "$@"
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4002 5001 5 first=10
	wait_for 5 counter_at_least "$GW1" "$counter" 1
	expect_counts "$GW1" Encrypted=0
	expect_got B 10
	test_end
}

route_away()
{
	test_begin "a route around the interface: the next packet goes there"
	both_ways "$A4" "$B4" 4003 20
	mark "$GW1"
	configure "$GW1" "route replace $NET_B4 via $GW2_4 dev wire"
	burst "$HA" "$A4" "$B4" 4003 5001 3 first=10
	# No policy without the if_id: it leaves in the clear, as without the fast path.
	expect_counts "$GW1" Encrypted=0 OutputDone=0
	configure "$GW1" "route replace $NET_B4 dev xfrm0"
	test_end
}

corrupt()
{
	test_begin "a broken ICV is an error of the interface"
	both_ways "$A4" "$B4" 4004 20
	iface_stats
	local errors=${STATS[rx_errors]} dropped=${STATS[rx_dropped]} seq
	mark "$GW1"
	for seq in 1000 1001 1002; do
		agent esp "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src="$GW2_4" \
			dst="$GW1_4" spi="$SPI_BA" seq=$seq key="$KEY128$SALT" isrc="$B4" \
			idst="$A4" sport=4004 dport=5001 flip=-1
	done
	wait_for 5 counter_at_least "$GW1" XfrmInStateProtoError 3
	expect_counts "$GW1" DropIcv=3
	iface_stats
	expect "errors" $((STATS[rx_errors] - errors)) 3
	expect "drops" $((STATS[rx_dropped] - dropped)) 3
	test_end
}

plan 7
needs nft:nftables jq:jq bpftool:bpftool
setup
attach
configure "$GW1" "link add xfrm0 type xfrm dev wire if_id 42" "link set xfrm0 up" \
	"route replace $NET_B4 dev xfrm0" "route replace $NET_B6 dev xfrm0"
iface_setup

test_both_ways 4 "$A4" "$B4" 20
test_both_ways 6 "$A6" "$B6" 40
local_delivery
written_after_restore
corrupt
route_away
changed "an interface that is down sends nothing" LearnNotForwarded "link set xfrm0 down"
