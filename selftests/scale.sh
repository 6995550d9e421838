#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# scale.sh [TUNNELS]: many flows over many SAs (200, or 20 on a debug kernel; `make scale`
# tells 10,000): all are fast, a rekey concerns the flows of its SA only, whoever comes
# when the table is full pushes out who was there longest, and memory comes back.
#
#   HA ------------- GW1 ==== one SA each way ==== GW2 ---- HB
#   10.64.0.0/14   fast path     per tunnel       kernel
#   TUNNELS hosts                                           one host
#
# Packets are the kernel's packet generator's. Its ranges advance all at once, so that
# as many hosts as ports with no common divisor make a flow of each pair.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib/tunnels.sh
. "$LIB/tunnels.sh"

TUNNELS=${1:-200}
# Of a debug kernel a tenth is enough to see what it has to say.
[ $# -gt 0 ] || [ ! -e /sys/kernel/debug/kmemleak ] || TUNNELS=20
[ "$TUNNELS" -lt 1000 ] || AGENT_TIMEOUT=3600
PORTS_OUT=101	# flows of a tunnel, from HA
PORTS_IN=3	# and back
OUT=$((TUNNELS * PORTS_OUT))
IN=$((TUNNELS * PORTS_IN))
MORE=$((OUT / 20))
VICTIM=$((TUNNELS / 2))	# the tunnel that is rekeyed
BOUND=$((30 + OUT / 500))	# seconds that nothing takes

# A packet of each lesson is enough for as long as this runs.
FOREVER=100000000

# What leaves GW1 and what reaches HA is counted there, and goes no further.
COUNTING='type filter hook ingress device %s priority 0;'
count_frames()
{
	# shellcheck disable=SC2059  # that is a format
	{
		printf "table netdev t { counter espout { }; counter rest { }; chain c { $COUNTING" g1
		echo 'meta protocol ip ip protocol esp counter name espout drop; counter name rest; }; }'
	} >"$TMP/wire.nft"
	# shellcheck disable=SC2059
	{
		printf "table netdev t { counter got { }; chain c { $COUNTING" eth0
		echo "ip saddr $B4 counter name got drop; }; }"
	} >"$TMP/ha.nft"
	must in_ns "$WIRE" nft -f "$TMP/wire.nft"
	must in_ns "$HA" nft -f "$TMP/ha.nft"
}

# frames NS NAME: how many since it was last asked, in FRAMES
frames()
{
	FRAMES=$(in_ns "$1" nft -j reset counter netdev t "$2" | jq '.nftables[] | .counter.packets // empty')
}

# send NS MAC N FIRST_SRC LAST_SRC FIRST_DST LAST_DST PORT PORTS: N packets, each of the
# next source, destination and source port
send()
{
	agent pktgen "ns=$1" dev=eth0 dst_mac="$2" n="$3" src_min="$4" src_max="$5" dst_min="$6" \
		dst_max="$7" udp_src_min="$8" udp_src_max=$(($8 + $9)) udp_dst_min=5001 \
		udp_dst_max=5001 pkt_size=100
}

LAST=$(host $((TUNNELS - 1)))
# round_out N [PORT]: packets of the first N flows out; round_in: one of each flow in
round_out() { send "$HA" $MAC_GW1_LAN "$1" "$(host 0)" "$LAST" $B4 $B4 "${2:-10000}" $PORTS_OUT; }
round_in() { send "$HB" $MAC_GW2_LAN $IN $B4 $B4 "$(host 0)" "$LAST" 10000 $PORTS_IN; }

# table NAME: of /proc/net/xfrm_xdp_table
# shellcheck disable=SC2016  # for awk
table() { in_ns "$GW1" awk -v name="$1" '$1 == name { print $2 }' /proc/net/xfrm_xdp_table; }
table_is() { [ "$(table "$1")" -eq "$2" ]; }

# settled: the counters have stopped
settled()
{
	local before=$SUM

	counters "$GW1"
	SUM=$((${CUR[$GW1:FlowLearned]:-0} + ${CUR[$GW1:Encrypted]:-0} +
		${CUR[$GW1:Decrypted]:-0} + ${CUR[$GW1:ForwardDone]:-0}))
	[ "$SUM" -eq "$before" ]
}
SUM=0

# took WHAT CMD…: run it, and say how long that took
took()
{
	local what=$1 begin=${EPOCHREALTIME/[^0-9]/}

	shift
	"$@"
	wait_for $BOUND settled || wrong "$what: no end of it"
	note "$what: $(((${EPOCHREALTIME/[^0-9]/} - begin) / 1000)) ms"
}

# expect_out N: as many ESP frames left, and nothing else
expect_out()
{
	frames "$WIRE" espout
	expect "ESP frames on the wire" "$FRAMES" "$1"
	frames "$WIRE" rest
	expect "other frames on the wire" "$FRAMES" 0
}

expect_in()
{
	frames "$HA" got
	expect "frames at HA" "$FRAMES" "$1"
}

learn()
{
	test_begin "$OUT flows out over $TUNNELS SAs: learned by a packet each, then all fast"
	frames "$WIRE" rest
	mark "$GW1"
	took "learning $OUT flows" round_out $OUT
	expect_counts "$GW1" FlowLearned=$OUT LearnFull=0 Encrypted=0
	expect_out $OUT
	mark "$GW1"
	took "$OUT packets on the fast path" round_out $OUT
	expect_counts "$GW1" FlowLearned=0 FlowRenewed=0 Encrypted=$OUT
	expect_out $OUT
	test_end

	test_begin "$IN flows in from $TUNNELS SAs: the same"
	mark "$GW1"
	took "learning $IN flows and their SAs" round_in
	expect_counts "$GW1" FlowLearned=$((IN + TUNNELS)) LearnFull=0
	expect_in $IN
	mark "$GW1"
	took "$IN packets on the fast path" round_in
	expect_counts "$GW1" FlowLearned=0 Decrypted=$IN ForwardDone=$IN
	expect_in $IN
	expect_no_errors "$GW1"
	test_end
}

memory()
{
	test_begin "status says what they are, and what they cost"
	expect_ok "status" xx -j status
	OUTPUT=$(jq -c '.namespaces[0] | .table + {map: .flows, map_bytes, map_max: .flows_max}' <<<"$OUTPUT")
	note "status: $OUTPUT"
	expect "flows" "$(jq .flows <<<"$OUTPUT")" $((OUT + IN))
	# Inbound, and what watches the ESP of an outbound one leave.
	expect "entries of SAs" "$(jq .sa_entries <<<"$OUTPUT")" $((2 * TUNNELS))
	expect "entries of the map" "$(jq .map <<<"$OUTPUT")" $((OUT + IN + TUNNELS))
	expect "bundles" "$(table Bundles)" $OUT
	expect_range "bytes per flow, with its bundle" "$(jq .bytes_per_flow <<<"$OUTPUT")" 400 700
	expect_range "bytes per entry of the map" "$(jq '.map_bytes / .map_max | floor' <<<"$OUTPUT")" 150 256
	test_end
}

# How many elements, how many of some hundred that are looked at are wrong, and the peak
# of the resident memory in KiB; an element is a line.
STREAM_READER='
import json, resource, subprocess, sys
step, args = int(sys.argv[1]), sys.argv[2:]
child = subprocess.Popen(args, stdout=subprocess.PIPE)
n = bad = 0
for line in child.stdout:
    line = line.strip().rstrip(b",")
    if not line.startswith(b"{\"kind"):
        continue
    n += 1
    if n % step == 1:
        bad += set(json.loads(line)) != {"kind", "family", "protocol", "source", "destination",
            "detail", "in_device", "out_device", "vlan", "in_spi", "out_spi", "packets", "bytes",
            "age_seconds"}
bad += child.wait() != 0
print(n, bad, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
'

flows()
{
	local total=$((OUT + IN + TUNNELS)) n bad little much begin

	test_begin "flows: a list that takes no memory, filters, and an early end"
	read -r n bad little < <(/usr/bin/python3 -I -c "$STREAM_READER" 100 "$CLI" -n "$GW1" -j flows \
		--limit 1)
	expect "flows with a limit" "$n $bad" "1 0"
	begin=${EPOCHREALTIME/[^0-9]/}
	read -r n bad much < <(/usr/bin/python3 -I -c "$STREAM_READER" $((total / 100)) "$CLI" -n "$GW1" -j flows)
	note "flows -j: $n in $(((${EPOCHREALTIME/[^0-9]/} - begin) / 1000)) ms," \
		"$much KiB resident ($little KiB for one)"
	expect "flows" "$n $bad" "$total 0"
	expect_range "KiB that $total need more than one" $((much - little)) -2048 2048

	expect "one JSON document" "$(xx -j flows --kind sa | jq '.flows | length')" "$TUNNELS"
	expect "of one SA" "$(xx flows -c --sa $((SPI_OUT + VICTIM)))" $PORTS_OUT
	expect "from one host" "$(xx flows -c --src "$(host $VICTIM)")" $PORTS_OUT
	expect "to all" "$(xx -j flows -c --dst $NET_HOSTS --dev lan | jq .count)" "$IN"
	expect "none" "$(xx flows -c --proto tcp)" 0
	expect "lines for people" "$(xx flows --src 10.64.0.0/24 | wc -l)" \
		$(((TUNNELS < 256 ? TUNNELS : 256) * PORTS_OUT + 1))
	expect "early end" "$(xx flows 2>&1 | head -n 2 | wc -l)" 2
	expect "early end, SIGPIPE ignored" \
		"$( (trap '' PIPE; xx -j flows 2>"$TMP/noise") | head -n 1; cat "$TMP/noise")" "{"
	test_end
}

# The new SA first, as a key manager does it; then the old one goes.
rekey()
{
	local id="reqid $((VICTIM + 1)) mode tunnel replay-window 64 flag af-unspec ${ALGO[gcm128]}"
	local out="src $GW1_4 dst $GW2_4 proto esp" in="src $GW2_4 dst $GW1_4 proto esp"
	local stopped

	test_begin "one SA of $TUNNELS is rekeyed: its $PORTS_OUT flows learn again, no others"
	configure "$GW1" "xfrm state add $out spi $((SPI_OUT + TUNNELS)) $id" \
		"xfrm state delete $out spi $((SPI_OUT + VICTIM))"
	mark "$GW1"
	took "$OUT packets after a rekey" round_out $OUT
	expect_counts "$GW1" FlowLearned=$PORTS_OUT Encrypted=$((OUT - PORTS_OUT))
	stopped=$(($(since "$GW1" PuntDst) + $(since "$GW1" PuntSaState) + $(since "$GW1" PuntNotLearned)))
	expect "packets that the change stopped" $stopped $PORTS_OUT
	note "relearned: $(since "$GW1" FlowLearned) of $OUT"
	expect_out $OUT
	test_end

	test_begin "the same of an inbound one: the SA, and its $PORTS_IN flows"
	configure "$GW1" "xfrm state add $in spi $((SPI_IN + TUNNELS)) $id"
	configure "$GW2" "xfrm state add $in spi $((SPI_IN + TUNNELS)) $id" \
		"xfrm state delete $in spi $((SPI_IN + VICTIM))"
	configure "$GW1" "xfrm state delete $in spi $((SPI_IN + VICTIM))"
	mark "$GW1"
	took "$IN packets after a rekey" round_in
	# The first packet teaches the SA; those behind it are decrypted, and teach flows.
	expect_counts "$GW1" FlowLearned=$((1 + PORTS_IN)) ForwardDone=$((IN - PORTS_IN))
	note "relearned: $(since "$GW1" FlowLearned) of $((IN + TUNNELS))"
	expect_in $IN
	expect_no_errors "$GW1"
	test_end
}

# The table is as full as it may be: new flows take the places of the oldest.
evict()
{
	local sas

	test_begin "$MORE flows too many: the least recently used go, SAs stay, nothing stops"
	# The one that was replaced goes when the table is swept.
	sas=$((2 * TUNNELS))
	wait_for $BOUND table_is Sas $sas || wrong "$(table Sas) entries of SAs, expected $sas"
	table Flows >"$PARAMS/max_flows" || wrong "cannot set max_flows"
	mark "$GW1"
	took "learning $MORE flows in a full table" round_out $MORE 30000
	expect_counts "$GW1" FlowLearned=$MORE FlowEvicted=$MORE LearnFull=0
	expect_out $MORE
	mark "$GW1"
	round_out $MORE 30000
	wait_for $BOUND settled
	expect_counts "$GW1" Encrypted=$MORE FlowLearned=0
	expect_out $MORE

	# Who sent first, and nothing since the others did, learns again.
	mark "$GW1"
	round_out $MORE
	wait_for $BOUND settled
	counters "$GW1"
	note "of the $MORE oldest, $(since "$GW1" FlowLearned) had gone"
	expect_range "of the oldest, those that had gone" "$(since "$GW1" FlowLearned)" $((MORE * 9 / 10)) $MORE
	expect_count "$GW1" LearnFull 0
	expect_out $MORE
	expect "entries of SAs" "$(table Sas)" "$sas"
	expect "flows" "$(table Flows)" "$(cat "$PARAMS/max_flows")"
	mark "$GW1"
	round_in
	wait_for $BOUND settled
	counters "$GW1"
	expect_range "decrypted, by SAs that nobody pushed out" "$(since "$GW1" Decrypted)" "$IN" "$IN"
	expect_in "$IN"
	test_end
	echo "$LIMIT" >"$PARAMS/max_flows"
}

# traced FUNCTION CMD…: how long the function took in CMD, in us, in TRACED
traced()
{
	local tracing=/sys/kernel/tracing function=$1

	shift
	TRACED=
	echo 0 >$tracing/tracing_on
	echo >$tracing/trace
	if ! printf '%s\n' "p:scale_in $function" "r:scale_out $function" >$tracing/kprobe_events; then
		"$@"
		return
	fi
	echo 1 >$tracing/events/kprobes/enable
	echo 1 >$tracing/tracing_on
	"$@"
	echo 0 >$tracing/events/kprobes/enable
	TRACED=$(awk '{ for (i = 1; i < NF; i++) if ($i ~ /^[0-9]+\.[0-9]+:$/) t = $i + 0 }
		/scale_in/ { begin = t } /scale_out/ { d = (t - begin) * 1000000; if (d > most) most = d }
		END { printf "%d", most }' $tracing/trace)
	echo >$tracing/kprobe_events
}

# A deleted SA is looked for at once, and with it what else is dead.
forget()
{
	configure "$GW1" "xfrm state delete src $GW1_4 dst $GW2_4 proto esp spi $SPI_OUT"
	wait_for $BOUND table_is SlotBytes 0
}

# As a host that is idle: nothing of it is left.
reclaim()
{
	test_begin "idle flows are forgotten, and their memory comes back"
	note "$(grep '^Slab:' /proc/meminfo) before"
	echo 1 >"$PARAMS/idle_ms"
	traced xfrm_xdp_flow_sweep forget
	note "forgotten in ${TRACED:-?} us; $(grep '^Slab:' /proc/meminfo) after"
	expect "flows, SAs, bundles, slots" \
		"$(table Flows) $(table Sas) $(table Bundles) $(table SlotBytes)" "0 0 0 0"
	expect_ok "status" xx -j status
	expect_range "bytes in all" "$(jq .namespaces[0].table.bytes <<<"$OUTPUT")" 0 16384
	echo $FOREVER >"$PARAMS/idle_ms"
	test_end
}

down() { configure "$GW1" "link set lan down"; }

purge()
{
	test_begin "a device that goes down takes its flows along, others' do not matter"
	configure "$GW1" "xfrm state add src $GW1_4 dst $GW2_4 proto esp spi $SPI_OUT reqid 1 mode tunnel \
		replay-window 64 flag af-unspec ${ALGO[gcm128]}"
	round_out $OUT
	wait_for $BOUND settled
	expect_range "flows" "$(table Flows)" $OUT $OUT
	configure "$GW1" "link add unused type dummy" "link set unused up"
	traced xfrm_xdp_flow_purge_dev configure "$GW1" "link set unused down"
	note "a device without flows goes down: ${TRACED:-not traced} us"
	expect_range "flows" "$(table Flows)" $OUT $OUT
	traced xfrm_xdp_flow_purge_dev down
	note "a device with $OUT flows goes down: ${TRACED:-not traced} us"
	expect "flows" "$(table Flows)" 0
	test_end
}

plan 9
needs nft:nftables jq awk:mawk
setup
must modprobe pktgen
took_setup=$SECONDS
tunnels_setup "$TUNNELS"
note "$TUNNELS tunnels on both gateways: $((SECONDS - took_setup)) s"
# The oldest is looked for near by only. What tests before this one have left free would be
# taken in another order than that of the flows, and so be no measure.
[ ! -d /sys/module/xfrm_xdp ] || must modprobe -r xfrm_xdp
module_load
LIMIT=$(cat "$PARAMS/max_flows")
[ "$LIMIT" -ge $((OUT + IN + MORE)) ] || LIMIT=$((OUT + IN + MORE))
echo "$LIMIT" >"$PARAMS/max_flows" || bail "cannot set max_flows to $LIMIT"
attach --flows $((OUT + IN + MORE)) lan wire
flow_times $FOREVER $FOREVER
count_frames

learn
memory
flows
rekey
evict
reclaim
purge
