#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ESP packets from the wire, sent once more: refused as the stack refuses them,
# with its MIB and the SA's own counters, and the packets after them still pass.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path   ^  |     kernel
#                     +--+ captured, injected again

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

N=20
CASE=0

# learn_and_send OPTIONS…: new SAs; N packets of B, all but the first fast
learn_and_send()
{
	CASE=$((CASE + 1))
	SPI_BA=$((0x2000 + CASE))
	sa_setup "$@"
	agent clear name=A
	mark "$GW1"
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	burst "$HB" "$B4" "$A4" 4000 5001 $((N - 1)) first=1
	expect_got A $N
	expect_counts "$GW1" Decrypted=$((N - 1)) ForwardDone=$((N - 1))
	keep_capture
}

# keep_capture: what is injected later shows up in the capture again, not in this
keep_capture()
{
	capture_sync
	cp "$CAPTURE" "$TMP/kept.pcap"
}

# again SEQ [DAMAGE…]: captured packets of the SA once more
again()
{
	agent inject "ns=$WIRE" dev=g1 file="$TMP/kept.pcap" spi="$SPI_BA" seq="$1" "${@:2}"
	SENT=${R[sent]}
}

# expect_refused N: that many, all by the replay check
expect_refused()
{
	wait_for 5 counter_at_least "$GW1" XfrmInStateSeqError "$1"
	expect_counts "$GW1" XfrmInStateSeqError="$1" PuntSaReplay="$1"
}

duplicates()
{
	test_begin "ESN $1, window $2: duplicates"
	learn_and_send esn="$1" window="$2"
	mark "$GW1"
	again "1-$N"
	expect "frames injected" "$SENT" $N
	expect_refused $N
	sa_read "$GW1" "$SPI_BA"
	expect "SA: duplicates, left of the window" "${SA[replay]:-none} ${SA[window]:-none}" "$N 0"
	expect "packets of the SA" "${SA[packets]:-none}" $N
	expect_got A $N
	# The window has not moved.
	burst "$HB" "$B4" "$A4" 4000 5001 5 first=$N
	expect_got A $((N + 5))
	expect_counts "$GW1" Decrypted=5 XfrmInStateSeqError=$N
	test_end
}

# What is left of the window is counted as such without ESN; with ESN the number
# can only be one of the next 2^32, and the ICV says that it is not.
too_old()
{
	test_begin "ESN $1, window $2: left of the window"
	burst "$HB" "$B4" "$A4" 4000 5001 150 first=1000
	expect_got A $((N + 5 + 150))
	mark "$GW1"
	again "1-$N"
	if [ "$1" = off ]; then
		expect_refused $N
		sa_read "$GW1" "$SPI_BA"
		expect "SA: duplicates, left of the window, ICV failures" \
			"${SA[replay]:-none} ${SA[window]:-none} ${SA[failed]:-none}" "$N $N 0"
	else
		wait_for 5 counter_at_least "$GW1" XfrmInStateProtoError $N
		expect_counts "$GW1" XfrmInStateProtoError=$N DropIcv=$N XfrmInStateSeqError=0
		sa_read "$GW1" "$SPI_BA"
		expect "SA: duplicates, left of the window, ICV failures" \
			"${SA[replay]:-none} ${SA[window]:-none} ${SA[failed]:-none}" "$N 0 $N"
	fi
	burst "$HB" "$B4" "$A4" 4000 5001 5 first=2000
	expect_got A $((N + 5 + 150 + 5))
	expect_counts "$GW1" ForwardDone=5
	test_end
}

zero()
{
	test_begin "sequence number zero"
	learn_and_send
	mark "$GW1"
	again 1 seq_add=-1
	expect_refused 1
	expect_got A $N
	test_end
}

# Where the receiver asked for no protection it gets none, from both paths.
window_zero()
{
	test_begin "window 0: duplicates pass"
	learn_and_send window=0
	mark "$GW1"
	again "1-$N"
	agent got name=A n=$((2 * N))
	expect "datagrams at A" "${R[n]}" $((2 * N))
	expect "duplicates at A" "${R[dup]}" $N
	expect_counts "$GW1" XfrmInStateSeqError=0 Decrypted=$N ForwardDone=$N
	test_end
}

# A gap is no replay, and what comes late but in the window is none either.
reordered()
{
	test_begin "late but inside the window: accepted, once"
	CASE=$((CASE + 1))
	SPI_BA=$((0x2000 + CASE))
	sa_setup window=64
	agent clear name=A
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	# To a wrong MAC address: seen on the wire, taken by nobody.
	configure "$GW2" "neigh replace $GW1_4 lladdr 02:00:00:00:00:99 dev wire nud permanent"
	burst "$HB" "$B4" "$A4" 4000 5001 10 first=1
	configure "$GW2" "neigh replace $GW1_4 lladdr $MAC_GW1 dev wire nud permanent"
	burst "$HB" "$B4" "$A4" 4000 5001 5 first=11
	expect_got A 6
	keep_capture
	mark "$GW1"
	again 2-11 dmac="$MAC_GW1"
	expect "frames injected" "$SENT" 10
	expect_got A 16
	expect_counts "$GW1" Decrypted=10 ForwardDone=10 XfrmInStateSeqError=0
	again 2-11 dmac="$MAC_GW1"
	expect_refused 10
	expect_got A 16
	test_end
}

plan 9
setup
attach
capture_start

for window in "off 32" "off 64" "on 128"; do
	# shellcheck disable=SC2086  # two words
	duplicates $window
	# shellcheck disable=SC2086
	too_old $window
done
zero
window_zero
reordered
