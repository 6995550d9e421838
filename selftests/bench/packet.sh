#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# prototype
. "$(dirname "$0")/../lib.sh"

wire_direct()
{
	configure "$GW1" "link del wire"
	configure "$GW2" "link del wire"
	configure "$GW1" "link add wire address $MAC_GW1 type veth peer name wire netns $GW2 address $MAC_GW2"
	for ns in "$GW1" "$GW2"; do
		agent offload "ns=$ns" dev=wire tx=off tso=off gso=off
	done
	configure "$GW1" "link set wire up" \
		"addr add $GW1_4/24 dev wire" "addr add $GW1_6/64 dev wire nodad" \
		"$(neigh wire $GW2_4 $GW2_6 $MAC_GW2)" \
		"route add $NET_B4 via $GW2_4" "route add $NET_B6 via $GW2_6"
	configure "$GW2" "link set wire up" \
		"addr add $GW2_4/24 dev wire" "addr add $GW2_6/64 dev wire nodad" \
		"$(neigh wire $GW1_4 $GW1_6 $MAC_GW1)" \
		"route add $NET_A4 via $GW1_4" "route add $NET_A6 via $GW1_6"
}

N=${N:-1000}
gen()
{
	if [ $1 = encrypt ]; then
		agent pktgen "ns=$HA" dev=eth0 n=$3 pkt_size=$2 dst_mac=$MAC_GW1_LAN src_min=$A4 src_max=$A4 dst_min=$B4 dst_max=$B4 udp_src_min=9 udp_src_max=9 udp_dst_min=5001 udp_dst_max=5001
	else
		agent pktgen "ns=$HB" dev=eth0 n=$3 pkt_size=$2 dst_mac=$MAC_GW2_LAN src_min=$B4 src_max=$B4 dst_min=$A4 dst_max=$A4 udp_src_min=9 udp_src_max=9 udp_dst_min=5001 udp_dst_max=5001
	fi
}
declare -A BASEC=()
row()
{
	local i s= min
	gen $2 $3 200
	for i in 1 2 3; do
		gen $2 $3 $N
		s+=" $((R[usec] * 1000 / N))"
	done
	s=$(tr ' ' '\n' <<<"$s" | sort -n | sed -n 3p)
	if [[ $1 = base* ]]; then BASEC[$1$2$3]=$s; note "$(printf '%-14s %-8s %5d %8d' $1 $2 $3 $s)"
	else
		base=base; [[ $1 = xfrm || $1 = forward ]] && base=base-skb
		note "$(printf '%-14s %-8s %5d %8d' $1 $2 $3 $((s - ${BASEC[$base$2$3]})))"
	fi
}
setup
must modprobe pktgen
wire_direct
agent offload "ns=$HA" dev=eth0 gro=on
agent offload "ns=$GW2" dev=wire gro=on
plan 1
for dir in encrypt decrypt; do
	if [ $dir = encrypt ]; then IN=lan OUT=wire SINK=$GW2/wire; else IN=wire OUT=lan SINK=$HA/eth0; fi
	sa_setup window=64 alg=${ALG:-gcm128}
	agent xdp_drop "ns=$GW1" dev=$IN
	for size in 64 1400; do row base $dir $size; done
	agent xdp_off "ns=$GW1" dev=$IN
	agent tcx_pass "ns=$GW1" dev=$IN verdict=2
	for size in 64 1400; do row base-skb $dir $size; done
	agent xdp_off "ns=$GW1" dev=$IN
	agent xdp_drop "ns=${SINK%/*}" dev=${SINK#*/}
	agent xdp_redirect "ns=$GW1" dev=$IN to=$OUT
	for size in 64 1400; do row xdp-redirect $dir $size; done
	agent xdp_off "ns=$GW1" dev=$IN
	# learning needs packets of the stack: 
	attach
	for size in 64 1400; do mark "$GW1"; row fast-copied $dir $size; counters $GW1; note "enc $(since $GW1 Encrypted) dec $(since $GW1 Decrypted) fwd $(since $GW1 ForwardDone)"; done
	[ -z "${PERF:-}" ] || { gen $dir 64 200; chrt --idle 0 bash -c "while :; do :; done" & Q=$!; sysctl -qw kernel.perf_cpu_time_max_percent=0 kernel.perf_event_max_sample_rate=100000; perf record -o /tmp/perf.$dir.data -e cpu-clock -c 20011 -a -- sleep 1000 & P=$!; sleep 3;  gen $dir ${PSIZE:-64} 100000; kill -INT $P; wait $P; kill $Q;  perf report -i /tmp/perf.$dir.data --stdio --percentage relative --comm kpktgend_0 --sort symbol 2>&1 | grep -v "^#" | head -${PLINES:-75}; }
	detach
	agent xdp_off "ns=${SINK%/*}" dev=${SINK#*/}
	agent tcx_pass "ns=${SINK%/*}" dev=${SINK#*/} verdict=2
	for size in 64 1400; do row xfrm $dir $size; done
	agent xdp_off "ns=${SINK%/*}" dev=${SINK#*/}
done
