#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# 802.1Q: XDP runs at lan and wire, the stack uses lan.5 and wire.7. Frames with the
# right tag are fast both ways; what has another tag, two of them, or one of 802.1ad is
# the stack's, and so is what has its tag beside the frame.
#
#   HA ------------ GW1 ============ wire ============ GW2 ---- HB
#   eth0 ------- lan   wire ------- g1--g2 ----------- wire     kernel
#   eth0.5 ~~~ lan.5   wire.7 ~~~~~~~~~~~~~~~~~~~~~~~~ wire.7
#
# Each side is tagged for some of the tests only; its addresses move then.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Of its own, for it is this address that counts, not that of lan.
MAC_LAN5=02:00:00:00:05:01

# tags_in_frames: as on a wire. Between veths they would travel beside the frames.
tags_in_frames()
{
	local dev

	for dev in "$HA/eth0" "$GW1/lan" "$GW1/wire" "$WIRE/g1" "$WIRE/g2" "$GW2/wire"; do
		must in_ns "${dev%/*}" ethtool -K "${dev#*/}" txvlan off tx-vlan-stag-hw-insert off
	done
}

# lan_on DEV MAC: A's network is behind this device of GW1; A's own is eth0 or eth0.5
lan_on()
{
	local suffix=${1#lan}

	configure "$HA" "addr add $A4/24 dev eth0$suffix" "addr add $A6/64 dev eth0$suffix nodad" \
		"$(neigh "eth0$suffix" $GW1_LAN4 $GW1_LAN6 "$2")" \
		"route replace default via $GW1_LAN4" "route replace default via $GW1_LAN6"
	configure "$GW1" "addr add $GW1_LAN4/24 dev $1" "addr add $GW1_LAN6/64 dev $1 nodad" \
		"$(neigh "$1" $A4 $A6 $MAC_A)"
}

lan_tagged()
{
	configure "$HA" "addr flush dev eth0" "link add link eth0 name eth0.5 type vlan id 5" \
		"link set eth0.5 up"
	configure "$GW1" "addr flush dev lan" \
		"link add link lan name lan.5 address $MAC_LAN5 type vlan id 5" "link set lan.5 up"
	lan_on lan.5 $MAC_LAN5
}

# wire_on DEV: the gateways meet on this device
wire_on()
{
	configure "$GW1" "addr add $GW1_4/24 dev $1" "addr add $GW1_6/64 dev $1 nodad" \
		"$(neigh "$1" $GW2_4 $GW2_6 $MAC_GW2)" \
		"route replace $NET_B4 via $GW2_4" "route replace $NET_B6 via $GW2_6"
	configure "$GW2" "addr add $GW2_4/24 dev $1" "addr add $GW2_6/64 dev $1 nodad" \
		"$(neigh "$1" $GW1_4 $GW1_6 $MAC_GW1)" \
		"route replace $NET_A4 via $GW1_4" "route replace $NET_A6 via $GW1_6"
}

wire_tagged()
{
	local ns

	for ns in "$GW1" "$GW2"; do
		configure "$ns" "addr flush dev wire" \
			"link add link wire name wire.7 type vlan id 7" "link set wire.7 up"
	done
	wire_on wire.7
}

wire_untagged()
{
	configure "$GW1" "link del wire.7"
	configure "$GW2" "link del wire.7"
	wire_on wire
}

# vlan_stats DEV: STATS[rx_packets|rx_bytes|tx_packets|tx_bytes] of a device of GW1
declare -A STATS=()
vlan_stats()
{
	local key value

	STATS=()
	while read -r key value; do
		STATS[$key]=$value
	done < <(in_ns "$GW1" ip -j -s link show dev "$1" | jq -r '.[0].stats64 |
		(.rx | to_entries[] | "rx_\(.key) \(.value)"),
		(.tx | to_entries[] | "tx_\(.key) \(.value)")')
}

# teach SPORT A B: the first packet of each direction goes by the stack
teach()
{
	agent clear name=A
	agent clear name=B
	burst "$HA" "$2" "$3" "$1" 5001 1
	agent got name=B n=1
	burst "$HB" "$3" "$2" "$1" 5001 1
	agent got name=A n=1
}

# both_ways SPORT A B: teaches, and nine more each way are fast; of these $FORWARDED are
# forwarded without the stack
FORWARDED=9
both_ways()
{
	teach "$@"
	mark "$GW1" "$GW2"
	burst "$HA" "$2" "$3" "$1" 5001 9 first=1
	expect_got B 10 62
	burst "$HB" "$3" "$2" "$1" 5001 9 first=1
	expect_got A 10 62
	expect_counts "$GW1" Encrypted=9 Decrypted=9 ForwardDone="$FORWARDED" FlowLearned=0 \
		Restored=0 PuntVlan=0
	expect_no_errors "$GW1" "$GW2"
}

# Sizes to the last byte that fits: the headers of a tagged frame are longer.
large()
{
	agent clear name=A
	agent clear name=B
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4000 5001 3 size=1400
	burst "$HB" "$B4" "$A4" 4000 5001 3 size=1400
	expect_got B 3 62
	expect_got A 3 62
	expect_counts "$GW1" Encrypted=3 Decrypted=3 ForwardDone=$((FORWARDED / 3))
}

test_both_ways()
{
	local family=$1 a=A$1 b=B$1

	test_begin "IPv$family, $2"
	both_ways 4000 "${!a}" "${!b}"
	[ "$family" = 6 ] || large
	test_end
}

wire_tags()
{
	test_begin "every ESP frame on the wire has the tag, with no priority"
	capture_sync
	expect_range "tagged ESP" "$(wire "vlan 7 and esp")" 40 200
	# With "vlan" in the filter offsets move: "esp" alone is of untagged frames.
	expect_wire "untagged ESP" 0 esp
	expect "tags" "$(tcpdump -enr "$CAPTURE" "vlan and esp" 2>/dev/null |
		grep -o 'vlan [0-9]*, p [0-9]*' | sort -u)" "vlan 7, p 0"
	expect_wire "plaintext" 0 "vlan and ($PLAINTEXT)"
	test_end
}

# Both devices count nine frames each way, as the stack would.
counted()
{
	local dev rx tx
	local -A rx_bytes=() tx_bytes=() rx_packets=() tx_packets=()

	test_begin "VLAN devices count what XDP carries as the stack does"
	teach 4001 $A4 $B4
	for dev in lan.5 wire.7; do
		vlan_stats $dev
		rx_bytes[$dev]=${STATS[rx_bytes]} tx_bytes[$dev]=${STATS[tx_bytes]}
		rx_packets[$dev]=${STATS[rx_packets]} tx_packets[$dev]=${STATS[tx_packets]}
	done
	mark "$GW1"
	burst "$HA" $A4 $B4 4001 5001 9 first=1
	burst "$HB" $B4 $A4 4001 5001 9 first=1
	expect_got A 10 62
	expect_got B 10 62
	expect_counts "$GW1" Encrypted=9 ForwardDone=9
	# 92 bytes of IP; by ESP 20 of IP, header 8, IV 8, 92 and trailer 96, ICV 16.
	for dev in lan.5:92:106 wire.7:148:162; do
		IFS=: read -r dev rx tx <<<"$dev"
		vlan_stats "$dev"
		expect "bytes received by $dev" $((STATS[rx_bytes] - rx_bytes[$dev])) $((9 * rx))
		expect "bytes sent by $dev" $((STATS[tx_bytes] - tx_bytes[$dev])) $((9 * tx))
		expect "frames received by $dev" $((STATS[rx_packets] - rx_packets[$dev])) 9
		expect "frames sent by $dev" $((STATS[tx_packets] - tx_packets[$dev])) 9
	done
	test_end
}

local_tcp()
{
	test_begin "TCP to GW1's own address: the sec_path survives the tag"
	cat >"$TMP/rules" <<-END
	table inet t {
		chain c {
			type filter hook input priority 0
			tcp dport 7777 iifname "wire.7" meta secpath exists counter comment "secpath"
			tcp dport 7777 meta secpath missing counter comment "none"
		}
	}
	END
	must in_ns "$GW1" nft -f "$TMP/rules"
	mark "$GW1" "$GW2"
	transfer 7777 "$GW1_LAN4" "$B4" "$HB" 200000
	counters "$GW1"
	expect_range "decrypted in XDP" "$(since "$GW1" Decrypted)" 137 1000
	expect_range "restored" "$(since "$GW1" Restored)" 1 "$(since "$GW1" Decrypted)"
	expect_count "$GW1" ForwardDone 0
	expect_count "$GW1" RestoreForged 0
	expect_no_errors "$GW1" "$GW2" except XfrmOutStateModeError
	expect_match "nft saw wire.7 and the sec_path" "$(in_ns "$GW1" nft list ruleset)" \
		'counter packets [1-9].*"secpath".*counter packets 0 .*"none"'
	must in_ns "$GW1" nft flush ruleset
	test_end
}

# crafted TAGS MAC N: frames of the flow that is learned from port 4000, made by hand
crafted()
{
	agent clear name=B
	mark "$GW1"
	agent craft "ns=$HA" dev=eth0 smac="$MAC_A" dmac="$2" src="$A4" dst="$B4" \
		sport=4000 dport=5001 n="$3" tags="$1"
	# Behind them on the same queue: when it has arrived they have been dealt with.
	burst "$HA" $A4 $B4 4002 5001 1 first=5
	agent got name=B seq=5
}

# elsewhere LABEL TAGS MAC N ARRIVE COUNTER=N…: N frames that the fast path leaves to the
# stack, which delivers ARRIVE
elsewhere()
{
	test_begin "$1"
	crafted "$2" "$3" "$4"
	expect_got B $(($5 + 1))
	expect_counts "$GW1" Encrypted=1 "${@:6}"
	test_end
}

other_tags()
{
	teach 4002 $A4 $B4
	both_ways 4000 $A4 $B4
	test_begin "priority and drop eligibility in the tag are not of the flow"
	crafted 0x8100:0xf005 $MAC_LAN5 5
	expect_got B 6
	expect_counts "$GW1" Encrypted=6
	test_end

	elsewhere "another VLAN id, the same addresses: not the flow, nobody's frame" \
		0x8100:6 $MAC_LAN5 5 0
	elsewhere "no tag: another flow" "" $MAC_GW1_LAN 1 1 FlowLearned=1
	elsewhere "no VLAN id, only a priority: the stack takes it for untagged" \
		0x8100:0x6000 $MAC_GW1_LAN 5 5
	elsewhere "802.1ad with the same id: nobody's frame" 0x88a8:5 $MAC_LAN5 5 0
	elsewhere "two tags, the outer is ours" 0x8100:5,0x8100:5 $MAC_LAN5 5 0
	elsewhere "two tags, the inner is ours" 0x88a8:5,0x8100:5 $MAC_LAN5 5 0
	elsewhere "for the address of lan, not of lan.5: the stack's" \
		0x8100:5 $MAC_GW1_LAN 5 5 PuntNotHost=5
	elsewhere "for somebody else's address: dropped by the stack" \
		0x8100:5 02:00:00:00:00:77 5 0 PuntNotHost=5
}

provider_bridge()
{
	test_begin "traffic through an 802.1ad device flows, by the stack"
	configure "$HA" "link add link eth0 name eth0.s type vlan proto 802.1ad id 9" \
		"link set eth0.s up" "addr add 198.18.9.2/24 dev eth0.s" \
		"neigh replace 198.18.9.1 lladdr $MAC_GW1_LAN dev eth0.s nud permanent" \
		"route add $NET_B4 via 198.18.9.1 src $A4"
	configure "$GW1" "link add link lan name lan.s type vlan proto 802.1ad id 9" \
		"link set lan.s up" "addr add 198.18.9.1/24 dev lan.s"
	agent clear name=B
	mark "$GW1"
	burst "$HA" $A4 $B4 4010 5001 1
	agent got name=B n=1
	burst "$HA" $A4 $B4 4010 5001 4 first=1
	expect_got B 5 62
	expect_counts "$GW1" Encrypted=0 FlowLearned=0 FlowRenewed=0
	configure "$HA" "link del eth0.s"
	configure "$GW1" "link del lan.s"
	test_end
}

# stops LABEL COUNTER ARRIVE LINE…: a change in GW1 after which no packet is fast
stops()
{
	local label=$1 counter=$2 arrive=$3

	shift 3
	test_begin "$label"
	both_ways 4003 $A4 $B4
	configure "$GW1" "$@"
	agent clear name=B
	mark "$GW1"
	burst "$HA" $A4 $B4 4003 5001 5
	[ "$counter" = - ] || wait_for 5 counter_at_least "$GW1" "$counter" 5
	expect_got B "$arrive"
	expect_counts "$GW1" Encrypted=0
	test_end
}

changes()
{
	stops "an egress priority map: the tag is the stack's to make" PuntEgress 5 \
		"link set wire.7 type vlan egress 0:3"
	configure "$GW1" "link set wire.7 type vlan egress 0:0"
	stops "a VLAN device that is down receives nothing" - 0 "link set lan.5 down"
	configure "$GW1" "link set lan.5 up" "$(neigh lan.5 $A4 $A6 $MAC_A)" \
		"addr replace $GW1_LAN6/64 dev lan.5 nodad"
	stops "one with the tag left in its packets is not learned" LearnNotForwarded 5 \
		"link set lan.5 type vlan reorder_hdr off" "link set lan.5 down" "link set lan.5 up" \
		"$(neigh lan.5 $A4 $A6 $MAC_A)" "addr replace $GW1_LAN6/64 dev lan.5 nodad"
	configure "$GW1" "link set lan.5 type vlan reorder_hdr on"

	test_begin "programs at the egress of the VLAN device keep packets in the stack"
	both_ways 4004 $A4 $B4
	agent tcx_pass "ns=$GW1" dev=wire.7 hook=egress
	agent clear name=B
	mark "$GW1"
	burst "$HA" $A4 $B4 4004 5001 5
	expect_got B 5 62
	expect_counts "$GW1" Encrypted=0 PuntEgressHook=5
	agent xdp_off "ns=$GW1" dev=wire.7
	test_end
}

# Between veths tags travel beside the frame, which then looks like an untagged one.
tag_beside()
{
	test_begin "$1: a tag beside the frame keeps it from an untagged flow"
	must in_ns "$HA" ethtool -K eth0 txvlan on
	must in_ns "$GW1" ethtool -K lan rxvlan off rx-vlan-stag-hw-parse off gro off
	# In generic mode nobody knows which frames have one: none is fast.
	if [ "$1" = native ]; then
		both_ways 4000 $A4 $B4
	else
		teach 4000 $A4 $B4
	fi
	configure "$HA" "link add link eth0 name eth0.5 type vlan id 5" "link set eth0.5 up" \
		"neigh replace $GW1_LAN4 lladdr $MAC_GW1_LAN dev eth0.5 nud permanent" \
		"route replace $NET_B4 via $GW1_LAN4 dev eth0.5 onlink src $A4"
	agent clear name=B
	mark "$GW1"
	burst "$HA" $A4 $B4 4000 5001 5
	wait_for 5 counter_at_least "$GW1" PuntVlan 5
	expect_counts "$GW1" Encrypted=0 PuntVlan=5
	expect_got B 0
	configure "$HA" "link del eth0.5"
	must in_ns "$HA" ethtool -K eth0 txvlan off tx-vlan-stag-hw-insert off
	must in_ns "$GW1" ethtool -K lan gro on
	test_end
}

over_xfrm_interface()
{
	local line

	test_begin "an xfrm interface whose ESP comes and goes tagged${1:+, $1}"
	configure "$GW1" "link add xfrm0 type xfrm dev wire.7 if_id 42" "link set xfrm0 up" \
		"route replace $NET_B4 dev xfrm0"
	sa_setup
	sa_state $GW1_4 $GW2_4 $SPI_AB gcm128 off 64 "if_id 42"
	line=$STATE
	sa_state $GW2_4 $GW1_4 $SPI_BA gcm128 off 64 "if_id 42"
	sa_policies $GW1_4 $GW2_4 NET_A NET_B
	configure "$GW1" "xfrm state flush" "xfrm policy flush" "$line" "$STATE" \
		"${POLICIES//priority 1000/priority 1000 if_id 42}"
	both_ways 4005 $A4 $B4
	# An inner flow that is not known yet goes up, to xfrm0, without the tag.
	agent clear name=A
	mark "$GW1"
	burst "$HB" $B4 $A4 4006 5001 1
	expect_got A 1 62
	expect_counts "$GW1" Decrypted=1 Restored=$((FORWARDED / 9)) FlowLearned=1
	configure "$GW1" "link del xfrm0" "route replace $NET_B4 via $GW2_4"
	sa_setup
	test_end
}

# A is on the wire as well, in a VLAN of its own: a router on a stick.
one_trunk()
{
	local mac=02:00:00:00:0a:22 dev

	test_begin "in and out by the same port, in two VLANs"
	cat >"$TMP/batch" <<-END
	link add eth2 netns $HA address $mac type veth peer name g3 netns $WIRE
	END
	agent ip "file=$TMP/batch"
	for dev in "$HA/eth2" "$WIRE/g3"; do
		must in_ns "${dev%/*}" ethtool -K "${dev#*/}" txvlan off tx-vlan-stag-hw-insert off
	done
	agent offload "ns=$HA" dev=eth2 tx=off tso=off gso=off gro=on
	configure "$WIRE" "link set g3 master br0" "link set g3 up"
	configure "$HA" "link del eth0.5" "link add link eth2 name eth2.5 type vlan id 5" \
		"link set eth2 up" "link set eth2.5 up" "addr add $A4/24 dev eth2.5" \
		"neigh replace $GW1_LAN4 lladdr $MAC_GW1 dev eth2.5 nud permanent" \
		"route add default via $GW1_LAN4"
	configure "$GW1" "link del lan.5" "link add link wire name wire.5 type vlan id 5" \
		"link set wire.5 up" "addr add $GW1_LAN4/24 dev wire.5" \
		"neigh replace $A4 lladdr $mac dev wire.5 nud permanent"
	both_ways 4007 $A4 $B4
	test_end
}

# transformed KIND LABEL FORWARDED: tagged on both sides, by other transforms
transformed()
{
	configure "$GW1" "xfrm state flush"
	configure "$GW2" "xfrm state flush"
	transform "$1"
	sa_setup
	FORWARDED=$3
	test_both_ways 4 "tagged on both sides, $2"
}

as_before()
{
	configure "$GW1" "xfrm state flush"
	configure "$GW2" "xfrm state flush"
	transform cpu
	FORWARDED=9
}

generic()
{
	detach
	must in_ns "$GW1" ethtool -K lan gro off rxvlan off rx-vlan-stag-hw-parse off
	must in_ns "$GW1" ethtool -K wire gro off rxvlan off rx-vlan-stag-hw-parse off
	attach lan wire --mode generic
	test_both_ways 4 "generic mode, tagged on both sides"
}

plan 31
needs nft:nftables jq:jq
setup
tags_in_frames
sa_setup
attach

tag_beside native
detach
attach lan wire --mode generic
tag_beside generic
detach
attach
wire_tagged
capture_start
test_both_ways 4 "tagged on the wire"
test_both_ways 6 "tagged on the wire"
wire_tags
capture_stop
lan_tagged
test_both_ways 4 "tagged on both sides"
test_both_ways 6 "tagged on both sides"
counted
local_tcp
over_xfrm_interface
other_tags
provider_bridge
changes
at_exit as_before
transformed code "encrypted in place" 9
transformed cryptd "encrypted later" 0
over_xfrm_interface "encrypted later"
as_before
sa_setup
generic
detach
attach
wire_untagged
test_both_ways 4 "tagged on the side of the hosts"
test_both_ways 6 "tagged on the side of the hosts"
wire_tagged
one_trunk
