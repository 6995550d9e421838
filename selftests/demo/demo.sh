#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo, on the host: real traffic through two gateways in the stock test
# machine, then a second run of it that counts instructions, then the report.
#
#   demo.sh [--plain]     --plain: without the fast path, for comparison; it
#                         prints the same, and fails, as it has to
#
# Leaves out/demo.json, and what it was made of in out/demo/.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
out=$project/out/demo
reference=$project/build/bpf/demo/reference.bpf.o

plain=()
case ${1:-} in
--plain)	plain=(--plain) ;;
'')		;;
*)		echo "usage: demo.sh [--plain]" >&2; exit 2 ;;
esac

rm -rf "$out" "$project/out/demo.json"
mkdir -p "$out/traffic" "$out/icount" "${reference%/*}"
# What the demo needs, and not the tests.
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
	make -s -C "$project" KERNEL=stock module bpf userspace >&2
clang -target bpf -O2 -g -Wall -Werror -idirafter "/usr/include/$(gcc -print-multiarch)" \
	-c "$here/reference.bpf.c" -o "$reference"

echo "== traffic: two gateways in the test machine"
"$project/selftests/vm/run.sh" --no-build -- "$here/in_vm.sh" "${plain[@]}" "$out/traffic"
echo "== cost: the same machine, counting instructions"
"$project/selftests/vm/run.sh" --no-build --icount -- \
	"$here/icount_vm.sh" "${plain[@]}" "$reference" "$out/icount"
echo "== report"
"$here/report.py" "$out/traffic" "$out/icount" "$project/out/demo.json"
echo "demo: all as it should be; details in out/demo.json"
