#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Packets for the gateway itself, decrypted in XDP: sockets, inbound policy, xfrm
# interfaces and nftables find them as if the stack had decrypted them, and GRO merges
# their segments. What the stack would refuse is refused, by the same counters.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#       TCP, UDP, ping       kernel    clients
#       servers

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# wire_sys FILE=VALUE…: of GW1's wire in sysfs, which shows one namespace only
wire_sys()
{
	# shellcheck disable=SC2016  # for the inner shell
	must ip netns exec "$GW1" sh -c 'cd /sys/class/net/wire
		for arg; do echo "${arg#*=}" >"${arg%%=*}" || exit 1; done' sh "$@"
}

# rules MATCH: counters for what MATCH selects, and GW2 sent through SPI_BA
rules()
{
	cat >"$TMP/rules" <<-END
	flush ruleset
	table inet t {
		chain c {
			type filter hook input priority 0
			$1 counter comment "all"
			$1 meta secpath exists counter comment "secpath"
			$1 meta ipsec exists counter comment "ipsec"
			$1 ipsec in reqid 1 counter comment "reqid"
			$1 ipsec in spi $SPI_BA counter comment "spi"
			$1 ipsec in ip saddr $GW2_4 counter comment "saddr"
			$1 ipsec in reqid 2 counter comment "other reqid"
			$1 meta ipsec missing counter comment "missing"
			$1 meta ipsec exists meta length > 65535 counter comment "big"
		}
	}
	END
	must in_ns "$GW1" nft -f "$TMP/rules"
}

# expect_rules N: all rules that match a decrypted packet counted N, the others nothing
expect_rules()
{
	local ruleset name

	ruleset=$(in_ns "$GW1" nft list ruleset)
	for name in all secpath ipsec reqid spi saddr; do
		expect_match "rule $name" "$ruleset" "counter packets $1 bytes [0-9]+ comment \"$name\""
	done
	for name in "other reqid" missing; do
		expect_match "rule $name" "$ruleset" "counter packets 0 bytes 0 comment \"$name\""
	done
	must in_ns "$GW1" nft flush ruleset
}

# taught: fresh SAs and policies, and XDP knows the inbound SA
taught()
{
	sa_setup window=1024 "$@"
	agent clear name=G
	burst "$HB" "$B4" "$GW1_LAN4" 4000 5002 1
	agent got name=G n=1
}

# expect_restored: each packet that came up from XDP got its sec_path, as last read; those
# that complete later have it already
expect_restored() { expect_count "$GW1" Restored "$(since "$GW1" InputDone)"; }

datagrams()
{
	test_begin "UDP to $1: every datagram, and every rule of nft sees its SA"
	taught
	rules "udp dport 5002"
	mark "$GW1" "$GW2"
	burst "$HB" "$2" "$1" 4000 5002 20 first=1
	expect_got G 21
	expect_counts "$GW1" Decrypted=20 ForwardDone=0 RestoreForged=0
	expect_restored
	expect_rules 20
	expect_no_errors "$GW1" "$GW2"
	test_end
}

pings()
{
	test_begin "ping $1"
	taught
	mark "$GW1" "$GW2"
	expect_ok "ping" in_ns "$HB" ping -q -c 5 -i 0.02 -W 5 -I "$2" "$1"
	expect_counts "$GW1" Decrypted=5 Encrypted=0
	expect_restored
	expect_no_errors "$GW1" "$GW2"
	test_end
}

# expect_big: packets of more than 64 KiB were delivered if BIG is 1, none if it is 0
expect_big()
{
	local n

	n=$(in_ns "$GW1" nft list ruleset |
		sed -n 's/.*counter packets \([0-9]*\) .* comment "big".*/\1/p')
	expect_range "packets of more than 64 KiB" "$n" $BIG $((BIG * 1000))
}

# gone: nothing of a connection to port 7777 is under way
gone() { ! in_ns "$GW1" grep -q ':1E61 ' /proc/net/tcp /proc/net/tcp6; }

# bulk WHAT DST SRC [KEY=VALUE of transfer]…: all of a connection by XDP and GRO, nothing by
# the stack's ESP
bulk()
{
	local segments restored

	test_begin "TCP to $2: $1"
	taught
	transfer 7777 "$2" "$3" "$HB" 20000	# the path MTU
	rules "tcp dport 7777"
	sa_read "$GW1" $SPI_BA
	local before=${SA[packets]}
	mark "$GW1" "$GW2"
	transfer 7777 "$2" "$3" "$HB" $SIZE "${@:4}"
	wait_for 5 gone
	counters "$GW1"
	sa_read "$GW1" $SPI_BA
	segments=$(since "$GW1" InputDone) restored=$(since "$GW1" Restored)
	expect_range "segments" "$segments" $((SIZE / 1460)) 5000
	expect "segments that the stack decrypted" \
		$((SA[packets] - before - $(since "$GW1" Decrypted))) 0
	expect_range "packets that GRO made of them" "$restored" 1 $((segments * 10 / LEAST))
	expect_count "$GW1" ForwardDone 0
	expect_count "$GW1" RestoreForged 0
	expect_big
	expect_rules "$restored"
	# GW2 tells B the MTU; for IPv6 the kernel counts that as an error.
	expect_no_errors "$GW1" "$GW2" except XfrmOutStateModeError
	note "$1: $segments segments, $restored packets"
	test_end
}

# bulk_by_stack, the same by the plain kernel
bulk_by_stack()
{
	test_begin "TCP to $2: $1"
	taught
	transfer 7777 "$2" "$3" "$HB" 20000
	rules "tcp dport 7777"
	mark "$GW1" "$GW2"
	transfer 7777 "$2" "$3" "$HB" $SIZE "${@:4}"
	wait_for 5 gone
	expect_big
	expect_counts "$GW1" InputDone=0 Restored=0
	expect_no_errors "$GW1" "$GW2" except XfrmOutStateModeError
	must in_ns "$GW1" nft flush ruleset
	test_end
}

# big_tcp: GRO may merge more than 64 KiB, and finds what came within 100 ms, 64 segments a
# poll. PSH ends what is merged: TCP sets it in all that it leaves to segmentation, and after
# each half of the window that it has seen.
big_tcp()
{
	agent gro_max "ns=$GW1" dev=wire size=200000
	wire_sys gro_flush_timeout=100000000
	must in_ns "$WIRE" tc qdisc replace dev g1 root pfifo limit 20000
	agent sysctl "ns=$HB" net.ipv4.tcp_timestamps=0
	configure "$HB" "link set eth0 gso_max_segs 1" \
		"route replace default via 203.0.113.1 initcwnd 300" \
		"route replace default via 2001:db8:b::1 initcwnd 300"
}

big_tcp_end()
{
	configure "$HB" "link set eth0 gso_max_segs 65535" \
		"route replace default via 203.0.113.1" "route replace default via 2001:db8:b::1"
	agent sysctl "ns=$HB" net.ipv4.tcp_timestamps=1
	must in_ns "$WIRE" tc qdisc del dev g1 root
	wire_sys gro_flush_timeout=2000000
	agent gro_max "ns=$GW1" dev=wire size=65536
}

# A service that wants the SA of its policy: between the gateways, in transport mode.
management_setup()
{
	local out in sel="proto tcp dport 2222"
	local back="src $GW1_4 dst $GW2_4 proto tcp sport 2222"
	local tmpl_in="tmpl src $GW2_4 dst $GW1_4 proto esp reqid 9 mode transport"
	local tmpl_out="tmpl src $GW1_4 dst $GW2_4 proto esp reqid 9 mode transport"

	sa_state "$GW2_4" "$GW1_4" 0x3001 gcm128 off 1024
	in=${STATE/reqid 1 mode tunnel/reqid 9 mode transport}
	sa_state "$GW1_4" "$GW2_4" 0x3002 gcm128 off 1024
	out=${STATE/reqid 1 mode tunnel/reqid 9 mode transport}
	in=${in/flag af-unspec/} out=${out/flag af-unspec/}
	configure "$GW1" "$in" "$out" \
		"xfrm policy add src $GW2_4 dst $GW1_4 $sel dir in $tmpl_in" \
		"xfrm policy add $back dir out $tmpl_out"
	configure "$GW2" "$in" "$out" \
		"xfrm policy add src $GW2_4 dst $GW1_4 $sel dir out $tmpl_in" \
		"xfrm policy add $back dir in $tmpl_out"
}

management()
{
	test_begin "a service of GW1 that is for one SA: served by ESP"
	sa_setup
	management_setup
	capture_start management
	transfer 2222 "$GW1_4" "$GW2_4" "$GW2" 1000
	mark "$GW1" "$GW2"
	transfer 2222 "$GW1_4" "$GW2_4" "$GW2" 100000
	counters "$GW1"
	expect_range "decrypted in XDP" "$(since "$GW1" Decrypted)" 65 1000
	expect_range "restored" "$(since "$GW1" Restored)" 1 1000
	expect_no_errors "$GW1" "$GW2"
	capture_sync
	expect_wire "of the connection in the clear" 0 "tcp port 2222"
	test_end

	test_begin "the same service in the clear: refused, and nothing answers"
	configure "$GW2" "xfrm policy flush"
	agent tcp_serve name=T "ns=$GW1" addr="$GW1_4" port=2222
	mark "$GW1"
	agent tcp_try "ns=$GW2" src="$GW2_4" dst="$GW1_4" port=2222
	expect "connected" "${R[connected]}" 0
	expect_counts "$GW1" Decrypted=0 Restored=0
	expect_range "XfrmInTmplMismatch" "$(since "$GW1" XfrmInTmplMismatch)" 1 10
	capture_sync
	expect_wire "SYNs to it" "$(since "$GW1" XfrmInTmplMismatch)" "tcp dst port 2222"
	expect_wire "answers" 0 "tcp src port 2222"
	capture_stop
	test_end
}

# What no SA of reqid 1 may reach, though it is decrypted: the lines that say so, and
# how the stack counts it.
NEW_POLICY="xfrm policy add src $NET_B4 dst $GW1_LAN4 proto udp dport 5003 dir in priority 10"
OTHER_SA="tmpl src $GW2_4 dst $GW1_4 proto esp reqid 2 mode tunnel"
OTHER_PEER="tmpl src 192.0.2.77 dst $GW1_4 proto esp mode tunnel"
REFUSED=(
	"a service for another SA|XfrmInTmplMismatch|$NEW_POLICY $OTHER_SA"
	"a service for an SA of another peer|XfrmInTmplMismatch|$NEW_POLICY $OTHER_PEER"
	"a service that is blocked|XfrmInPolBlock|$NEW_POLICY action block"
	"a service that no policy is for|XfrmInNoPols|xfrm policy delete src $NET_B4 dst $NET_A4 dir in"
)

# mibs: what grew in GW1's xfrm_stat, sorted
mibs()
{
	local name

	for name in "${!CUR[@]}"; do
		[[ $name != "$GW1":Xfrm* || ${CUR[$name]} -eq ${BASE[$name]:-0} ]] ||
			echo "${name#*:}=$((${CUR[$name]} - ${BASE[$name]:-0}))"
	done | sort | tr '\n' ' '
}

# refuse ROW: send what the row refuses; MIBS is how it was counted
MIBS=
refuse()
{
	local _ mib line

	IFS='|' read -r _ mib line <<<"$1"
	taught
	configure "$GW1" "$line"
	agent clear name=N
	mark "$GW1"
	burst "$HB" "$B4" "$GW1_LAN4" 4000 5003 5
	wait_for 5 counter_at_least "$GW1" "$mib" 5
	counters "$GW1"
	expect_count "$GW1" "$mib" 5
	MIBS=$(mibs)
	expect_got N 0
}

refused()
{
	local stack

	test_begin "refused as by the stack: ${REFUSED[$1]%%|*}"
	stack=${STACK[$1]}
	refuse "${REFUSED[$1]}"
	expect "xfrm_stat" "$MIBS" "$stack"
	# A policy that comes makes all routes anew.
	counters "$GW1"
	expect "packets by either path" \
		$(($(since "$GW1" Decrypted) + $(since "$GW1" PuntRoutes))) 5
	expect_range "decrypted in XDP" "$(since "$GW1" Decrypted)" 4 5
	expect_restored
	test_end
}

# By the stack, before anything is attached.
STACK=()
by_stack()
{
	local row

	test_begin "the stack refuses it"
	for row in "${REFUSED[@]}"; do
		refuse "$row"
		STACK+=("$MIBS")
	done
	test_end
}

rx() { in_ns "$GW1" sed -n 's/^ *xfrm0: *[0-9]* *\([0-9]*\).*/\1/p' /proc/net/dev; }

xfrm_interface()
{
	local before tmpl="tmpl src $GW2_4 dst $GW1_4 proto esp reqid 1 mode tunnel"

	test_begin "a service bound to an xfrm interface gets what comes by it"
	sa_setup window=1024
	sa_state "$GW2_4" "$GW1_4" $SPI_BA gcm128 off 1024 "if_id 42"
	configure "$GW1" "link add xfrm0 type xfrm dev wire if_id 42" "link set xfrm0 up" \
		"xfrm state flush" "xfrm policy flush" "$STATE" \
		"xfrm policy add src $NET_B4 dst $NET_A4 dir in if_id 42 $tmpl"
	agent sink name=X "ns=$GW1" port=5010 dev=xfrm0
	agent sink name=W "ns=$GW1" port=5010 dev=wire
	burst "$HB" "$B4" "$GW1_LAN4" 4000 5010 1
	agent got name=X n=1
	rules 'iifname "xfrm0" udp dport 5010'
	before=$(rx)
	mark "$GW1" "$GW2"
	burst "$HB" "$B4" "$GW1_LAN4" 4000 5010 20 first=1
	expect_got X 21
	expect_got W 0
	expect_counts "$GW1" Decrypted=20
	expect_restored
	expect "packets received by xfrm0" $(($(rx) - before)) 20
	expect_rules 20
	expect_no_errors "$GW1" "$GW2"
	configure "$GW1" "link del xfrm0"
	test_end
}

# tc_first VERDICT: five datagrams behind somebody else's tc program before ours
tc_first()
{
	taught
	agent tcx_pass "ns=$GW1" dev=wire first=1 verdict="$1"
	mark "$GW1"
	burst "$HB" "$B4" "$GW1_LAN4" 4000 5002 5 first=1
}

tc_order()
{
	test_begin "a tc program before ours that leaves the rest to others changes nothing"
	tc_first -1
	expect_got G 6
	expect_counts "$GW1" Decrypted=5
	expect_restored
	agent xdp_off "ns=$GW1" dev=wire
	test_end

	test_begin "one that ends the chain before ours: without sec_path the policy refuses all"
	tc_first 0
	wait_for 5 counter_at_least "$GW1" XfrmInTmplMismatch 5
	expect_counts "$GW1" Decrypted=5 Restored=0 XfrmInTmplMismatch=5
	expect_got G 1
	agent xdp_off "ns=$GW1" dev=wire
	test_end
}

SIZE=300000
[ ! -e /sys/kernel/debug/kmemleak ] || SIZE=150000

plan $((14 + 4 + 1 + ${#REFUSED[@]}))
needs nft:nftables tc:iproute2 ping:iputils-ping
setup
agent sink name=G "ns=$GW1" port=5002
agent sink name=N "ns=$GW1" port=5003
module_load
by_stack

attach
# As on real devices; what is merged waits for more, so that the machine's speed does
# not matter.
agent offload "ns=$GW1" dev=wire gro=on
wire_sys napi_defer_hard_irqs=2 gro_flush_timeout=2000000

datagrams "$GW1_LAN4" "$B4"
datagrams "$GW1_LAN6" "$B6"
pings "$GW1_LAN4" "$B4"
pings "$GW1_LAN6" "$B6"
LEAST=15	# tenths of a segment in a packet
BIG=0
bulk "GRO merges what XDP decrypted" "$GW1_LAN4" "$B4"
bulk "GRO merges what XDP decrypted" "$GW1_LAN6" "$B6"
for ((i = 0; i < ${#REFUSED[@]}; i++)); do
	refused $i
done
management
xfrm_interface
tc_order

LEAST=10 SIZE=100000
wire_sys queues/rx-0/rps_cpus=3
bulk "on another CPU, by RPS" "$GW1_LAN4" "$B4"
wire_sys queues/rx-0/rps_cpus=0 threaded=1
bulk "from a NAPI thread" "$GW1_LAN4" "$B4"
wire_sys threaded=0

big_tcp
LEAST=100 SIZE=900000 BIG=1
windows=(warm=300000 rcvbuf=4000000)
bulk "BIG TCP, decrypted in XDP" "$GW1_LAN4" "$B4" "${windows[@]}"
bulk "BIG TCP, decrypted in XDP" "$GW1_LAN6" "$B6" "${windows[@]}"
detach
# As while XDP is there: a veth polls only for a peer that segments by itself.
agent offload "ns=$GW1" dev=wire gro=on
agent offload "ns=$WIRE" dev=g1 tso=off
bulk_by_stack "BIG TCP by the plain kernel" "$GW1_LAN4" "$B4" "${windows[@]}"
bulk_by_stack "BIG TCP by the plain kernel" "$GW1_LAN6" "$B6" "${windows[@]}"
agent offload "ns=$WIRE" dev=g1 tso=on
big_tcp_end

LEAST=10 SIZE=100000 BIG=0
must in_ns "$GW1" ethtool -K lan rxvlan off rx-vlan-stag-hw-parse off
must in_ns "$GW1" ethtool -K wire rxvlan off rx-vlan-stag-hw-parse off
must in_ns "$HA" ethtool -K eth0 txvlan off tx-vlan-stag-hw-insert off
must in_ns "$WIRE" ethtool -K g1 txvlan off tx-vlan-stag-hw-insert off
attach lan wire --mode generic
bulk "in generic mode" "$GW1_LAN4" "$B4"
