#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two CPUs against one, by the wall clock, in a machine of run.sh --smp 2; called by
# bench.sh. Of an emulator only the ratio says something, and not much: how far two CPUs are
# in each other's way. The generator has its part in it.
#
# One SA for both CPUs, and an SA for each. SAs of one CPU only (pcpu-num) are of kernel 6.13
# and later. Encryption only: of two emulated CPUs that decrypt by one SA the one overtakes the
# other further than a replay window reaches.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=../lib/tunnels.sh
. "$LIB/tunnels.sh"

PACKETS=20000	# of a CPU: an emulated one comes and goes

# threads N: packets of PACKETS on each of N CPUs; leaves packets per second in RATE
threads()
{
	# shellcheck disable=SC2086  # one word per option
	agent pktgen $SOURCE $MORE pkt_size=64 "n=$PACKETS" "threads=$1"
	agree "packets that the generator sent" "${R[sent]}" $((PACKETS * $1))
	RATE=$((R[sent] * 1000000 / R[usec]))
}

# own_or_shared SAS: each CPU a host, whose SA it is, or the same and a port
own_or_shared()
{
	local cpu=0

	[ "$1" -eq 1 ] || cpu=@
	MORE="src_min=10.64.0.$cpu src_max=10.64.0.$cpu udp_src_min=400@ udp_src_max=400@"
	MORE+=" udp_dst_min=5001 udp_dst_max=5001"
}

# compare SAS: a line of ratios
compare()
{
	local i one values=

	SAS=$1
	own_or_shared "$1"
	threads 2	# teaches
	SAS=2 started fast 64 "$SINK"
	for ((i = 0; i < SAMPLES; i++)); do
		threads 1
		one=$RATE
		threads 2
		values+=,$((RATE * 1000 / one))e-3
	done
	SAS=2 true_row fast "$SINK" $((3 * SAMPLES * PACKETS))
	echo "path=fast direction=$DIRECTION cipher=$CIPHER size=64 flows=2 sas=$1 cpus=2" \
		"values=${values#,}" >>"$OUT/cpus"
}

both()
{
	tunnels_setup 2
	direction encrypt
	fast_path_on
	sink xdp
	compare 1
	compare 2
	sink_off
	detach
	no_sas
}

plan 1
[ "$(nproc)" -eq 2 ] || bail "not two CPUs: this wants run.sh --smp 2"
bench_setup
for end in "$HA/eth0" "$GW1/lan" "$GW1/wire" "$GW2/wire" "$GW2/lan" "$HB/eth0"; do
	must in_ns "${end%/*}" ethtool -L "${end#*/}" rx 2 tx 2
done
test_begin "two CPUs, with an SA for both and with one each"
CIPHER=gcm128 TRANSFORM=sync
sync_transforms both
test_end
