#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What attaching changes of the devices and of those behind them: said by attach and status,
# and undone by detach, down to the last line of `ethtool -k` and `ip -d link`. What it cannot
# do without breaking a configured MTU, it refuses.
#
#   HA ---- GW1 ==== wire ==== GW2
#   eth0  lan wire   g1
#         bond0 -- port ~~ far        mac0 on bond0

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

VETHS=("$HA/eth0" "$GW1/lan" "$GW1/wire" "$WIRE/g1")
BOND=("$GW1/bond0" "$GW1/port" "$GW1/far" "$GW1/mac0")
SEEN=("${VETHS[@]}")

# snapshot NAME: all that can be seen of the devices in SEEN, but for running timers
snapshot()
{
	local ns dev

	for dev in "${SEEN[@]}"; do
		ns=${dev%/*} dev=${dev#*/}
		echo "== $ns $dev"
		ip -n "$ns" -d link show dev "$dev" || echo "no $dev"
		in_ns "$ns" ethtool -k "$dev" || echo "no features of $dev"
	done 2>&1 | sed 's/_timer *[0-9.]*/_timer/g' >"$TMP/$1"
	! grep -n '^no ' "$TMP/$1" || wrong "the devices cannot be seen"
}

# expect_same BEFORE AFTER: two snapshots
expect_same()
{
	local line

	while IFS= read -r line; do
		wrong "$1 and $2 differ: $line"
	done < <(diff "$TMP/$1" "$TMP/$2")
}

expect_differ()
{
	! cmp -s "$TMP/$1" "$TMP/$2" || wrong "$3"
}

set_features()
{
	local ns=$1 dev=$2

	shift 2
	# Of a feature that is asked for and not there it says so, and fails.
	in_ns "$ns" ethtool -K "$dev" "$@" >"$TMP/ethtool" 2>&1 ||
		grep -q 'requested o' "$TMP/ethtool" ||
		bail "ethtool -K $dev $*: $(tr '\n' ';' <"$TMP/ethtool")"
}

max_mtu() { ip -n "$1" -d -j link show dev "$2" | jq '.[0].max_mtu'; }

# changes FILTER: of what status says that attaching changed, one line each
changes()
{
	xx -j status | jq -r ".namespaces[].devices[].changes[] | $1"
}

# features_changed NS DEV: what ethtool says that has changed since snapshot "before", sorted
features_changed()
{
	diff <(sed -n "/^== $1 $2\$/,/^== /p" "$TMP/before" | grep $'^\t*[a-z0-9-]*: o') \
		<(in_ns "$1" ethtool -k "$2" | grep $'^\t*[a-z0-9-]*: o') |
		sed -n 's/^> *\t*\([a-z0-9-]*\): \(.*\)/\1 \2/p' |
		grep -v '^tcp-segmentation-offload ' | sort
}

# there_and_back LABEL MODE: attached, detached, and all is as it was
there_and_back()
{
	test_begin "$1"
	snapshot before
	expect_ok "attach" xx attach lan wire --mode "$2"
	ATTACHED=$OUTPUT
	shift 2
	"$@"
	expect_ok "detach" xx detach
	snapshot after
	expect_same before after
	test_end
}

# What veth takes from the other end: status says each line of it, and nothing else.
native_changes()
{
	local eth0 g1

	eth0=$(max_mtu "$HA" eth0) g1=$(max_mtu "$WIRE" g1)
	expect_range "largest MTU of eth0" "$eth0" 3000 4000
	expect "largest MTUs in status" "$(changes 'select(.what == "max_mtu") |
		"\(.netns) \(.device) \(.relation) \(.before) \(.now)"' | sort)" \
		"$(printf '%s\n' "$HA eth0 peer 65535 $eth0" "$WIRE g1 peer 65535 $g1" | sort)"
	expect "features of eth0 in status" "$(changes 'select(.what != "max_mtu" and
		.device == "eth0") | "\(.what) \(.now)"' | sort)" "$(features_changed "$HA" eth0)"
	expect_match "some are there" "$(changes .what)" "tx-gso-list"
	expect_match "status for people" "$(xx status)" \
		"attaching lan changed eth0, the other end of a veth, in network namespace '$HA'.*$eth0"
	expect_match "what attach says" "$ATTACHED" "attaching wire changed g1.*MTU can be $g1 at most"
}

no_changes()
{
	expect "changes in status" "$(changes .what)" ""
	expect "what attach says" "$(grep -c changed <<<"$ATTACHED")" 0
}

# As if never attached: what the operator changes meanwhile stays, and nothing else does.
operator_wins()
{
	test_begin "what the operator changes while attached stays after detach"
	snapshot before
	set_features "$GW1" lan gro on tx-nocache-copy on
	set_features "$HA" eth0 tx off
	snapshot wanted
	set_features "$GW1" lan gro off tx-nocache-copy off
	set_features "$HA" eth0 tx on
	snapshot back
	expect_same before back
	expect_ok "attach" xx attach lan wire
	set_features "$GW1" lan gro on tx-nocache-copy on
	set_features "$HA" eth0 tx off
	expect_ok "detach" xx detach
	snapshot after
	expect_same wanted after
	set_features "$GW1" lan gro off tx-nocache-copy off
	set_features "$HA" eth0 tx on
	test_end
}

mtu_refused()
{
	test_begin "an MTU that native XDP would break: refused, why, and nothing is changed"
	configure "$HA" "link set eth0 mtu 9000"
	snapshot before
	expect_ok "doctor" xx -j doctor lan
	expect_match "doctor" "$(jq -r '.checks[] | select(.level == "warn" and .name == "lan") |
		.detail' <<<"$OUTPUT")" "eth0 .*$HA.* has an MTU of 9000.*'attach' will be refused"
	expect_fail "attach" xx attach wire lan
	expect_match "cause and remedy" "$OUTPUT" \
		"eth0 in network namespace '$HA', the other end of lan, has an MTU of 9000.*ip link set eth0 mtu [0-9]+.*--mode generic"
	[ ! -e "$(pins)" ] || wrong "pins are left: $(echo "$(pins)"/*)"
	snapshot after
	expect_same before after
	test_end

	there_and_back "the same in generic mode: attached" generic
	configure "$HA" "link set eth0 mtu 1500"

	test_begin "while attached a larger MTU is refused by the kernel, and doctor says so"
	expect_ok "attach" xx attach lan
	expect_fail "raising the MTU" ip -n "$HA" link set eth0 mtu 9000
	expect_ok "doctor" xx -j doctor
	expect_match "doctor" "$OUTPUT" "MTU of its other end, eth0 .* can be $(max_mtu "$HA" eth0) at most"
	expect_ok "detach" xx detach
	expect_ok "raising the MTU" ip -n "$HA" link set eth0 mtu 9000
	configure "$HA" "link set eth0 mtu 1500"
	test_end
}

# Generic XDP turns LRO off, here and below, and the kernel does not turn it on again.
lro()
{
	test_begin "LRO, which generic mode turns off, is on again after detach"
	# The lower can have it only where the upper wants it.
	set_features "$GW1" mac0 lro on
	set_features "$GW1" bond0 lro on
	snapshot before
	expect_match "LRO of bond0" "$(in_ns "$GW1" ethtool -k bond0)" "large-receive-offload: on"
	expect_match "LRO of mac0" "$(in_ns "$GW1" ethtool -k mac0)" "large-receive-offload: on"
	expect_ok "attach" xx attach bond0 mac0 --mode generic
	expect_match "what attach says" "$OUTPUT" "attaching bond0 changed it, until.*off, was on: rx-lro"
	expect "changes in status" "$(changes 'select(.device == "bond0" and .relation == "self") |
		"\(.what) \(.before) \(.now)"')" "rx-lro on off"
	snapshot attached
	expect_ok "detach bond0" xx detach bond0
	# What mac0 has received comes by it, and must not be merged either.
	expect_match "LRO of bond0, below mac0" "$(in_ns "$GW1" ethtool -k bond0)" \
		"large-receive-offload: off"
	expect_ok "detach mac0" xx detach mac0
	snapshot after
	expect_same before after
	expect_differ before attached "attaching changed nothing"
	test_end

	test_begin "native mode of a bond: the other ends of its ports are shown, and as before"
	snapshot before
	expect_ok "attach" xx attach bond0
	expect "largest MTU of far in status" "$(changes 'select(.what == "max_mtu") |
		"\(.device) \(.relation) \(.now)"')" "far peer $(max_mtu "$GW1" far)"
	expect_ok "detach" xx detach
	snapshot after
	expect_same before after
	test_end
}

# steps CALLS REGEX CMD…: which of its system calls match; each is CALL:NUMBER for strace
steps()
{
	local calls=$1 regex=$2

	shift 2
	must strace -f -qq -e signal=none -e "trace=$calls" -o "$TMP/strace" "$@"
	mapfile -t STEPS < <(awk -v regex="$regex" '
		{ call = $2; sub(/\(.*/, "", call); nr[call]++ }
		$0 ~ regex { print call ":" nr[call] }' "$TMP/strace")
}

killed_at()
{
	local call=${1%:*} nr=${1#*:} rc=0

	shift
	(
		strace -f -qq -o /dev/null -e signal=none -e "trace=$call" \
			-e "inject=$call:signal=KILL:when=$nr" "$@"
		exit $?
	) >/dev/null 2>&1 || rc=$?
	expect "status of '$*', killed at $call $nr" "$rc" 137
}

# What the device was has to outlive the command, wherever it ends.
killed()
{
	local step differed=0
	local -a attach_bond=("$CLI" -n "$GW1" attach bond0 --mode generic)

	test_begin "attach killed between its steps: detach by another has all as before"
	snapshot before
	steps bpf 'BPF_OBJ_PIN.*(before|xdp|tc)-bond0|BPF_MAP_UPDATE_ELEM' "${attach_bond[@]}"
	must xx detach
	expect_range "steps of attach" ${#STEPS[@]} 5 40
	# The last ones are those of the device: its link, which goes with who is killed, is pinned;
	# what has become of bond0, port and far is noted.
	for step in "${STEPS[-4]}" "${STEPS[-1]}"; do
		killed_at "$step" "${attach_bond[@]}"
		snapshot between
		cmp -s "$TMP/before" "$TMP/between" || differed=$((differed + 1))
		expect_ok "detach after $step" xx detach
		[ ! -e "$(pins)" ] || wrong "pins are left after $step: $(ls "$(pins)")"
		snapshot after
		expect_same before after
	done
	expect "times that it had changed something" $differed 2
	killed_at "${STEPS[-1]}" "${attach_bond[@]}"
	expect_ok "attach after it" xx attach bond0 --mode generic
	expect_ok "detach" xx detach
	snapshot after
	expect_same before after
	test_end

	test_begin "detach killed between its steps: detach again has all as before"
	must xx attach bond0 --mode generic
	steps bpf,unlink,ioctl 'BPF_LINK_DETACH|unlink.*bond0|SIOCETHTOOL' "$CLI" -n "$GW1" detach
	# Its links, their pins, what it was; of the features, where they are set: last.
	mapfile -t STEPS < <(printf '%s\n' "${STEPS[@]}" | awk -F: '
		$1 == "ioctl" { last = $0; next }
		$1 != "bpf" || ++links <= 2
		END { print last }')
	expect "steps of detach" "${STEPS[*]//:*}" "bpf unlink bpf unlink unlink ioctl"
	# XDP is gone, and nothing else; all is as before, and still remembered.
	for step in "${STEPS[1]}" "${STEPS[4]}" "${STEPS[5]}"; do
		must xx attach bond0 --mode generic
		killed_at "$step" "$CLI" -n "$GW1" detach
		expect_ok "detach after $step" xx detach
		snapshot after
		expect_same before after
	done
	test_end
}

plan 12
needs jq strace
setup
module_load
must modprobe -a bonding macvlan
configure "$GW1" "link add bond0 type bond mode balance-rr" \
	"link add port type veth peer name far" "link set port master bond0" \
	"link set bond0 up" "link set far up" "link add mac0 link bond0 type macvlan" "link set mac0 up"

set_features "$HA" eth0 tx on tso on gso on gro off tx-udp-segmentation on
set_features "$WIRE" g1 tx on tso on gro on
there_and_back "native: GSO of the other end on, GRO off" native native_changes
there_and_back "generic: GSO of the other end on, GRO off" generic no_changes
set_features "$HA" eth0 tso off tx-udp-segmentation off gro on
set_features "$GW1" lan gro on rxvlan off
there_and_back "native: GSO of the other end off, GRO on" native native_changes
there_and_back "generic: GSO of the other end off, GRO on" generic no_changes
set_features "$GW1" lan gro off rxvlan on
set_features "$HA" eth0 tso on tx-udp-segmentation on
operator_wins
mtu_refused
SEEN=("${BOND[@]}")
lro
SEEN=("$GW1/bond0")
killed
