# SPDX-License-Identifier: GPL-2.0-only
#
# Count what TAP, KTAP and GoogleTest output says; print "PASSED FAILED SKIPPED".
# A result that only sums up the results indented below it is not counted, unless
# it failed and none of them did. A plan that was not fulfilled is a failure, and
# so is a bail out.

function start()
{
	passed = failed = skipped = top = gtest = gtest_failed = gtest_so_far = bailed = 0
	split("", results)
	split("", failures)
	split("", planned)
}

# The results at DEPTH, below which nothing is open any more.
function close_deeper(depth,	i)
{
	for (i = top; i > depth; i--) {
		if (planned[i] > results[i]) {
			failed += planned[i] - results[i]
			below_failed++
		}
		below += results[i]
		below_failed += failures[i]
		results[i] = failures[i] = planned[i] = 0
	}
	if (depth < top)
		top = depth
}

BEGIN { start() }

# run.sh had to boot once more: what came so far will come again.
/^# run\.sh: starting over$/ { start(); next }

# GoogleTest, its own words, wherever they are indented or commented to.
/^[# ]*\[  PASSED  \] [0-9]+ tests?\.$/ { sub(/^[# ]*\[  PASSED  \] /, ""); passed += $1; gtest = 1; next }
/^[# ]*\[  FAILED  \] [0-9]+ tests?, listed below/ { sub(/^[# ]*\[  FAILED  \] /, ""); failed += $1; gtest = 1; gtest_failed = 1; next }
/^[# ]*\[  SKIPPED \] [0-9]+ tests?, listed below/ { sub(/^[# ]*\[  SKIPPED \] /, ""); skipped += $1; gtest = 1; next }

/^ *1\.\.[0-9]+/ {
	match($0, /^ */)
	depth = RLENGTH + 1
	sub(/^ *1\.\./, "")
	planned[depth] = $1 + 0
	if (depth > top)
		top = depth
	next
}

/^ *(not )?ok( |$)/ {
	match($0, /^ */)
	depth = RLENGTH + 1
	below = 0
	below_failed = bailed
	if (depth > top)
		top = depth
	close_deeper(depth)
	bad = ($1 == "not")
	results[depth]++
	sums_up = below > 0 || gtest || bailed
	if (bad && !(sums_up && (below_failed || gtest_failed)))
		failed++
	else if (/ # SKIP no time left/)
		skipped++
	else if (!sums_up && toupper($0) ~ /# *(SKIP|TODO|XFAIL)/)
		skipped++
	else if (!sums_up)
		passed++
	if (bad)
		failures[depth]++
	gtest = gtest_failed = gtest_so_far = bailed = 0
	next
}

# Of those that ran to their end their summary counts; of others, what failed until then.
/^[# ]*\[  FAILED  \] .*\([0-9]+ ms\)$/ { gtest_so_far++; next }

# run_all.sh: there was no time for the rest of this test.
/^ *# no time left/ {
	if (gtest_so_far) {
		failed += gtest_so_far
		gtest = gtest_failed = 1
	}
	for (i in planned)
		if (i > 1)
			planned[i] = results[i]
	next
}

/^ *Bail out!/ { failed++; bailed = 1 }

END {
	close_deeper(0)
	print passed, failed, skipped
}
