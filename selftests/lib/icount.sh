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
# every timeout would be too short. may_idle lets it, until never_idle is called again.
NEVER_IDLE=
never_idle()
{
	if [ -z "$NEVER_IDLE" ]; then
		chrt --idle 0 bash -c 'while :; do :; done' &
		NEVER_IDLE=$!
		disown
		at_exit kill -KILL $NEVER_IDLE
	fi
	kill -CONT "$NEVER_IDLE"
}

may_idle() { kill -STOP "$NEVER_IDLE"; }
