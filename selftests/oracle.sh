#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The fast path against the slow path, byte for byte: every kind of SA of the support
# matrix, the same packets through both, from the same state of the SAs. What is
# compared, and how, is in oracle/.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path   ^        kernel
#                     captured, injected

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ORACLE=$LIB/../../build/selftests/xfrm_xdp_oracle

# What SAs and transforms ask the kernel's modprobe for, at half a second each: loaded
# here, and gone at the end, for the tests of transforms choose theirs themselves.
MODULES="crypto-gcm crypto-ccm crypto-ctr crypto-cbc crypto-ecb crypto-rfc7539esp
	crypto-chacha20 crypto-poly1305 crypto-authenc crypto-authencesn crypto-echainiv
	crypto-seqiv crypto-cipher_null crypto-digest_null crypto-rfc3686 crypto-sha1
	crypto-sha256 crypto-sha384 crypto-sha512 crypto-md5 crypto-rmd160 crypto-xcbc
	crypto-cmac crypto-hmac crypto-des crypto-des3_ede crypto-cast5 crypto-blowfish
	crypto-serpent crypto-camellia crypto-twofish crypto-deflate
	xfrm-type-2-50 xfrm-type-10-50 xfrm-type-2-51 xfrm-type-10-51 xfrm-type-2-108
	xfrm-type-10-108 xfrm-type-2-4 xfrm-type-10-41 xfrm_user xfrm_interface"
MODPROBE=/proc/sys/kernel/modprobe

modules_load()
{
	cut -d' ' -f1 /proc/modules >"$TMP/modules"
	# What is built in has no alias. What is missing, its cell will miss.
	# shellcheck disable=SC2086
	modprobe -qa $MODULES
	modprobe_path=$(<$MODPROBE)
	echo >$MODPROBE
	at_exit modules_unload
}

# What was not there before, the dependent first; says whether all of it went. The
# kernel's random numbers keep SHA-512.
unload_new()
{
	local -a new

	mapfile -t new < <(cut -d' ' -f1 /proc/modules | grep -vxF -f "$TMP/modules" |
		grep -vE '^(sha512_|xfrm_xdp$)')
	# While they go the file would be another one at each read.
	[ ${#new[@]} -eq 0 ] || modprobe -qr "${new[@]}"
}

# shellcheck disable=SC2317  # at exit
modules_unload()
{
	echo "$modprobe_path" >$MODPROBE
	# What uses them goes with the namespaces, which the agent has open, a little later.
	agent_stop
	detach_quietly
	topology_delete
	wait_for 10 unload_new || true
}

# nobody GW DEV MAC V4 V6: hosts that do not exist, and are asked for at one that does
nobody()
{
	configure "$1" "neigh replace $4 lladdr $3 dev $2 nud permanent" \
		"neigh replace $5 lladdr $3 dev $2 nud permanent"
}

plan 1
setup
[ -x "$ORACLE" ] || bail "$ORACLE is not there; build it: make"
modules_load
nobody "$GW1" lan $MAC_A 198.51.100.66 2001:db8:a::66
nobody "$GW2" lan $MAC_B 203.0.113.66 2001:db8:b::66
# Another one, by an xfrm interface.
configure "$GW1" "link add xfrm7 type xfrm dev wire if_id 7" "link set xfrm7 up" \
	"route add 203.0.113.77 dev xfrm7" "route add 2001:db8:b::77 dev xfrm7"
nobody "$GW2" lan $MAC_B 203.0.113.77 2001:db8:b::77
for ns in "$GW1" "$GW2"; do
	# Every error is answered, in both runs.
	agent sysctl "ns=$ns" net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratemask=127
done
# Frames of one piece: from the pages of others GW2's kernel decrypts ESP in UDP where
# it lies, and the taps of the wire show what it made of it.
agent offload "ns=$GW1" dev=wire sg=off
attach
# A peer, and its neighbour: what goes to them is seen by the tap of the wire only.
nobody "$GW1" wire 02:00:00:00:0f:66 192.0.2.66 2001:db8:f::66
nobody "$GW1" wire 02:00:00:00:0f:66 192.0.2.67 2001:db8:f::67

test_begin "the oracle"
# The sets of policies have a script of their own.
"$ORACLE" --lab "$NS_PREFIX" --gtest_filter=-Policies.* "$@" 2>&1 | sed 's/^/# /'
expect "status of the oracle" "${PIPESTATUS[0]}" 0
test_end
