# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A test machine where one nanosecond is one instruction (run.sh --icount).

# needs_icount: bail out anywhere else
needs_icount()
{
	needs chrt:util-linux
	[ "$(nproc)" -eq 1 ] || bail "more than one CPU: this wants run.sh --icount"
}

# Where instructions are the clock, a CPU that waits for a disk jumps to its next timer:
# every timeout would be too short.
never_idle()
{
	chrt --idle 0 bash -c 'while :; do :; done' &
	at_exit kill $!
}
