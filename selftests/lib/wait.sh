# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Waiting for a state, with a bound: never for a time to pass.

# pause: 20 ms, without starting a process.
exec {PAUSE}<> <(:)
pause() { read -rt 0.02 -u "$PAUSE" || true; }

# A debug kernel is several times slower.
SLOWER=1
[ ! -e /sys/kernel/debug/kmemleak ] || SLOWER=4

# wait_for SECONDS CMD…: until CMD succeeds; fails when it never does.
wait_for()
{
	local end=$((${EPOCHREALTIME/[^0-9]/} + $1 * SLOWER * 1000000))

	shift
	until "$@"; do
		[ "${EPOCHREALTIME/[^0-9]/}" -lt "$end" ] || return 1
		pause
	done
}

# counter_at_least NS NAME N: a condition for wait_for; N more than at mark.
counter_at_least()
{
	counters "$1"
	[ "$((${CUR[$1:$2]:-0} - ${BASE[$1:$2]:-0}))" -ge "$3" ]
}
