# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Many tunnels between the gateways, each of one host behind GW1, by awk: bash takes long.
#
#   SPI_OUT + i   GW1 -> GW2, from host i to B
#   SPI_IN + i    GW2 -> GW1, the way back

SPI_OUT=$((0x10000))
SPI_IN=$((0x40000))
NET_HOSTS=10.64.0.0/14

# host I: its address
host() { printf '10.%d.%d.%d' $((64 + ($1 >> 16))) $((($1 >> 8) & 255)) $(($1 & 255)); }

# tunnels NS N FAR: SAs and policies of a gateway; FAR is 1 for GW2
tunnels()
{
	awk -v n="$2" -v far="$3" -v gw1="$GW1_4" -v gw2="$GW2_4" -v b="$B4" -v out=$SPI_OUT \
		-v in_=$SPI_IN -v algo="${ALGO[gcm128]}" '
	function state(src, dst, spi, id) {
		printf "xfrm state add src %s dst %s proto esp spi %d reqid %d mode tunnel", src, dst, spi, id
		printf " replay-window 64 flag af-unspec %s\n", algo
	}
	function policy(src, dst, dir, from, to, id) {
		printf "xfrm policy add src %s/32 dst %s/32 dir %s", src, dst, dir
		printf " tmpl src %s dst %s proto esp reqid %d mode tunnel\n", from, to, id
	}
	BEGIN {
		for (i = 0; i < n; i++) {
			host = sprintf("10.%d.%d.%d", 64 + int(i / 65536), int(i / 256) % 256, i % 256)
			state(gw2, gw1, in_ + i, i + 1)
			if (far) {
				policy(b, host, "out", gw2, gw1, i + 1)
				continue
			}
			state(gw1, gw2, out + i, i + 1)
			policy(host, b, "out", gw1, gw2, i + 1)
			policy(b, host, "fwd", gw2, gw1, i + 1)
		}
	}' >"$TMP/tunnels"
	agent ip "ns=$1" "file=$TMP/tunnels"
}

# tunnels_setup N: on both gateways, and the routes
tunnels_setup()
{
	configure "$GW1" "route replace $NET_HOSTS via $A4"
	configure "$GW2" "route replace $NET_HOSTS via $GW1_4"
	tunnels "$GW1" "$1" 0
	tunnels "$GW2" "$1" 1
}
