#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Malformed and forged ESP. Each packet is given to the stack alone first, then to
# a gateway with the fast path that knows the SA: delivered packets, MIBs and the
# SA's own counters have to be the same, and the fast path has to name its reason.
# Packets are made by the SA's key; a good one after each shows that all is well.
#
#   HA ---- GW1 ==== wire
#         fast path     ^
#                       made from scratch, injected here

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# label | reason counter that grows, if any | how the packet is made
declare -A CASES=()
CASES[4]='
intact|Decrypted|
Ethernet padding|Decrypted|pad=20
TFC padding|Decrypted|tfc=100
ICV changed|DropIcv|flip=-1
ciphertext changed|DropIcv|flip=20
IV changed|DropIcv|flip=9
sequence number changed|DropIcv|flip=6
ICV cut short|DropIcv|cut=4
length claims less|DropIcv|claim=-8
length claims more than there is||claim=8
frame shorter than the packet||truncate=10
ESP header only|PuntEspShort|keep=8
half an ESP header||keep=4
no ESP header||keep=0
header and IV|PuntEspShort|keep=16
header, IV and half an ICV|PuntEspShort|keep=24
unknown SPI||spi=0x9999
SPI zero||spi=0
padding longer than the packet|DropTrailer|padlen=255
padding of exactly the packet|DropTrailer|padlen=94
padding of all but a byte|DropMode|padlen=93
dummy packet|DropTrailer|next_header=59
inner protocol UDP|DropMode|next_header=17
IPv6 announced, IPv4 inside|Decrypted|next_header=41
inner packet of ten bytes|DropMode|keep_inner=10
inner header only|Decrypted|keep_inner=20
inner TTL zero|Decrypted|ttl=0
outer CE, inner ECT|Decrypted|tos=3 itos=2
outer CE, inner not ECT|Decrypted|tos=3'
CASES[6]='
intact|Decrypted|
Ethernet padding|Decrypted|pad=20
ICV changed|DropIcv|flip=-1
ICV cut short|DropIcv|cut=4
length claims more than there is||claim=8
frame shorter than the packet||truncate=10
ESP header only|PuntEspShort|keep=8
half an ESP header||keep=4
unknown SPI||spi=0x9999
padding longer than the packet|DropTrailer|padlen=255
inner protocol UDP|DropMode|next_header=17
outer CE, inner ECT|Decrypted|tos=3 itos=2'

MIBS="XfrmInError XfrmInBufferError XfrmInHdrError XfrmInNoStates XfrmInStateProtoError
	XfrmInStateModeError XfrmInStateSeqError XfrmInStateInvalid XfrmInTmplMismatch"
SEQ=0

# esp OPTIONS…: the next packet of the SA
esp()
{
	local src=GW2_$FAMILY dst=GW1_$FAMILY isrc=B$FAMILY idst=A$FAMILY

	SEQ=$((SEQ + 1))
	agent esp "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" \
		src="${!src}" dst="${!dst}" spi="$SPI_BA" seq=$SEQ key="$KEY128$SALT" \
		isrc="${!isrc}" idst="${!idst}" sport=4000 dport=5001 first=$SEQ "$@"
}

# start: a fresh SA that has accepted two packets, so that the fast path knows it
start()
{
	SEQ=0
	sa_setup outer=$FAMILY
	agent clear name=A
	esp
	agent got name=A n=1
	esp
	agent got name=A n=2
	GOT=2
}

# one HOW…: a packet made so, a good one after it; and what came of them
one()
{
	local name

	mark "$GW1"
	esp "$@"
	esp
	# The good one has to arrive; it is behind the other in every queue.
	agent got name=A seq=$SEQ
	counters "$GW1"
	agent got name=A timeout=0
	RESULT="arrived $((R[n] - GOT)), damaged ${R[bad]}, TOS ${R[tos]}"
	GOT=${R[n]}
	for name in $MIBS; do
		grew "$GW1" "$name"
		RESULT+=", $name $GREW"
	done
	sa_read "$GW1" "$SPI_BA"
	RESULT+=", SA ${SA[packets]:-none} ${SA[bytes]:-none} ${SA[window]:-none}"
	RESULT+=" ${SA[replay]:-none} ${SA[failed]:-none}"
}

# each CASES FUNCTION: FUNCTION LABEL REASON HOW for every case
each()
{
	local label reason how

	while IFS='|' read -r label reason how; do
		[ -z "$label" ] || "$2" "$label" "$reason" "$how"
	done <<<"$1"
}

declare -A STACK=()
on_stack()
{
	# shellcheck disable=SC2086  # one word per option
	one $3
	STACK[$FAMILY:$1]=$RESULT
}

on_fast_path()
{
	local want=1

	test_begin "IPv$FAMILY: $1"
	# shellcheck disable=SC2086
	one $3
	expect "result" "$RESULT" "${STACK[$FAMILY:$1]}"
	# The good packet is decrypted as well.
	[ "$2" != Decrypted ] || want=2
	expect_count "$GW1" Decrypted $want
	[ -z "$2" ] || [ "$2" = Decrypted ] || expect_count "$GW1" "$2" 1
	test_end
}

plan "$(grep -c '|' <<<"${CASES[4]}${CASES[6]}")"
setup
modprobe -q algif_aead	# built in, where there is no such module

for FAMILY in 4 6; do
	start
	each "${CASES[$FAMILY]}" on_stack
done
attach
for FAMILY in 4 6; do
	start
	each "${CASES[$FAMILY]}" on_fast_path
done
