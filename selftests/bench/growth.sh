# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the fast path costs where there is much: flows of one SA, and SAs with a flow each.

# shellcheck source=../lib/tunnels.sh
. "$LIB/tunnels.sh"

# far_flows N: the generator goes through N flows. Its ranges advance all at once, so that as
# many hosts as ports with no common divisor make a flow of each pair.
far_flows()
{
	local hosts=$((($1 + 3999) / 4000)) ports=$1 far=dst

	[ "$1" -lt 4000 ] || ports=4001		# a prime
	[ "$DIRECTION" = encrypt ] || far=src
	MORE="${far}_min=203.0.113.4 ${far}_max=203.0.113.$((3 + hosts))"
	MORE+=" udp_src_min=10000 udp_src_max=$((10000 + ports)) udp_dst_min=5001 udp_dst_max=5001"
}

# near_hosts N: a host of each of N tunnels
near_hosts()
{
	local near=src

	[ "$DIRECTION" = encrypt ] || near=dst
	MORE="${near}_min=$(host 0) ${near}_max=$(host $(($1 - 1)))"
	MORE+=" udp_src_min=4000 udp_src_max=4000 udp_dst_min=5001 udp_dst_max=5001"
}

# grown: a row of what the generator goes through now, at 64 bytes
grown()
{
	local few=$LEARN LEARN=$LEARN most=$((FLOWS + SAS + 1000))

	far_fast_on --flows $most
	# GW2 learns; it forgets when a program comes to GW1, whose device is the other end of its own.
	[ "$DIRECTION" = encrypt ] || LEARN=$FLOWS
	baseline xdp 64
	LEARN=$few
	fast_path_on --flows $most
	sink xdp
	generate 64 "$FLOWS"		# one packet teaches a flow, and one its SA
	generate 64 "$FLOWS"
	measure fast 64
	sink_off
	detach
	far_fast_off
}

more_flows()
{
	for FLOWS in $GROWTH_FLOWS; do
		far_flows "$FLOWS"
		grown
	done
	FLOWS=1
}

more_sas()
{
	for SAS in $GROWTH_SAS; do
		FLOWS=$SAS
		tunnels_setup "$SAS"
		near_hosts "$SAS"
		grown
		no_sas
	done
	FLOWS=1 SAS=1
}

# shellcheck disable=SC2034  # for lib.sh
# growth DIRECTION: with the transform that works in place, of AES-GCM-128
growth()
{
	# Two gateways' in one kernel.
	echo 4194304 >"$PARAMS/max_flows" || bail "cannot set max_flows"
	direction "$1"
	test_begin "growth: $DIRECTION, $GROWTH_FLOWS flows; $GROWTH_SAS SAs"
	TRANSFORM=sync
	sync_transforms with_sas gcm128 more_flows
	CIPHER=gcm128
	sync_transforms more_sas
	TRANSFORM=none CIPHER=none
	test_end
}
