#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Attacks on a gateway whose flows are on the fast path, each with what came out at
# every side, and the counter that shows it. Documentation/attacks.rst is the list. The
# victims' packets before and after each attack have to be fast and unharmed.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#     ^   fast path    ^      kernel
#     attacker         attacker; Mallory, a peer with an SA of his own

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib/attacks.sh
. "$LIB/attacks.sh"

# families | label | attack | what comes of it besides the victims' packets; N is how many
# packets attacked
attacks()
{
	clear_attacks
	fragment_attacks
	header_attacks
	esp_attacks
	inner_attacks
	map_attacks
	life_attacks
	[ "$F" = 6 ] || natt_attacks
	iface_attacks
	last_attacks
}

# What is not ESP, and looks as if it had been.
clear_attacks()
{
	cat <<END
46|plaintext that looks like a decrypted flow|on_wire|XfrmInTmplMismatch=N $DISCARD
46|TCP plaintext that looks like a decrypted flow|on_wire $TCP|XfrmInTmplMismatch=N $DISCARD
46|TCP reset in the clear|on_wire $TCP proto=tcp-rst|XfrmInTmplMismatch=N $DISCARD
46|TCP without flags, by its own peer|tcp_by_victim 3 proto=tcp-null|$UP PuntTcpFlags=N LearnPacket=N A:tcp:$B:4000>$T:5003:ttl62*N
46|the TCP flow after that reset|tcp_by_victim|Decrypted=N ForwardDone=N A:tcp:$B:4000>$T:5003:ttl62*N
46|ICMP error in the clear about a flow|on_wire proto=unreachable|XfrmInTmplMismatch=N $DISCARD
4|look-alike by the other device|on_lan src=$B dst=$A|IPReversePathFilter=N
6|look-alike by the other device|on_lan src=$B dst=$A|XfrmInTmplMismatch=N $DISCARD
4|plaintext of the LAN, from the wire|on_wire src=$A dst=$B|IPReversePathFilter=N
46|plaintext for the gateway itself|on_wire dst=$GW1_LAN dport=5002|XfrmInTmplMismatch=N
46|look-alike for another MAC|on_wire dmac=$MAC_NOBODY|
46|ESP for another MAC|replayed dmac=$MAC_NOBODY|PuntNotHost=N
46|ESP for all MACs|replayed dmac=$MAC_ALL|PuntNotHost=N XfrmInStateSeqError=N
46|to be encrypted, for another MAC|on_lan dmac=$MAC_NOBODY|PuntNotHost=N
46|to be encrypted, for all MACs|on_lan dmac=$MAC_ALL|PuntNotHost=N
6|IPv4-mapped addresses|on_wire src=::ffff:$B4 dst=::ffff:$A4|Ip6InNoRoutes=N
6|addresses that begin as those of the IPv4 flow|on_wire src=cb00:7102:: dst=c633:6402::|Ip6InNoRoutes=N
46|metadata forged, with the handle of a live SA|with_forged_metadata sa on_wire|RestoreForged=N
46|metadata forged, with a handle of nothing|with_forged_metadata 0x123456789 on_wire|RestoreForged=N
END
}

fragment_attacks()
{
	cat <<END
4|fragments of a look-alike|on_wire frags=clean|PuntFragment=2*N XfrmInTmplMismatch=2*N
6|fragments of a look-alike|on_wire frags=clean|PuntFragment=2*N XfrmInTmplMismatch=2*N Ip6InDiscards=2*N
4|overlapping fragments of a look-alike|on_wire frags=overlap|PuntFragment=2*N XfrmInTmplMismatch=2*N
6|overlapping fragments of a look-alike|on_wire frags=overlap|PuntFragment=2*N XfrmInTmplMismatch=2*N Ip6InDiscards=2*N
46|overlapping fragments, to be encrypted|on_lan frags=overlap|PuntFragment=2*N LearnPacket=2*N W+=2*N B:fragment:$A>$B:ttl62*6
46|fragments of ESP|by_mallory frags=clean|PuntFragment=2*N FlowRenewed=2*N $M_A
46|overlapping fragments of ESP|by_mallory frags=overlap|PuntFragment=2*N ${IP}ReasmFails=N
END
}

# TTL, length, options.
header_attacks()
{
	cat <<END
46|TTL 0, to be encrypted|on_lan ttl=0|PuntTtl=N $TTL_A
46|TTL 1, to be encrypted|on_lan ttl=1|PuntTtl=N $TTL_A
46|TTL 255, to be encrypted|on_lan ttl=255|Encrypted=N W+=N B:udp:$A:4000>$B:5001:ttl253*N
46|TTL 0, decrypted|by_mallory ttl=0|$UP PuntTtl=N $TTL_B
46|TTL 1, decrypted|by_mallory ttl=1|$UP PuntTtl=N $TTL_B
46|TTL 255, decrypted|by_mallory ttl=255|Decrypted=N ForwardDone=N ${M_A/63/254}
46|larger than the tunnel, with DF|on_lan size=1450|PuntMtu=N $MTU_A
46|bytes hidden behind the end, to be encrypted|on_lan trail=40|Encrypted=N W+=N $EVIL_B
46|bytes hidden behind the end, decrypted|by_mallory tfc=40|Decrypted=N ForwardDone=N $M_A
4|source route|on_lan options=lsrr|PuntIpOptions=N
4|record route|on_lan options=rr|PuntIpOptions=N LearnPacket=N W+=N $EVIL_B
6|hop by hop options|on_lan options=hop|PuntIpOptions=N LearnPacket=N W+=N B:ip-0:$A>$B:ttl62*N
6|routing header|on_lan options=routing|PuntIpOptions=N LearnPacket=N W+=N B:ip-43:$A>$B:ttl62*N
END
}

# By who has no key.
esp_attacks()
{
	cat <<END
46|ESP sent again|replayed|PuntSaReplay=N XfrmInStateSeqError=N
46|ESP sent again, from another gateway|replayed src=$M|XfrmInStateSeqError=N
46|ESP late and in another order|reordered|Decrypted=N ForwardDone=N $M_A PuntSaReplay=N XfrmInStateSeqError=N
46|ciphertext changed|replayed seq_add=1000 flip=20|DropIcv=N XfrmInStateProtoError=N
46|ICV changed|replayed seq_add=1000 flip=-1|DropIcv=N XfrmInStateProtoError=N
46|sequence number changed|replayed seq_add=1000|DropIcv=N XfrmInStateProtoError=N
46|ESP cut short|replayed seq_add=1000 cut=10|DropIcv=N XfrmInStateProtoError=N
46|ESP without ICV|replayed seq_add=1000 keep=24|PuntEspShort=N XfrmInStateProtoError=N
46|ESP shorter than it claims|replayed truncate=10|PuntIpHeader=N ${IP}InTruncatedPkts=N
46|SPI of nobody|by_mallory spi=0x9999|XfrmInNoStates=N
46|ESP of one SA from the gateway of another|by_mallory src=$GW2_O|FlowRenewed=2*N $M_A
END
}

# By a peer with an SA of his own, or the other way round.
inner_attacks()
{
	local martian

	cat <<END
46|a flow of SA A inside SA B|by_mallory idst=$A|$UP XfrmInTmplMismatch=N $DISCARD
46|a flow of SA B inside SA A|by_victim|$UP XfrmInTmplMismatch=N $DISCARD
46|inner source outside the selector|by_mallory isrc=$OUTSIDE|$UP XfrmInNoPols=N $DISCARD
46|inner packet for the gateway itself|by_mallory idst=$GW1_LAN|$UP XfrmInTmplMismatch=N
46|ESP inside ESP|by_mallory proto=esp isrc=$GW2_O idst=$GW1_O about=$SPI_BA|$UP XfrmInNoPols=N
46|ICMP error inside ESP about a flow of another SA|by_mallory idst=$A proto=unreachable|$UP XfrmInTmplMismatch=N $DISCARD
END
	for martian in ${MARTIANS[$F]}; do
		echo "$F|inner martian (${martian%%,*})|by_mallory i${martian%%,*}|$UP ${martian#*,}"
	done
}

MARTIANS[4]="src=127.0.0.1, src=0.0.0.1,XfrmInNoPols=N src=224.0.0.1, src=255.255.255.255,
	dst=127.0.0.1, dst=0.0.0.0, dst=224.0.0.5, dst=255.255.255.255,IpInBcastPkts=N
	dst=198.51.100.255,IpInBcastPkts=N"
MARTIANS[6]="src=::1,Ip6InHdrErrors=N src=ff02::1,Ip6InHdrErrors=N dst=::1,Ip6InHdrErrors=N
	dst=ff01::1,Ip6InHdrErrors=N dst=ff02::1,"

# By who may write into the flow map; no entry is more than a hint.
map_attacks()
{
	cat <<END
46|map by hand: plaintext key, decrypted flow|by_hand 0 flow on_wire|PuntNoProof=N XfrmInTmplMismatch=N $DISCARD
46|the same with forged metadata|by_hand 0 flow with_forged_metadata sa on_wire|PuntNoProof=N RestoreForged=N
46|map by hand: plaintext key, an SA|by_hand 0 sa on_wire|PuntFlowMismatch=N XfrmInTmplMismatch=N $DISCARD
46|map by hand: plaintext key, flow of the other side|by_hand 0 back on_wire|PuntFlowMismatch=N XfrmInTmplMismatch=N $DISCARD
46|map by hand: a handle that never was|by_hand 0 0x123456789 on_wire n=1|PuntNoFlow=N XfrmInTmplMismatch=N $DISCARD
46|map by hand: key of SA B, flow of SA A|by_hand mallory flow by_mallory idst=$A|$UP PuntNoProof=N XfrmInTmplMismatch=N $DISCARD
46|map by hand: key of SA B, flow in the clear|by_hand mallory clear by_mallory idst=$CLEAR dport=5002|$UP PuntFlowMismatch=N XfrmInNoPols=N $DISCARD
46|a program that rewrites what it decrypted for another flow of the SA|rewritten by_mallory|Decrypted=N PuntNoProof=N RestoreForged=N
END
}

# SAs at the end of their lives.
life_attacks()
{
	cat <<END
46|ESP of an SA that was deleted|deleted_sa|FlowLearned=2 Decrypted=3 ForwardDone=3 A:udp:$B:4000>$A2:5001:ttl63*4 FlowReclaimed=1 XfrmInNoStates=N
46|ESP of an SA that expired|expired_sa|FlowLearned=2 Decrypted=3 ForwardDone=3 A:udp:$B:4000>$A2:5001:ttl63*4 PuntSaExpired=1 XfrmInStateExpired=1 FlowReclaimed=1 XfrmInNoStates=N
46|the last sequence number of an outbound SA|last_sequence_number|FlowLearned=1 Encrypted=3 W:esp:$SPI_LAST*4 PuntSaOverflow=3 XfrmOutStateSeqError=3 FlowRenewed=3
46|a handle of before, its slot taken again|handle_again|PuntNoFlow=1 FlowReclaimed=1 FlowLearned=4 FlowRenewed=2 Decrypted=3 ForwardDone=3 A:udp:$B:4000>$A2:5001:ttl63*6
END
}

natt_attacks()
{
	cat <<END
4|ESP in UDP, where the SA is|natt 4500|Decrypted=N ForwardDone=N $M_A
4|ESP in UDP from another port|natt 4501|FlowRenewed=2*N $M_A
4|ESP for an SA in UDP|by_mallory spi=$SPI_NATT|XfrmInStateMismatch=N
4|ESP in UDP for an SA without|by_mallory encap=4500,4500|XfrmInStateMismatch=N
END
}

iface_attacks()
{
	cat <<END
46|ESP of an xfrm interface|by_mallory $IFACE|Decrypted=N ForwardDone=N A:udp:$ROUTED:4000>$A:5001:ttl63*N
4|look-alike of a flow of an xfrm interface|on_wire src=$ROUTED|IPReversePathFilter=N
46|a flow of an xfrm interface inside SA B|by_mallory isrc=$ROUTED idst=$A|$UP XfrmInNoPols=N $DISCARD
46|a victim's flow by an xfrm interface|by_mallory $IFACE isrc=$B|$UP XfrmInNoPols=N $DISCARD
END
}

# After these an SA or a route is not what it was: in IPv6, all routes.
last_attacks()
{
	cat <<END
46|ICMP too big about ESP of nobody|on_wire proto=too-big src=$ROUTER dst=$GW1_O mtu=1400 about=$GW1_O,$GW2_O,0x9999|
4|ICMP too big about our ESP|path_mtu_lowered|PuntDst=1 FlowReclaimed=1 FlowLearned=3 good+=1 Decrypted=1 Restored=1 W+=2 ${EVIL_B/N/1} PuntMtu=N $LOWER_A
6|ICMP too big about our ESP|path_mtu_lowered|PuntDst=2 PuntRoutes=1 FlowReclaimed=2 FlowLearned=4 FlowRenewed=1 good+=1 ForwardDone=-1 Restored=1 W+=2 ${EVIL_B/N/1} PuntMtu=N $LOWER_A
4|sequence numbers of an inbound SA that start over|start_over|Decrypted=1 ForwardDone=1 A:udp:$B:4000>$A2:5001:ttl63*1 PuntSaReplay=3 XfrmInStateSeqError=3
6|sequence numbers of an inbound SA that start over|start_over|PuntRoutes=1 FlowReclaimed=1 FlowLearned=1 FlowRenewed=1 A:udp:$B:4000>$A2:5001:ttl63*1 PuntSaReplay=3 XfrmInStateSeqError=3
END
}

# rows: of the table, those for IPv$F whose label matches $ONLY
rows()
{
	local families line

	family_vars
	while IFS='|' read -r families line; do
		[[ $families != *$F* || ! ${line%%|*} =~ $ONLY ]] || echo "$line"
	done < <(attacks)
}

# again FIRST: look-alikes, and ESP of the round before sent again; what counters say
again()
{
	agent "$1"
	agent closers
	agent taps
	mark "$GW1"
	on_wire
	replayed
	agent closers
	counters "$GW1"
	expect_count "$GW1" XfrmInTmplMismatch 3
	expect_count "$GW1" XfrmInStateSeqError "$SENT"
	agent taps
	expect_words "at A" "${R[A]}" "good*1"
}

between_attachments()
{
	test_begin "IPv$F: ${EACH[0]}"
	detach
	again before
	expect_range "ESP sent again" "$SENT" 3 3
	agent volley n=2
	agent closers
	agent taps
	attach
	# Nothing is known yet: the closers are the first good packets.
	mark "$GW1"
	on_wire
	replayed
	agent closers
	expect_counts "$GW1" XfrmInTmplMismatch=3 XfrmInStateSeqError="$SENT" Encrypted=0 \
		Decrypted=0 Restored=0
	agent volley n=1
	again before
	expect_count "$GW1" PuntSaReplay "$SENT"
	expect_count "$GW1" Decrypted 1
	test_end
}

# flow_from SPORT: one more of those that GW1 gets in the clear from the wire and sends on
# by ESP; its place in the table, in SLOT, and HANDLE[SPORT]
flow_from()
{
	mark "$GW1"
	# Of a full table a part is searched for each: eight of them are a page of places.
	on_wire n=10 dst="$CLEAR" dport=5002 sport="$1"
	wait_for 5 counter_at_least "$GW1" FlowLearned 1 || wrong "flow from port $1 is not learned"
	agent flow_find path="$(pins)/flows" src="$B" dst="$CLEAR" sport="$1" dport=5002
	HANDLE[$1]=${R[handle]}
	SLOT=$((R[handle] & 0xffffff))
}

limit_flows() { echo "$1" >"$PARAMS/max_flows" || wrong "cannot set max_flows to $1"; }

# Whoever makes flows can have others' places taken: what the map says of those is worth
# nothing.
pushed_out()
{
	local flows limit port slot

	test_begin "IPv$F: ${EACH[1]}"
	flow_from 4100
	slot=$SLOT
	expect_ok "status" xx -j status
	flows=$(jq .namespaces[0].table.flows <<<"$OUTPUT")
	limit=$(cat "$PARAMS/max_flows")
	at_exit "limit_flows $limit"
	limit_flows "$flows"
	SLOT=0
	for ((port = 4101; port < 4200 && SLOT != slot; port++)); do
		flow_from $port
		expect_counts "$GW1" FlowEvicted=1
	done
	expect "slot of the last flow" "$SLOT" "$slot"
	by_map
	agent flow_put path="$(pins)/flows" ifindex="$WIRE_INDEX" src="$B" dst="$CLEAR" \
		sport=4100 dport=5002 handle="${HANDLE[4100]}"
	mark "$GW1"
	on_wire n=1 dst="$CLEAR" dport=5002 sport=4100
	wait_for 5 counter_at_least "$GW1" PuntNoFlow 1 || wrong "the kernel follows it"
	expect_counts "$GW1" PuntNoFlow=1 Encrypted=0
	undo
	limit_flows "$limit"
	# Theirs are learned again, for the next.
	agent closers
	agent taps
	test_end
}

# HA runs the fast path, too. What GW1 decrypted for its stack reaches HA without metadata;
# what somebody takes from GW1's stack with it is worth nothing there.
second_namespace()
{
	test_begin "${SPECIAL[0]}"
	expect_ok "attach in HA" "$CLI" -n "$HA" attach eth0
	at_exit "$CLI -n $HA detach"
	mark "$GW1" "$HA"
	agent closers
	expect_counts "$GW1" Restored=1
	expect_counts "$HA" Restored=0 RestoreForged=0 RestoreSaGone=0
	agent ifindex "ns=$GW1" dev=lan
	agent tcx_redirect "ns=$GW1" dev=wire to="${R[ifindex]}"
	mark "$GW1" "$HA"
	burst "$HB" "$B" "$A" 20000 5001 3 first=$EVIL
	wait_for 5 counter_at_least "$HA" RestoreForged 3 || wrong "metadata did not come to HA"
	expect_counts "$GW1" Decrypted=3 Restored=0
	expect_counts "$HA" Restored=0 RestoreForged=3
	agent xdp_off "ns=$GW1" dev=wire
	test_end
}

# Every test above is a line of the document, and every line is a test.
documented()
{
	local list

	test_begin "${SPECIAL[1]}"
	list=$(sed -n '/- Attack$/d; s/^   \* - //p' "$(dirname "$0")/../Documentation/attacks.rst")
	expect "lines without test, tests without line" "" \
		"$(printf '%s\n' "${LABELS[@]% (*)}" | sed "/${SPECIAL[1]}/d" | sort -u |
			comm -3 - <(sort <<<"$list"))"
	test_end
}

# special FUNCTION LABEL: it is in the list; run where it is wanted
special()
{
	[[ ! $2 =~ $ONLY ]] || "$1"
}

ONLY=${1:-}
F=4 ROWS4=$(rows) F=6
ROWS6=$(rows)
# By each IP version, and once.
EACH=("between detach and attach" "a handle of before, its flow pushed out")
SPECIAL=("metadata in another namespace" "the list in Documentation is this one")
mapfile -t LABELS < <(printf '%s\n' "$ROWS4" "$ROWS6" "${EACH[@]}" "${EACH[@]}" "${SPECIAL[@]}" |
	sed '/^$/d; s/|.*//' | grep -E "$ONLY")
plan ${#LABELS[@]}
setup
attacks_setup
attach
for F in 4 6; do
	family_setup
	rows=ROWS$F
	while IFS='|' read -r label how wanted; do
		# shellcheck disable=SC2086  # one word per option
		[ -z "$label" ] || attack "$label" "$wanted" $how
	done <<<"${!rows}"
	special between_attachments "${EACH[0]}"
	special pushed_out "${EACH[1]}"
done
special second_namespace "${SPECIAL[0]}"
special documented "${SPECIAL[1]}"
