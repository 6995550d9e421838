#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How many packets a second, on the host: native.sh. By hardware virtualisation, where there
# is any; elsewhere it says that there is none, and is content. Nothing depends on what it
# measures: that is the machine's as much as ours.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
samples=$project/out/bench-native

# Of a machine that is a guest of such a kind /dev/kvm cannot run a kernel that is not made for it.
if [ ! -w /dev/kvm ] || [ -d /sys/module/kvm_pvm ]; then
	echo "native.sh: skipped: no hardware virtualisation"
	exit 0
fi

answer=$("$project/selftests/vm/kernel.sh" stock)
NAME=''
eval "$answer"
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$project" KERNEL=stock bench-build >&2
rm -rf "$samples"
mkdir -p "$samples"
"$project/selftests/vm/run.sh" --no-build --kvm -- env BENCH_OUT="$samples" BENCH_PACKETS=1000000 \
	BENCH_MODULES="$project/build/$NAME/bench" "$here/rates.sh" >&2
cat "$samples/rates"
