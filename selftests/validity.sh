#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Valid or a full round: whatever changes of SAs, routes, rules, neighbours, addresses
# and MTUs, the very next packet of a flow on the fast path obeys. Nothing is renewed
# here by time; what has to wait for that is in revalidate.sh.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#       one thing changes     kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MAC_NEW=02:00:00:00:0f:99	# of nobody on the wire
OTHER4=192.0.2.22		# another address of nobody's

# behind: GW1 is through with all that came before, by either device
BEHIND=0
behind()
{
	BEHIND=$((BEHIND + 1))
	if [ "$1" = out ]; then
		agent craft "ns=$HA" dev=eth0 smac="$MAC_A" dmac="$MAC_GW1_LAN" src="$A6" \
			dst="$GW1_LAN6" sport=4999 dport=5003
	else
		agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src="$GW2_6" \
			dst="$GW1_6" sport=4999 dport=5003
	fi
	agent got name=behind n=$BEHIND
}

# send WAY N FIRST [KEY=VALUE]…: of IPv$f
send()
{
	local a=A$f b=B$f

	if [ "$1" = out ]; then
		burst "$HA" "${!a}" "${!b}" 4000 5001 "$2" "first=$3" "${@:4}"
	else
		burst "$HB" "${!b}" "${!a}" 4000 5001 "$2" "first=$3" "${@:4}"
	fi
}

# event LABEL [f=4|6] [way=out|in] [change=LINES] [undo=LINES] [call=CMD] [uncall=CMD]
#       [got=N] [wire="N FILTER"] [size=N icmp=REGEX] [counts="NAME=N…"] [prepare=CMD] [fast=no]
# Three datagrams right after the change: so many arrive, so many frames are on the wire as
# the filter says, and the fast path has carried none, or as many as counts says. With f=6
# inside and outside are of IPv6. Of fast=no the fast path is not attached.
event()
{
	local label=$1 f=4 way=out change='' call='' uncall='' undo='' got=0 wire='' size=64 icmp='' arg
	local prepare='' fast=yes
	local counts='Encrypted=0 Decrypted=0 ForwardDone=0' sink=B before

	shift
	for arg; do
		local "$arg"
	done
	[ "$way" = out ] || sink=A
	test_begin "IPv$f, $way: $label"
	sa_setup outer="$f"
	[ -z "$prepare" ] || $prepare
	agent clear name=$sink
	send "$way" 1 0
	agent got name=$sink n=1
	mark "$GW1"
	send "$way" 1 1
	agent got name=$sink n=2
	counters "$GW1"
	[ $fast = no ] ||
		expect "fast before" $(($(since "$GW1" Encrypted) + $(since "$GW1" ForwardDone))) 1
	capture_sync
	[ -z "$wire" ] || before=$(wire "${wire#* }")
	[ -z "$change" ] || configure "$GW1" "$change"
	[ -z "$call" ] || $call
	mark "$GW1"
	send "$way" 3 10 "size=$size" "errors=$((${#icmp} ? 3 : 0))"
	[ -z "$icmp" ] || expect_match "ICMP errors" "${R[icmp]}" "$icmp"
	behind "$way"
	# shellcheck disable=SC2086  # a word each
	expect_counts "$GW1" $counts
	expect_got $sink $((2 + got))
	if [ -n "$wire" ]; then
		capture_sync
		expect "frames of '${wire#* }'" $(($(wire "${wire#* }") - before)) "${wire%% *}"
	fi
	[ -z "$undo" ] || configure "$GW1" "$undo"
	[ -z "$uncall" ] || $uncall
	test_end
}

sas()
{
	local none='Encrypted=0 Decrypted=0 ForwardDone=0'

	event "the SA is deleted" counts="$none XfrmOutNoStates=3" \
		change="xfrm state delete src $GW1_4 dst $GW2_4 proto esp spi $SPI_AB"
	event "the SA is deleted" way=in counts="$none XfrmInNoStates=3" \
		change="xfrm state delete src $GW2_4 dst $GW1_4 proto esp spi $SPI_BA"
	# An SA of another interface is not the one that the policy wants, and the bundle is
	# built anew; one that came by an SA without passes a policy that asks for none.
	sa_state $GW1_4 $GW2_4 $SPI_AB gcm128 off 64 "if_id 9"
	event "the SA is given an if_id" counts="$none PuntPolicy=1 XfrmOutNoStates=3" \
		change="${STATE/state add/state update}"
	sa_state $GW2_4 $GW1_4 $SPI_BA gcm128 off 64 "if_id 9"
	event "the SA is given an if_id" way=in got=3 counts="$none PuntIface=3" \
		change="${STATE/state add/state update}"
	# Its packets have another mark from then on, for which there is a rule.
	sa_state $GW2_4 $GW1_4 $SPI_BA gcm128 off 64 "output-mark 7"
	event "the SA is given a mark" way=in counts="ForwardDone=0 Decrypted=3 PuntPolicy=1" \
		change="${STATE/state add/state update}"
	configure "$GW1" "neigh replace $OTHER4 lladdr $MAC_NEW dev wire nud permanent"
	# The first of them teaches the new way.
	event "policy and SA migrate" call=migrate_out counts="Encrypted=2" wire="3 ip proto 50 and dst host $OTHER4"
	# GW2 goes on as before: what it sends now comes from a stranger.
	event "policy and SA migrate" way=in call=migrate_in counts="$none XfrmInNoStates=3"
	# Of two SAs MIGRATE takes one. The other lives on, and is not what the policy wants.
	event "policy and another SA migrate" way=in call=migrate_other \
		counts="ForwardDone=0 Decrypted=3 PuntPolicy=1 XfrmInTmplMismatch=3"
}

migrate_other()
{
	sa_state $GW2_4 $GW1_4 0x7777 gcm128 off 64
	configure "$GW1" "$STATE"
	migrate_in "$OTHER4,$GW1_4"
}

migrate_out()
{
	agent migrate ns="$GW1" dir=out src=$NET_A4 dst=$NET_B4 old="$GW1_4,$GW2_4" \
		new="$GW1_4,$OTHER4" reqid=1
}
migrate_in()
{
	agent migrate ns="$GW1" dir=fwd src=$NET_B4 dst=$NET_A4 old="$GW2_4,$GW1_4" \
		new="${1:-$GW2_4,$OTHER4}" reqid=1
}

# UDP asks the inbound policy before it gives ESP on; ESP itself needs none.
natt()
{
	local none='Encrypted=0 Decrypted=0 ForwardDone=0' f delete

	agent encap_socket "ns=$GW1" name=natt port=4500
	agent encap_socket "ns=$GW1" name=natt6 port=4500 family=6
	for f in 4 6; do
		delete="xfrm policy delete $(natt_selector) dir in"
		event "the policy for the UDP around its ESP is deleted" way=in f=$f \
			prepare=natt_setup change="$delete" counts="$none PuntPolicy=3 XfrmInNoPols=3"
		event "it is renewed by the stack where another lets it pass" way=in f=$f \
			prepare=natt_setup got=3 counts="FlowLearned=1 ForwardDone=2 PuntPolicy=1" \
			change="xfrm policy add $(natt_selector 0) dir in priority 2
				$delete"
		detach
		event "the same on the plain kernel" way=in f=$f fast=no prepare=natt_setup \
			change="$delete" counts=XfrmInNoPols=3
		attach
	done
	configure "$GW1" "xfrm policy setdefault in accept fwd accept out accept"
}

natt_selector()
{
	local gw1=GW1_$f gw2=GW2_$f

	echo "src ${!gw2} dst ${!gw1} proto udp sport ${1:-4500} dport 4500"
}

natt_setup()
{
	local gw1=GW1_$f gw2=GW2_$f ns

	sa_state "${!gw2}" "${!gw1}" $SPI_BA gcm128 off 64 "encap espinudp 4500 4500 0.0.0.0"
	for ns in "$GW1" "$GW2"; do
		configure "$ns" "xfrm state delete src ${!gw2} dst ${!gw1} proto esp spi $SPI_BA" \
			"$STATE"
	done
	configure "$GW1" "xfrm policy setdefault in block fwd accept out accept" \
		"xfrm policy add $(natt_selector) dir in priority 1" \
		"xfrm policy add src $GW2_6 dst $GW1_6 proto udp dport 5003 dir in priority 1"
}

routes_and_rules()
{
	local none='Encrypted=0 Decrypted=0 ForwardDone=0'

	event "a rule prohibits it" change="rule add to $B4 prohibit" undo="rule del to $B4 prohibit"
	event "a rule prohibits it" way=in change="rule add to $A4 prohibit" \
		undo="rule del to $A4 prohibit" counts="$none PuntRoutes=3"
	event "a rule prohibits what GW2 sends" way=in counts="$none PuntRoutes=3" \
		change="rule add pref 10 from $GW2_4 prohibit" undo="rule del pref 10 from $GW2_4"
	event "a rule prohibits what GW2 sends" f=6 way=in counts="$none PuntRoutes=3" \
		call="rule6 add pref 10 from $GW2_6 prohibit" uncall="rule6 del pref 10"
	event "a rule prohibits it" f=6 call="rule6 add pref 10 to $B6 prohibit" \
		uncall="rule6 del pref 10"
	event "a rule prohibits it" f=6 way=in counts="$none PuntRoutes=3" \
		call="rule6 add pref 10 to $A6 prohibit" uncall="rule6 del pref 10"
	# Not in the table that the flow's route is of, but in one that is asked before.
	event "a table before has a route" change="route add blackhole $B4/32 table 100" \
		undo="route del blackhole $B4/32 table 100"
	event "a table before has a route" f=6 change="route add blackhole $B6/128 table 100" \
		undo="route del blackhole $B6/128 table 100"
	event "a table before has a route" f=6 way=in counts="$none PuntRoutes=3" \
		change="route add blackhole $A6/128 table 100" \
		undo="route del blackhole $A6/128 table 100"
	event "the gateway's own address is in a table before" f=6 way=in \
		counts="$none PuntRoutes=3" change="route add blackhole $GW1_6/128 table 100" \
		undo="route del blackhole $GW1_6/128 table 100"
	event "another next hop for the ESP packets" f=6 counts="Encrypted=2" \
		wire="3 ether dst $MAC_NEW and ip6 proto 50" \
		change="neigh replace 2001:db8:f::9 lladdr $MAC_NEW dev wire nud permanent
			route add $GW2_6/128 via 2001:db8:f::9" \
		undo="route del $GW2_6/128 via 2001:db8:f::9"
	event "another next hop for the ESP packets" counts="Encrypted=2" wire="3 ether dst $MAC_NEW and ip proto 50" \
		change="neigh replace 192.0.2.9 lladdr $MAC_NEW dev wire nud permanent
			route add $GW2_4/32 via 192.0.2.9" \
		undo="route del $GW2_4/32 via 192.0.2.9"
}

# Room for rules before the table of local addresses, a table that is asked before it, and a
# rule against marked packets.
rules_setup()
{
	local family

	for family in -4 -6; do
		must in_ns "$GW1" ip $family rule add pref 30 lookup local
		must in_ns "$GW1" ip $family rule del pref 0
		must in_ns "$GW1" ip $family rule add pref 20 lookup 100
	done
	must in_ns "$GW1" ip rule add pref 10 fwmark 7 prohibit
}

rule6() { must in_ns "$GW1" ip -6 rule "$@"; }

forwarding6() { agent sysctl "ns=$GW1" net.ipv6.conf.all.forwarding="$1"; }

forwarding()
{
	event "forwarding is turned off" f=6 call="forwarding6 0" uncall="forwarding6 1"
	event "forwarding is turned off" f=6 way=in call="forwarding6 0" uncall="forwarding6 1" \
		counts="ForwardDone=0"
}

# The fast path goes on, to the new address.
neighbours()
{
	event "the next hop has another link-layer address" \
		change="neigh replace $GW2_4 lladdr $MAC_NEW dev wire nud permanent" \
		undo="neigh replace $GW2_4 lladdr $MAC_GW2 dev wire nud permanent" \
		counts="Encrypted=3" wire="3 ether dst $MAC_NEW and ip proto 50"
	event "the next hop has another link-layer address" way=in \
		change="neigh replace $A4 lladdr $MAC_NEW dev lan nud permanent" \
		undo="neigh replace $A4 lladdr $MAC_A dev lan nud permanent" \
		counts="Decrypted=3 ForwardDone=3"
	event "the next hop has another link-layer address" f=6 \
		change="neigh replace $GW2_6 lladdr $MAC_NEW dev wire nud permanent" \
		undo="neigh replace $GW2_6 lladdr $MAC_GW2 dev wire nud permanent" \
		counts="Encrypted=3" wire="3 ether dst $MAC_NEW and ip6 proto 50"
}

mtus()
{
	local large="size=1272 icmp=^3/4/[0-9]+/"

	# shellcheck disable=SC2086  # two words
	event "a smaller MTU of the device" change="link set wire mtu 1300" $large \
		undo="link set wire mtu 1500"
	# shellcheck disable=SC2086
	event "a smaller MTU of the route" change="route change $NET_B4 via $GW2_4 mtu 1200" \
		$large undo="route change $NET_B4 via $GW2_4"
	# shellcheck disable=SC2086
	event "a router says that ESP packets are too large" call=too_large $large \
		undo="route flush cache"
	# GW1's own errors are counted, for nobody asks for their way to B.
	event "a smaller MTU of the device" way=in change="link set lan mtu 1280" size=1272 \
		counts="Decrypted=0 PuntRoutes=3 ForwardDone=0 LearnNotForwarded=3" \
		undo="link set lan mtu 1500"
}

# What the router quotes has a number that GW1 did send.
too_large()
{
	agent too_large ns="$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" router=$GW2_4 \
		src=$GW1_4 dst=$GW2_4 spi=$SPI_AB mtu=1300
	behind in
}

addresses()
{
	local again

	again="addr add $GW1_4/24 dev wire
		$(neigh wire $GW2_4 $GW2_6 $MAC_GW2)
		route replace $NET_B4 via $GW2_4"

	event "the gateway's address is removed" change="addr del $GW1_4/24 dev wire" undo="$again"
	event "the gateway's address is removed" way=in change="addr del $GW1_4/24 dev wire" \
		undo="$again"
	event "the gateway's address is removed" f=6 way=in change="addr del $GW1_6/64 dev wire" \
		undo="addr add $GW1_6/64 dev wire nodad
			neigh replace $GW2_6 lladdr $MAC_GW2 dev wire nud permanent"
	event "the network's address is removed" way=in change="addr del $GW1_LAN4/24 dev lan" \
		counts="ForwardDone=0" \
		undo="addr add $GW1_LAN4/24 dev lan
			neigh replace $A4 lladdr $MAC_A dev lan nud permanent"
}

plan 40
setup
agent sink name=behind "ns=$GW1" port=5003
attach
rules_setup
capture_start
sas
natt
routes_and_rules
forwarding
neighbours
mtus
addresses

test_begin "no plaintext on the wire"
capture_sync
# GW1's own ICMP errors to B are for no policy.
expect_wire "plaintext frames on the wire" 0 "not icmp and not icmp6 and ($PLAINTEXT)"
test_end
