# SPDX-License-Identifier: GPL-2.0-only
#
# Of TAP, KTAP and GoogleTest output, what failed, and what was said of it: of a
# failure's diagnostics the last LINES (default 12) since the result before it.

BEGIN { lines = lines ? lines : 12 }

function show(	i)
{
	for (i = n > lines ? n - lines : 0; i < n; i++)
		print said[i]
	print
	n = 0
}

# run.sh had to boot once more: what came so far will come again.
/^# run\.sh: starting over$/ { n = 0; print; next }
/^[# ]*\[       OK \]/ || /^ *ok( |$)/ || /^[# ]*Subtest: / || /^ *1\.\.[0-9]+/ { n = 0; next }
/^ *not ok( |$)/ || /^ *Bail out!/ || /^[# ]*\[  FAILED  \].*\(/ { show(); next }
{ said[n++] = $0 }
