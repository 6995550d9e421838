#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Attaching: all devices or none, nobody else's program is touched, and detaching
# leaves nothing. What is attached in generic mode works as well.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#       lan     wire          kernel
#       (a foreign program sits here)

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# xdp_of DEV: mode and program of a device of GW1, as the kernel says; or "none"
xdp_of()
{
	ip -n "$GW1" -d -j link show dev "$1" |
		jq -r '.[0].xdp // {} | if . == {} then "none" else "\(.mode) \(.prog.id)" end'
}

# expect_nothing: no trace of the fast path on the devices and in bpffs, and
# nobody learns from what the stack forwards.
expect_nothing()
{
	expect "XDP on lan" "$(xdp_of lan)" none
	expect "XDP on wire" "$(xdp_of wire)" none
	[ ! -e "$(pins)" ] || wrong "pins are left: $(echo "$(pins)"/*)"
	agent clear name=B
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4000 5001 3
	expect_got B 3
	expect_counts "$GW1" Encrypted=0 FlowLearned=0 FlowRenewed=0 LearnNotForwarded=0
}

native()
{
	test_begin "native: both devices, learner and map are there, and in status"
	expect_ok "attach" xx attach lan wire
	# 1 is XDP_ATTACHED_DRV.
	expect_match "XDP on lan" "$(xdp_of lan)" "^1 [0-9]+$"
	expect_match "XDP on wire" "$(xdp_of wire)" "^1 [0-9]+$"
	for pin in flows link-nf4-pre link-nf6-pre link-nf4-post link-nf6-post link-nf4-in link-nf6-in \
		   xdp-lan xdp-wire tc-lan tc-wire; do
		[ -e "$(pins)/$pin" ] || wrong "no pin $pin"
	done
	expect_ok "status" xx -j status
	expect "status" "$(jq -c '[.namespaces[].devices[] | [.device, .mode]] | sort' <<<"$OUTPUT")" \
		'[["lan","native"],["wire","native"]]'
	test_end
}

one_device()
{
	test_begin "detaching one device leaves the other"
	expect_ok "detach wire" xx detach wire
	expect "XDP on wire" "$(xdp_of wire)" none
	expect_match "XDP on lan" "$(xdp_of lan)" "^1 [0-9]+$"
	[ -e "$(pins)/flows" ] || wrong "the flow map is gone"
	test_end

	test_begin "detach leaves nothing"
	expect_ok "detach" xx detach
	expect_nothing
	test_end
}

missing_device()
{
	test_begin "a device that is not there: nothing is attached"
	expect_fail "attach" xx attach lan nosuch0
	expect_match "message" "$OUTPUT" "nosuch0"
	expect_nothing
	test_end
}

# Undone half-way: lan is attached by then, and the dummy has no native XDP.
cannot_attach()
{
	test_begin "a device that cannot be attached: what was attached before it is undone"
	configure "$GW1" "link add dum0 type dummy" "link set dum0 up"
	expect_fail "attach" xx attach lan dum0
	expect_match "cause and remedy" "$OUTPUT" "dum0.*--mode generic"
	expect_nothing
	configure "$GW1" "link del dum0"
	test_end
}

# foreign HOW: a program of somebody else is on wire
foreign()
{
	local how=$1 before

	before=$(xdp_of wire)
	test_begin "a foreign program, attached by $how: left alone, and nothing is attached"
	expect_match "it is there" "$before" "^1 [0-9]+$"
	expect_fail "attach" xx attach lan wire
	expect_match "message names the device" "$OUTPUT" "wire"
	expect_match "message names the program" "$OUTPUT" "somebody_else|${before#* }"
	expect "program on wire" "$(xdp_of wire)" "$before"
	expect "XDP on lan" "$(xdp_of lan)" none
	[ ! -e "$(pins)" ] || wrong "pins are left: $(echo "$(pins)"/*)"
	test_end

	test_begin "a foreign program, attached by $how: other devices can be used, detach spares it"
	expect_ok "attach lan" xx attach lan
	expect_fail "attach wire" xx attach wire
	expect_match "XDP on lan stays" "$(xdp_of lan)" "^1 [0-9]+$"
	expect_fail "detach wire" xx detach wire
	expect_ok "detach" xx detach
	expect "program on wire" "$(xdp_of wire)" "$before"
	test_end
}

foreign_tc()
{
	test_begin "a foreign tc program: left alone, and nothing is attached"
	agent tcx_pass "ns=$GW1" dev=wire
	expect_fail "attach" xx attach lan wire
	expect_match "message names device and program" "$OUTPUT" "wire.*somebody_else"
	expect "XDP on lan" "$(xdp_of lan)" none
	expect "XDP on wire" "$(xdp_of wire)" none
	[ ! -e "$(pins)" ] || wrong "pins are left: $(echo "$(pins)"/*)"
	agent tcx_attached "ns=$GW1" dev=wire
	expect "the program is still there" "${R[attached]}" 1
	agent xdp_off "ns=$GW1" dev=wire
	test_end

	test_begin "a foreign cls_bpf filter: left alone, and nothing is attached"
	agent tc_pin path="$FOREIGN"
	must in_ns "$GW1" tc qdisc add dev wire clsact
	must in_ns "$GW1" tc filter add dev wire ingress bpf da object-pinned "$FOREIGN"
	expect_fail "attach" xx attach lan wire
	expect_match "message names device and program" "$OUTPUT" "wire.*somebody_else"
	expect "XDP on lan" "$(xdp_of lan)" none
	[ ! -e "$(pins)" ] || wrong "pins are left: $(echo "$(pins)"/*)"
	expect_match "the filter is still there" \
		"$(in_ns "$GW1" tc filter show dev wire ingress)" "direct-action"
	must in_ns "$GW1" tc qdisc del dev wire clsact
	test_end
}

# The same twice is no error and changes nothing.
again()
{
	local lan

	test_begin "attaching twice keeps what is there"
	expect_ok "attach" xx attach lan wire
	lan=$(xdp_of lan)
	expect_ok "attach again" xx attach lan wire
	expect "XDP on lan" "$(xdp_of lan)" "$lan"
	expect_match "XDP on wire" "$(xdp_of wire)" "^1 [0-9]+$"
	expect_ok "detach" xx detach
	expect_nothing
	test_end
}

# generic_stack COUNTER: five packets to encrypt, all by the stack, and why
generic_stack()
{
	attach lan wire --mode generic
	agent clear name=B
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4000 5001 1
	agent got name=B n=1
	burst "$HA" "$A4" "$B4" 4000 5001 4 first=1
	expect_got B 5 62
	expect_counts "$GW1" Encrypted=0 "$1=4"
	detach
}

generic()
{
	test_begin "generic mode: where tags may have been taken out of frames, all are the stack's"
	generic_stack PuntVlan
	test_end

	test_begin "generic mode: or where the other end of a veth may have left them beside"
	must in_ns "$GW1" ethtool -K lan rxvlan off rx-vlan-stag-hw-parse off
	must in_ns "$GW1" ethtool -K wire rxvlan off rx-vlan-stag-hw-parse off
	generic_stack PuntVlan
	test_end

	test_begin "generic mode: nothing is encrypted behind GRO, which may have merged packets"
	must in_ns "$HA" ethtool -K eth0 txvlan off tx-vlan-stag-hw-insert off
	must in_ns "$WIRE" ethtool -K g1 txvlan off tx-vlan-stag-hw-insert off
	must in_ns "$GW1" ethtool -K lan gro on
	generic_stack PuntGro
	must in_ns "$GW1" ethtool -K lan gro off
	test_end

	test_begin "generic mode: both directions on the fast path"
	attach lan wire --mode generic
	# 2 is XDP_ATTACHED_SKB.
	expect_match "XDP on lan" "$(xdp_of lan)" "^2 [0-9]+$"
	agent clear name=A
	agent clear name=B
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4000 5001 1
	agent got name=B n=1
	burst "$HA" "$A4" "$B4" 4000 5001 19 first=1
	expect_got B 20 62
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	burst "$HB" "$B4" "$A4" 4000 5001 19 first=1
	expect_got A 20 62
	expect_counts "$GW1" Encrypted=19 Decrypted=19 ForwardDone=19
	detach
	expect_nothing
	test_end

	generic_forged
	generic_clear
}

# encrypted N: of 20 packets to encrypt N are fast
encrypted()
{
	agent clear name=B
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4000 5001 1
	agent got name=B n=1
	burst "$HA" "$A4" "$B4" 4000 5001 19 first=1
	expect_got B 20 62
	expect_counts "$GW1" "Encrypted=$1" PuntGeneric=0
}

# Anybody can say a SPI: only what an SA has verified is about to be received again.
generic_forged()
{
	local spi=${SPI_BA#0x}

	test_begin "generic mode: a datagram with a live SPI in it, and ESP with a bad ICV, end no flow"
	attach lan wire --mode generic
	encrypted 19
	agent clear name=GW1
	must in_ns "$HA" python3 -c "import socket; s = socket.socket(type=socket.SOCK_DGRAM)
s.sendto(bytes.fromhex('$spi'.rjust(8, '0')), ('$GW1_4', 5002))"
	agent got name=GW1 n=1
	expect "datagrams at GW1" "${R[n]}" 1
	encrypted 20
	agent esp "ns=$HA" dev=eth0 "smac=$MAC_A" "dmac=$MAC_GW1_LAN" "src=$GW2_4" "dst=$GW1_4" \
		"spi=$SPI_BA" seq=9000 "key=$KEY128$SALT" flip=-1 "isrc=$B4" "idst=$A4" sport=4000 dport=5001
	wait_for 5 counter_at_least "$GW1" XfrmInStateProtoError 1 || wrong "ESP was not refused"
	encrypted 20
	detach
	test_end
}

# What the stack decrypts comes to generic XDP as if it had come in the clear: a peer could
# speak for a stranger.
generic_clear()
{
	local stranger=192.0.2.50 from="ns=$WIRE dev=g1 smac=$MAC_GW2 dmac=$MAC_GW1"

	test_begin "generic mode: what the stack has decrypted takes no flow of plaintext"
	attach lan wire --mode generic --plain
	agent clear name=A
	mark "$GW1"
	# shellcheck disable=SC2086  # a word each
	agent craft $from src=$stranger dst="$A4" sport=4000 dport=5001
	agent got name=A n=1
	# shellcheck disable=SC2086
	agent craft $from src=$stranger dst="$A4" sport=4000 dport=5001 first=1
	agent got name=A n=2
	expect_counts "$GW1" FlowLearned=1 PuntGeneric=1 ForwardDone=0
	# Not from where its SA says, so that XDP leaves it to the stack.
	# shellcheck disable=SC2086
	agent esp $from src=192.0.2.51 dst="$GW1_4" spi=$SPI_BA seq=5000 key=$KEY128$SALT \
		isrc=$stranger idst="$A4" sport=4000 dport=5001 first=2
	wait_for 5 counter_at_least "$GW1" XfrmInNoPols 1 || wrong "no policy refused it"
	expect_counts "$GW1" XfrmInNoPols=1 PuntGeneric=2 ForwardDone=0 Decrypted=0
	agent got name=A timeout=0
	expect "datagrams at A" "${R[n]}" 2
	test_end

	test_begin "generic mode: plaintext is fast again where the stack has decrypted nothing for a while"
	# In which flows are forgotten, too; a second is the least.
	flow_times $DAY_MS 1000
	wait_for 10 clear_fast || wrong "it is not"
	agent clear name=A
	mark "$GW1"
	# shellcheck disable=SC2086
	agent craft $from src=$stranger dst="$A4" sport=4000 dport=5001 n=20
	expect_got A 20 63
	expect_counts "$GW1" ForwardDone=20 PuntGeneric=0
	# shellcheck disable=SC2086
	agent esp $from src=192.0.2.51 dst="$GW1_4" spi=$SPI_BA seq=5001 key=$KEY128$SALT \
		isrc=$stranger idst="$A4" sport=4000 dport=5001 first=20
	wait_for 5 counter_at_least "$GW1" XfrmInNoPols 1 || wrong "no policy refused it"
	# shellcheck disable=SC2086
	agent craft $from src=$stranger dst="$A4" sport=4000 dport=5001 first=21
	expect_got A 21 63
	expect_counts "$GW1" XfrmInNoPols=1 ForwardDone=20 PuntGeneric=2
	detach
	test_end
}

# clear_fast: is the second of two packets? For wait_for.
clear_fast()
{
	agent clear name=A
	mark "$GW1"
	# shellcheck disable=SC2086
	agent craft $from src=$stranger dst="$A4" sport=4000 dport=5001
	agent got name=A n=1
	# shellcheck disable=SC2086
	agent craft $from src=$stranger dst="$A4" sport=4000 dport=5001 first=1
	agent got name=A n=2
	counter_at_least "$GW1" ForwardDone 1
}

plan 19
needs jq tc:iproute2
setup
agent sink name=GW1 "ns=$GW1" port=5002
module_load
sa_setup

native
one_device
missing_device
cannot_attach

agent xdp_pass "ns=$GW1" dev=wire
foreign "a link"
agent xdp_off "ns=$GW1" dev=wire

FOREIGN=/sys/fs/bpf/$NS_PREFIX-foreign
at_exit rm -f "$FOREIGN"
agent xdp_pin path="$FOREIGN"
must in_ns "$GW1" ip link set dev wire xdp pinned "$FOREIGN"
foreign "netlink"
must in_ns "$GW1" ip link set dev wire xdp off
rm -f "$FOREIGN"

foreign_tc
again
generic
