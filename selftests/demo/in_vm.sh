#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo's traffic, in the test machine: in_vm.sh [--plain] DIR
#
#  hostA ------ gw1 ======= wire ======= gw2 ------ hostB
#     eth0    lan  wan    w1 br0 w2   wan  lan     eth0
#  10.1.0.2 10.1.0.1 192.0.2.1  192.0.2.2 10.2.0.1 10.2.0.2
#
# Every name is a network namespace. gw1 runs the fast path on lan and wan (not
# with --plain), gw2 the plain kernel, both strongSwan. wire is a bridge where
# tcpdump takes down all that passes between the gateways. What was seen goes
# to DIR as it is; report.py draws the conclusions.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=ike.sh
. "$here/ike.sh"

fast=1
if [ "${1:-}" = --plain ]; then
	fast=''
	shift
fi
out=${1:?usage: in_vm.sh [--plain] DIR}

udp_count=1500		# datagrams per flow, four flows
tcp_bytes=3M		# each way
pings=20

finish()
{
	local rc=$?

	trap - EXIT
	set +e
	[ "$rc" -eq 0 ] || ike_logs
	[ -z "$fast" ] || xfrm-xdp --netns "$tag-gw1" detach >/dev/null 2>&1
	cleanup
	exit "$rc"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build_topology()
{
	add_ns hostA gw1 wire gw2 hostB
	add_veth hostA eth0 gw1 lan
	add_veth gw1 wan wire w1
	add_veth wire w2 gw2 wan
	add_veth gw2 lan hostB eth0
	take_xdp_frames hostA eth0
	take_xdp_frames wire w1

	ns wire sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ns wire ip link add name br0 type bridge mcast_snooping 0
	ns wire ip link set w1 master br0
	ns wire ip link set w2 master br0
	ns wire ip link set br0 up

	add_address hostA eth0 10.1.0.2/24 2001:db8:1::2/64
	add_address gw1 lan 10.1.0.1/24 2001:db8:1::1/64
	add_address gw1 wan 192.0.2.1/24 2001:db8:f::1/64
	add_address gw2 wan 192.0.2.2/24 2001:db8:f::2/64
	add_address gw2 lan 10.2.0.1/24 2001:db8:2::1/64
	add_address hostB eth0 10.2.0.2/24 2001:db8:2::2/64
	forwarding gw1 gw2

	# The gateways have routes for each other's hosts without IPsec too: what
	# is not encrypted gets through, and shows on the wire.
	ns gw1 ip route add 10.2.0.0/24 via 192.0.2.2
	ns gw2 ip route add 10.1.0.0/24 via 192.0.2.1
	ns gw1 ip route add 2001:db8:2::/64 via 2001:db8:f::2
	ns gw2 ip route add 2001:db8:1::/64 via 2001:db8:f::1
	# The tunnel takes 1446 bytes of a 1500 byte wire.
	ns hostA ip route add default via 10.1.0.1 mtu 1400
	ns hostB ip route add default via 10.2.0.1 mtu 1400
	ns hostA ip route add default via 2001:db8:1::1 mtu 1400
	ns hostB ip route add default via 2001:db8:2::1 mtu 1400
}

# capture FILE NS DEV FILTER...: returns when tcpdump is listening; $capture
# is its pid.
capture()
{
	local file=$1 name=$2 dev=$3

	shift 3
	spawn "$file.log" "$name" tcpdump -Z root -i "$dev" -U -B 32768 -s 0 -w "$file" "$@"
	capture=$!
	wait_for 60 "tcpdump on $dev" grep -q 'listening on' "$file.log"
}

# capture_read FILE PID: tcpdump has read all that it has received. The kernel hands packets over
# by the block, the last one only after a while.
capture_read()
{
	local line

	kill -USR1 "$2"
	line=$(grep 'received by filter' "$1.log" | tail -n 1)
	[[ $line =~ ([0-9]+)\ packets?\ captured,\ ([0-9]+)\ packets?\ received ]] &&
		[ "${BASH_REMATCH[1]}" -ge "${BASH_REMATCH[2]}" ]
}

start_fast_path()
{
	local events=/sys/kernel/tracing/events/xfrm_xdp/xfrm_xdp_packet

	modprobe xfrm_xdp
	xfrm-xdp --netns "$tag-gw1" attach lan wan
	# Counted by the kernel per reason and device, which tells the directions
	# apart; the counters in /proc do not.
	echo 'hist:keys=ifindex,reason:size=1024' >"$events/trigger"
	ns gw1 ip -o link >"$out/gw1.links"
}

start_ike()
{
	ike_start gw1
	ike_start gw2
	ike_load gw2 gw1 192.0.2.2 192.0.2.1 10.2.0.0/24,2001:db8:2::/64 10.1.0.0/24,2001:db8:1::/64 none
	ike_load gw1 gw2 192.0.2.1 192.0.2.2 10.1.0.0/24,2001:db8:1::/64 10.2.0.0/24,2001:db8:2::/64 start
	wait_for 60 "the SAs of gw1" ike_installed gw1
	wait_for 60 "the SAs of gw2" ike_installed gw2
	ike_version gw1 >"$out/ike"
	swan gw1 --list-sas >"$out/sas"
}

# counters NAME: where everything stands, of both gateways.
counters()
{
	snapshot "$out/$1" gw1 gw2
	[ -z "$fast" ] ||
		cat /sys/kernel/tracing/events/xfrm_xdp/xfrm_xdp_packet/hist >"$out/$1/hist"
}

# A ping that is not answered is counted in the report, not here.
ping_both_ways()
{
	local target

	for target in 10.2.0.2 2001:db8:2::2; do
		ns hostA ping -n -q -c "$pings" -i 0.02 -W 5 "$target" || true
	done
	for target in 10.1.0.2 2001:db8:1::2; do
		ns hostB ping -n -q -c "$pings" -i 0.02 -W 5 "$target" || true
	done
}

iperf_listens()
{
	ns hostB ss -Hltn 'sport = :5201' | grep -q LISTEN
}

# Sockets of 64 KiB: about 45 packets under way, so no queue overflows.
tcp_both_ways()
{
	spawn "$work/iperf3" hostB iperf3 -s
	wait_for 60 "iperf3" iperf_listens
	ns hostA iperf3 -J -c 10.2.0.2 -n "$tcp_bytes" -w 64K >"$out/tcp.a_to_b.json"
	ns hostA iperf3 -J -c 10.2.0.2 -n "$tcp_bytes" -w 64K -R >"$out/tcp.b_to_a.json"
}

mkdir -p "$out"
uname -r >"$out/kernel"

step "two gateways, two hosts, a wire with a capture"
load_crypto
build_topology
capture "$work/wire.pcap" wire w1
wire_capture=$capture
if [ -n "$fast" ]; then
	step "gw1: the fast path on lan and wan"
	start_fast_path
fi
step "strongSwan on both gateways"
start_ike
cat "$out/sas"

step "ping both ways, from the first packet on"
capture "$work/inside.pcap" hostA eth0 -c 4 'icmp or (icmp6 and ip6[40] >= 128 and ip6[40] <= 129)'
counters start
ping_both_ways | tee "$out/ping"

step "UDP both ways, $udp_count packets in each of four flows"
counters before
"$here/udp_count.py" "$tag-hostA" "$tag-hostB" "$udp_count" \
	10.1.0.2=10.2.0.2 2001:db8:1::2=2001:db8:2::2 | tee "$out/udp.json"
step "TCP both ways, $tcp_bytes bytes each"
tcp_both_ways
counters after
[ -z "$fast" ] || xfrm-xdp --netns "$tag-gw1" flows

wait_for 60 "tcpdump to read everything" capture_read "$work/wire.pcap" "$wire_capture"
kill -TERM "$wire_capture"
wait "$wire_capture" || true
cp "$work"/{wire,inside}.pcap "$work/wire.pcap.log" "$out/"
step "the traffic is over"
