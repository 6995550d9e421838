#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A hub: what comes in by one SA leaves by another, by the same device, in one run of the
# program. Nobody is told to go another way: ICMP redirects are for hosts of one link,
# and the stack sends none for what was decrypted.
#
#                GW1                    A: GW2 and GW1, B: GW1 and GW3
#                 |
#   HB ---- GW2 ==== wire ==== GW3
#     kernel     bridge       kernel, has C itself

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

GW3=$NS_PREFIX-gw3
GW3_4=192.0.2.3 C4=203.0.114.2 C6=2001:db8:c::2 MAC_GW3=02:00:00:00:0f:03
NET_C4=203.0.114.0/24 NET_C6=2001:db8:c::/64
SPI_BH=0x3001 SPI_HC=0x3002	# from B to the hub, from the hub to C
SPI_CH=0x4001 SPI_HB=0x4002	# and back

gw3_create()
{
	ALL_NS+=("$GW3")
	printf '%s\n' "netns add $GW3" \
		"link add wire netns $GW3 address $MAC_GW3 type veth peer name g3 netns $WIRE" \
		>"$TMP/batch"
	agent ip "file=$TMP/batch"
	agent sysctl "ns=$GW3" net.ipv6.conf.default.accept_dad=0
	configure "$WIRE" "link set g3 master br0" "link set g3 up"
	configure "$GW3" "link set lo up" "link set wire up" "addr add $GW3_4/24 dev wire" \
		"addr add 2001:db8:f::3/64 dev wire nodad" \
		"addr add $C4/32 dev lo" "addr add $C6/128 dev lo nodad" \
		"$(neigh wire $GW1_4 $GW1_6 $MAC_GW1)" \
		"route add default via $GW1_4" "route add default via $GW1_6"
	agent offload "ns=$GW3" dev=wire tx=off tso=off gso=off
	configure "$GW1" "$(neigh wire $GW3_4 2001:db8:f::3 $MAC_GW3)" \
		"route add $NET_C4 via $GW3_4" "route add $NET_C6 via 2001:db8:f::3"
	configure "$GW2" "route add $NET_C4 via $GW1_4" "route add $NET_C6 via $GW1_6"
}

# policies DIRS FROM TO SRC DST: one line per family and direction, in POLICIES
policies()
{
	local dir family from to

	for dir in $1; do
		for family in 4 6; do
			from=$2$family to=$3$family
			POLICIES+="xfrm policy add src ${!from} dst ${!to} dir $dir priority 1000"
			POLICIES+=" tmpl src $4 dst $5 proto esp reqid 1 mode tunnel"$'\n'
		done
	done
}

# states LINE… of SPI SRC DST, in STATES
states()
{
	STATES=''
	while [ $# -gt 0 ]; do
		sa_state "$2" "$3" "$1" gcm128 off 64
		STATES+=$STATE$'\n'
		shift 3
	done
}

hub_setup()
{
	local ns

	for ns in "$GW1" "$GW2" "$GW3"; do
		configure "$ns" "xfrm state flush" "xfrm policy flush"
	done
	states $SPI_BH $GW2_4 $GW1_4 $SPI_HB $GW1_4 $GW2_4
	POLICIES=
	policies out NET_B NET_C $GW2_4 $GW1_4
	policies fwd NET_C NET_B $GW1_4 $GW2_4
	configure "$GW2" "$STATES" "$POLICIES" \
		"xfrm policy add src $GW2_4 dst $NET_C4 dir out \
			tmpl src $GW2_4 dst $GW1_4 proto esp reqid 1 mode tunnel"
	states $SPI_HC $GW1_4 $GW3_4 $SPI_CH $GW3_4 $GW1_4
	POLICIES=
	policies out NET_C NET_B $GW3_4 $GW1_4
	policies in NET_B NET_C $GW1_4 $GW3_4
	configure "$GW3" "$STATES" "$POLICIES" \
		"xfrm policy add src $GW2_4 dst $NET_C4 dir in \
			tmpl src $GW1_4 dst $GW3_4 proto esp reqid 1 mode tunnel"
	states $SPI_BH $GW2_4 $GW1_4 $SPI_HB $GW1_4 $GW2_4 $SPI_HC $GW1_4 $GW3_4 \
		$SPI_CH $GW3_4 $GW1_4
	POLICIES=
	policies fwd NET_B NET_C $GW2_4 $GW1_4
	policies out NET_B NET_C $GW1_4 $GW3_4
	policies fwd NET_C NET_B $GW3_4 $GW1_4
	policies out NET_C NET_B $GW1_4 $GW2_4
	configure "$GW1" "$STATES" "$POLICIES" \
		"xfrm policy add src $GW2_4 dst $NET_C4 dir fwd \
			tmpl src $GW2_4 dst $GW1_4 proto esp reqid 1 mode tunnel" \
		"xfrm policy add src $GW2_4 dst $NET_C4 dir out \
			tmpl src $GW1_4 dst $GW3_4 proto esp reqid 1 mode tunnel"
}

# redirects: how many GW1 has sent
redirects()
{
	in_ns "$GW1" cat /proc/net/snmp /proc/net/snmp6 | awk '
		$1 == "Icmp:" && !at { for (i = 2; i <= NF; i++) if ($i == "OutRedirects") at = i; next }
		$1 == "Icmp:" || $1 == "Icmp6OutRedirects" { sum += $1 == "Icmp:" ? $at : $2 }
		END { print sum }'
}

# through LABEL NS SRC DST SINK TTL IN OUT: the first teaches, nine are fast, both SAs count
through()
{
	local ns=$2 src=$3 dst=$4 sink=$5 ttl=$6 in=$7 out=$8 seq oseq before

	test_begin "$1"
	agent clear "name=$sink"
	capture_start
	before=$(redirects)
	burst "$ns" "$src" "$dst" 4000 5001 1
	agent got "name=$sink" n=1
	sa_read "$GW1" "$in"
	seq=${SA[seq]}
	sa_read "$GW1" "$out"
	oseq=${SA[oseq]}
	mark "$GW1" "$GW2" "$GW3"
	burst "$ns" "$src" "$dst" 4000 5001 9 first=1
	expect_got "$sink" 10 "$ttl"
	expect_counts "$GW1" Decrypted=9 Encrypted=9 ForwardDone=0 Restored=0 FlowLearned=0
	expect_no_errors "$GW1" "$GW2" "$GW3"
	sa_read "$GW1" "$in"
	expect "last number received" "${SA[seq]}" $((seq + 9))
	sa_read "$GW1" "$out"
	expect "last number sent" "${SA[oseq]}" $((oseq + 9))
	capture_sync
	agent espcount file="$CAPTURE" spi="$in" seq="$((seq + 1))-$((seq + 9))"
	expect "numbers that came in" "${R[n]}" 9
	agent espcount file="$CAPTURE" spi="$out" seq="$((oseq + 1))-$((oseq + 9))"
	expect "numbers that left" "${R[n]}" 9
	expect_wire "frames in the clear" 0 "$PLAINTEXT or net $NET_C4 or net $NET_C6"
	expect "ICMP redirects" "$(redirects)" "$before"
	test_end
}

policy_change()
{
	test_begin "the next packet obeys a policy that blocks it between the two SAs"
	agent clear name=C
	mark "$GW1"
	configure "$GW1" "xfrm policy add src $B4/32 dst $C4/32 dir out action block"
	burst "$HB" "$B4" "$C4" 4000 5001 5 first=20
	wait_for 5 counter_at_least "$GW1" XfrmOutPolBlock 5
	# With a policy routes change, and none of these shows that ESP still comes here.
	expect_counts "$GW1" XfrmOutPolBlock=5 Encrypted=0 Decrypted=0 PuntRoutes=5
	agent got name=C timeout=0
	expect "datagrams at C" "${R[n]}" 0
	test_end
}

# One arm: from B, or from a host of the link, by IPv6 in the clear to GW1, and by an SA or
# none to C, by the same device. Only the host of the link is told of the better way.
C6B=2001:db8:c::3	# for redirects, of which there are six at once for each destination
ON_LINK=2001:db8:f::9	# another address of GW2
one_armed_setup()
{
	local ns tmpl="tmpl src $GW1_4 dst $GW3_4 proto esp reqid 1 mode tunnel" src

	for ns in "$GW1" "$GW2" "$GW3"; do
		configure "$ns" "xfrm state flush" "xfrm policy flush"
	done
	configure "$GW3" "addr replace $C6B/128 dev lo nodad" "addr replace fe80::3/64 dev wire nodad"
	configure "$GW2" "addr replace $ON_LINK/64 dev wire nodad"
	# ndisc_send_redirect() wants an address of its own, and one of the target.
	configure "$GW1" "addr replace fe80::1/64 dev wire nodad" \
		"neigh replace $ON_LINK lladdr $MAC_GW2 dev wire nud permanent" \
		"neigh replace fe80::3 lladdr $MAC_GW3 dev wire nud permanent"
	[ "$1" = encrypted ] || return 0
	states $SPI_HC $GW1_4 $GW3_4
	configure "$GW1" "$STATES"
	configure "$GW3" "$STATES"
	for src in $NET_B6 $ON_LINK/128; do
		configure "$GW1" "xfrm policy add src $src dst $NET_C6 dir out $tmpl"
		configure "$GW3" "xfrm policy add src $src dst $NET_C6 dir in $tmpl"
	done
}

# one_armed NS SRC DST N: REDIRECTED is how often the sender was told, on the wire and by count
one_armed()
{
	local before

	agent clear name=C
	capture_start
	before=$(redirects)
	burst "$1" "$2" "$3" 4000 5001 1
	agent got name=C n=1
	[ "$4" -le 1 ] || burst "$1" "$2" "$3" 4000 5001 $(($4 - 1)) first=1
	expect_got C "$4"
	REDIRECTED=$(($(redirects) - before))
	capture_sync
	expect_wire "redirects to the sender" "$REDIRECTED" \
		"icmp6 and ip6[40] == 137 and dst host $2"
	capture_stop
}

# one_armed_routes GATEWAY: GW1's way to C
one_armed_routes() { configure "$GW1" "route replace $NET_C6 via $1 dev wire"; }

ONE_ARMED=(
	"encrypted|fe80::3"
	"encrypted|2001:db8:f::3"
	"in the clear|fe80::3"
	"in the clear|2001:db8:f::3"
)
BY_STACK=()

one_armed_by_stack()
{
	local row

	test_begin "one arm, IPv6: whom the stack tells of the better way"
	for row in "${ONE_ARMED[@]}"; do
		one_armed_setup "${row%|*}"
		one_armed_routes "${row#*|}"
		one_armed "$HB" "$B6" "$C6" 10
		expect "redirects to B, $row" "$REDIRECTED" 0
		one_armed "$GW2" "$ON_LINK" "$C6B" 1
		BY_STACK+=("$REDIRECTED")
	done
	expect "redirects to the host of the link" "${BY_STACK[*]}" "1 1 1 0"
	test_end
}

one_armed_fast()
{
	local way=${ONE_ARMED[$1]%|*} via=${ONE_ARMED[$1]#*|} done=ForwardDone told=${BY_STACK[$1]}

	test_begin "one arm, IPv6, $way by $via: fast from behind a router"
	[ "$way" != encrypted ] || done=Encrypted
	one_armed_setup "$way"
	one_armed_routes "$via"
	mark "$GW1"
	one_armed "$HB" "$B6" "$C6" 10
	expect "redirects to B" "$REDIRECTED" 0
	expect_counts "$GW1" FlowLearned=1 LearnRoute=0 "$done=9"
	expect_no_errors "$GW1"
	mark "$GW1"
	one_armed "$GW2" "$ON_LINK" "$C6B" 1
	expect "redirects to the host of the link" "$REDIRECTED" "$told"
	expect_counts "$GW1" FlowLearned=$((1 - told)) LearnRoute="$told" "$done=0"
	test_end
}

plan 11
setup
gw3_create
agent sink name=C "ns=$GW3" port=5001
attach
hub_setup
through "IPv4, from B to C" "$HB" "$B4" "$C4" C 62 $SPI_BH $SPI_HC
through "IPv4, from C to B" "$GW3" "$C4" "$B4" B 62 $SPI_CH $SPI_HB
through "IPv6, from B to C" "$HB" "$B6" "$C6" C 62 $SPI_BH $SPI_HC
through "IPv6, from C to B" "$GW3" "$C6" "$B6" B 62 $SPI_CH $SPI_HB
# The inner source is a neighbour on the very link.
through "from GW2 itself to C" "$GW2" "$GW2_4" "$C4" C 63 $SPI_BH $SPI_HC
policy_change

detach
one_armed_by_stack
attach lan wire --plain
for ((i = 0; i < ${#ONE_ARMED[@]}; i++)); do
	one_armed_fast $i
done
