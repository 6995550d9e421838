#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All that is counted in instructions, in a machine of run.sh --icount; called by bench.sh:
#
#   in_vm.sh PART…    of aead, and encrypt, decrypt, profile-…, growth-… with either of the two
#
# with the extent in BENCH_EXTENT: quick or full; STACK_TIMES is explained in bench.sh.
#
# Leaves samples in $BENCH_OUT, for report.py.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=rows.sh
. "$(dirname "$0")/rows.sh"
# shellcheck source=growth.sh
. "$(dirname "$0")/growth.sh"
# shellcheck source=profile.sh
. "$(dirname "$0")/profile.sh"

STACK_TIMES=${BENCH_STACK_TIMES:?run bench.sh, which says how many}
needs nft:nftables jq perf:linux-perf
needs_icount
case ${BENCH_EXTENT:-} in
quick)
	CIPHERS="gcm128 chacha" SIZES="64 1400" AEAD_SIZES="64 1400"
	GROWTH_FLOWS=1000 GROWTH_SAS=100
	PROFILE_SIZES="64" PROFILE_TRANSFORMS="sync" PROFILE_PACKETS=5000 ;;
full)
	CIPHERS="gcm128 gcm256 chacha cbc null" SIZES="64 256 512 1400 imix"
	AEAD_SIZES="64 256 512 576 1400"
	GROWTH_FLOWS="1000 100000 1000000" GROWTH_SAS="100 10000"
	PROFILE_SIZES="64 1400" PROFILE_TRANSFORMS="sync stock" PROFILE_PACKETS=30000 ;;
*)
	bail "BENCH_EXTENT is '${BENCH_EXTENT:-}', neither quick nor full; run bench.sh" ;;
esac

# part NAME
part()
{
	# shellcheck disable=SC2086  # one word each
	case $1 in
	aead)			aeads $CIPHERS ;;
	encrypt|decrypt)	rows "$1" $CIPHERS ;;
	profile-*)		profile "${1#profile-}" ;;
	growth-*)		growth "${1#growth-}" ;;
	*)			bail "no part is called $1" ;;
	esac
}

plan $#
sleep 5		# until what boots has booted
never_idle
bench_setup
# shellcheck disable=SC2086  # one word each
find_async $CIPHERS
may_idle
echo "facts kernel=$(uname -r) packets=$PACKETS stack_times=$STACK_TIMES" >>"$OUT/samples"
for name; do
	part "$name"
done
