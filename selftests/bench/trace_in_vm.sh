#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Packets for trace.sh, until it has seen one: trace_in_vm.sh DIRECTION SIZE TRANSFORM DIR
#
# Leaves in DIR: symbols, then ready; goes on until there is traced.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

WAY=$1 SIZE=$2 WANTED=$3 DIR=$4

packets()
{
	[ "$TRANSFORM" = "$WANTED" ] || return 0
	fast_path_on
	sink xdp
	generate "$SIZE" "$LEARN"
	cat /proc/kallsyms >"$DIR/symbols"
	touch "$DIR/ready"
	until [ -e "$DIR/traced" ]; do
		generate "$SIZE" "$LEARN"
	done
	sink_off
	detach
}

plan 1
test_begin "$WAY, $SIZE B, $WANTED"
bench_setup
find_async gcm128
direction "$WAY"
each_transform packets gcm128
test_end
