#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a packet costs, on the host:
#
#   bench.sh full         every row: some ten minutes
#   bench.sh quick        some rows of each kind: two minutes
#   bench.sh reference    those of them that we answer for, to keep in reference.json
#   bench.sh check        the same, against reference.json; TAP
#
# Leaves out/bench.json, out/bench.txt and out/bench-*.svg. See Documentation/benchmark.rst.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
out=$project/out
samples=$out/bench

die() { echo "bench.sh: $*" >&2; exit 1; }

# How many times the packets of a sample rows of the stack have where GW2 is the stack as well.
extent=full stack_times=4
case ${1:-} in
full)			;;
quick)			extent=quick stack_times=1 ;;
reference|check)	extent=quick stack_times=0 ;;
*)			die "usage: bench.sh full|quick|reference|check" ;;
esac
command -v gnuplot >/dev/null || die "gnuplot is missing; run 'scripts/prerequisites.sh all'"

# machine DIR OPTION… -- SCRIPT ARG…: in the stock test machine; its samples go to DIR. In a
# subshell, whose end is the machine's.
machine()
{
	local dir=$1
	local -a options=()

	shift
	mkdir -p "$dir"
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	exec "$project/selftests/vm/run.sh" --no-build --timeout 7200 "${options[@]}" -- \
		env BENCH_EXTENT="$extent" BENCH_STACK_TIMES=$stack_times BENCH_OUT="$dir" \
		BENCH_MODULES="$project/build/$NAME/bench" "$here/$1" "${@:2}" >&2
}

# Instructions are the same whoever else is on the host. What the second says comes when the
# first is through.
two_machines()
{
	local rc=0 pid file said=$out/bench.second

	# Memory is for flows.
	machine "$samples/2" --icount --mem 5120 -- in_vm.sh "${second[@]}" 2>"$said" &
	pid=$!
	(machine "$samples/1" --icount --mem 5120 -- in_vm.sh "${first[@]}") || rc=$?
	wait $pid || rc=$?
	cat "$said" >&2
	rm "$said"
	[ $rc -eq 0 ] || exit $rc
	cat "$samples"/[12]/samples >"$samples/samples"
	for file in "$samples"/[12]/profile.*; do
		[ ! -e "$file" ] || mv "$file" "$samples"
	done
}

answer=$("$project/selftests/vm/kernel.sh" stock)
NAME=''
eval "$answer"
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$project" KERNEL=stock bench-build >&2

trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
rm -rf "$samples" "$out"/bench.{json,txt} "$out"/bench-*.svg
mkdir -p "$samples"
first=(aead encrypt) second=(decrypt)
[ "$1" = check ] || [ "$1" = reference ] ||
	first+=(profile-encrypt) second+=(profile-decrypt)
first+=(growth-encrypt) second+=(growth-decrypt)
two_machines
[ "$extent" = quick ] || (machine "$samples" --smp 2 -- cpus.sh)

export PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 "$here/report.py" "$samples" "$out/bench.json" \
	"$project/build/$NAME/module/xfrm_xdp.ko" >"$out/bench.txt"
case $1 in
check)
	/usr/bin/python3 "$here/check.py" "$out/bench.json" "$here/reference.json" ;;
reference)
	/usr/bin/python3 "$here/check.py" --renew "$out/bench.json" "$here/reference.json"
	echo "bench.sh: $here/reference.json is what this run has measured; look at its diff, and commit it" ;;
*)
	/usr/bin/python3 "$here/plot.py" "$out/bench.json" "$out"
	cat "$out/bench.txt"
	echo "bench.sh: all rows are plausible; $out/bench.json, bench.txt, bench-*.svg" ;;
esac
