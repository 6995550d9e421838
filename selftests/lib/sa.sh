# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Static SAs and policies between the gateways, by ip(8):
#
#   SPI_AB  GW1 -> GW2, protects A's network to B's
#   SPI_BA  GW2 -> GW1, the way back

SPI_AB=0x1001
SPI_BA=0x2001
KEY128=0x000102030405060708090a0b0c0d0e0f
KEY256=0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
SALT=a0a1a2a3

# The algorithms, as ip xfrm state spells them.
declare -A ALGO=(
	[gcm128]="aead rfc4106(gcm(aes)) $KEY128$SALT 128"
	[gcm256]="aead rfc4106(gcm(aes)) $KEY256$SALT 128"
	[chacha]="aead rfc7539esp(chacha20,poly1305) $KEY256$SALT 128"
	[cbc]="auth-trunc hmac(sha256) $KEY256 128 enc cbc(aes) $KEY128"
	[null]='auth digest_null "" enc ecb(cipher_null) ""'	# ESP's headers, and nothing else
)

# Lines for ip -batch, in STATE and POLICIES: a subshell takes a tenth of a second
# on the debug kernel.
STATE='' POLICIES=''

# sa_state SRC DST SPI ALGO ESN WINDOW [MORE]: one line, in STATE
sa_state()
{
	local esn=

	[ "$5" = off ] || esn=' esn'
	STATE="xfrm state add src $1 dst $2 proto esp spi $3 reqid 1 mode tunnel"
	STATE+=" replay-window $6 flag af-unspec$esn ${ALGO[$4]} ${7:-}"
}

# sa_policies LOCAL REMOTE FROM TO: of a gateway, in POLICIES; what FROM sends goes
# out, what TO sends comes in and is forwarded.
sa_policies()
{
	local family from to
	local out="tmpl src $1 dst $2 proto esp reqid 1 mode tunnel"
	local in="tmpl src $2 dst $1 proto esp reqid 1 mode tunnel"

	POLICIES=''
	for family in 4 6; do
		from=$3$family to=$4$family
		from=${!from} to=${!to}
		POLICIES+="xfrm policy add src $from dst $to dir out priority 1000 $out"$'\n'
		POLICIES+="xfrm policy add src $to dst $from dir fwd priority 1000 $in"$'\n'
		POLICIES+="xfrm policy add src $to dst $from dir in priority 1000 $in"$'\n'
	done
}

# sa_setup [outer=4|6] [alg=…] [esn=on|off] [window=N] [out=MORE] [in=MORE] [policies=keep]:
# fresh SAs and policies on both gateways, replacing what was there. out= and
# in= are added to GW1's outbound and inbound SA (limits, flags).
sa_setup()
{
	local outer=4 alg=gcm128 esn=off window=64 out='' in='' policies='' arg gw1 gw2

	for arg; do
		case $arg in
		outer=*|alg=*|esn=*|window=*|out=*|in=*|policies=keep) local "$arg" ;;
		*) bail "sa_setup: what is $arg?" ;;
		esac
	done
	gw1=GW1_$outer gw2=GW2_$outer
	gw1=${!gw1} gw2=${!gw2}
	sa_gateway "$GW1" "$gw1" "$gw2" NET_A NET_B "$out" "$in"
	sa_gateway "$GW2" "$gw2" "$gw1" NET_B NET_A
}

# protect_errors [4|6]: what GW1 says of B's packets goes by ESP as well, between those
# outer addresses.
protect_errors()
{
	local gw1=GW1_${1:-4} gw2=GW2_${1:-4} tmpl

	tmpl="priority 1000 tmpl src ${!gw1} dst ${!gw2} proto esp reqid 1 mode tunnel"
	configure "$GW1" "xfrm policy add src $GW1_4 dst $NET_B4 dir out $tmpl" \
		"xfrm policy add src $GW1_6 dst $NET_B6 dir out $tmpl"
	configure "$GW2" "xfrm policy add src $GW1_4 dst $NET_B4 dir fwd $tmpl" \
		"xfrm policy add src $GW1_6 dst $NET_B6 dir fwd $tmpl"
}

# sa_gateway NS LOCAL REMOTE FROM TO [MORE_AB MORE_BA]: one end, by the variables of
# sa_setup
sa_gateway()
{
	local lines=("xfrm state flush")

	sa_state "$gw1" "$gw2" "$SPI_AB" "$alg" "$esn" "$window" "${6:-}"
	lines+=("$STATE")
	sa_state "$gw2" "$gw1" "$SPI_BA" "$alg" "$esn" "$window" "${7:-}"
	lines+=("$STATE")
	if [ -z "$policies" ]; then
		sa_policies "$2" "$3" "$4" "$5"
		lines+=("xfrm policy flush" "$POLICIES")
	fi
	configure "$1" "${lines[@]}"
}

# sa_read NS SPI: SA[packets|bytes|window|replay|failed|seq|oseq] of an SA, as the
# kernel has them; SA[exists] says whether it is there.
declare -A SA=()
sa_read()
{
	local name

	agent sa "ns=$1" "spi=$2"
	SA=()
	for name in "${!R[@]}"; do
		# shellcheck disable=SC2034  # for the tests
		SA[$name]=${R[$name]}
	done
}
