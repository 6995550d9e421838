#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the command says against what the kernel says: doctor, flows and stats, and
# every error as a cause, a remedy and an exit status.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path           kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# json WHAT FILTER WANTED: of what the last command printed
json() { expect "$1" "$(jq -r "$2" <<<"$OUTPUT" 2>&1)" "$3"; }

doctor()
{
	test_begin "doctor: a machine that is ready"
	expect_ok "doctor" xx -j doctor lan wire
	json "failed checks" '.fail' 0
	json "devices" '[.checks[] | select(.name == "lan" or .name == "wire") | .level] | join(" ")' \
		"ok ok"
	json "SAs" '.checks[] | select(.name == "SAs") | .detail' "2 for the fast path"
	test_end

	test_begin "doctor: a device that takes no XDP frames, and how to change that"
	agent offload "ns=$WIRE" dev=g1 gro=off
	expect_ok "doctor" xx -j doctor wire
	json "level" '.checks[] | select(.name == "wire") | .level' warn
	expect_match "detail and remedy" "$OUTPUT" "takes no XDP frames.*gro on"
	agent offload "ns=$WIRE" dev=g1 gro=on
	test_end

	test_begin "doctor: an SA that is left to the stack, and why"
	configure "$GW1" "xfrm state add src $GW2_4 dst $GW1_4 proto esp spi 0x3001 reqid 3 \
		mode tunnel replay-window 32 ${ALGO[gcm128]} mark 0x7 mask 0xff"
	expect_ok "doctor" xx -j doctor lan
	json "level" '[.checks[] | select(.name == "SAs") | .level] | join(" ")' "ok warn"
	expect_match "detail" "$OUTPUT" "1 left to the stack: a mark with mask 0xff.*3001"
	configure "$GW1" \
		"xfrm state delete src $GW2_4 dst $GW1_4 proto esp spi 0x3001 mark 0x7 mask 0xff"
	test_end
}

# nft_in LINE: in GW1
nft_in() { must in_ns "$GW1" nft "$1"; }

# Of a priority that is before or behind all that the learner can have, or of its own.
outside()
{
	local found='.checks[] | select(.name == "netfilter") | "\(.level) \(.detail)"'

	test_begin "doctor: chains outside the learner's hooks, and where"
	nft_in "add table ip mine"
	nft_in "add table ip6 mine"
	nft_in "add chain ip mine earlier { type filter hook input priority 2147483646; }"
	expect_fail "attach" xx attach lan
	if ! modprobe -q nfnetlink_hook; then
		expect_match "what attach says" "$OUTPUT" "taken by something else at priority 2147483646"
		expect_ok "doctor" xx -j doctor lan
		expect_match "a kernel that lists none" "$(jq -r "$found" <<<"$OUTPUT")" \
			"^warn could not be checked"
		nft_in "delete table ip mine"
		nft_in "delete table ip6 mine"
		test_end
		return
	fi
	expect_match "what attach says" "$OUTPUT" "taken by chain 'earlier' of table 'ip mine'.*another priority"
	expect_ok "doctor" xx -j doctor lan
	expect_match "not attached" "$(jq -r "$found" <<<"$OUTPUT")" \
		"^warn chain 'earlier' of table 'ip mine' at priority 2147483646 stands behind all others at LOCAL_IN of IPv4[^"$'\n'"]*$"
	nft_in "delete chain ip mine earlier"
	attach
	nft_in "add chain ip mine later { type filter hook postrouting priority 2147483646; }"
	nft_in "add chain ip mine last { type filter hook postrouting priority 2147483647; }"
	nft_in "add chain ip6 mine first { type filter hook prerouting priority -2147483648; }"
	expect_ok "doctor" xx -j doctor lan
	expect "chains in doctor" "$(jq -r "$found" <<<"$OUTPUT" |
		sed -n "s/warn chain '\(.*\)' of .* stands \(.*\), where .*/\1 \2/p" | sort)" \
		"$(printf '%s\n' "first before all others at PRE_ROUTING of IPv6" \
			"last behind all others at POST_ROUTING of IPv4")"
	nft_in "delete table ip mine"
	nft_in "delete table ip6 mine"
	expect_ok "doctor" xx -j doctor lan
	json "without them" "$found" "ok the learner is behind all rules"
	detach
	test_end
}

# Known to the kernel: 1 + 9 packets each way, of which the first teach.
traffic()
{
	burst "$HA" "$A4" "$B4" 4000 5001 1
	agent got name=B n=1
	burst "$HA" "$A4" "$B4" 4000 5001 9 first=1
	expect_got B 10
	burst "$HB" "$B4" "$A4" 4000 5001 1
	agent got name=A n=1
	burst "$HB" "$B4" "$A4" 4000 5001 9 first=1
	expect_got A 10
}

flows()
{
	local flow='"\(.in_device) \(.out_device) \(.protocol) \(.source) \(.destination) \(.packets)"'

	test_begin "flows: what was learned, and how many packets took it"
	traffic
	expect_ok "flows" xx -j flows
	json "out" ".flows[] | select(.out_spi == $((SPI_AB))) | $flow" \
		"lan wire udp $A4:4000 $B4:5001 9"
	json "SA" ".flows[] | select(.kind == \"sa\") | \"\(.in_device) \(.in_spi) \(.packets)\"" \
		"wire $((SPI_BA)) 9"
	json "in" ".flows[] | select(.kind != \"sa\" and .in_spi == $((SPI_BA))) | $flow" \
		"wire lan udp $B4:4000 $A4:5001 9"
	json "all" '.flows | length' 3
	expect_ok "flows for people" xx flows
	expect_match "the flow out" "$OUTPUT" "$A4:4000.*$B4:5001"
	test_end
}

stats()
{
	local found

	test_begin "stats: every counter of the kernel, with its meaning"
	found=$(in_ns "$GW1" cat /proc/net/xfrm_xdp_stat | awk '{ print $1, $2 }' | sort)
	expect_ok "stats" xx -j stats
	expect "counters" "$(jq -r '.counters | to_entries[] | "\(.key) \(.value)"' <<<"$OUTPUT" | sort)" \
		"$found"
	json "counters without a meaning" '(.counters | length) - ([.meaning[] | length] | add)' 0
	expect_match "some that must have counted" "$found" "OutputDone [1-9]|OutputTaken [1-9]"
	test_end
}

# refused STATUS PATTERN ARG…: with -j one object on stdout, for people two sentences
refused()
{
	local status=$1 pattern=$2 rc=0

	shift 2
	OUTPUT=$(xx -j "$@" 2>/dev/null) || rc=$?
	expect "exit status of $*" "$rc" "$status"
	expect_match "cause of $*" "$(jq -r .error <<<"$OUTPUT" 2>&1)" "$pattern"
	expect_match "remedy of $*" "$(jq -r .remedy <<<"$OUTPUT" 2>&1)" "[a-z]"
	rc=0
	OUTPUT=$(xx "$@" 2>&1 >/dev/null) || rc=$?
	expect "exit status of $* for people" "$rc" "$status"
	expect_match "$* for people" "$OUTPUT" "^xfrm-xdp: .*$pattern.*"$'\n'"[A-Z'].*\.$"
}

errors()
{
	test_begin "errors: cause, remedy and exit status, as text and as JSON"
	refused 1 "nosuch0" attach nosuch0
	refused 1 "nosuch0" doctor nosuch0
	refused 1 "nosuch0 is not attached" detach nosuch0
	refused 2 "nonsense" nonsense
	refused 2 "DEV|required" attach
	refused 1 "nothing is attached" flows
	test_end
}

shapes()
{
	test_begin "attach and detach say what they did"
	expect_ok "attach" xx -j attach lan wire
	json "attach" '[.attached[] | "\(.device) \(.mode) \(.already) \(.sends)"] | join(", ")' \
		"lan native false true, wire native false true"
	expect_ok "attach again" xx -j attach lan wire
	json "attach again" '[.attached[].already] | map(tostring) | join(" ")' "true true"
	expect_ok "detach one" xx -j detach lan
	json "detach one" '"\(.detached) \(.all)"' '["lan"] false'
	expect_ok "detach" xx -j detach
	json "detach" '"\(.detached) \(.all)"' '["wire"] true'
	test_end
}

# Root of a user namespace may be anybody, and has a network namespace of its own.
privacy()
{
	local what="root of a user namespace sees what its own network namespace holds, and no more"
	local -a nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

	test_begin "what the module holds of a namespace is for its root"
	expect_ok "the table" cat /proc/net/xfrm_xdp_table
	expect_fail "the table" "${nobody[@]}" cat /proc/net/xfrm_xdp_table
	expect_ok "a namespace's own counters" "${nobody[@]}" cat /proc/net/xfrm_xdp_stat
	test_end
	[ -e /proc/self/ns/user ] || { test_skip "$what" "the kernel has no user namespaces"; return; }
	test_begin "$what"
	expect_match "flows of GW1" "$(in_ns "$GW1" cat /proc/net/xfrm_xdp_table)" "Flows.[1-9]"
	expect_ok "the table" unshare -Urn cat /proc/net/xfrm_xdp_table
	expect_match "its flows" "$OUTPUT" "Flows.0"
	expect_fail "that of another" unshare -Ur cat /proc/net/xfrm_xdp_table
	expect_ok "a namespace's own counters" unshare -Urn cat /proc/net/xfrm_xdp_stat
	test_end
}

plan 10
needs jq nft:nftables
setup
sa_setup
module_load

doctor
outside
attach
flows
stats
detach
errors
shapes
privacy
