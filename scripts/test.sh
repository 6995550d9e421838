#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test.sh check         everything that needs no test machine
# test.sh all KERNEL    that, and the tests in the test machine
#
# On the debug kernel one share of the tests runs with kmemleak and page poisoning, and with
# LEAKS=1 all do, which takes twice as long.
#
# What failed is said once more at the end, and what there was no time for, where
# XFRM_XDP_UNTIL (seconds since the epoch, see run_all.sh) limits that. The last line is
# "N passed, N failed", and "N skipped" if some were. Ends with 0 if none failed and some
# passed.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
kernel=${2:-stock}
LEAKS=${LEAKS:+1}
log=$(mktemp) second=$(mktemp) failures=$(mktemp) unrun=$(mktemp)
trap 'kill $(jobs -p) 2>/dev/null; rm -f "$log" "$second" "$failures" "$unrun"' EXIT
trap 'exit 130' INT TERM

passed=0 failed=0 skipped=0

time_left() { [ -z "${XFRM_XDP_UNTIL:-}" ] || [ "$XFRM_XDP_UNTIL" -gt "$EPOCHSECONDS" ]; }

# step LABEL CMD...: run it, and count what it says. That it fails without saying
# what is a failure too, and so is that it says nothing.
step()
{
	local label=$1 rc p f s

	shift
	echo "# === $label"
	if ! time_left; then
		echo "ok 1 $label # SKIP no time left" | tee -a "$unrun"
		skipped=$((skipped + 1))
		return
	fi
	"$@" 2>&1 | tee "$log"
	rc=${PIPESTATUS[0]}
	read -r p f s < <(awk -f scripts/count_results.awk "$log")
	if [ "$f" -eq 0 ] && [ "$rc" -ne 0 ]; then
		echo "# $label: ended with status $rc"
		f=1
	elif [ $((p + f + s)) -eq 0 ]; then
		echo "# $label: no results"
		f=1
	fi
	grep -h ' # SKIP no time left' "$log" >>"$unrun"
	[ "$f" -eq 0 ] || {
		echo "# --- $label"
		awk -f scripts/failures.awk "$log"
		echo "# ended with status $rc"
	} >>"$failures"
	echo "# $label: $p passed, $f failed, $s skipped; $SECONDS s since the start"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

quick_make() { env -u MAKEFLAGS -u MAKELEVEL make -s KERNEL="$kernel" "$@"; }

# share N [OPTION]…: a part of the tests, in a machine of its own; in a subshell, whose end
# is the machine's
share()
{
	local number=$1 limit=$timeout

	shift
	# Who has to be through at a certain time cannot wait longer than that for a hang.
	if [ -n "${XFRM_XDP_UNTIL:-}" ]; then
		limit=$((XFRM_XDP_UNTIL > EPOCHSECONDS ? XFRM_XDP_UNTIL - EPOCHSECONDS + 300 : 300))
		limit=$((limit < timeout ? limit : timeout))
	fi
	exec selftests/vm/run.sh --kernel "$kernel" --timeout "$limit" --no-build "$@" -- \
		env ${XFRM_XDP_UNTIL:+"XFRM_XDP_UNTIL=$XFRM_XDP_UNTIL"} \
		selftests/run_all.sh --share "$number"
}

replay() { cat "$second"; return "$1"; }

demo() { selftests/demo/demo.sh && echo 'ok 1 the demo'; }

# Two at a time, because a machine seldom keeps more than one CPU busy: beside the third share
# one of the others, and what that says, when all are through. The one that comes last has less
# time, where that is limited: each day the other.
two_machines()
{
	local beside=2 last pid rc=0
	local -a lean=()
	local -A options=([1]='--smp 1' [2]='--smp 2 --nic 4' [3]='--smp 1') label=([1]=first [2]=second)

	[ "$kernel" != debug ] || [ -n "$LEAKS" ] || lean=(--lean)
	[ -z "${XFRM_XDP_UNTIL:-}" ] || beside=$((10#$(date +%j) % 2 + 1))
	last=$((3 - beside))

	if ! quick_make all; then
		step "tests on kernel $kernel" false
		return
	fi
	# The third goes first: without it nothing is known.
	# shellcheck disable=SC2086  # one word each
	{
		renice -n 5 "$BASHPID" >/dev/null
		share $beside ${options[$beside]} "${lean[@]}"
	} >"$second" 2>&1 &
	pid=$!
	# shellcheck disable=SC2086
	step "tests on kernel $kernel, third part" share 3 ${options[3]}
	# shellcheck disable=SC2086
	step "tests on kernel $kernel, ${label[$last]} part" share $last ${options[$last]} "${lean[@]}"
	wait "$pid" || rc=$?
	# What it has said is said, whatever the time.
	XFRM_XDP_UNTIL='' step "tests on kernel $kernel, ${label[$beside]} part" replay "$rc"
	# Without these nothing is known of the kernel, however little time there was.
	! grep -qE '^ok [0-9]+ ((smoke|learning|gtest) |tests on kernel .* third part)' "$unrun" ||
		XFRM_XDP_UNTIL='' step "time for the least on kernel $kernel" false
}

# What the sources look like does not depend on the kernel that runs them.
if [ "${1:-}" = check ] || [ "$kernel" != debug ]; then
	step 'sources' scripts/check.sh
	step 'the results' scripts/results_test.sh
	step 'refused builds' scripts/build_errors_test.sh
	step 'that bench-check can fail' selftests/bench/check_test.py
fi
step 'unit tests' quick_make unit
if [ "${1:-}" = all ]; then
	if [ "$kernel" = stock ] || [ "$kernel" = debug ]; then
		step 'the judge' selftests/vm/judge_test.sh "$kernel"
	fi
	timeout=2400
	[ "$kernel" != debug ] || timeout=$((LEAKS ? 18000 : 9000))
	two_machines
	# The module for a running kernel is built there, which takes the debug kernel long; and
	# what a packet costs is known of the stock kernel.
	[ "$kernel" = debug ] ||
		step 'install' selftests/vm/run.sh --kernel "$kernel" --no-build -- scripts/install_test.sh
	[ "$kernel" != stock ] || {
		step 'what a packet costs' quick_make bench-check
		step 'the demo' demo
	}
fi

[ ! -s "$unrun" ] || { echo "# === no time was left for"; sed 's/^/# /' "$unrun"; }
[ ! -s "$failures" ] || { echo "# === what failed"; cat "$failures"; }
line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line+=", $skipped skipped"
echo "$line"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
