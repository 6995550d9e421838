# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The paths of a packet side by side: rows CIPHER…, for each of SIZES.

# What needs no SA is the same for every cipher.
redirect_rows()
{
	local size

	# shellcheck disable=SC2086  # a size each
	baseline xdp $SIZES
	sink xdp
	agent xdp_redirect "ns=$GW1" "dev=$IN" "to=$LEAVES"
	for size in $SIZES; do
		measure xdp-redirect "$size"
	done
	agent xdp_off "ns=$GW1" "dev=$IN"
	sink_off
}

forward_rows()
{
	local size

	# shellcheck disable=SC2086
	baseline tcx $SIZES
	sink tcx
	for size in $SIZES; do
		measure forward "$size"
	done
	sink_off
}

fast_rows()
{
	local path size

	path=$(fast_path)
	sink xdp
	for size in $SIZES; do
		measure "$path" "$size"
	done
	sink_off
}

# shellcheck disable=SC2034  # ROW is for agree
# valid: what comes out is what went in, to an unmodified kernel at the other end.
valid()
{
	local n=20 from=$HA src=$A4 dst=$B4 at=B far=$GW2/wire

	[ "$DIRECTION" = encrypt ] || from=$HB src=$B4 dst=$A4 at=A far=$HA/eth0
	ROW="$(fast_path) $DIRECTION $CIPHER, is it ESP"
	# veth takes frames of XDP only where XDP runs.
	agent xdp_pass "ns=${far%/*}" "dev=${far#*/}"
	agent clear name=$at
	burst "$from" "$src" "$dst" 4001 5001 1
	agent got name=$at n=1
	mark "$GW1"
	burst "$from" "$src" "$dst" 4001 5001 $n first=1
	agent got name=$at n=$((n + 1))
	agree "datagrams that arrived, bad ones, doubles" "${R[n]} ${R[bad]} ${R[dup]}" "$((n + 1)) 0 0"
	counters "$GW1"
	agree "done in XDP" "$(since "$GW1" Encrypted) $(since "$GW1" Decrypted)" \
		"$([ "$DIRECTION" = encrypt ] && echo "$n 0" || echo "0 $n")"
	agent xdp_off "ns=${far%/*}" "dev=${far#*/}"
}

stack_rows()
{
	local size

	[ "$TRANSFORM" = stock ] || return 0
	# What the stack of GW2 costs goes up and down.
	if [ "$DIRECTION" = decrypt ]; then
		local PACKETS=$((STACK_TIMES * PACKETS))
		# shellcheck disable=SC2086  # a size each
		baseline tcx $SIZES
	fi
	sink tcx
	for size in $SIZES; do
		measure xfrm "$size"
	done
	# What has a security path never gets into a flow table (nft_flow_offload_skip()).
	[ "$DIRECTION" = decrypt ] || flowtable_rows
	sink_off
}

flowtable_rows()
{
	local size

	must in_ns "$GW1" nft "table ip bench {
		flowtable f { hook ingress priority 0; devices = { lan, wire }; }
		counter slow { }
		chain c { type filter hook forward priority 0; ip protocol udp counter name slow flow add @f; }
	}"
	# Here time may leap when nothing happens.
	agent sysctl "ns=$GW1" net.netfilter.nf_flowtable_udp_timeout=100000
	for size in $SIZES; do
		generate "$size" "$LEARN"
		slow_packets >/dev/null
		measure xfrm-flowtable "$size"
		agree "packets that the flow table did not take" "$(slow_packets)" 0
	done
	must in_ns "$GW1" nft delete table ip bench
}

# slow_packets: seen by the forward chain since it was last asked
slow_packets()
{
	in_ns "$GW1" nft -j reset counter ip bench slow | jq '.nftables[] | .counter.packets // empty'
}

aead_rows()
{
	local size driver encrypt decrypt i
	local -a values

	for size in $AEAD_SIZES; do
		values=('' '')
		for ((i = 0; i < SAMPLES; i++)); do
			# Frames have an Ethernet header, what an SA protects has none.
			echo "${AEAD[$CIPHER]} $((size - 14)) $PACKETS" >/sys/kernel/debug/bench_aead ||
				bail "the kernel does not measure ${AEAD[$CIPHER]}"
			read -r driver encrypt decrypt </sys/kernel/debug/bench_aead
			values[0]+=,$encrypt values[1]+=,$decrypt
		done
		DIRECTION=encrypt sample aead "$size" "${values[0]#,}"
		DIRECTION=decrypt sample aead "$size" "${values[1]#,}"
	done
	echo "transform cipher=$CIPHER transform=$TRANSFORM driver=$driver path=$(fast_path)" >>"$OUT/samples"
}

# aeads CIPHER…
aeads()
{
	test_begin "the AEADs alone: $*"
	each_transform aead_rows "$@"
	test_end
}

# rows DIRECTION CIPHER…: all of one direction. What GW2 does before GW1 has a packet to decrypt
# depends on the cipher.
rows()
{
	direction "$1"
	shift
	test_begin "$DIRECTION: $*"
	far_fast_on
	redirect_rows
	[ "$DIRECTION" = encrypt ] || each_transform "baseline xdp $SIZES" "$@"
	far_fast_off
	fast_path_on
	each_transform valid "$@"
	far_fast_on
	each_transform fast_rows "$@"
	detach
	far_fast_off
	if [ "$STACK_TIMES" -gt 0 ]; then
		forward_rows
		each_transform stack_rows "$@"
	fi
	test_end
}
