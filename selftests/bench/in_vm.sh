#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All that is counted in instructions, in a machine of run.sh --icount; called by bench.sh:
#
#   in_vm.sh quick|full
#
# Leaves samples in $BENCH_OUT, for report.py.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=rows.sh
. "$(dirname "$0")/rows.sh"

needs nft:nftables jq
needs_icount
case ${1:-} in
quick)	CIPHERS="gcm128 chacha" SIZES="64 1400" AEAD_SIZES="64 1400" ;;
full)	CIPHERS="gcm128 gcm256 chacha cbc null" SIZES="64 256 512 1400 imix"
	AEAD_SIZES="64 256 512 576 1400" ;;
*)	bail "usage: in_vm.sh quick|full" ;;
esac

plan 3
sleep 5		# until what boots has booted
bench_setup
# shellcheck disable=SC2086  # one word each
find_async $CIPHERS

test_begin "the AEADs alone"
# shellcheck disable=SC2086
each_transform aead_rows $CIPHERS
test_end
for way in encrypt decrypt; do
	# shellcheck disable=SC2086
	rows $way $CIPHERS
done
