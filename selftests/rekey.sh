#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Rekeying by real IKE daemons under steady traffic, UDP and TCP, both families, both
# ways: on the plain kernel, then on the fast path. What one gateway's SAs have sent,
# the other's have received, SA by SA; not a datagram is missing, nothing in the clear,
# and of the replaced SAs nothing is kept.
#
#   HA ------ GW1 ===== wire ===== GW2 ------ HB
#   UDP, TCP  fast path           kernel      TCP, UDP
#             charon or pluto     charon or pluto
#
#   rekey.sh [DAEMON]                 one round of each kind of rekeying
#   rekey.sh --long SECONDS [DAEMON]  on the fast path, rounds for that long

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib/strongswan.sh
. "$LIB/strongswan.sh"
# shellcheck source=lib/libreswan.sh
. "$LIB/libreswan.sh"

LIMIT=120	# seconds that a rekeying may take
LONG=0
if [ "${1:-}" = --long ]; then
	LONG=${2:?rekey.sh --long SECONDS}
	shift 2
fi
DAEMONS=("${@:-strongswan}")
[ $# -gt 0 ] || DAEMONS=(strongswan libreswan)

ike_stop()
{
	local pid

	for pid in "${IKE_PIDS[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	IKE_PIDS=()
}

# rekeyed N: N pairs of SAs more than the last time, and as many old ones gone
REKEYS=0 BORN=0
sas_replaced()
{
	agent watched name=GW1
	[ "${R[born]}" -ge $((BORN + 2 * WANTED)) ] && [ "${R[gone]}" -ge $((BORN + 2 * WANTED)) ]
}

rekeyed()
{
	WANTED=$1
	wait_for $LIMIT sas_replaced || {
		ike_says
		bail "no $1 rekeyings: ${R[born]} SAs came, ${R[gone]} went"
	}
	BORN=${R[born]} REKEYS=$((REKEYS + $1))
}

# settled: until no old SA is left, at either gateway
sas_settled()
{
	local name

	for name in GW2 GW1; do
		agent watched name=$name
		[ "${R[gone]}" -ge "${R[born]}" ] || return 1
	done
}

settled()
{
	wait_for $LIMIT sas_settled || {
		ike_says
		bail "${R[born]} SAs came, ${R[gone]} went"
	}
	BORN=${R[born]}
}

# ike_says: what there is to know of a daemon that does not do what it was told
ike_says()
{
	local ns line

	for ns in "$GW1" "$GW2"; do
		while IFS= read -r line; do
			note "$ns: $line"
		done < <(in_ns "$ns" ip xfrm state | grep -A 1 '^src'; tail -n 40 "$TMP"/*"$ns"/log)
	done
}

# What XFRM counts of ESP whose SA is not yet there, not any more, or just going; the last,
# where a route goes while it takes a reference to it.
SA_GONE="XfrmInNoStates XfrmAcquireError XfrmInStateInvalid XfrmInError"

# unknown: such ESP since mark, in UNKNOWN; what the stack held while its SA went, in REFUSED
unknown()
{
	local ns name

	UNKNOWN=0 REFUSED=0
	for ns in "$GW1" "$GW2"; do
		counters "$ns"
		for name in $SA_GONE; do
			grew "$ns" "$name"
			UNKNOWN=$((UNKNOWN + GREW))
		done
		grew "$ns" XfrmOutStateInvalid
		REFUSED=$((REFUSED + GREW))
	done
}

# expect_known N: until now, every ESP packet but N found its SA
expect_known()
{
	unknown
	expect "ESP for an SA that is not there" "$UNKNOWN" "$1"
}

traffic_start()
{
	local gap

	agent clear name=A
	agent clear name=B
	capture_start
	agent watch name=GW1 "ns=$GW1" "local=$GW1_4"
	agent watch name=GW2 "ns=$GW2" "local=$GW2_4"
	mark "$GW1" "$GW2"
	stream OUT "$HA" "$A4" "$B4"
	stream BACK "$HB" "$B6" "$A6"
	printf -v gap '0.%03d' $((4 * STREAM_GAP))
	agent tcp_serve name=TCP_OUT "ns=$HB" "addr=$B6" port=7777
	agent tcp_stream name=TCP_OUT "ns=$HA" "src=$A6" "dst=$B6" port=7777 "gap=$gap"
	agent tcp_serve name=TCP_BACK "ns=$HA" "addr=$A4" port=7777
	agent tcp_stream name=TCP_BACK "ns=$HB" "src=$B4" "dst=$A4" port=7777 "gap=$gap"
}

# datagrams STREAM SINK: ends the stream; what is missing, in LOST
LOST=0 SENT=0
datagrams()
{
	local sent missing

	agent unstream "name=$1"
	sent=${R[sent]}
	expect "errors of the sender of $1" "${R[errors]}" 0
	agent got "name=$2" "n=$sent"
	expect "damaged datagrams of $1" "${R[bad]}" 0
	expect "duplicates of $1" "${R[dup]}" 0
	missing=$((sent - R[n]))
	LOST=$((LOST + missing)) SENT=$((SENT + sent)) LATE=$((LATE + R[late]))
}

# bytes STREAM: ends the connection; all of them, as they were
bytes()
{
	local sent sha

	agent tcp_unstream "name=$1"
	sent=${R[sent]} sha=${R[sha256]}
	AGAIN=$((AGAIN + R[retransmitted]))
	agent tcp_got "name=$1"
	expect_range "bytes of $1" "${R[total]}" 10000 "$sent"
	expect "bytes of $1" "${R[total]}" "$sent"
	expect "their hash" "${R[sha256]}" "$sha"
}

# traffic_end: what became of it. LOST, SENT, LATE datagrams, segments sent AGAIN; of GW1's
# SAs those that were USED, ESP OUT, and IN, of GW2's ESP sent BACK; UNKNOWN: found no SA
traffic_end()
{
	local carried

	LOST=0 SENT=0 LATE=0 AGAIN=0
	datagrams OUT B
	datagrams BACK A
	bytes TCP_OUT
	bytes TCP_BACK
	capture_sync
	unknown
	agent unwatch name=GW1 "ns=$GW1"
	USED=${R[used]} POLICIES=${R[policies]} OUT=${R[out]} IN=${R[in]} carried=${R[carried]}
	agent unwatch name=GW2 "ns=$GW2"
	BACK=${R[out]}
	# SA by SA, where each found its own; else in sum.
	[ "$UNKNOWN" -ne 0 ] ||
		expect "packets by SPI at GW2, as at GW1" "${R[carried]}" "$carried"
	expect "ESP sent and not received by an SA" $((OUT - R[in] + BACK - IN)) "$UNKNOWN"
}

expect_wire_clean()
{
	capture_stop
	expect_match "tcpdump" "$(<"$TMP/capture.err")" "(^|[^0-9])0 packets dropped by kernel"
	expect_no_plaintext
	expect_wire "ESP on the wire" $((OUT + BACK)) esp
	expect_wire "neither ESP nor IKE" 0 \
		"not esp and not udp port 500 and not udp port 4500 and not ether proto 0x88b5"
}

# rekeying DAEMON PATH: one round, or as many as there is time for
rekeying()
{
	local daemon=$1 path=$2 end=$SECONDS fast

	test_begin "$daemon, $path: nothing is lost, nothing in the clear"
	[ "$path" = "plain kernel" ] || end=$((SECONDS + LONG))
	REKEYS=0 BORN=0
	traffic_start
	"${daemon}_round"
	while [ $SECONDS -lt $end ]; do
		"${daemon}_round"
	done
	traffic_end
	expect_wire_clean
	# Who answers may have its new SA in use before who asked has it.
	expect_range "datagrams lost, and not for want of an SA" "$LOST" 0 $((UNKNOWN + REFUSED))
	expect_range "SAs that came, and carried packets" "$USED" $((2 * REKEYS)) 100000
	# shellcheck disable=SC2086  # one word per counter
	expect_no_errors "$GW1" "$GW2" except $SA_GONE XfrmOutStateInvalid
	note "$daemon, $path: $((USED / 2)) rekeyings, $SENT datagrams, $LOST lost, $LATE late;" \
		"TCP: $AGAIN sent again; ESP: $OUT out, $IN in, $UNKNOWN for an SA not there," \
		"$REFUSED by one just gone"
	if [ "$path" = "plain kernel" ]; then
		# Where a test before this one has loaded the module, there is a counter.
		expect_match "packets on the fast path" "$(since "$GW1" Encrypted)" \
			'^(0|no such counter)$'
	else
		fast=$(since "$GW1" Encrypted)
		expect_range "sent on the fast path, percent" $((100 * fast / OUT)) 90 100
		fast=$(since "$GW1" ForwardDone)
		expect_range "received on it, percent" $((100 * fast / IN)) 90 100
		note "fast path: $(since "$GW1" Encrypted) of $OUT out," \
			"$(since "$GW1" ForwardDone) of $IN in; $(since "$GW1" FlowLearned) flows" \
			"learned, $POLICIES policy updates"
	fi
	test_end
}

# transforms: how many SAs hold one, dead ones too, by the kernel's count of references
transforms()
{
	awk '$1 == "name" { ours = $3 == "rfc4106(gcm(aes))" }
	     $1 == "refcnt" && ours { n += $3 } END { print n + 0 }' /proc/crypto
}

# sas NS: how many there are
sas() { in_ns "$1" ip xfrm state count | awk '{ print $NF }'; }

all_replaced() { [ "$(sas "$GW1") $(sas "$GW2")" = "$1 $1" ]; }

nothing_kept() { [ $(($(transforms) - HELD)) -eq $(($(sas "$GW1") + $(sas "$GW2"))) ]; }

# live SPI…: all of them are of SAs of GW1
live()
{
	local spi

	for spi; do
		sa_read "$GW1" "$spi"
		[ "${SA[exists]}" = 1 ] || return 1
	done
}

flows_live()
{
	local spis

	spis=$(xx -j flows | jq -r '.flows[] | .in_spi, .out_spi | select(. != 0)') || return 1
	# shellcheck disable=SC2086  # one word per SPI
	live $spis
}

# replaced DAEMON N: N SAs at each gateway, and no more than that held
replaced()
{
	test_begin "$1: replaced SAs are gone, and no flow is left of them"
	wait_for $LIMIT all_replaced "$2" ||
		wrong "$(sas "$GW1") SAs of GW1, $(sas "$GW2") of GW2, expected $2"
	wait_for $LIMIT nothing_kept ||
		wrong "$(transforms) transforms are held, $HELD before, for $(sas "$GW1") and $(sas "$GW2") SAs"
	wait_for 10 flows_live || wrong "flows of SAs that are gone: $(xx flows | tail -n 20)"
	test_end
}

all_fast()
{
	counters "$GW1"
	[ "${CUR[$GW1:Encrypted]:-0}" -gt $((${BASE[$GW1:Encrypted]:-0} + 100)) ]
}

# One of eight CHILD_SAs is rekeyed: the daemon updates its policies, and with any
# change of the policy XFRM itself forgets all bundles.
others()
{
	local i gap policies sent=0

	test_begin "strongswan: eight tunnels, one rekeyed: the flows of all renew"
	strongswan_tunnels 8
	mark "$GW1"
	agent clear name=B
	printf -v gap '0.%03d' $((4 * STREAM_GAP))
	for ((i = 1; i <= 8; i++)); do
		agent stream name=S$i "ns=$HA" "src=$A4" sport=$((4000 + i)) "dst=$B4" dport=5001 \
			"gap=$gap"
	done
	wait_for $LIMIT all_fast || wrong "never fast"
	agent watch name=GW1 "ns=$GW1" "local=$GW1_4"
	mark "$GW1"
	BORN=0
	must swan "$GW1" --rekey --child t1
	rekeyed 1
	policies=${R[policies]}
	wait_for $LIMIT all_fast || wrong "not fast again"
	agent unwatch name=GW1 "ns=$GW1"
	counters "$GW1"
	note "one of eight rekeyed: $(since "$GW1" FlowLearned) flows learned," \
		"$policies policy updates"
	expect_range "flows learned" "$(since "$GW1" FlowLearned)" 8 80
	for ((i = 1; i <= 8; i++)); do
		agent unstream name=S$i
		sent=$((sent + R[sent]))
	done
	agent got name=B "n=$sent"
	expect "datagrams" "${R[n]}" "$sent"
	test_end
}

plan $((${#DAEMONS[@]} * 3 + $([[ " ${DAEMONS[*]} " == *" strongswan "* ]] && echo 1 || echo 0)))
needs charon-systemd swanctl:strongswan-swanctl certutil:libnss3-tools jq
setup
at_exit ike_stop
for daemon in "${DAEMONS[@]}"; do
	HELD=$(transforms)
	"${daemon}_up"
	rekeying "$daemon" "plain kernel"
	# Long enough for renewals not to count on a slow machine; in the long run the default.
	REVALIDATE_MS=$((LONG ? 1000 : 10000)) attach
	rekeying "$daemon" "fast path"
	replaced "$daemon" "$("${daemon}_sas")"
	[ "$daemon" != strongswan ] || others
	ike_stop
	detach
	must modprobe -r xfrm_xdp
	configure "$GW1" "xfrm state flush" "xfrm policy flush"
	configure "$GW2" "xfrm state flush" "xfrm policy flush"
done
