#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tunnel mode against the kernel's own ESP: both outer and inner families, each
# algorithm, ESN off and on. Every packet but those that teach a flow has to be
# transformed on the fast path, arrive unharmed with its TTL two less (one per
# gateway), be counted by the SAs of both ends, and look on the wire as the one
# that the stack sent, sequence number apart.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path           kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SMALL=20	# datagrams of 64 bytes; the first of them teaches the flow
LARGE=5		# and of 1300
EACH=$((SMALL + LARGE))

# both_sizes NS SRC DST FIRST SINK: EACH datagrams one way
both_sizes()
{
	burst "$1" "$2" "$3" 4000 5001 1 first="$4"
	agent got "name=$5" "n=$(($4 + 1))"
	burst "$1" "$2" "$3" 4000 5001 $((SMALL - 1)) first=$(($4 + 1))
	burst "$1" "$2" "$3" 4000 5001 $LARGE first=$(($4 + SMALL)) size=1300
}

# expect_sa NS SPI PACKETS BYTES
expect_sa()
{
	sa_read "$1" "$2"
	expect "packets of SA $2 in ${1##*-}" "${SA[packets]:-none}" "$3"
	expect "bytes of SA $2 in ${1##*-}" "${SA[bytes]:-none}" "$4"
	expect "replay and ICV errors of SA $2" \
		"${SA[window]:-none} ${SA[replay]:-none} ${SA[failed]:-none}" "0 0 0"
}

# inner_bytes FAMILY: of EACH datagrams with their IP and UDP headers
inner_bytes()
{
	local head=28

	[ "$1" = 4 ] || head=48
	echo $((SMALL * (64 + head) + LARGE * (1300 + head)))
}

# expect_alike SPI COUNT SHAPES: the frames of an SA are numbered without gap, and
# but for that have as many different headers as there are sizes of packet.
expect_alike()
{
	local found shapes

	found=$(awk -v spi="spi=$(printf 0x%08x "$1")," '
		index($0, spi) {
			match($0, /seq=0x[0-9a-f]+/)
			if (substr($0, RSTART + 4, RLENGTH - 4) != sprintf("0x%x", ++n))
				gaps++
			sub(/,seq=0x[0-9a-f]+/, "")
			sub(/ id [1-9][0-9]*,/, " id N,")
			if (!seen[$0]++)
				shapes = shapes (count++ ? " | " : "") $0
		}
		END { print n + 0, gaps + 0, count + 0; print shapes }' "$TMP/wire.txt")
	shapes=${found#*$'\n'}
	expect "SPI $1: frames, gaps, kinds of header [$shapes]" "${found%%$'\n'*}" "$2 0 $3"
}

# one_inner FAMILY NTH: both ways, over SAs that have carried NTH families before
one_inner()
{
	local inner=$1 nth=$2 a=A$1 b=B$1

	mark "$GW1" "$GW2"
	agent clear name=A
	agent clear name=B
	both_sizes "$HA" "${!a}" "${!b}" 0 B
	expect_got B $EACH 62
	expect_counts "$GW1" Encrypted=$((EACH - 1)) FlowLearned=1 PuntRoom=0
	both_sizes "$HB" "${!b}" "${!a}" 0 A
	expect_got A $EACH 62
	# The first packet of an SA is the stack's, the first of a flow goes up
	# to it decrypted.
	expect_counts "$GW1" Decrypted=$((EACH - 1 + nth)) ForwardDone=$((EACH - 1)) \
		Restored="$nth"
	expect_no_errors "$GW1" "$GW2"
}

# pair OUTER ALG ESN WINDOW: one pair of SAs, both inner families
CASE=0
pair()
{
	local outer=$1 alg=$2 esn=$3 window=$4 inner nth=0 bytes=0 spi

	CASE=$((CASE + 1))
	SPI_AB=$((0x1000 + CASE)) SPI_BA=$((0x2000 + CASE))
	sa_setup outer="$outer" alg="$alg" esn="$esn" window="$window"
	for inner in 4 6; do
		test_begin "IPv$inner in IPv$outer, $alg, ESN $esn, window $window"
		one_inner "$inner" "$nth"
		nth=$((nth + 1))
		bytes=$((bytes + $(inner_bytes $inner)))
		for spi in "$SPI_AB" "$SPI_BA"; do
			expect_sa "$GW1" "$spi" $((nth * EACH)) "$bytes"
			expect_sa "$GW2" "$spi" $((nth * EACH)) "$bytes"
		done
		test_end
	done
}

# outer_header OUTER: what the inner header decides of the outer one
outer_header()
{
	local outer=$1 inner=4 tos class="class 0xba"

	[ "$outer" = 6 ] || class="tos 0xba"
	CASE=$((CASE + 1))
	SPI_AB=$((0x1000 + CASE)) SPI_BA=$((0x2000 + CASE))
	sa_setup outer="$outer"
	for inner in 4 6; do
		local a=A$inner b=B$inner
		test_begin "DSCP and ECN of IPv$inner go into the IPv$outer header"
		agent clear name=B
		mark "$GW1"
		for tos in 1 9; do
			burst "$HA" "${!a}" "${!b}" 4001 5001 $tos first=$tos tos=0xba
			agent got name=B n=$tos
		done
		expect_got B 10 62
		expect "TOS at B" "${R[tos]}" $((0xba))
		expect_counts "$GW1" Encrypted=9
		capture_sync
		wire_text esp >"$TMP/wire.txt"
		expect "frames with DSCP EF and ECT(0)" \
			"$(grep "spi=$(printf 0x%08x $SPI_AB)," "$TMP/wire.txt" | grep -c "$class")" \
			$((inner == 4 ? 10 : 20))
		test_end
	done
}

# Without DF in the inner header there is none in the outer, and an id each.
without_df()
{
	local lines

	test_begin "an IPv4 packet without DF gets an outer header without, and an id of its own"
	CASE=$((CASE + 1))
	SPI_AB=$((0x1000 + CASE)) SPI_BA=$((0x2000 + CASE))
	sa_setup
	agent clear name=B
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4002 5001 1 df=0
	agent got name=B n=1
	burst "$HA" "$A4" "$B4" 4002 5001 9 first=1 df=0
	expect_got B 10 62
	expect_counts "$GW1" Encrypted=9
	capture_sync
	lines=$(wire_text esp | grep "spi=$(printf 0x%08x $SPI_AB),")
	expect "frames without DF" "$(grep -c 'flags \[none\]' <<<"$lines")" 10
	expect "different ids" \
		"$(sed -n 's/.* id \([1-9][0-9]*\),.*/\1/p' <<<"$lines" | sort -u | wc -l)" 10
	test_end
}

plan 42
setup
attach
capture_start
for outer in 4 6; do
	for alg in gcm128 gcm256 cbc; do
		pair $outer $alg off 32
		pair $outer $alg on 128
	done
done

capture_sync
wire_text esp >"$TMP/wire.txt"
for ((i = 1; i <= 12; i++)); do
	test_begin "frames of SA pair $i look as the stack's"
	expect_alike $((0x1000 + i)) $((2 * EACH)) 4
	test_end
done

outer_header 4
outer_header 6
without_df

test_begin "no plaintext on the wire"
expect_no_plaintext
test_end
