#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Packets per second of one CPU by each path, generator and far gateway included, in a
# machine as fast as the host; called by native.sh. The samples are true as all are.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Mpps and Gbit/s of the median, and the spread in percent of it
print_rate()
{
	awk -v path="$1" -v direction="$DIRECTION" -v cipher="$CIPHER" -v size="$2" -v values="$3" 'BEGIN {
		n = split(values, ns, ",")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && ns[j - 1] + 0 > ns[j] + 0; j--) {
				t = ns[j]; ns[j] = ns[j - 1]; ns[j - 1] = t
			}
		mid = ns[int((n + 1) / 2)]
		printf "%-12s %-8s %-7s %5d B %8.3f Mpps %8.3f Gbit/s  spread %.1f %%\n", path, direction,
			cipher, size, 1000 / mid, 8 * size / mid, 100 * (ns[n] - ns[1]) / mid
	}' >>"$OUT/rates"
}

# Instead of a line for report.py.
sample() { print_rate "$@"; }

paths()
{
	local size

	sink tcx
	for size in 64 1400; do
		measure xfrm "$size"
	done
	sink_off
	fast_path_on
	sink xdp
	for size in 64 1400; do
		measure "$(fast_path)" "$size"
	done
	sink_off
	detach
}

plan 2
bench_setup
find_async gcm128
for way in encrypt decrypt; do
	direction $way
	test_begin "$DIRECTION: packets per second"
	each_transform paths gcm128
	test_end
done
