#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One packet, instruction by instruction, on the host:
#
#   trace.sh encrypt|decrypt [SIZE [sync|stock]]
#
# A debugger stops the machine where the program of GW1 calls the module, and steps through
# the kernel until that returns. Prints how many instructions each function has taken;
# leaves that in out/trace.txt, and every step in out/trace.steps. SIZE is of the frame in
# bytes (default 64); sync: a transform that works in place; stock: the kernel's.
#
# What perf says of many packets is a share of each function, to some ten instructions.
# This is of one packet, and exact: the same every time.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
dir=$project/out/trace

die() { echo "trace.sh: $*" >&2; exit 1; }

direction=${1:-} size=${2:-64} transform=${3:-sync}
case $direction/$transform in
encrypt/sync|encrypt/stock|decrypt/sync|decrypt/stock) ;;
*)	die "usage: trace.sh encrypt|decrypt [SIZE [sync|stock]]" ;;
esac
[[ $size =~ ^[0-9]+$ && $size -ge 64 && $size -le 1400 ]] ||
	die "a frame of '$size' bytes: 64 to 1400 are possible"
command -v gdb >/dev/null || die "gdb is missing; run 'scripts/prerequisites.sh all'"

answer=$("$project/selftests/vm/kernel.sh" stock)
NAME=''
eval "$answer"
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$project" KERNEL=stock bench-build >&2

rm -rf "$dir" "$project"/out/trace.{txt,steps}
mkdir -p "$dir"
machine=''
cleanup()
{
	[ -z "$machine" ] || { kill "$machine"; wait "$machine"; } 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT

# Any port that nobody has.
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$project/selftests/vm/run.sh" --no-build --smp 1 --gdb "$port" --timeout 900 -- \
	env BENCH_OUT="$dir/bench" BENCH_MODULES="$project/build/$NAME/bench" \
	"$here/trace_in_vm.sh" "$direction" "$size" "$transform" "$dir" >"$dir/log" 2>&1 &
machine=$!
until [ -e "$dir/ready" ]; do
	kill -0 "$machine" 2>/dev/null || die "the machine ended early: $(tail -n 3 "$dir/log")"
	sleep 0.2
done
TRACE_PORT=$port TRACE_SYMBOLS=$dir/symbols TRACE_OUT=$project/out/trace \
	gdb -nx -q -batch -x "$here/trace.py" >"$dir/gdb" 2>&1 ||
	die "gdb: $(tail -n 3 "$dir/gdb")"
[ -s "$project/out/trace.txt" ] || die "no packet came: $(tail -n 3 "$dir/gdb")"
touch "$dir/traced"
wait "$machine" || die "the machine: $(tail -n 3 "$dir/log")"
machine=''
cat "$project/out/trace.txt"
