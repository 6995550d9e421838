# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# KTAP: plan N, then N times test_begin LABEL; expect…; test_end. The exit trap
# (finish) turns a plan that was not fulfilled into a failure.

KTAP_PLAN=0
KTAP_DONE=0
KTAP_FAILED=0
TEST_LABEL=
TEST_WRONG=0

note() { printf '# %s\n' "$*"; }

plan()
{
	KTAP_PLAN=$1
	printf 'KTAP version 1\n1..%d\n' "$KTAP_PLAN"
}

# bail MESSAGE…: nothing after this can be true.
bail()
{
	[ -z "$TEST_LABEL" ] || { wrong "$*"; test_end; }
	printf 'Bail out! %s\n' "$*"
	exit 1
}

# must CMD…: a step of the setup, not what is tested.
must()
{
	local out

	out=$(spared "$@" 2>&1) || bail "'$*' failed: ${out//$'\n'/; }"
}

test_begin()
{
	TEST_LABEL=$*
	TEST_WRONG=0
}

# wrong MESSAGE…: the current test fails, and this is why.
wrong()
{
	note "$TEST_LABEL: $*"
	TEST_WRONG=1
}

test_end()
{
	local result='ok'

	KTAP_DONE=$((KTAP_DONE + 1))
	if [ "$TEST_WRONG" -ne 0 ]; then
		result='not ok'
		KTAP_FAILED=$((KTAP_FAILED + 1))
		diagnose
	fi
	printf '%s %d %s\n' "$result" "$KTAP_DONE" "$TEST_LABEL"
	TEST_LABEL=
}

# test_skip LABEL REASON: what this kernel cannot do; counted, and shown
test_skip()
{
	KTAP_DONE=$((KTAP_DONE + 1))
	printf 'ok %d %s # SKIP %s\n' "$KTAP_DONE" "$1" "$2"
}

# expect WHAT GOT WANTED: equal, as text.
expect()
{
	[ "$2" = "$3" ] || wrong "$1: got '$2', expected '$3'"
}

# expect_range WHAT GOT LEAST MOST
expect_range()
{
	{ [[ $2 =~ ^-?[0-9]+$ ]] && (($2 >= $3 && $2 <= $4)); } ||
		wrong "$1: got '$2', expected $3 to $4"
}

# expect_ok WHAT CMD…, expect_fail WHAT CMD…: by exit status; OUTPUT is what it said.
OUTPUT=
expect_ok()
{
	local what=$1 rc=0

	shift
	OUTPUT=$("$@" 2>&1) || rc=$?
	[ "$rc" -eq 0 ] || wrong "$what: '$*' ended with $rc: ${OUTPUT//$'\n'/; }"
}

expect_fail()
{
	local what=$1

	shift
	# shellcheck disable=SC2034  # for the caller
	! OUTPUT=$("$@" 2>&1) || wrong "$what: '$*' did not fail"
}

# expect_match WHAT TEXT REGEX
expect_match()
{
	[[ $2 =~ $3 ]] || wrong "$1: '$2' does not match '$3'"
}

# Called by the exit trap, after the cleanup.
ktap_finish()
{
	local rc=$1

	# Stopped in the midst of a test that had failed already.
	if [ "${TEST_WRONG:-0}" -ne 0 ] && [ -n "$TEST_LABEL" ]; then
		KTAP_DONE=$((KTAP_DONE + 1)) KTAP_FAILED=$((KTAP_FAILED + 1))
		echo "not ok $KTAP_DONE $TEST_LABEL"
	fi
	if [ "$KTAP_DONE" -ne "$KTAP_PLAN" ]; then
		note "planned $KTAP_PLAN tests, ran $KTAP_DONE"
		rc=1
	fi
	[ "$KTAP_FAILED" -eq 0 ] || rc=1
	note "Totals: pass:$((KTAP_DONE - KTAP_FAILED)) fail:$KTAP_FAILED"
	exit "$rc"
}
