#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Transforms that may complete later work on a frame of the module's own. First the
# CPU's AES-GCM, which is flagged so and nearly always completes at once: copied
# back, done. Then pcrypt, which stands before it once it is asked for, and of which
# every request completes later: each packet is taken and finished by its
# completion; output leaves by the flow's egress device, input goes up the stack
# with its sec_path. Nothing is lost, and no sequence number used twice.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path           kernel
#
# On a kernel with pcrypt built in it stays the preferred transform: run this last.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Fewer than the frames that a CPU has: more at once go to the stack, as they may.
BURST=10

# aes_gcm FIELD: of the transform that a new SA gets
aes_gcm()
{
	awk -v field="$1" '
		$1 == "name" { gcm = $3 == "rfc4106(gcm(aes))"; best = 0 }
		$1 == "driver" { driver = $3 }
		$1 == "priority" && gcm && $3 > most {
			most = $3; best = 1; found["driver"] = driver
		}
		best && $1 == field && field != "driver" { found[field] = $3 }
		END { print found[field] }' /proc/crypto
}

# The kernel makes an instance of a template when somebody asks for it by name.
ask_for()
{
	python3 - "$1" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
		s.bind(("aead", sys.argv[1]))
	END
}

# One CPU for all requests: padata of 6.12 nests the locks of its per-CPU lists
# without telling lockdep, which is not what is tested here.
one_cpu()
{
	local mask

	for mask in /sys/kernel/pcrypt/p{en,de}crypt/{parallel,serial}_cpumask; do
		echo 1 >"$mask" || bail "cannot write $mask"
	done
}

at_once()
{
	modprobe -q algif_aead
	# What udev would load for this CPU; built into some kernels.
	modprobe -qa ghash_clmulni_intel aesni_intel
	must ask_for "rfc4106(gcm(aes))"
	expect_match "AES-GCM of the CPU" "$(aes_gcm driver)" 'aesni'
	expect "is it flagged asynchronous?" "$(aes_gcm async)" yes
}

later()
{
	modprobe -q pcrypt
	must ask_for "pcrypt($(aes_gcm driver))"
	one_cpu
	expect_match "preferred AES-GCM" "$(aes_gcm driver)" '^pcrypt'
}

# copied FAMILY A B NTH: a few may be taken even so, when the SIMD unit is in use
copied()
{
	test_begin "IPv$1: both ways by a transform that nearly always completes at once"
	mark "$GW1" "$GW2"
	agent clear name=A
	agent clear name=B
	way "$HA" "$HB" "$2" "$3" B
	way "$HB" "$HA" "$3" "$2" A
	expect_counts "$GW1" Encrypted=$BURST Decrypted=$((BURST + $4 - 1)) PuntRoom=0 \
		PuntNoFrame=0
	expect_range "completed at once" "$(since "$GW1" OutputDone)" 1 $BURST
	expect_range "completed at once" "$(since "$GW1" InputDone)" 1 $((BURST + $4 - 1))
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

plan 8
needs python3:python3-minimal modprobe:kmod
setup
attach

test_begin "there is a transform that may complete later"
at_once
test_end
sa_setup
copied 4 "$A4" "$B4" 1
copied 6 "$A6" "$B6" 2

test_begin "there is a transform that always completes later"
later
test_end
sa_setup
encrypt 4 "$A4" "$B4" 1
decrypt 4 "$A4" "$B4" 1
encrypt 6 "$A6" "$B6" 2
decrypt 6 "$A6" "$B6" 2
