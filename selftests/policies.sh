#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Random sets of security policies, and random changes of them: what they decide for a
# packet is the same by the stack, by a flow that was learned, and for the first packet
# after a change. Packets are from and to hosts that do not exist, in oracle/policies.cpp.
#
#   HA ---- GW1 ==== wire ==== peer
#   .130-3  fast path, policies      .130-3, .77 by an xfrm interface
#
#   policies.sh [--seed N] [--pairs N] [--pair N]   decisions to compare, or one set alone

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ORACLE=$LIB/../../build/selftests/xfrm_xdp_oracle

# hosts DEV MAC V4 V6: four of them, and as many lines for configure
hosts()
{
	local n

	for n in 0 1 2 3; do
		neigh "$1" "$3.$((130 + n))" "$4::13$n" "$2"
	done
}

plan 1
needs nft:nftables
setup
[ -x "$ORACLE" ] || bail "$ORACLE is not there; build it: make"
configure "$GW1" "$(hosts lan $MAC_A 198.51.100 2001:db8:a)" \
	"$(neigh lan 198.51.100.66 2001:db8:a::66 $MAC_A)" \
	"$(neigh wire 192.0.2.66 2001:db8:f::66 02:00:00:00:0f:66)" \
	"$(neigh wire 192.0.2.67 2001:db8:f::67 02:00:00:00:0f:66)" \
	"link add xfrm7 type xfrm dev wire if_id 7" "link set xfrm7 up" \
	"route add 203.0.113.77 dev xfrm7" "route add 2001:db8:b::77 dev xfrm7"
# What arrives there in the clear is seen on the wire, and not answered.
configure "$GW2" "route add blackhole 203.0.113.128/25" "route add blackhole 2001:db8:b::100/120"
# What policies may select by.
cat >"$TMP/rules" <<-END
table inet t {
	chain c { type filter hook prerouting priority 0; udp dport 4795 meta mark set 5; }
}
END
must in_ns "$GW1" nft -f "$TMP/rules"
attach lan wire --plain

test_begin "policies"
"$ORACLE" --lab "$NS_PREFIX" --gtest_filter='Policies.*' --pairs 6000 "$@" 2>&1 | sed 's/^/# /'
expect "status of the oracle" "${PIPESTATUS[0]}" 0
test_end
