#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of what judges all other tests: judge.sh on excerpts of logs, and run.sh
# on machines in which something is planted. TAP.
#
#   judge_test.sh [stock|debug]...    default: stock; none of them: logs only
#   judge_test.sh --logs              logs only

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
project=$(cd "$here/../.." && pwd -P)
tmp=$(mktemp -d /tmp/xfrm-xdp-judge.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

number=0 failed=0

# report STATUS LABEL: of one test; its output is in $tmp/out.
report()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number $2"
	tail -n 30 "$tmp/out" | sed 's/^/# /'
}


# --- judge.sh on logs

# logged EXPECTED KIND TEXT: the status and the kind of finding for a log.
logged()
{
	local rc bad=0

	printf '[    1.000000] Run /init as init process\n%s\n[    9.000000] reboot: Power down\n' \
		"$3" | "$here/judge.sh" - >"$tmp/out" 2>&1
	rc=$?
	[ "$rc" -eq "$1" ] || bad=1
	[ -z "$2" ] || grep -q "^judge: $2: line 2: " "$tmp/out" || bad=1
	report $bad "judge: ${2:-nothing}: ${3%%$'\n'*}"
}

bad() { logged 1 "$1" "[    5.123456] $2"; }
good() { logged 0 '' "[    5.123456] $1"; }

logs()
{
	bad warning 'WARNING: CPU: 0 PID: 93 at net/core/dev.c:123 foo+0x1/0x2 [xfrm_xdp]'
	bad warning '------------[ cut here ]------------'
	bad bug 'BUG: sleeping function called from invalid context at mm/slab.h:1'
	bad bug 'BUG: scheduling while atomic: swapper/0/0/0x00000100'
	bad bug 'BUG: KASAN: slab-out-of-bounds in foo+0x1/0x2'
	bad bug 'kernel BUG at net/core/skbuff.c:200!'
	bad bug 'BUG kmalloc-64 (Not tainted): Poison overwritten'
	bad bug 'BUG: Bad page state in process x  pfn:1'
	bad bug '[ BUG: Invalid wait context ]'
	bad bug 'watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [x:1]'
	bad bug 'BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 30s!'
	bad lockup 'watchdog: Watchdog detected hard LOCKUP on cpu 0'
	bad oops 'Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1]'
	bad oops 'BUG: unable to handle page fault for address: ffff888100000000'
	bad oops 'general protection fault, maybe for address 0x0: 0000 [#1] PREEMPT SMP'
	bad panic 'Kernel panic - not syncing: sysrq triggered crash'
	bad kasan 'KFENCE: memory corruption'
	bad ubsan 'UBSAN: array-index-out-of-bounds in a.c:1:2'
	bad warning 'WARNING: possible circular locking dependency detected'
	bad warning 'WARNING: suspicious RCU usage'
	bad lockdep 'INFO: trying to register non-static key.'
	bad lockdep 'turning off the locking correctness validator.'
	bad stall 'rcu: INFO: rcu_preempt self-detected stall on CPU'
	bad hung 'INFO: task ip:123 blocked for more than 120 seconds.'
	bad refcount 'refcount_t: underflow; use-after-free.'
	bad refcount 'unregister_netdevice: waiting for veth0 to become free. Usage count = 2'
	bad refcount 'ref_tracker: reference already released.'
	bad leak 'kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)'
	bad leak 'kmemleak: unreferenced object 0xffff888003f8c000 (size 192):'
	bad leak 'page_pool_release_retry() stalled pool shutdown: id 1, 1 inflight 60 sec'
	bad objects 'ODEBUG: free active (active state 0) object type: timer_list'
	bad memory 'list_del corruption. prev->next should be ffff, but was ffff'
	bad oom 'Out of memory: Killed process 12 (x) total-vm:1kB'
	bad trace 'Call Trace:'
	bad init 'xfrm-xdp-init: FAIL: no out'
	logged 1 warning '[    5.123456][  T101] WARNING: CPU: 0 PID: 1 at a.c:1'
	logged 1 warning $'[    5.123456] WARNING: CPU: 0 PID: 1 at a.c:1\r'

	good 'xfrm_xdp: loading out-of-tree module taints kernel.'
	good 'xfrm_xdp: module verification failed: signature and/or required key missing - tainting kernel'
	good 'Spectre V2 : WARNING: Unprivileged eBPF is enabled'
	good 'Kernel command line: oops=panic panic=-1 BUG=1'
	good 'traps: a.out[12] general protection fault ip:1 sp:2 error:0 in a.out'
	good 'a.out[12]: segfault at 0 ip 0 sp 0 error 4 in a.out'
	good 'kmemleak: Automatic memory scanning thread started'
	good 'kmemleak: Kernel memory leak detector initialized (mem pool available: 39000)'
	good 'rcu: Preemptible hierarchical RCU implementation.'
	good 'Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar'
	good 'hrtimer: interrupt took 14850075 ns'
	good 'virtio-fs: virtio_fs_enqueue_req() failed -5'
	good 'DEBUG: this is no bug'
	good 'kasan: KernelAddressSanitizer initialized'

	logged 3 oops $'[    1.6] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\n[    1.7] Code: 54 55 53 66 <90> e8 c1\n[    1.8] Kernel panic - not syncing: Fatal exception'
	logged 1 oops $'[    1.6] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\n[    1.7] Code: 54 55 53 cc <cc> cc cc\n[    1.8] Kernel panic - not syncing: Fatal exception'
	logged 1 warning $'[    1.5] WARNING: CPU: 1\n[    1.6] Oops: int3: 0000 [#1]\n[    1.7] Code: 54 66 <90> e8\n'

	"$here/judge.sh" "$tmp/nosuchfile" >"$tmp/out" 2>&1
	[ $? -eq 2 ]
	report $? 'judge: a log that is not there'
}

# --- run.sh on machines

# machine EXPECTED PATTERN LABEL OPTION... -- CMD...: the status of a run, and
# something in what it printed.
machine()
{
	local expected=$1 pattern=$2 label=$3 rc bad=0

	shift 3
	"$here/run.sh" --kernel "$kernel" --no-project --mem 768 "$@" >"$tmp/out" 2>&1
	rc=$?
	[ "$rc" -eq "$expected" ] || bad=1
	grep -qE -- "$pattern" "$tmp/out" || bad=1
	echo "# status: $rc" >>"$tmp/out"
	report $bad "run.sh: $kernel: $label"
}

# build_plant: plant.ko for $kernel, in $plant.
build_plant()
{
	local answer KBUILD='' NAME=''

	answer=$("$here/kernel.sh" "$kernel") || return
	eval "$answer"
	plant=$project/build/$NAME/plant
	mkdir -p "$plant"
	ln -sf "$here"/plant/{Kbuild,plant.c} "$plant/"
	env -u MAKELEVEL -u MAKEFLAGS make -s -C "$KBUILD" M="$plant" modules
}

machines_stock()
{
	# shellcheck disable=SC2016  # for the machine's shell
	local show='printf "<%s>" "$@"; echo' dollar='$HOME'

	machine 0 '^$' 'a good run' -- echo
	machine 7 '^seven$' 'a status comes back' -- sh -c 'echo seven; exit 7'
	machine 0 '^<a b><"c.HOME><><\*>$' 'arguments arrive as they are' \
		-- sh -c "$show" sh 'a b' "\"c$dollar" '' '*'
	machine 0 '^y>$' 'newlines too' -- sh -c "$show" sh $'x\ny'
	machine 127 'nosuchcommand' 'a command that is not there' -- nosuchcommand
	machine 121 'Kernel panic' 'a panic fails a run' -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
	machine 124 'hang: ' 'a hang ends' --timeout 25 -- sleep 1000
	rm -rf "$project/out/judge_test"
	# shellcheck disable=SC2016  # for the machine's shell
	machine 0 'starting over' 'a fault of the emulator starts over' -- sh -c '
		mkdir "$0" || exit 0
		echo "<0>Oops: int3: 0000 [#1]" >/dev/kmsg
		echo "<0>Code: 54 55 53 66 <90> e8 c1" >/dev/kmsg' "$project/out/judge_test"
	rm -rf "$project/out/judge_test"
	machine 122 'no status came back' 'a lost status fails a run' \
		-- sh -c 'echo o >/proc/sysrq-trigger; sleep 60'
	machine 121 'WARNING: .*plant_init' 'a warning fails a run' \
		-- insmod "$plant/plant.ko" what=warn
}

machines_debug()
{
	machine 121 'unreferenced object' 'a leak fails a run' \
		-- insmod "$plant/plant.ko" what=leak
	machine 121 'kmemleak is off' 'so does that nobody looked for leaks' \
		-- sh -c 'echo off >/sys/kernel/debug/kmemleak'
}

echo 'TAP version 13'
logs
[ $# -gt 0 ] || set -- stock
for kernel; do
	case $kernel in
	--logs)
		;;
	stock|debug)
		if build_plant >"$tmp/out" 2>&1; then
			"machines_$kernel"
		else
			report 1 "run.sh: $kernel: a module to plant with"
		fi ;;
	*)
		echo "Bail out! no kernel is called '$kernel'; there are stock, debug"
		exit 1 ;;
	esac
done
echo "1..$number"
[ "$failed" -eq 0 ]
