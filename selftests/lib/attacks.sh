# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An attack between packets of the victims: who attacks from where, and the rounds that
# show what came of it.
#
#   A <-> B    the victims, by the SAs of sa.sh
#   Mallory    at 192.0.2.66, 2001:db8:f::66: a peer with an SA for B's network to A2

# shellcheck disable=SC2034  # for the table
{
SPI_M=0x3001 SPI_SHORT=0x3002 SPI_NATT=0x3003 SPI_IFACE=0x3004 SPI_CLEAR=0x6001 SPI_LAST=0x7001
M4=192.0.2.66 M6=2001:db8:f::66
A24=198.51.100.99 A26=2001:db8:a::99
T4=198.51.100.98 T6=2001:db8:a::98	# nobody, behind HA: what comes for it is seen
ROUTER4=192.0.2.77 ROUTER6=2001:db8:f::77
CLEAR4=198.18.7.2 CLEAR6=2001:db8:7::2		# by ESP to HA, and in the clear to GW1
LAST4=198.18.8.2 LAST6=2001:db8:8::2		# by the SA whose numbers end
ROUTED4=198.18.42.2 ROUTED6=2001:db8:42::2	# by the xfrm interface
MAC_NOBODY=02:00:00:00:00:99 MAC_ALL=ff:ff:ff:ff:ff:ff
EVIL=$((1 << 30))	# number of an attacker's first datagram; victims stay below
M_SEQ=100000 SENT=0
# What undoes a row, the last thing first.
AFTER=()
BY_MAP=/sys/fs/bpf/$NS_PREFIX-by-map
declare -A MARTIANS=() WANT=() HANDLE=()
}

attacks_setup()
{
	needs jq:jq
	modprobe -q algif_aead	# built in, where there is no such module
	agent sysctl "ns=$GW1" net.ipv4.conf.all.rp_filter=1
	configure "$HA" "addr add $A24/32 dev eth0" "addr add $A26/128 dev eth0 nodad"
	configure "$GW1" "$(neigh lan $A24 $A26 "$MAC_A")" "$(neigh lan $T4 $T6 "$MAC_A")" \
		"$(neigh wire $M4 $M6 $MAC_NOBODY)"
	configure "$GW1" "link add xfrm0 type xfrm dev wire if_id 42" "link set xfrm0 up"
	agent encap_socket "ns=$GW1" name=natt port=4500
	agent tap name=A "ns=$HA" dev=eth0
	agent tap name=B "ns=$HB" dev=eth0
	agent tap name=W "ns=$WIRE" dev=g1
}

# family_vars: what stands in the table, for IPv$F
# shellcheck disable=SC2034,SC2153  # for the table; declared in the loop
family_vars()
{
	local var name

	for var in A B A2 T M GW1_LAN ROUTER CLEAR LAST ROUTED; do
		name=$var$F
		declare -g "$var=${!name}"
	done
	name=GW1_$F GW1_O=${!name}
	name=GW2_$F GW2_O=${!name}
	TCP="proto=tcp dst=$T dport=5003"
	IFACE="spi=$SPI_IFACE isrc=$ROUTED idst=$A"
	UP="Decrypted=N Restored=N"
	M_A="A:udp:$B:4000>$A2:5001:ttl63*N"
	EVIL_B="B:udp:$A:4000>$B:5001:ttl62*N"
	if [ "$F" = 4 ]; then
		IP=Ip OUTSIDE=203.0.114.9 DISCARD=''
		TTL_A="A:icmp:11/0/0:$GW1_LAN>$A*N"
		TTL_B="W+=N B:icmp:11/0/0:$GW1_O>$B*N"
		MTU_A="IpFragFails=N A:icmp:3/4/1446:$GW1_LAN>$A*N"
	else
		IP=Ip6 OUTSIDE=2001:db8:c::9 DISCARD='Ip6InDiscards=N'
		TTL_A="A:icmp:3/0/0:$GW1_LAN>$A*N"
		TTL_B="W+=N B:icmp:3/0/0:$GW1_O>$B*N"
		# Refused behind POST_ROUTING, by xfrm6_output().
		MTU_A="Ip6FragFails=N FlowRenewed=N A:icmp:2/0/1426:$GW1_LAN>$A*N"
	fi
	# What the gateway sends itself teaches nothing.
	TTL_A+=" ${IP}InHdrErrors=N LearnNotForwarded=N"
	TTL_B+=" ${IP}InHdrErrors=N LearnNotForwarded=N"
	MTU_A+=" LearnNotForwarded=N"
	LOWER_A=${MTU_A/1446/1346} LOWER_A=${LOWER_A/1426/1326}
}

# family_setup: fresh SAs, everybody's flows learned
family_setup()
{
	family_vars
	sa_setup "outer=$F"
	protect_errors "$F"
	mallory_setup
	others_setup
	iface_setup
	learn
	handles
}

# his_sa SPI [MORE]: a line for configure, in STATE: Mallory's SA to GW1
his_sa()
{
	sa_state "$M" "$GW1_O" "$1" gcm128 off 64 "${2:-}"
	STATE=${STATE/reqid 1/reqid 2}
}

# His SAs are for B's network and A2 only, before the victims' policy.
mallory_setup()
{
	local net=NET_B$F tmpl="tmpl src $M dst $GW1_O proto esp reqid 2 mode tunnel"

	his_sa "$SPI_M"
	configure "$GW1" "$STATE" \
		"xfrm policy add src ${!net} dst $A2 dir fwd priority 1 $tmpl"
	[ "$F" = 4 ] || return 0
	his_sa "$SPI_NATT" "encap espinudp 4500 4500 0.0.0.0"
	configure "$GW1" "$STATE"
}

# A flow that GW1 gets in the clear from the wire and sends on by ESP to HA; an outbound
# SA with four sequence numbers left.
others_setup()
{
	local lines=("route replace $CLEAR via $A dev lan" "route replace $LAST via $M dev wire")

	sa_state "$GW1_LAN" "$A" "$SPI_CLEAR" gcm128 off 64
	lines+=("${STATE/reqid 1/reqid 3}" "xfrm policy add src ::/0 dst $CLEAR dir out
		tmpl src $GW1_LAN dst $A proto esp reqid 3 mode tunnel")
	sa_state "$GW1_O" "$M" "$SPI_LAST" gcm128 off 64 "replay-oseq 0xfffffffb"
	lines+=("${STATE/reqid 1/reqid 4}" "xfrm policy add src ::/0 dst $LAST dir out
		tmpl src $GW1_O dst $M proto esp reqid 4 mode tunnel")
	[ "$F" = 6 ] || lines=("${lines[@]//::\/0/0.0.0.0/0}")
	configure "$GW1" "${lines[@]//$'\n'/ }"
}

# An xfrm interface with an SA of Mallory's for a network of its own.
iface_setup()
{
	local tmpl="if_id 42 tmpl src $M dst $GW1_O proto esp reqid 2 mode tunnel"

	his_sa "$SPI_IFACE" "if_id 42"
	configure "$GW1" "$STATE" "route replace $ROUTED dev xfrm0" \
		"xfrm policy add src $ROUTED dst $A dir fwd $tmpl" \
		"xfrm policy add src $ROUTED dst $A dir in $tmpl"
}

# learn: one packet of each flow, by the stack
learn()
{
	agent victims a="$HA,$A" b="$HB,$B" gateway="$GW1"
	agent volley n=1
	by_mallory n=1
	# shellcheck disable=SC2086  # one word per option
	by_mallory n=1 $IFACE
	tcp_by_victim 1
	on_wire n=1 dst="$CLEAR" dport=5002
	[ "$F" = 6 ] || natt 4500 n=1
	agent closers
	agent taps
}

# handles: of the flows that an entry made by hand may stand for
handles()
{
	local flows

	flows=$(pins)/flows
	agent flow_find path="$flows" src="$B" dst="$A" sport=4000 dport=5001
	HANDLE=([0]=0 [flow]=${R[handle]})
	agent flow_find path="$flows" src="$A" dst="$B" sport=4000 dport=5001
	HANDLE[back]=${R[handle]}
	agent flow_find path="$flows" src="$B" dst="$CLEAR" sport=4000 dport=5002
	HANDLE[clear]=${R[handle]}
	agent flow_find path="$flows" src="$GW2_O" dst="$GW1_O" spi="$SPI_BA"
	HANDLE[sa]=${R[handle]}
	agent flow_find path="$flows" src="$M" dst="$GW1_O" spi="$SPI_M"
	HANDLE[mallory]=${R[handle]}
	agent ifindex "ns=$GW1" dev=wire
	WIRE_INDEX=${R[ifindex]}
}

# on_wire, on_lan KEY=VALUE…: three packets that look like the victims', in the clear
on_wire()
{
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src="$B" dst="$A" \
		sport=4000 dport=5001 n=3 first=$EVIL ttl=63 "$@"
	SENT=${R[sent]}
}

on_lan()
{
	agent craft "ns=$HA" dev=eth0 smac="$MAC_A" dmac="$MAC_GW1_LAN" src="$A" dst="$B" \
		sport=4000 dport=5001 n=3 first=$EVIL "$@"
	SENT=${R[sent]}
}

# by_mallory KEY=VALUE…: three packets by his SA; without more they are what he may send
by_mallory()
{
	agent esp "ns=$WIRE" dev=g1 smac="$MAC_NOBODY" dmac="$MAC_GW1" src="$M" dst="$GW1_O" \
		spi="$SPI_M" seq="$M_SEQ" key="$KEY128$SALT" isrc="$B" idst="$A2" \
		sport=4000 dport=5001 n=3 first=$EVIL "$@"
	SENT=${R[sent]}
	M_SEQ=$((M_SEQ + 10))
}

# by_victim: what B sends to A2 goes by B's own SA
by_victim()
{
	burst "$HB" "$B" "$A2" 4000 5001 3 first=$EVIL
	SENT=3
}

# replayed KEY=VALUE…: the victim's ESP of the round before
replayed()
{
	agent again "ns=$WIRE" tap=W dev=g1 spi="$SPI_BA" "$@"
	SENT=${R[sent]}
}

# reordered: three packets by Mallory's SA, the last first; then all again
reordered()
{
	local first=$M_SEQ i

	for i in 3 1 2 3 1 2; do
		by_mallory n=1 seq=$((first + i))
	done
	SENT=3
}

# tcp_by_victim [N [KEY=VALUE]…]: of a TCP flow of B
tcp_by_victim()
{
	agent craft "ns=$HB" dev=eth0 smac="$MAC_B" dmac="$MAC_GW2_LAN" src="$B" dst="$T" \
		sport=4000 dport=5003 proto=tcp n="${1:-3}" "${@:2}"
	SENT=${R[sent]}
}

# natt SPORT [KEY=VALUE…]: ESP in UDP
natt() { by_mallory spi=$SPI_NATT encap="$1,4500" "${@:2}"; }

# with_forged_metadata HANDLE COMMAND…: behind a program that writes metadata of our
# format in front of every frame
with_forged_metadata()
{
	agent xdp_front "ns=$GW1" link="$(pins)/xdp-wire" magic=0x58465250 \
		sa="${HANDLE[$1]:-$1}" proof=0x0123456789abcdef
	AFTER=("agent xdp_front_off ns=$GW1 link=$(pins)/xdp-wire" "${AFTER[@]}")
	"${@:2}"
}

# by_map [OBJECT]: in place of ours a program that believes what is in the map
by_map()
{
	must bpftool prog load "$XFRM_XDP_BPF/lib/${1:-by_map}.bpf.o" "$BY_MAP" \
		map name flows pinned "$(pins)/flows"
	agent xdp_program "link=$(pins)/xdp-wire" program="$BY_MAP"
	rm "$BY_MAP"
	AFTER=("agent xdp_program link=$(pins)/xdp-wire program=$(pins)/prog-xdp" "${AFTER[@]}")
}

# by_hand SA HANDLE COMMAND…: with an entry in the map that leads the look-alikes of
# COMMAND, decrypted by an SA or not, to a flow
by_hand()
{
	local dst=$A dport=5001 word

	by_map
	for word in "${@:4}"; do
		[[ $word != idst=* ]] || dst=${word#idst=}
		[[ $word != dport=* ]] || dport=${word#dport=}
	done
	agent flow_put path="$(pins)/flows" ifindex="$WIRE_INDEX" src="$B" dst="$dst" \
		sport=4000 dport="$dport" sa="${HANDLE[$1]}" handle="${HANDLE[$2]:-$2}"
	"${@:3}"
}

# rewritten COMMAND…: what COMMAND sends to port 5099 is rewritten for 5001 when it is decrypted
rewritten()
{
	by_map by_map_rewriting
	"$@" dport=5099
}

# grew_by NAME N: waits for a counter of GW1
grew_by()
{
	agent grew name="$1" n="$2"
	expect_range "$1" "${R[n]}" "$2" 1000
}

# short_lived [MORE]: another SA of Mallory's, learned; three packets of it are fast
short_lived()
{
	his_sa "$SPI_SHORT" "${1:-}"
	configure "$GW1" "$STATE"
	by_mallory n=1 spi=$SPI_SHORT
	grew_by FlowLearned 2
	by_mallory n=3 spi=$SPI_SHORT
	agent flow_find path="$(pins)/flows" src="$M" dst="$GW1_O" spi=$SPI_SHORT
	HANDLE[short]=${R[handle]}
	grew_by ForwardDone 5
}

deleted_sa()
{
	short_lived
	configure "$GW1" "xfrm state delete src $M dst $GW1_O proto esp spi $SPI_SHORT"
	grew_by FlowReclaimed 1
	by_mallory spi=$SPI_SHORT
}

expired_sa()
{
	short_lived "limit packet-hard 4"
	by_mallory n=1 spi=$SPI_SHORT
	grew_by FlowReclaimed 1
	by_mallory spi=$SPI_SHORT
}

# The flow of an SA that is gone leaves its slot to the next: its handle is worth nothing.
handle_again()
{
	local old

	short_lived
	old=${HANDLE[short]}
	configure "$GW1" "xfrm state delete src $M dst $GW1_O proto esp spi $SPI_SHORT"
	grew_by FlowReclaimed 1
	his_sa "$SPI_SHORT"
	configure "$GW1" "$STATE"
	by_mallory n=1 spi=$SPI_SHORT
	grew_by FlowLearned 4
	agent flow_find path="$(pins)/flows" src="$M" dst="$GW1_O" spi=$SPI_SHORT
	expect "slot" $((R[handle] & 0xffffff)) $((old & 0xffffff))
	by_map
	agent ifindex "ns=$GW1" dev=wire
	agent flow_put path="$(pins)/flows" ifindex="${R[ifindex]}" src="$M" dst="$GW1_O" \
		spi=$SPI_SHORT handle="$old"
	by_mallory n=1 spi=$SPI_SHORT
}

# Four numbers are left: one for the stack, three for the fast path.
last_sequence_number()
{
	on_lan n=1 dst="$LAST"
	grew_by FlowLearned 1
	on_lan n=6 dst="$LAST"
}

# What does not fit any more is told to the sender by the stack.
# shellcheck disable=SC2153  # declared in family_vars
path_mtu_lowered()
{
	on_wire n=1 proto=too-big src="$ROUTER" dst="$GW1_O" mtu=1400 \
		about="$GW1_O,$GW2_O,$SPI_AB"
	agent closers
	on_lan n=1
	grew_by FlowLearned 3
	on_lan size=1350
}

start_over()
{
	local seq

	for seq in 4294967295 0 1 100000; do
		by_mallory n=1 seq=$seq
	done
}

# attack LABEL WANTED COMMAND…: between packets of the victims
attack()
{
	test_begin "IPv$F: $1"
	agent before
	"${@:3}"
	agent after
	outcome "$2"
	undo
	test_end
}

# undo: what an attack has set up
undo()
{
	local step

	for step in "${AFTER[@]}"; do
		$step
	done
	AFTER=()
}

# outcome WANTED: what came out, and all counters that grew; WANTED is what there is
# besides the victims': NAME=COUNT of a counter, W+= ESP of theirs from GW1, good+= more of
# their datagrams, A:, B: or W: what else was seen there, each as often as it says.
outcome()
{
	local word value name counters=''
	local -A more=([A]='' [B]='' [W]='')

	WANT=([Encrypted]=4 [Decrypted]=5 [ForwardDone]=4 [Restored]=1 [FlowLearned]=2 [W]=5 [good]=5)
	for word in $1; do
		case $word in
		[ABW]:*)
			more[${word%%:*}]+=" ${word#?:}" ;;
		*)
			name=${word%%[+=]*} value=${word#*=}
			WANT[$name]=$((${WANT[$name]:-0} + ${value//N/$SENT})) ;;
		esac
	done
	expect_words "at A" "${R[A]}" "good*${WANT[good]}${more[A]//\*N/*$SENT}"
	expect_words "at B" "${R[B]}" "good*${WANT[good]}${more[B]//\*N/*$SENT}"
	expect_words "from GW1" "${R[W]}" "esp:$SPI_AB*${WANT[W]}${more[W]//\*N/*$SENT}"
	unset 'WANT[W]' 'WANT[good]'
	for name in "${!WANT[@]}"; do
		[ "${WANT[$name]}" -eq 0 ] || counters+=" $name=${WANT[$name]}"
	done
	# That nobody has learned it is no news of an attack.
	expect_words "counters" "$(sed -E 's/PuntNotLearned=[0-9]+//' <<<"${R[grown]}")" "$counters"
}

# expect_words WHAT GOT WANTED: the same words, in whatever order
expect_words()
{
	local word missing=''
	local -A left=()

	for word in $2; do
		left[$word]=1
	done
	for word in $3; do
		[ -n "${left[$word]:-}" ] || missing+=" $word"
		unset "left[$word]"
	done
	[ -z "$missing${left[*]:-}" ] ||
		wrong "$1: not there:$missing; there:${left[*]:+ ${!left[*]}}"
}
