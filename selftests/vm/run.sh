#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run a command in a test machine: a QEMU guest that boots the test kernel on
# this host's own root filesystem (read-only, over virtiofs, with a discardable
# writable layer), with the project built and installed.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
project=$(cd "$here/../.." && pwd -P)

usage()
{
	cat <<'END'
usage: run.sh [OPTION]... -- CMD [ARG]...

Boots a test kernel, runs CMD in it as root with this host's programs, streams
what it prints, and exits with its status. Of what CMD writes, only what is
below the project's out/ stays; the current directory is kept.

  --kernel K    stock (default), debug, or the path of a kernel build tree
  --smp N       CPUs (default 2)
  --mem M       memory in MiB (default 2048; each leak scan of the debug kernel
                takes 5 s per GiB)
  --nic N       add N virtio-net devices, wired in pairs: first and second, third and
                fourth; they reach nothing else (default 0)
  --icount      count instructions: one CPU, one guest nanosecond is one
                guest instruction, repeatable
  --lean        the debug kernel without kmemleak, page poisoning and debug objects, which
                take half of its time; KASAN, lockdep and all else stay
  --gdb PORT    let a debugger attach to the machine, at that port of this host
  --kvm         by hardware virtualisation: as fast as the machine, not repeatable
  --timeout S   give up after S seconds of wall clock (default 900)
  --no-build    install what is built already, do not call make
  --no-project  neither build nor install the project
  --log FILE    leave the kernel log in FILE

In the machine: XFRM_XDP_KERNEL (the K above), XFRM_XDP_BUILD (build/),
XFRM_XDP_BPF (the BPF objects), XFRM_XDP_CACHE (of kernels and tools);
build/bin is in PATH; modprobe xfrm_xdp works.

exit status:
  that of CMD, unless
  121   the kernel log has a splat, a leak report or a panic, whatever CMD said
  122   the machine went away without a status of CMD
  124   the machine did not finish in time, and was killed
  125   the machine could not be started, or wrong usage
END
}

say() { echo "run.sh: $*" >&2; }
die() { say "$@"; exit 125; }

kernel=stock smp=2 mem=2048 nic=0 icount='' lean='' gdb='' kvm='' timeout=900
build=1 install=1 log=''
while [ $# -gt 0 ]; do
	case $1 in
	--kernel|--smp|--mem|--nic|--gdb|--timeout|--log)
		[ $# -ge 2 ] || die "$1 needs a value; see --help"
		declare "${1#--}=$2"
		shift 2 ;;
	--icount)	icount=1; shift ;;
	--kvm)		kvm=1; shift ;;
	--lean)		lean=1; shift ;;
	--no-build)	build=''; shift ;;
	--no-project)	build='' install=''; shift ;;
	-h|--help)	usage; exit 0 ;;
	--)		shift; break ;;
	*)		die "unknown option '$1'; see --help" ;;
	esac
done
[ $# -gt 0 ] || die "no command given; see --help"
[[ $smp =~ ^[0-9]+$ && $mem =~ ^[0-9]+$ && $nic =~ ^[0-9]+$ && $timeout =~ ^[0-9]+$ &&
   $gdb =~ ^[0-9]*$ ]] ||
	die "--smp, --mem, --nic, --gdb and --timeout take whole numbers; see --help"

[ -z "$icount" ] || [ -z "$kvm" ] || die "--icount and --kvm exclude each other; see --help"
[ "$(id -u)" -eq 0 ] || die "virtiofsd serves the root filesystem as root only; run as root"
qemu=$(command -v qemu-system-x86_64) || die "no qemu-system-x86_64; run 'scripts/prerequisites.sh all'"
virtiofsd=
for f in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
	[ ! -x "$f" ] || { virtiofsd=$f; break; }
done
[ -n "$virtiofsd" ] || die "no virtiofsd; run 'scripts/prerequisites.sh all'"

answer=$("$here/kernel.sh" "$kernel") || die "no $kernel kernel; the reason is above"
KERNEL='' MODULES='' KBUILD='' NAME='' RELEASE=''
eval "$answer"

if [ -n "$build" ]; then
	# Never inside an outer make's jobserver: run.sh may outlive its rule.
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
		make -s -C "$project" KERNEL="$kernel" all >&2 ||
		die "the project does not build; --no-project runs the command without it"
fi

dir=$(mktemp -d /tmp/xfrm-xdp-vm.XXXXXX)
pids=()
# shellcheck disable=SC2317  # called by the trap
cleanup()
{
	trap '' INT TERM HUP
	[ ${#pids[@]} -eq 0 ] || { kill -KILL "${pids[@]}"; wait; } 2>/dev/null || true
	[ -z "$log" ] || [ ! -e "$dir/console" ] || cp "$dir/console" "$log" || true
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir -p "$project/out" "$dir/dev" "$dir/lib/modules/$RELEASE/kernel"
ln -s "$KBUILD" "$dir/lib/modules/$RELEASE/build"
printf '%s\0' "$@" >"$dir/argv"
cp "$here/init" "$dir/init"
cat >"$dir/env" <<END
VM_PROJECT=$(printf %q "$project")
VM_CWD=$(printf %q "$PWD")
VM_KERNEL=$(printf %q "$kernel")
VM_LEAN=$lean
VM_MODULES=$(printf %q "$MODULES")
VM_CACHE=$(printf %q "$("$project/scripts/cache.sh")")
END
# What udev would make.
ln -s /proc/self/fd "$dir/dev/fd"
ln -s /proc/self/fd/0 "$dir/dev/stdin"
ln -s /proc/self/fd/1 "$dir/dev/stdout"
ln -s /proc/self/fd/2 "$dir/dev/stderr"

# /lib/modules of the machine: the kernel's own modules, and an index that knows
# ours too. depmod ran here, not there, where it takes ten times as long.
index=$MODULES
if [ -n "$install" ]; then
	index=$project/build/$NAME/lib/modules/$RELEASE
	[ -d "$index/updates" ] ||
		die "no module built for $kernel in $index; run 'make KERNEL=$kernel', or use --no-project"
	cp -r "$index/updates" "$dir/lib/modules/$RELEASE/"
fi
if [ "$index" = - ]; then
	cp "$KBUILD"/modules.{order,builtin,builtin.modinfo} "$dir/lib/modules/$RELEASE/"
	depmod -b "$dir" "$RELEASE"
else
	cp "$index"/modules.* "$dir/lib/modules/$RELEASE/"
fi

fstab() { printf '%s ' "${@// /\\040}"; echo '0 0'; }
{
	fstab proc /proc proc defaults
	fstab dev /dev devtmpfs defaults
	fstab layer /run tmpfs mode=755
} >"$dir/fstab.1"
new=/run/root
{
	fstab overlay $new overlay lowerdir=/,upperdir=/run/upper,workdir=/run/work
	fstab proc $new/proc proc defaults
	fstab sys $new/sys sysfs defaults
	fstab dev $new/dev devtmpfs defaults
	fstab pts $new/dev/pts devpts ptmxmode=666,X-mount.mkdir
	fstab shm $new/dev/shm tmpfs mode=1777,X-mount.mkdir
	fstab run $new/run tmpfs mode=755
	fstab tmp $new/tmp tmpfs mode=1777
	fstab bpf $new/sys/fs/bpf bpf mode=700
	fstab debugfs $new/sys/kernel/debug debugfs defaults
	fstab tracefs $new/sys/kernel/tracing tracefs defaults
	fstab cgroup2 $new/sys/fs/cgroup cgroup2 defaults
	fstab "$dir" $new/run/vm none bind,X-mount.mkdir
	fstab "$dir/lib/modules" $new/lib/modules none bind
	[ "$MODULES" = - ] ||
		fstab "$MODULES/kernel" "$new/lib/modules/$RELEASE/kernel" none bind
	# A project below /tmp or /run was hidden just now.
	case $project in
	/tmp/*|/run/*) fstab "$project" "$new$project" none bind,X-mount.mkdir ;;
	esac
	fstab out "$new$project/out" virtiofs defaults
} >"$dir/fstab.2"

# serve TAG SOURCE COMMAND...: share SOURCE as virtiofs TAG, by COMMAND virtiofsd...
serve()
{
	local tag=$1 source=$2 i pid

	shift 2
	rm -f "$dir/$tag.sock"
	"$@" "$virtiofsd" --socket-path="$dir/$tag.sock" -o source="$source" \
		-o cache="${cache:-auto}" -o log_level=err >"$dir/$tag.log" 2>&1 &
	pid=$!
	pids+=("$pid")
	for ((i = 0; i < 500; i++)); do
		[ ! -S "$dir/$tag.sock" ] || return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.01
	done
	cat "$dir/$tag.log" >&2
	die "virtiofsd cannot serve $source; the reason is above"
}

# Without SMAP, whose instructions take the emulator a jump each.
accel=(-accel "tcg,thread=multi" -cpu "max,-la57,-smap" -smp "$smp")
[ -z "$icount" ] ||
	accel=(-accel tcg -icount "shift=0,sleep=off" -cpu "max,-vaes,-la57" -smp 1)

[ -z "$kvm" ] || accel=(-accel kvm -cpu host -smp "$smp")
[ -z "$gdb" ] || accel+=(-gdb "tcp:127.0.0.1:$gdb")

# Two ports of a hub are a wire.
nics=()
for ((i = 0; i < nic; i++)); do
	nics+=(-netdev "hubport,id=net$i,hubid=$((i / 2))"
	       -device "virtio-net-pci,netdev=net$i,mac=02:00:00:00:fe:$(printf %02x "$i")")
done

# watchdog_thresh, rcu_cpu_stall_timeout: emulated CPUs on a busy host are slow,
# not stuck. oops=panic panic=-1: the machine ends at the first oops, instead
# of limping on until the timeout; -no-reboot makes that the end of qemu.
cmdline="root=root rootfstype=virtiofs ro init=$dir/init console=ttyS0 loglevel=6"
cmdline+=" oops=panic panic=-1 watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=60"
cmdline+=" mitigations=off tsc=reliable no_timer_check net.ifnames=0 printk.devkmsg=on"

# Of a kernel that has them. Conntrack looks through its whole table, used or not, and lockdep
# sees each bucket.
if [ -n "$lean" ]; then
	cmdline+=" kmemleak=off no_debug_objects"
elif [ "$kernel" != stock ]; then
	cmdline+=" page_poison=1"
fi
[ "$kernel" = stock ] || cmdline+=" nf_conntrack.hashsize=4096"
# Where instructions are the clock, it leaps while a disk is waited for.
[ -z "$icount" ] || cmdline+=" sysctl.kernel.hung_task_timeout_secs=0"

mkfifo "$dir/out.fifo"
mkdir "$dir/root"

# Boot once, until the machine ends or the time is up; sets hung, verdict, rc.
machine()
{
	local hold reader qemu_pid timer ended=''

	rm -f "$dir/console" "$dir/status"
	# Read-only on this side as well: in a mount namespace of its own.
	# shellcheck disable=SC2016  # for the inner shell
	cache=always serve root "$dir/root" unshare --mount --propagation private \
		sh -c 'mount --rbind / "$0" && mount -o remount,bind,ro "$0" && exec "$@"' "$dir/root"
	serve out "$project/out" env

	# Held open by us until qemu is gone, so that it always comes to an end.
	exec {hold}<>"$dir/out.fifo"
	cat <"$dir/out.fifo" {hold}>&- &
	reader=$!
	"$qemu" -nodefaults -no-user-config -display none -monitor none -no-reboot \
		-machine q35,memory-backend=mem "${accel[@]}" -m "$mem" \
		-object "memory-backend-memfd,id=mem,size=${mem}M,share=on" \
		-kernel "$KERNEL" -append "$cmdline" -nic none "${nics[@]}" \
		-chardev "file,id=console,path=$dir/console" -serial chardev:console \
		-chardev "socket,id=root,path=$dir/root.sock" \
		-device vhost-user-fs-pci,chardev=root,tag=root,queue-size=1024 \
		-chardev "socket,id=out,path=$dir/out.sock" \
		-device vhost-user-fs-pci,chardev=out,tag=out \
		-device virtio-serial-pci \
		-chardev "file,id=stdout,path=$dir/out.fifo" \
		-device virtserialport,chardev=stdout,name=out \
		-chardev "file,id=status,path=$dir/status" \
		-device virtserialport,chardev=status,name=status \
		</dev/null >"$dir/qemu.log" 2>&1 {hold}>&- &
	qemu_pid=$!
	sleep "$timeout" {hold}>&- &
	timer=$!
	pids+=("$reader" "$qemu_pid" "$timer")

	hung=''
	wait -n -p ended "$qemu_pid" "$timer" || true
	if [ "$ended" = "$timer" ]; then
		hung=1
	fi
	{ kill -KILL "$timer" "$qemu_pid"; wait "$timer" "$qemu_pid"; } 2>/dev/null || true
	# What the machine wrote last is still on its way to our stdout.
	exec {hold}>&-
	wait "$reader" || true
	{ kill -KILL "${pids[@]}"; wait; } 2>/dev/null || true
	pids=()

	if [ ! -s "$dir/console" ]; then
		cat "$dir/qemu.log" "$dir"/{root,out}.log >&2
		[ -n "$hung" ] || die "qemu did not boot $KERNEL; the reason is above"
	fi
	verdict=0
	"$here/judge.sh" "$dir/console" >&2 || verdict=$?
	rc=$(cat "$dir/status" 2>/dev/null || true)
}

for again in 1 2 3; do
	machine
	# Said on stdout as well: who counts results has to drop what came so far.
	[ "$verdict" -eq 3 ] || break
	say "the emulator failed, not the kernel; attempt $again of 3"
	[ "$again" -eq 3 ] || echo "# run.sh: starting over"
done

if [ -n "$hung" ]; then
	tail -n 20 "$dir/console" >&2
	say "hang: no end in $timeout s, the machine was killed; the end of its log is above (--timeout S gives it longer)"
	exit 124
fi
if [ "$verdict" -ne 0 ]; then
	say "the kernel log condemns this run (the command's own status: ${rc:-none}); --log FILE keeps all of it"
	exit 121
fi
if ! [[ $rc =~ ^[0-9]+$ ]]; then
	tail -n 20 "$dir/console" >&2
	cat "$dir/qemu.log" >&2
	say "no status came back: the machine went away before the command ended; the end of its log is above"
	exit 122
fi
exit "$rc"
