#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of count_results.awk and failures.awk. TAP.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
number=0 failed=0

# says PROGRAM EXPECTED LABEL TEXT
says()
{
	local got

	number=$((number + 1))
	got=$(printf '%s\n' "$4" | awk -f "$here/$1.awk")
	if [ "$got" = "$2" ]; then
		echo "ok $number $1: $3"
	else
		echo "# expected '$2', got '$got'"
		echo "not ok $number $1: $3"
		failed=$((failed + 1))
	fi
}

counts() { says count_results "$@"; }
tells() { says failures "$@"; }

echo 'TAP version 13'
counts '2 1 1' 'plain TAP' $'TAP version 13\nok 1 a\nnot ok 2 b\nok 3 c # SKIP no c\nok 4\n1..4'
counts '3 0 0' 'a sum of subtests' $'KTAP version 1\n1..2\n    1..2\n    ok 1 a\n    ok 2 b\nok 1 x\nok 2 y'
counts '1 1 0' 'a failure is counted once' $'1..1\n    1..2\n    ok 1 a\n    not ok 2 b\nnot ok 1 x'
counts '2 1 0' 'a sum that fails for itself' $'1..1\n    1..2\n    ok 1 a\n    ok 2 b\nnot ok 1 x'
counts '1 2 0' 'a plan that is not fulfilled' $'1..3\nok 1 a'
counts '1 2 0' 'nor is one below' $'1..1\n    1..3\n    ok 1 a\nnot ok 1 x'
counts '0 1 0' 'a bail out' $'Bail out! no'
counts '1 1 0' 'a bail out below' $'1..1\n    ok 1 a\n    Bail out! no\nnot ok 1 x'
counts '5 0 1' 'GoogleTest' $'[==========] 6 tests\n[  PASSED  ] 5 tests.\n[  SKIPPED ] 1 test, listed below:\n[  SKIPPED ] A.b'
counts '5 2 0' 'GoogleTest below KTAP' $'1..1\n    [  PASSED  ] 5 tests.\n    [  FAILED  ] 2 tests, listed below:\n    [  FAILED  ] A.b\nnot ok 1 gtest'
counts '1 0 0' 'a machine that started over' $'1..9\nok 1 a\nnot ok 2 b\n# run.sh: starting over\n1..1\nok 1 a'
counts '3 0 0' 'three levels' $'1..1\n    1..2\n        1..2\n        ok 1 a\n        ok 2 b\n    ok 1 m\n    ok 2 n\nok 1 x'
counts '1 0 1' 'a test that there was no time for' $'1..2\nok 1 a\nok 2 b # SKIP no time left'
counts '2 0 1' 'or not for all of it' \
	$'1..2\nok 1 a\n    1..9\n    ok 1 c\n    # no time left: stopped after 9 s\nok 2 b # SKIP no time left'
counts '1 1 1' 'which may have failed before' \
	$'1..2\nok 1 a\n    1..9\n    not ok 1 c\n    # no time left: stopped after 9 s\nok 2 b # SKIP no time left'
counts '0 1 1' 'so may GoogleTest have' \
	$'1..1\n    # [  FAILED  ] A.b (3 ms)\n    # [       OK ] A.c (3 ms)\n    # no time left: stopped after 9 s\nok 1 b # SKIP no time left'
counts '0 0 0' 'nothing' ''
tells $'    # why\n    not ok 2 b\nnot ok 1 x' 'a failure, and why' \
	$'1..1\n    1..2\n    # fine\n    ok 1 a\n    # why\n    not ok 2 b\nnot ok 1 x\n# took 3 s'
tells $'# said\nBail out! no' 'a bail out' $'1..2\nok 1 a\n# said\nBail out! no'
tells $'x.cpp:3: Failure\n[  FAILED  ] A.b (2 ms)' 'GoogleTest' \
	$'[       OK ] A.a (1 ms)\nx.cpp:3: Failure\n[  FAILED  ] A.b (2 ms)\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] A.b'
tells '' 'nothing failed' $'1..1\n# fine\nok 1 a'
echo "1..$number"
[ "$failed" -eq 0 ]
