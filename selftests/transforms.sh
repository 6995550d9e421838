#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The three kinds of transform. The CPU's, which may complete later and nearly always
# completes at once, works on a frame of the module's own that is copied back: done.
# C code completes at once, and works in the packet: done. Behind cryptd every
# request completes later: each packet is taken, and finished by its completion;
# output leaves by the flow's egress device, input goes up the stack with its
# sec_path. Nothing is lost, and no sequence number used twice.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path           kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Fewer than the frames that a CPU has: more at once go to the stack, as they may.
BURST=10

# use TRANSFORM DRIVER ASYNC: for all SAs; DRIVER is a pattern
use()
{
	no_sas
	transform "$1"
	expect_match "preferred AES-GCM" "$(crypto_driver "$GCM")" "$2"
	expect "is it flagged asynchronous?" "$(crypto_async "$GCM")" "$3"
	sa_setup
}

no_sas()
{
	configure "$GW1" "xfrm state flush"
	configure "$GW2" "xfrm state flush"
}

# shellcheck disable=SC2317  # called by the exit trap
as_before()
{
	no_sas
	transform cpu
}

# both_ways FAMILY A B NTH FEWEST: of a burst at least FEWEST complete at once
both_ways()
{
	test_begin "IPv$1: both ways by a transform that completes at once"
	mark "$GW1" "$GW2"
	agent clear name=A
	agent clear name=B
	way "$HA" "$HB" "$2" "$3" B
	way "$HB" "$HA" "$3" "$2" A
	expect_counts "$GW1" Encrypted=$BURST Decrypted=$((BURST + $4 - 1)) PuntRoom=0 \
		PuntNoFrame=0
	expect_range "completed at once" "$(since "$GW1" OutputDone)" "$5" $BURST
	expect_range "completed at once" "$(since "$GW1" InputDone)" "$5" $((BURST + $4 - 1))
	expect_sa_packets "$SPI_AB" $(((BURST + 1) * $4))
	expect_sa_packets "$SPI_BA" $(((BURST + 1) * $4))
	expect_no_errors "$GW1" "$GW2"
	test_end
}

# way FROM TO SRC DST SINK: a packet that teaches, then a burst
way()
{
	burst "$1" "$3" "$4" 4000 5001 1 first=0
	agent got "name=$5" n=1
	burst "$1" "$3" "$4" 4000 5001 $BURST first=1
	expect_got "$5" $((BURST + 1)) 62
}

# expect_sa_packets SPI N: at both ends, with nothing that failed
expect_sa_packets()
{
	local ns

	for ns in "$GW1" "$GW2"; do
		sa_read "$ns" "$1"
		expect "packets of SA $1 in ${ns##*-}" "${SA[packets]:-none}" "$2"
		expect "replay and ICV errors of SA $1 in ${ns##*-}" \
			"${SA[window]:-none} ${SA[replay]:-none} ${SA[failed]:-none}" "0 0 0"
	done
}

encrypt()
{
	test_begin "IPv$1: what is taken for encryption arrives, once and whole"
	mark "$GW1" "$GW2"
	agent clear name=B
	way "$HA" "$HB" "$2" "$3" B
	expect_counts "$GW1" OutputTaken=$BURST OutputDone=0 PuntNoFrame=0
	expect_sa_packets "$SPI_AB" $(((BURST + 1) * $4))
	expect_no_errors "$GW1" "$GW2"
	test_end
}

decrypt()
{
	test_begin "IPv$1: what is taken for decryption goes up with its sec_path"
	mark "$GW1" "$GW2"
	agent clear name=A
	way "$HB" "$HA" "$3" "$2" A
	# The first packet of the SA is the stack's.
	expect_counts "$GW1" InputTaken=$((BURST + $4 - 1)) InputDone=0 ForwardDone=0 \
		Restored=0 RestoreForged=0 PuntNoFrame=0
	expect_sa_packets "$SPI_BA" $(((BURST + 1) * $4))
	expect_no_errors "$GW1" "$GW2"
	test_end
}

# Requests in flight hold their SA and their device, and the module waits for them.
in_flight()
{
	test_begin "what is in flight when SAs, devices and the module go"
	mark "$GW1"
	agent stream name=OUT "ns=$HA" "src=$A4" sport=4000 "dst=$B4" dport=5001 gap=0.001
	agent stream name=BACK "ns=$HB" "src=$B4" sport=4000 "dst=$A4" dport=5001 gap=0.001
	wait_for 10 counter_at_least "$GW1" OutputTaken 50 || wrong "nothing is encrypted later"
	wait_for 10 counter_at_least "$GW1" InputTaken 50 || wrong "nothing is decrypted later"
	expect_ok "SAs" timeout 30 ip -n "$GW1" xfrm state flush
	# Without a policy for a moment, what is sent then would be in the clear.
	sa_setup policies=keep
	mark "$GW1"
	wait_for 10 counter_at_least "$GW1" OutputTaken 50 || wrong "it does not come back"
	expect_ok "module" timeout 30 sh -c "$CLI -n $GW1 detach && rmmod xfrm_xdp"
	agent unstream name=OUT
	agent unstream name=BACK
	attach
	agent stream name=OUT "ns=$HA" "src=$A4" sport=4000 "dst=$B4" dport=5001 gap=0.001
	mark "$GW1"
	wait_for 10 counter_at_least "$GW1" OutputTaken 50 || wrong "nothing is encrypted later"
	expect_ok "device" timeout 30 ip -n "$GW1" link del wire
	agent unstream name=OUT
	test_end
}

plan 12
needs python3:python3-minimal modprobe:kmod
setup
attach
at_exit as_before

test_begin "the CPU's AES-GCM is flagged asynchronous"
use cpu aesni yes
test_end
both_ways 4 "$A4" "$B4" 1 1
both_ways 6 "$A6" "$B6" 2 1

test_begin "AES-GCM in C is not"
use code generic no
test_end
both_ways 4 "$A4" "$B4" 1 $BURST
both_ways 6 "$A6" "$B6" 2 $BURST

test_begin "behind cryptd it is"
use cryptd '^cryptd' yes
test_end
encrypt 4 "$A4" "$B4" 1
decrypt 4 "$A4" "$B4" 1
encrypt 6 "$A6" "$B6" 2
decrypt 6 "$A6" "$B6" 2
in_flight
