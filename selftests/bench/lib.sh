# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What every part of the benchmark shares: the gateways with a wire between them and
# nothing on it, the generator, and samples that are true.
#
#   HA ---- GW1 ======= GW2 ---- HB
#
#   encrypt   generator at HA, GW1 is measured, sink at GW2's wire
#   decrypt   generator at HB, GW2 encrypts, GW1 is measured, sink at HA
#
# From the generator to the sink everything happens in the generator's softirq, so its time
# is that of all; the time of packets that GW1 drops as soon as it has them is taken off.

# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=../lib/icount.sh
. "$LIB/icount.sh"

SAMPLES=5
PACKETS=${BENCH_PACKETS:-500}	# of a sample
LEARN=20			# before the first
IMIX=64,7+576,4+1400,1		# sizes and how often, of pktgen
MODULES=${BENCH_MODULES:?run bench.sh, which says where the modules are}
OUT=${BENCH_OUT:?run bench.sh, which says where the samples go}

# What a packet of a path goes through: an SA, and the fast path.
declare -A BY_SA=([xfrm]=1 [xfrm-flowtable]=1 [fast]=1 [fast-copied]=1)
declare -A IN_XDP=([fast]=1 [fast-copied]=1)

# The AEAD of each algorithm as XFRM asks for it: name, bytes of keys and of the ICV.
declare -A AEAD=(
	[gcm128]="seqiv(rfc4106(gcm(aes))) 0 20 16"
	[gcm256]="seqiv(rfc4106(gcm(aes))) 0 36 16"
	[chacha]="seqiv(rfc7539esp(chacha20,poly1305)) 0 36 16"
	[cbc]="echainiv(authenc(hmac(sha256),cbc(aes))) 32 16 16"
	[null]="authenc(digest_null,ecb(cipher_null)) 0 0 0"
)

# What keeps the CPU from idling would have its share of every sample: it may idle then, and
# who waits for a disk sees the clock jump.
# shellcheck disable=SC2034  # for agent.sh
AGENT_TIMEOUT=100000

# What the rows are about; every sample carries these.
DIRECTION='' CIPHER=none TRANSFORM=none FLOWS=1 SAS=1

# The bridge of the usual topology costs instructions that are not the gateway's. GRO is
# off everywhere: a sink that merges packets is not what is measured.
wire_direct()
{
	local ns

	configure "$GW1" "link del wire"
	configure "$GW2" "link del wire"
	configure "$GW1" "link add wire address $MAC_GW1 ${1:-} type veth peer name wire \
		address $MAC_GW2 ${1:-} netns $GW2"
	for ns in "$GW1" "$GW2"; do
		agent offload "ns=$ns" dev=wire tx=off tso=off gso=off gro=off
	done
	agent offload "ns=$HA" dev=eth0 gro=off
	configure "$GW1" "link set wire up" "addr add $GW1_4/24 dev wire" \
		"neigh replace $GW2_4 lladdr $MAC_GW2 dev wire nud permanent" \
		"route add $NET_B4 via $GW2_4"
	configure "$GW2" "link set wire up" "addr add $GW2_4/24 dev wire" \
		"neigh replace $GW1_4 lladdr $MAC_GW1 dev wire nud permanent" \
		"route add $NET_A4 via $GW1_4"
}

bench_setup()
{
	setup
	must modprobe pktgen
	# What udev would load for this CPU, of what is measured here.
	must modprobe -a sha256_ssse3 algif_aead
	must insmod "$MODULES/bench_aead.ko"
	at_exit rmmod bench_aead
	module_load
	wire_direct "$@"
	# GW2 finds its policies by their addresses alone: in lists of ranges, as they are for
	# prefixes by default, the order is one of chance, and what GW2 costs is taken off as
	# if it were the same every time.
	configure "$GW2" "xfrm policy set hthresh4 16 16"
	mkdir -p "$OUT"
}

# fast_path_on [ARG…]: no flow is renewed or forgotten, however much the clock jumps
fast_path_on()
{
	attach "$@" lan wire
	flow_times 100000000 100000000
}

# far_fast_on [ARG…], far_fast_off: where GW2 encrypts, it is in XDP, too, for rows of XDP: of
# what is before GW1 that costs the least, and the same for every packet.
FAR_IN_XDP=0
far_fast_on()
{
	[ "$DIRECTION" = decrypt ] || return 0
	flow_times 100000000 100000000
	must "$CLI" -n "$GW2" attach --plain "$@" lan wire
	FAR_IN_XDP=1
}

far_fast_off()
{
	[ $FAR_IN_XDP -eq 0 ] || must "$CLI" -n "$GW2" detach
	FAR_IN_XDP=0
}

# direction encrypt|decrypt: where packets come from, and where they go
# shellcheck disable=SC2034  # for rows.sh
direction()
{
	DIRECTION=$1
	if [ "$1" = encrypt ]; then
		SOURCE="ns=$HA dev=eth0 dst_mac=$MAC_GW1_LAN src_min=$A4 src_max=$A4 dst_min=$B4 dst_max=$B4"
		IN=lan LEAVES=wire SINK="ns=$GW2 dev=wire" SPI=$SPI_AB
	else
		SOURCE="ns=$HB dev=eth0 dst_mac=$MAC_GW2_LAN src_min=$B4 src_max=$B4 dst_min=$A4 dst_max=$A4"
		IN=wire LEAVES=lan SINK="ns=$HA dev=eth0" SPI=$SPI_BA
	fi
	MORE="udp_src_min=4000 udp_src_max=4000 udp_dst_min=5001 udp_dst_max=5001"
}

# generate SIZE N: frames of that size, Ethernet header included; leaves R[usec]
generate()
{
	local size="pkt_size=$1"

	[ "$1" != imix ] || size="imix_weights=$IMIX"
	# What is said last counts.
	# shellcheck disable=SC2086  # one word per option
	agent pktgen $SOURCE $MORE "$size" "n=$2"
	agree "packets that the generator sent" "${R[sent]}" "$2"
}

# drop xdp|tcx NS=… DEV=…: whatever comes in by a device goes no further. A program of XDP
# has veth make a frame of every skb, one of tcx takes it as it is: what the one costs must
# not be on the bill of the other.
drop()
{
	case $1 in
	xdp)	agent xdp_drop "${@:2}" ;;
	tcx)	agent tcx_pass "${@:2}" verdict=2 ;;
	esac
}

# sink xdp|tcx, sink_off: the end of the way
# shellcheck disable=SC2086  # two words
sink() { drop "$1" $SINK; }
# shellcheck disable=SC2086
sink_off() { agent xdp_off $SINK; }

# agree WHAT GOT WANTED: or the figures are not what their row says.
agree()
{
	[ "$2" = "$3" ] || bail "$ROW: $1: $2, but it has to be $3; this run is void"
}
ROW='the generator'

# shellcheck disable=SC2086
arrived() { agent received $1; echo "${R[packets]}"; }

# carried: packets of the SA that is measured, as GW1 counts them
carried()
{
	sa_read "$GW1" "$SPI"
	echo "${SA[packets]:-0}"
}

# started, true_row PATH END N: N packets have gone that path since, all of them, to END
started()
{
	ROW="$1 $DIRECTION $CIPHER $2 B"
	BEFORE_ARRIVED=$(arrived "$3")
	BEFORE_CARRIED=$(carried)
	mark "$GW1" "$GW2"
}

true_row()
{
	local path=$1 n=$3 fast far=Encrypted

	[ "$CIPHER" != none ] || far=ForwardDone
	agree "packets that reached its end" $(($(arrived "$2") - BEFORE_ARRIVED)) "$n"
	# Where there are many SAs, it is not one of them that has carried all.
	[ "$SAS" -gt 1 ] ||
		agree "packets of the SA" $(($(carried) - BEFORE_CARRIED)) $((n * ${BY_SA[$path]:-0}))
	counters "$GW1"
	fast=$((n * ${IN_XDP[$path]:-0}))
	if [ "$DIRECTION" = encrypt ]; then
		agree "encrypted in XDP" "$(since "$GW1" Encrypted)" "$fast"
	else
		agree "decrypted in XDP" "$(since "$GW1" Decrypted)" "$fast"
		agree "forwarded in XDP" "$(since "$GW1" ForwardDone)" "$fast"
	fi
	counters "$GW2"
	agree "encrypted or forwarded in XDP by GW2" "$(since "$GW2" "$far")" $((n * FAR_IN_XDP))
	expect_no_errors "$GW1" "$GW2"
	agree "errors of XFRM (above, if any)" "$TEST_WRONG" 0
}

# shellcheck disable=SC2154  # R[] is the agent's
# measure PATH SIZE [END]: a line of samples; END is where packets have to arrive, if not
# at the sink
measure()
{
	local path=$1 size=$2 end=${3:-$SINK} i values=

	generate "$size" "$LEARN"
	started "$path" "$size" "$end"
	for ((i = 0; i < SAMPLES; i++)); do
		generate "$size" "$PACKETS"
		values+=,$((R[usec] * 1000 / PACKETS))
	done
	true_row "$path" "$end" $((SAMPLES * PACKETS))
	sample "$path" "$size" "${values#,}"
}

# sample PATH SIZE VALUES: what report.py reads
sample()
{
	echo "path=$1 direction=$DIRECTION cipher=$CIPHER transform=$TRANSFORM size=$2" \
		"flows=$FLOWS sas=$SAS cpus=1 unit=instructions values=$3" >>"$OUT/samples"
}

# baseline xdp|tcx SIZE…: the generator, and what is before GW1
baseline()
{
	local how=$1 size

	shift
	drop "$how" "ns=$GW1" "dev=$IN"
	for size; do
		measure "baseline-$how" "$size" "ns=$GW1 dev=$IN"
	done
	agent xdp_off "ns=$GW1" "dev=$IN"
}

# is_async CIPHER: may the transform that its SAs get complete later?
is_async()
{
	local name=${AEAD[$1]%% *}

	must crypto_ask "$name"
	[ "$(crypto_async "$name")" = yes ]
}

# each_transform COMMAND CIPHER…: COMMAND for each with fresh SAs: those of the
# kernel as it is, and where these may complete later, those of a transform that does not.
each_transform()
{
	local what=$1 cipher

	shift
	TRANSFORM=stock
	for cipher; do
		with_sas "$cipher" "$what"
	done
	TRANSFORM=sync
	for cipher in "${WAS_ASYNC[@]}"; do
		[[ " $* " != *" $cipher "* ]] || sync_transforms with_sas "$cipher" "$what"
	done
	TRANSFORM=none CIPHER=none
}

with_sas()
{
	CIPHER=$1
	sa_setup alg="$1"
	# shellcheck disable=SC2086  # a command and its words
	$2
	no_sas
}

no_sas()
{
	configure "$GW1" "xfrm state flush" "xfrm policy flush"
	configure "$GW2" "xfrm state flush" "xfrm policy flush"
}

# sync_transforms CMD…: while the module is there; nobody may use it behind that.
sync_transforms()
{
	never_idle
	must insmod "$MODULES/bench_sync.ko"
	may_idle
	"$@"
	wait_for 600 rmmod bench_sync 2>/dev/null || bail "cannot unload bench_sync: an SA uses it"
}

# find_async CIPHER…: sets WAS_ASYNC
WAS_ASYNC=()
find_async()
{
	local cipher

	for cipher; do
		if is_async "$cipher"; then
			WAS_ASYNC+=("$cipher")
		else
			note "$cipher: the kernel's transform completes at once: no row fast-copied"
		fi
	done
}

# fast_path: the name of what SAs of now take
fast_path()
{
	if [ "$TRANSFORM" = stock ] && [[ " ${WAS_ASYNC[*]} " == *" $CIPHER "* ]]; then
		echo fast-copied
	else
		echo fast
	fi
}
