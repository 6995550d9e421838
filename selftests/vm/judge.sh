#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Judge a kernel log:
#
#   judge.sh FILE      (- reads stdin)
#
# Prints what condemns it: one line per finding, "judge: KIND: line N: text", and
# the log around the first. Exit status:
#
#   0  nothing to complain about
#   1  a splat, a leak report, a lockup or a panic
#   2  FILE cannot be read
#   3  the emulator's fault, not the kernel's: the machine is to be run again
#
# About 3: qemu before 8.1 may go on executing an instruction that another CPU has
# replaced while it was being translated. Linux patches its own text through int3,
# so this shows as an "Oops: int3" at a place where memory holds no int3 (0xcc).

set -euo pipefail

[ $# -eq 1 ] || { echo "usage: judge.sh FILE" >&2; exit 2; }
if [ "$1" = - ]; then
	log=$(cat)
else
	log=$(cat "$1") || exit 2
fi

# Kind and extended regular expression, matched on the text after the timestamp.
# Anchored where programs or boot messages could print the same words.
rules='
init	^xfrm-xdp-init: FAIL:
panic	Kernel panic - not syncing
oops	^Oops(:| )|^(BUG: )?kernel NULL pointer|^BUG: unable to handle
oops	^(general protection fault|invalid opcode|double fault|stack segment|divide error|int3)[,:]
oops	^(Unable to handle kernel|Internal error: )
bug	(^|[^A-Z_])BUG: |^kernel BUG at |^BUG [a-z].*: 
kasan	(KASAN|KMSAN|KCSAN|KFENCE): 
ubsan	UBSAN: 
warning	^WARNING: |^-*\[ cut here \]
lockdep	suspicious RCU usage|possible (circular|recursive) locking|lock inversion|inconsistent lock state
lockdep	bad unlock balance|lock freed!|DEBUG_LOCKS_WARN_ON|trying to register non-static key
lockdep	turning off the locking correctness validator|[Ii]nvalid wait context
atomic	sleeping function called from invalid context|scheduling while atomic
stall	rcu: INFO: |INFO: rcu_[a-z_]+ (self-)?detected|kthread starved for
lockup	soft lockup|hard LOCKUP|workqueue lockup
hung	INFO: task .* blocked for more than|hung_task: blocked
refcount	refcount_t: |^ref_tracker: |unregister_netdevice: waiting for
leak	kmemleak: ([1-9][0-9]* new suspected memory leaks|unreferenced object)
leak	kmemleak: (.*(disabled|Cannot|Unknown)|Freeing unknown)|stalled pool shutdown|leaked reference
objects	^ODEBUG: 
memory	list_(add|del) corruption|(Poison|Redzone|Right Redzone|Left Redzone|Padding|Freepointer).* overwritten
memory	pagealloc: memory corruption|Bad page (state|map)|^Slab corruption|Object already free|Objects remaining
oom	Out of memory: Killed process|invoked oom-killer
irq	^irq [0-9]+: nobody cared
trace	^Call Trace:|unchecked MSR access
'

findings=$(rules=$rules awk '
BEGIN {
	n = split(ENVIRON["rules"], line, "\n")
	for (i = 1; i <= n; i++) {
		tab = index(line[i], "\t")
		if (!tab)
			continue
		kind[++count] = substr(line[i], 1, tab - 1)
		rule[count] = substr(line[i], tab + 1)
	}
}
{
	text = $0
	sub(/\r$/, "", text)
	sub(/^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? /, "", text)
	# User programs that crash are for whoever started them to notice.
	if (text ~ /^traps: /)
		next
	for (i = 1; i <= count; i++)
		if (text ~ rule[i]) {
			printf "%s\t%d\t%s\n", kind[i], NR, text
			break
		}
}' <<<"$log")

[ -n "$findings" ] || exit 0

IFS=$'\t' read -r _ first text <<<"$findings"
while IFS=$'\t' read -r kind line what; do
	echo "judge: $kind: line $line: $what"
done < <(sed 20q <<<"$findings")
total=$(wc -l <<<"$findings")
[ "$total" -le 20 ] || echo "judge: and $((total - 20)) more"
echo "judge: the log from there on:"
sed -n "$((first > 3 ? first - 3 : 1)),$((first + 60))p" <<<"$log"

# What ran: the byte before the <marked> one, as an int3 leaves its successor's
# address.
if [[ $text == "Oops: int3"* ]]; then
	code=$(sed -n "$first,\$s/.*\(Code: .*<\).*/\1/p" <<<"$log" | sed 1q)
	if [ -n "$code" ] && [[ $code != *" cc <" ]]; then
		echo "judge: an int3 that is not in memory: the emulator ran stale code; no fault of the kernel"
		exit 3
	fi
fi
exit 1
