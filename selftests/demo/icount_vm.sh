#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Instructions per packet, in a test machine where one nanosecond is one
# instruction (run.sh --icount): icount_vm.sh [--plain] REFERENCE.o DIR
#
#  hostA ------ gw1 ====== gw2 ------ hostB
#     eth0    lan  wan   wan  lan     eth0
#  10.1.0.2 10.1.0.1 192.0.2.1/2 10.2.0.1 10.2.0.2
#
# gw1 is what is measured. SAs are static, pktgen sends 64 byte UDP packets of
# one flow as fast as they are taken; all of it runs on the one CPU, so the time
# it takes is the cost of the whole chain.
#
# What gw1 costs is the difference of two such runs: one where the packet goes
# through gw1 and is dropped where it comes in behind it, and one where it is
# dropped where it comes in at gw1. Both begin with the same generator (for
# decryption: hostB, and gw2 which encrypts), and both end with one drop. So
# the difference is receiving in gw1, what gw1 does, sending, and nothing else.
# Dropped is where that mode of receiving drops cheapest: by XDP_DROP where gw1
# uses XDP, at tc ingress where it does not.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

fast=1
if [ "${1:-}" = --plain ]; then
	fast=''
	shift
fi
reference=${1:?usage: icount_vm.sh [--plain] REFERENCE.o DIR}
out=${2:?usage: icount_vm.sh [--plain] REFERENCE.o DIR}
count=2000
warm=200		# so many before, for caches, neighbours and flows
wan_ifindex=102		# as compiled into the redirect program

finish()
{
	local rc=$?

	trap - EXIT
	set +e
	[ -z "$fast" ] || xfrm-xdp --netns "$tag-gw1" detach >/dev/null 2>&1
	cleanup
	exit "$rc"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build_topology()
{
	local name

	add_ns hostA gw1 gw2 hostB
	# No router solicitations among the packets that are counted.
	for name in hostA gw1 gw2 hostB; do
		ns "$name" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
	done
	add_veth hostA eth0 gw1 lan
	add_veth gw1 wan gw2 wan "$wan_ifindex"
	add_veth gw2 lan hostB eth0

	add_address hostA eth0 10.1.0.2/24
	add_address gw1 lan 10.1.0.1/24
	add_address gw1 wan 192.0.2.1/24
	add_address gw2 wan 192.0.2.2/24
	add_address gw2 lan 10.2.0.1/24
	add_address hostB eth0 10.2.0.2/24
	ns gw1 sysctl -qw net.ipv4.ip_forward=1
	ns gw2 sysctl -qw net.ipv4.ip_forward=1
	ns gw1 ip route add 10.2.0.0/24 via 192.0.2.2
	ns gw2 ip route add 10.1.0.0/24 via 192.0.2.1
	# Nobody answers ARP where everything is dropped.
	neighbour gw1 lan 10.1.0.2 hostA eth0
	neighbour gw1 wan 192.0.2.2 gw2 wan
	neighbour gw2 wan 192.0.2.1 gw1 wan
	neighbour gw2 lan 10.2.0.2 hostB eth0
}

mac() { ns "$1" ip -j link show dev "$2" | jq -r '.[0].address'; }
received() { ns "$1" ip -j -s link show dev "$2" | jq '.[0].stats64.rx.packets'; }

neighbour()
{
	ns "$1" ip neighbour replace "$3" lladdr "$(mac "$4" "$5")" dev "$2" nud permanent
}

# static_sas NS LOCAL REMOTE LOCAL_NET REMOTE_NET SPI_OUT SPI_IN
static_sas()
{
	local name=$1 dir
	local to=(src "$2" dst "$3") from=(src "$3" dst "$2")
	local algo=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)

	ns "$name" ip xfrm state add "${to[@]}" proto esp spi "$6" reqid 1 mode tunnel "${algo[@]}"
	ns "$name" ip xfrm state add "${from[@]}" proto esp spi "$7" reqid 1 mode tunnel \
		"${algo[@]}" replay-window 32
	ns "$name" ip xfrm policy add src "$4" dst "$5" dir out \
		tmpl "${to[@]}" proto esp reqid 1 mode tunnel
	for dir in in fwd; do
		ns "$name" ip xfrm policy add src "$5" dst "$4" dir "$dir" \
			tmpl "${from[@]}" proto esp reqid 1 mode tunnel
	done
}

# generate FROM PACKETS: send them with pktgen, print the nanoseconds it took.
generate()
{
	local router to

	case $1 in
	hostA)	router=$(mac gw1 lan) to=10.2.0.2 ;;
	hostB)	router=$(mac gw2 lan) to=10.1.0.2 ;;
	esac
	# shellcheck disable=SC2016  # for the inner shell
	ns "$1" bash -euc '
		cd /proc/net/pktgen
		echo rem_device_all >kpktgend_0
		echo add_device eth0 >kpktgend_0
		for setting; do
			echo "$setting" >eth0
		done
		echo start >pgctrl
		awk "/^Result: OK/ { print int(\$3) * 1000 }" eth0
	' generate "count $2" "pkt_size 60" "delay 0" "flag NO_TIMESTAMP" "dst_mac $router" \
		"dst $to" "udp_src_min 9" "udp_src_max 9" "udp_dst_min 9" "udp_dst_max 9"
}

# measure LABEL FROM NS DEV: the cost per packet of the way from host FROM to
# where it is dropped, DEV in NS. All packets have to get there.
measure()
{
	local label=$1 host=$2 before after took

	generate "$host" "$warm" >/dev/null
	before=$(received "$3" "$4")
	took=$(generate "$host" "$count")
	after=$(received "$3" "$4")
	[ $((after - before)) -eq "$count" ] ||
		die "$label: $((after - before)) of $count packets came to $4 of $3"
	echo "$label $((took / count))" | tee -a "$out/icount"
}

# measure_kernel LABEL FROM NS DEV, measure_xdp LABEL FROM NS DEV: drop there.
measure_kernel()
{
	ns "$3" tc qdisc add dev "$4" clsact
	ns "$3" tc filter add dev "$4" ingress matchall action drop
	measure "$@"
	ns "$3" tc qdisc del dev "$4" clsact
}

measure_xdp()
{
	xdp "$3" "$4" xdp_drop
	measure "$@"
	ns "$3" ip link set dev "$4" xdp off
}

xdp() { ns "$1" ip link set dev "$2" xdp object "$reference" section "$3"; }

kernel_path()
{
	measure_kernel kernel-encrypt-base hostA gw1 lan
	measure_kernel kernel-encrypt hostA gw2 wan
	measure_kernel kernel-decrypt-base hostB gw1 wan
	measure_kernel kernel-decrypt hostB hostA eth0
}

fast_path()
{
	measure_xdp fast-encrypt-base hostA gw1 lan
	measure_xdp fast-decrypt-base hostB gw1 wan
	xdp gw1 lan xdp_redirect
	measure_xdp redirect hostA gw2 wan
	ns gw1 ip link set dev lan xdp off

	modprobe xfrm_xdp
	# The far ends have to take frames from XDP before anything is learned.
	take_xdp_frames gw2 wan
	take_xdp_frames hostA eth0
	xfrm-xdp --netns "$tag-gw1" attach lan wan
	snapshot "$out/icount.before" gw1
	measure_xdp fast-encrypt hostA gw2 wan
	measure_xdp fast-decrypt hostB hostA eth0
	snapshot "$out/icount.after" gw1
}

mkdir -p "$out"
echo "packets $((warm + count))" >"$out/icount"
load_crypto
modprobe pktgen
build_topology
static_sas gw1 192.0.2.1 192.0.2.2 10.1.0.0/24 10.2.0.0/24 0x101 0x102
static_sas gw2 192.0.2.2 192.0.2.1 10.2.0.0/24 10.1.0.0/24 0x102 0x101
# Not waiting for anything: what the kernel has to do after boot goes on for
# some seconds, and would be counted.
sleep 5

step "instructions per packet, generator included (-base: dropped before gw1)"
kernel_path
[ -z "$fast" ] || fast_path
