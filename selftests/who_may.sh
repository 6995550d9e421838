#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who must never be in the cache, with everything learned that may be (--plain): what
# the stack does not forward, and what it does not forward as it is. Each row sends
# six datagrams, three and three: none is fast, and what arrives is what the stack lets
# through. Last, the same senders without the obstacles are fast.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#       rules, routes,        kernel
#       policies, marks

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SPORT=4100	# another for each row: conntrack remembers what a flow was
DPORT=5001

# Senders: three datagrams each, from number $1 on, to where the row says.
out4() { burst "$HA" "$A4" "$B4" $SPORT $DPORT 3 "first=$1"; }
out6() { burst "$HA" "$A6" "$B6" $SPORT $DPORT 3 "first=$1"; }
back4() { burst "$HB" "$B4" "$A4" $SPORT $DPORT 3 "first=$1"; }
local_out() { burst "$GW1" "$GW1_LAN4" "$B4" $SPORT $DPORT 3 "first=$1"; }
local_in() { burst "$HA" "$A4" "$GW1_LAN4" $SPORT $DPORT 3 "first=$1"; }
large() { burst "$HA" "$A4" "$B4" $SPORT $DPORT 3 "first=$1" df=0 size=3000; }

# craft SRC DST FIRST [DMAC]
craft()
{
	agent craft "ns=$HA" dev=eth0 smac="$MAC_A" dmac="${4:-$MAC_GW1_LAN}" src="$1" \
		dst="$2" sport=$SPORT dport=$DPORT n=3 first="$3"
}
from9() { craft 198.51.100.9 "$B4" "$1"; }
multicast() { craft "$A4" 239.1.1.1 "$1"; }
broadcast() { craft "$A4" 192.0.2.255 "$1"; }
frame_to_all() { craft "$A4" "$B4" "$1" ff:ff:ff:ff:ff:ff; }

# nft_gw1 RULES: GW1's rules, replacing those of the row before
nft_gw1()
{
	printf '%s\n' "flush ruleset" "$1" >"$TMP/rules"
	must in_ns "$GW1" nft -f "$TMP/rules"
}

# behind: GW1 is through with all that came before, by either device
behind()
{
	BEHIND=$((BEHIND + 2))
	agent craft "ns=$HA" dev=eth0 smac="$MAC_A" dmac="$MAC_GW1_LAN" src="$A4" \
		dst="$GW1_LAN4" sport=4999 dport=5003
	agent craft "ns=$WIRE" dev=g1 smac="$MAC_GW2" dmac="$MAC_GW1" src="$GW2_4" \
		dst="$GW1_4" sport=4999 dport=5003
	agent got name=behind n=$BEHIND
}
BEHIND=0

# never LABEL [send=SENDER] [got=N] [sink=NAME] [rules=NFT] [ip=LINES] [undo=LINES]
#       [counts="NAME=N…"] [again=yes]: N of each three arrive at the sink. With again= we
#       are attached after the rules.
never()
{
	local label=$1 send=out4 got=0 sink=B rules='' ip='' undo='' counts='' again='' arg

	shift
	for arg; do
		local "$arg"
	done
	test_begin "never: $label"
	SPORT=$((SPORT + 1))
	agent clear "name=$sink"
	[ -z "$ip" ] || configure "$GW1" "$ip"
	[ -z "$again" ] || detach
	[ -z "$rules" ] || nft_gw1 "$rules"
	[ -z "$again" ] || attach lan wire --plain
	mark "$GW1"
	$send 0
	behind
	agent got "name=$sink" "n=$got"
	$send 3
	behind
	expect_got "$sink" $((2 * got))
	# shellcheck disable=SC2086  # a word each
	expect_counts "$GW1" FlowLearned=0 FlowRenewed=0 Encrypted=0 Decrypted=0 \
		ForwardDone=0 $counts
	[ -z "$rules" ] || nft_gw1 ''
	[ -z "$undo" ] || configure "$GW1" "$undo"
	test_end
}

# hook HOOK VERDICT: drops or rejects what the rows send
# at HOOK PRIORITY RULE: a chain at a place of its own, for IPv4 and IPv6
at() { echo "table inet t { chain c { type filter hook $1 priority $2; $3; }; }"; }
hook() { echo "table inet t { chain c { type filter hook $1 priority 0; udp dport 5001 $2; }; }"; }
device_hook()
{
	echo "table netdev t { chain c { type filter hook $1 device $2 priority 0; $3; }; }"
}
nat() { echo "table ip t { chain c { type nat hook $1 priority 0; $2; }; }"; }

rules_drop()
{
	local name

	for name in prerouting forward postrouting; do
		never "nft drops at $name" rules="$(hook $name drop)"
	done
	never "nft drops at forward, IPv6" send=out6 rules="$(hook forward drop)"
	never "nft rejects at forward" rules="$(hook forward reject)"
	never "nft drops at ingress" rules="$(device_hook ingress lan "udp dport 5001 drop")"
	never "nft drops ESP at egress" counts=LearnEgress=6 \
		rules="$(device_hook egress wire "ip protocol esp drop")"
	# Neither the flow nor the SA.
	never "nft drops at forward what was decrypted" send=back4 sink=A \
		rules="$(hook forward drop)" counts=LearnMark=0
}

refused()
{
	local kind pair="src $A4/32 dst $B4/32" family=4

	for kind in out fwd; do
		never "a policy blocks it, $kind" ip="xfrm policy add $pair dir $kind action block" \
			undo="xfrm policy delete $pair dir $kind" \
			counts="Xfrm$([ $kind = out ] && echo Out || echo In)PolBlock=6"
	done
	for kind in blackhole unreachable prohibit; do
		never "the route is $kind" ip="route add $kind $B4/32" undo="route del $kind $B4/32"
	done
	never "the route is unreachable, IPv6" send=out6 ip="route add unreachable $B6/128" \
		undo="route del unreachable $B6/128"
	agent sysctl "ns=$GW1" net.ipv4.conf.lan.rp_filter=1
	never "rp_filter" send=from9 ip="route add 198.51.100.9 via $GW2_4" \
		undo="route del 198.51.100.9"
	agent sysctl "ns=$GW1" net.ipv4.conf.lan.rp_filter=0
}

not_forwarded()
{
	never "it is for GW1" send=local_in sink=GW1 got=3
	never "it is from GW1" send=local_out got=3 counts=LearnNotForwarded=6
	never "the frame is for all" send=frame_to_all
	never "multicast that nobody forwards" send=multicast
	if [ -e /proc/net/ip_mr_cache ]; then
		agent mroute "ns=$GW1" name=M in=lan out=wire source="$A4" group=239.1.1.1
		never "multicast that is forwarded" send=multicast counts=LearnNotForwarded=6
		agent mroute_off name=M
	else
		test_skip "never: multicast that is forwarded" "this kernel has no CONFIG_IP_MROUTE"
	fi
	agent sysctl "ns=$GW1" net.ipv4.conf.all.bc_forwarding=1 net.ipv4.conf.lan.bc_forwarding=1
	never "a subnet's broadcast that is forwarded" send=broadcast counts=LearnRoute=6
	agent sysctl "ns=$GW1" net.ipv4.conf.all.bc_forwarding=0 net.ipv4.conf.lan.bc_forwarding=0
	never "fragments" send=large got=3 counts="LearnMark=0"
}

conntrack_keeps()
{
	never "source NAT" got=3 counts=LearnConntrack=6 \
		rules="$(nat postrouting "udp dport 5001 snat to 198.51.100.77")"
	never "masquerading" got=3 counts=LearnConntrack=6 \
		rules="$(nat postrouting "udp dport 5001 masquerade")"
	DPORT=5009
	never "destination NAT" got=3 counts=LearnConntrack=6 \
		rules="$(nat prerouting "udp dport 5009 dnat to $B4:5001")"
	DPORT=5001
	echo 'table inet t { ct helper h { type "tftp" protocol udp; }; }' >"$TMP/rules"
	if ! in_ns "$GW1" nft -c -f "$TMP/rules" 2>/dev/null; then
		test_skip "never: a conntrack helper" "this kernel has no CONFIG_NF_CONNTRACK_TFTP"
		return
	fi
	never "a conntrack helper" got=3 counts=LearnConntrack=6 rules='table inet t {
		ct helper h { type "tftp" protocol udp; }
		chain c { type filter hook prerouting priority 0; udp dport 5001 ct helper set "h"; }
	}'
}

# A mark may come of what the key does not have, and the policy has not asked for it.
marked()
{
	local set="meta mark set 7"

	never "a mark of prerouting" got=3 counts=LearnMark=6 rules="$(hook prerouting "$set")"
	never "a mark of forward, IPv6" send=out6 got=3 counts=LearnMark=6 \
		rules="$(hook forward "$set")"
	never "a mark that a route is found by" got=3 counts=LearnMark=6 \
		ip="rule add fwmark 7 lookup 77
			route add $B4 via $GW2_4 table 77" \
		undo="route del $B4 table 77
			rule del fwmark 7 lookup 77" rules="$(hook prerouting "$set")"
	never "a mark of what was decrypted" send=back4 sink=A got=3 counts=LearnMark=6 \
		rules="$(hook prerouting "meta secpath exists $set")"
	# The inner packet inherits it.
	never "a mark of the ESP packet" send=back4 sink=A got=3 counts=LearnMark=6 \
		rules="table ip t { chain c { type filter hook prerouting priority 0; \
			ip protocol esp $set; }; }"
	must in_ns "$GW1" tc qdisc add dev lan clsact
	must in_ns "$GW1" tc filter add dev lan ingress matchall action skbedit mark 7
	never "a mark of tc" got=3 counts=LearnMark=6
	must in_ns "$GW1" tc qdisc del dev lan clsact
}

# may LABEL SENDER SINK COUNTER: three datagrams of which one teaches or more, then three
# fast ones
may()
{
	test_begin "may: $1"
	SPORT=$((SPORT + 1))
	agent clear "name=$3"
	mark "$GW1" "$GW2"
	$2 0
	agent got "name=$3" n=3
	counters "$GW1"
	expect_range "flows and SAs learned" "$(since "$GW1" FlowLearned)" 1 2
	mark "$GW1" "$GW2"
	$2 3
	expect_got "$3" 6 62
	expect_counts "$GW1" "$4=3" FlowLearned=0
	expect_no_errors "$GW1" "$GW2"
	test_end
}

# Rules for the ESP packets come after the lesson: learned, and not followed.
esp_dropped()
{
	test_begin "nft drops the ESP packets at $1: the flow is known, and never fast"
	SPORT=$((SPORT + 1))
	agent clear name=B
	# Nothing of the SA has left lately.
	sa_setup
	nft_gw1 "table ip t { chain c { type filter hook $1 priority 0; ip protocol esp drop; }; }"
	mark "$GW1"
	out4 0
	behind
	out4 3
	behind
	expect_counts "$GW1" Encrypted=0 FlowLearned=1
	expect_got B 0
	nft_gw1 ''
	test_end
}

# The policy names the mark, all of it: then it is part of the lookup.
marked_by_policy()
{
	local policy="src $A4/32 dst $B4/32 dir out mark 7 mask 0xff"

	configure "$GW1" "xfrm policy add $policy priority 1 \
		tmpl src $GW1_4 dst $GW2_4 proto esp reqid 1 mode tunnel"
	nft_gw1 "$(hook prerouting "meta mark set 7")"
	may "a mark that the policy selects by" out4 B Encrypted
	nft_gw1 "$(hook prerouting "meta mark set 0x107")"
	never "a mark of which the policy names a part" got=3 counts=LearnMark=6
	# It selects by a mark that is no longer there.
	nft_gw1 "$(hook prerouting "meta mark set 7")
		table inet u { chain c { type filter hook postrouting priority 0; meta mark set 0; }; }"
	never "a mark that was taken off again" got=3 counts=LearnMark=6
	nft_gw1 ''
	configure "$GW1" "xfrm policy delete $policy"
}

# Chains that netfilter links of BPF cannot be before or behind: new ones of the same priority
# come first. What these do to packets nobody here sees.
FIRST=-2147483648 LAST=2147483647
outside()
{
	local ct="table inet tracked { chain c { type filter hook forward priority 0; ct state invalid drop; }; }"

	never "a chain before all others" got=3 counts=LearnHooks=6 \
		rules="$(at prerouting $FIRST "udp dport 5001 counter")"
	never "a chain before all others, IPv6" send=out6 got=3 counts=LearnHooks=6 \
		rules="$(at prerouting $FIRST "udp dport 5001 counter")"
	never "a chain that came to the learner's priority later" got=3 counts=LearnHooks=6 \
		rules="$(at prerouting $((FIRST + 1)) "udp dport 5001 counter")"
	never "a chain behind all others" got=3 counts=LearnHooks=6 \
		rules="$(at postrouting $LAST "udp dport 5001 counter")"
	never "a chain behind all others, IPv6" send=out6 got=3 counts=LearnHooks=6 \
		rules="$(at postrouting $LAST "udp dport 5001 counter")"
	never "a chain behind all others, of what was decrypted" send=back4 sink=A got=3 \
		rules="$(at postrouting $LAST "udp dport 5001 counter")" counts=LearnHooks=6
	never "a chain behind all others for ESP that comes in" send=back4 sink=A got=3 \
		rules="$(at input $LAST "ip protocol esp counter")" counts=LearnHooks=6
	never "and conntrack, which is behind all others" got=3 counts=LearnHooks=6 \
		rules="$(at postrouting $LAST "udp dport 5001 counter")
			$ct"
	never "conntrack, and a chain that comes later" got=3 counts=LearnHooks=6 \
		rules="$ct
			$(at postrouting $LAST "udp dport 5001 counter")"
}

outside_before()
{
	never "a chain behind all others that was there before us" got=3 counts=LearnHooks=6 \
		rules="$(at postrouting $LAST "udp dport 5001 counter")" again=yes
	test_begin "a chain was at the learner's priority before us: attach says so"
	detach
	nft_gw1 "$(at prerouting $((FIRST + 1)) "udp dport 5001 counter")"
	expect_fail "attach" xx attach lan wire --plain
	nft_gw1 ''
	attach lan wire --plain
	test_end
}

# What rules send to others besides looks forwarded, of IPv6.
copies()
{
	local what="copies that rules send to others teach nothing"

	modprobe -q -n nft_dup_ipv6 || { test_skip "$what" "this kernel has no CONFIG_NFT_DUP_IPV6"; return; }
	test_begin "$what"
	SPORT=$((SPORT + 1))
	agent clear name=B
	configure "$GW1" "neigh replace 2001:db8:f::9 lladdr 02:00:00:00:0f:99 dev wire nud permanent"
	nft_gw1 "table ip6 t { chain c { type filter hook prerouting priority 0;
		udp dport 5001 dup to 2001:db8:f::9 device \"wire\"; }; }"
	mark "$GW1"
	out6 0
	behind
	expect_got B 3 62
	# Of the first: the fast path is before such rules.
	expect_counts "$GW1" FlowLearned=1 Encrypted=2 LearnNotForwarded=1 LearnChanged=0
	nft_gw1 ''
	sa_setup
	test_end
}

# Neither what conntrack has behind all others, loaded before us or after, nor a chain that is
# at our priority and yet before us.
inside()
{
	local ct="table inet tracked { chain c { type filter hook forward priority 0; ct state invalid drop; }; }"

	nft_gw1 "$ct"
	may "where conntrack was loaded later" out4 B Encrypted
	detach
	attach lan wire --plain
	may "where conntrack was loaded before" out4 B Encrypted
	nft_gw1 "$(at postrouting $((LAST - 1)) "udp dport 5001 counter")"
	may "behind a chain that came to the learner's priority later" out4 B Encrypted
	nft_gw1 "$(at postrouting $((LAST - 1)) "udp dport 5001 counter drop")"
	never "it drops" send=out4
	nft_gw1 ''
}

route_program()
{
	local what="its route has a tunnel or a program" route="$NET_B4 via $GW2_4"

	if in_ns "$GW1" ip route replace "203.0.115.0/24" via "$GW2_4" encap ip id 7 dst 192.0.2.9 2>&1 |
	   grep -q "CONFIG_LWTUNNEL is not enabled"; then
		test_skip "never: $what" "this kernel has no CONFIG_LWTUNNEL"
		return
	fi
	configure "$GW1" "route del 203.0.115.0/24"
	never "$what" got=3 counts=LearnRoute=6 undo="route replace $route" \
		ip="route replace $route encap ip id 7 dst 192.0.2.9"
}

never_anything()
{
	test_begin "none of this has left an entry in the flow map"
	expect "entries" "$(xx -j flows | jq '.flows | length')" 0
	test_end
}

plan 60
needs nft:nftables jq:jq tc:iproute2
setup
agent sink name=GW1 "ns=$GW1" port=5001
agent sink name=behind "ns=$GW1" port=5003
attach lan wire --plain
sa_setup

rules_drop
refused
not_forwarded
conntrack_keeps
marked
route_program
outside
outside_before
never_anything
copies
inside
sa_setup

esp_dropped output
esp_dropped postrouting
sa_setup
may "IPv4" out4 B Encrypted
may "IPv6" out6 B Encrypted
may "by ESP" back4 A ForwardDone
may "from an address behind the next hop" from9 B Encrypted
marked_by_policy
sa_setup in="output-mark 0x5"
may "the mark that its SA gives" back4 A ForwardDone
