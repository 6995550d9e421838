# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the demo's scripts share: namespaces, links, waiting, snapshots of
# counters. Sourced; everything that needs cleaning up is named with $tag, or a
# file below $work, or a process in background.

tag=xxdemo$$
work=$(mktemp -d)
background=()

die() { echo "demo: $*" >&2; exit 1; }

step() { printf '%s\n' "-- $*"; }

# wait_for SECONDS WHAT CMD...: poll until CMD succeeds.
wait_for()
{
	local end=$((SECONDS + $1)) what=$2

	shift 2
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || die "waited in vain for $what"
		sleep 0.1
	done
}

# ns NAME CMD...: run CMD in a namespace. nsenter and not 'ip netns exec', which
# also makes a mount namespace of its own where pins in bpffs are out of sight.
ns()
{
	local name=$1

	shift
	nsenter --net="/run/netns/$tag-$name" -- "$@"
}

add_ns()
{
	local name

	for name; do
		ip netns add "$tag-$name"
		ns "$name" ip link set lo up
	done
}

# A machine with udev has the CPU's crypto drivers from boot on; this one has
# nobody who would load them, and the generic C code would be used in their place.
load_crypto()
{
	if grep -qw aes /proc/cpuinfo; then
		modprobe aesni_intel
	fi
}

# add_veth NS1 DEV1 NS2 DEV2 [IFINDEX1]. Nothing is left to hardware that is not there: a
# packet that is encrypted has its checksum in it, and is as long as on the wire.
add_veth()
{
	ip link add name "$2" netns "$tag-$1" ${5:+index "$5"} type veth peer name "$4" netns "$tag-$3"
	ns "$1" ethtool -K "$2" tx off tso off gso off >/dev/null
	ns "$3" ethtool -K "$4" tx off tso off gso off >/dev/null
	ns "$1" ip link set "$2" up
	ns "$3" ip link set "$4" up
}

# take_xdp_frames NS DEV: let the peer of DEV redirect to it; a veth takes
# frames from XDP only when the other end runs NAPI.
take_xdp_frames()
{
	ns "$1" ethtool -K "$2" gro on
}

add_address()
{
	local name=$1 dev=$2 address

	shift 2
	for address; do
		case $address in
		*:*)	ns "$name" ip address add "$address" dev "$dev" nodad ;;
		*)	ns "$name" ip address add "$address" dev "$dev" ;;
		esac
	done
}

forwarding()
{
	local name

	for name; do
		ns "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	done
}

# spawn LOGFILE NS CMD...: run CMD in a namespace in the background, to be ended
# by cleanup; $! is CMD itself.
spawn()
{
	local log=$1 name=$2

	shift 2
	nsenter --net="/run/netns/$tag-$name" -- "$@" >"$log" 2>&1 </dev/null &
	background+=($!)
}

cleanup()
{
	local pid path

	for pid in "${background[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${background[@]}"; do
		wait "$pid" 2>/dev/null
	done
	for path in /run/netns/"$tag"-*; do
		[ ! -e "$path" ] || ip netns del "${path##*/}"
	done
	rm -rf "$work"
}

# snapshot DIR GATEWAY...: every counter that the report is made of.
snapshot()
{
	local dir=$1 name

	shift
	mkdir -p "$dir"
	for name; do
		ns "$name" ip -s xfrm state >"$dir/$name.sa"
		ns "$name" cat /proc/net/xfrm_stat >"$dir/$name.mib"
		[ ! -e /proc/net/xfrm_xdp_stat ] ||
			ns "$name" cat /proc/net/xfrm_xdp_stat >"$dir/$name.xdp"
	done
}
