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

# nobody GW DEV MAC V4 V6: hosts that do not exist, and are asked for at one that does
nobody()
{
	configure "$1" "neigh replace $4 lladdr $3 dev $2 nud permanent" \
		"neigh replace $5 lladdr $3 dev $2 nud permanent"
}

plan 1
setup
[ -x "$ORACLE" ] || bail "$ORACLE is not there; build it: make"
nobody "$GW1" lan $MAC_A 198.51.100.66 2001:db8:a::66
nobody "$GW2" lan $MAC_B 203.0.113.66 2001:db8:b::66
for ns in "$GW1" "$GW2"; do
	# Every error is answered, in both runs.
	agent sysctl "ns=$ns" net.ipv4.icmp_ratemask=0
done
attach
# A peer, and its neighbour: what goes to them is seen by the tap of the wire only.
nobody "$GW1" wire 02:00:00:00:0f:66 192.0.2.66 2001:db8:f::66
nobody "$GW1" wire 02:00:00:00:0f:66 192.0.2.67 2001:db8:f::67

test_begin "the oracle"
"$ORACLE" --lab "$NS_PREFIX" "$@" 2>&1 | sed 's/^/# /'
expect "status of the oracle" "${PIPESTATUS[0]}" 0
test_end
