#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Userspace dies, or a part of what is attached goes: traffic goes back to the stack, and
# nothing forwards on what it knew. The command is killed at each system call by which
# it changes something, and each part is taken away by itself.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#     streams both ways; what is
#     attached in GW1 comes and goes

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

INTERVAL=500	# ms, of revalidation, where a test waits for its end

# steps CALLS REGEX CMD…: which of its system calls in CALLS match, in STEPS; each is
# CALL:NUMBER, as strace's "when" counts
STEPS=()
steps()
{
	local calls=$1 regex=$2

	shift 2
	must strace -f -qq -e signal=none -e "trace=$calls" -o "$TMP/strace" "$@"
	mapfile -t STEPS < <(awk -v regex="$regex" '
		{ call = $2; sub(/\(.*/, "", call); nr[call]++ }
		$0 ~ regex { print call ":" nr[call] }' "$TMP/strace")
}

# killed_at STEP CMD…: when it is about to do that
killed_at()
{
	local call=${1%:*} nr=${1#*:} rc=0

	shift
	# strace ends as what it traced did.
	(
		strace -f -qq -o /dev/null -e signal=none -e "trace=$call" \
			-e "inject=$call:signal=KILL:when=$nr" "$@"
		exit $?
	) >/dev/null 2>&1 || rc=$?
	expect "status of '$*', killed at $call $nr" "$rc" 137
}

# goes_on: some more of the streams arrives, whoever forwards it
goes_on()
{
	local sink enough name=$1

	for sink in A B; do
		agent got name=$sink timeout=0
		enough=$((R[n] + 5))
		agent got name=$sink n=$enough timeout=15
		[ "${R[n]}" -ge $enough ] || wrong "$name: nothing arrives at $sink"
	done
}

# Every so many of the steps: for each of them there is no time.
EACH=2
[ ! -e /sys/kernel/debug/kmemleak ] || EACH=6

# The changes of attach are pins and links; its other calls of bpf() change nothing.
# Then attach takes up what is there, or says what to do, in turn with detach.
attach_killed()
{
	local i step

	test_begin "attach, killed before its changes: traffic goes on, and all can be mended"
	must xx detach
	steps bpf,mkdir 'BPF_OBJ_PIN|BPF_LINK_CREATE|mkdir' "$CLI" -n "$GW1" attach lan wire
	expect_range "changes that attach makes" ${#STEPS[@]} 20 60
	must xx detach
	for ((i = 0; i < ${#STEPS[@]}; i += EACH)); do
		step=${STEPS[i]}
		killed_at "$step" "$CLI" -n "$GW1" attach lan wire
		goes_on "attach killed at $step"
		expect_ok "status after $step" xx status
		if ((i / EACH % 2)) && ! xx attach lan wire >"$TMP/out" 2>&1; then
			expect_match "what attach says after $step" "$(<"$TMP/out")" "xfrm-xdp detach"
		fi
		expect_ok "detach after $step" xx detach
		[ ! -e "$(pins)" ] || wrong "pins are left after $step: $(ls "$(pins)")"
	done
	expect_ok "attach" xx attach lan wire
	streams_fast
	test_end
}

detach_killed()
{
	local i step

	test_begin "detach, killed before its changes: traffic goes on, and detach again works"
	steps bpf,rmdir,unlink,unlinkat 'BPF_LINK_DETACH|rmdir|unlink' "$CLI" -n "$GW1" detach
	expect_range "changes that detach makes" ${#STEPS[@]} 16 30
	for ((i = 0; i < ${#STEPS[@]}; i += EACH)); do
		step=${STEPS[i]}
		must xx attach lan wire
		killed_at "$step" "$CLI" -n "$GW1" detach
		goes_on "detach killed at $step"
		expect_ok "detach after $step" xx detach
		[ ! -e "$(pins)" ] || wrong "pins are left after $step: $(ls "$(pins)")"
	done
	must xx attach lan wire
	streams_fast
	test_end
}

# standing_still: nothing is encrypted in XDP while the streams run
standing_still()
{
	local before

	counters "$GW1"
	before=${CUR[$GW1:Encrypted]:-0}
	streams_run 10
	counters "$GW1"
	[ "$before" -eq "${CUR[$GW1:Encrypted]:-0}" ]
}

# Nobody renews the flows any more: they end with their interval, and the stack goes on.
learner_gone()
{
	local pin

	test_begin "without the learner all flows end within the interval, and the stack goes on"
	flow_times $INTERVAL "$DAY_MS"
	streams_fast
	for pin in "$(pins)"/link-nf*; do
		must rm "$pin"
	done
	mark "$GW1"
	wait_for 20 standing_still || wrong "flows go on without being renewed"
	expect_range "packets that found their flow stale" "$(since "$GW1" PuntStale)" 1 100000
	goes_on "without the learner"
	expect_fail "attach" xx attach lan wire
	expect_match "what attach says" "$OUTPUT" "xfrm-xdp detach"
	must xx detach
	must xx attach lan wire
	streams_fast
	flow_times "$DAY_MS" "$DAY_MS"
	test_end
}

# What XDP decrypts and the stack has to take comes up as if in the clear, and the
# policy refuses it: nothing is delivered that nobody has proven. Soon nothing is decrypted
# there any more, until the program is back.
restorer_gone()
{
	local program=/sys/fs/bpf/restore-$GW1

	test_begin "without the tc program the policy refuses what XDP decrypts, then the stack decrypts"
	agent sink name=L "ns=$GW1" port=5003
	agent sink name=LATER "ns=$GW1" port=5004
	burst "$HB" "$B4" "$GW1_LAN4" 4100 5003 5
	expect_got L 5
	must bpftool prog pin id "$(bpftool -j link show pinned "$(pins)/tc-wire" | jq .prog_id)" "$program"
	at_exit "rm -f $program"
	mark "$GW1"
	must rm "$(pins)/tc-wire"
	burst "$HB" "$B4" "$GW1_LAN4" 4100 5003 5 first=100
	wait_for 10 counter_at_least "$GW1" XfrmInTmplMismatch 5 || wrong "not refused"
	# By the streams: a second later.
	wait_for 10 counter_at_least "$GW1" PuntNoRestore 1 ||
		wrong "decrypted though nobody takes it up"
	expect_counts "$GW1" Restored=0 XfrmInTmplMismatch=5
	expect_got L 5
	mark "$GW1"
	burst "$HB" "$B4" "$GW1_LAN4" 4100 5004 5
	expect_got LATER 5
	expect_counts "$GW1" XfrmInTmplMismatch=0 Decrypted=0
	expect_range "packets left to the stack" "$(since "$GW1" PuntNoRestore)" 5 100000
	must in_ns "$GW1" bpftool net attach tcx_ingress pinned "$program" dev wire
	burst "$HB" "$B4" "$GW1_LAN4" 4100 5004 1 first=100
	expect_got LATER 6
	mark "$GW1"
	burst "$HB" "$B4" "$GW1_LAN4" 4100 5004 5 first=200
	expect_got LATER 11
	expect_counts "$GW1" PuntNoRestore=0 XfrmInTmplMismatch=0
	expect_range "packets taken up again" "$(since "$GW1" Restored)" 4 100000
	must in_ns "$GW1" bpftool net detach tcx_ingress dev wire
	# Once more, sooner than it would be tried again: who attaches begins anew.
	mark "$GW1"
	burst "$HB" "$B4" "$GW1_LAN4" 4100 5004 1 first=300
	wait_for 10 counter_at_least "$GW1" PuntNoRestore 1 || wrong "decrypted in vain again"
	must xx detach
	must xx attach lan wire
	streams_fast
	test_end
}

# One direction loses XDP, the other keeps it.
device_gone()
{
	test_begin "without XDP on one device its direction is the stack's, and nothing is lost"
	streams_fast
	must rm "$(pins)/xdp-lan"
	mark "$GW1"
	streams_run 50
	counters "$GW1"
	expect_count "$GW1" Encrypted 0
	expect_range "decrypted and forwarded in XDP" "$(since "$GW1" ForwardDone)" 10 100000
	goes_on "without XDP on lan"
	test_end
}

plan 6
needs strace awk:mawk jq bpftool:bpftool
setup
sa_setup
capture_start
attach
streams_start
attach_killed
detach_killed
learner_gone
restorer_gone
device_gone
streams_stop

test_begin "no plaintext on the wire"
capture_sync
expect_no_plaintext
test_end
