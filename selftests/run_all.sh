#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the tests, all or those named, and report in KTAP:
#
#   run_all.sh                  everything
#   run_all.sh tunnel replay    tunnel.sh and replay.sh
#   run_all.sh --share 1        a part of it; --share 2 and 3 are the rest
#   run_all.sh --list           the names
#   run_all.sh --faults [NAME…] while one in a hundred allocations of the network stack
#                               fails that cannot wait for memory: of a test is then asked
#                               that it ends, and that no plaintext is on the wire; the rest
#                               is the judge's
#
# Ends with 0 only where every test ran and passed. A test that does not end
# within the timeout of the file settings is killed, and has failed.
#
# XFRM_XDP_UNTIL, in seconds since the epoch, is for those whose time is limited whatever the
# machine: no test begins later, one that runs then is stopped, and both are skipped, not
# passed. What failed before it was stopped has failed. Shares 1 and 2 then begin with another
# test each day.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# Shares for machines of their own: the second takes about as long as the others together. All but
# the second are for one CPU: packets that wait for each other pass faster there, for an emulated
# CPU that is woken by another waits for its turn on the host; and who attaches and detaches
# under traffic patches the kernel's text, which an emulator with several CPUs may stumble over.
# The third are those that come by most of what takes memory and references: a debug kernel looks
# for leaks there.
shares=(
	"tunnel secpath replay expiry validity policies who_may exact_key mtu_ttl revalidate attacks fails_closed attach device_state"
	"tcp checksum local bad_input vlan virtio devices plain hub iface oracle transforms scale verifier cli rekey gtest-inplace"
	"smoke learning gtest lifecycle namespaces neighbours"
)
# Of a kernel that can be made to run out of memory, which the debug kernel is.
with_faults=faults
[ ! -d /sys/kernel/debug/failslab ] || shares[2]+=" $with_faults"
tests="${shares[*]}"

timeout=$(sed -n 's/^timeout=//p' "$here/settings")
# A debug kernel is several times slower.
timeout=$((timeout * ${XFRM_XDP_TIMEOUT_FACTOR:-$([ -e /sys/kernel/debug/kmemleak ] && echo 4 || echo 1)}))

# command_of NAME: what a name runs
command_of()
{
	case $1 in
	gtest)		echo "$here/../build/selftests/xfrm_xdp_gtest" ;;
	gtest-inplace)	echo "$here/gtest/inplace.sh" ;;
	verifier)	echo "$here/verifier/run.sh" ;;
	*)		echo "$here/$1.sh" ;;
	esac
}

# run NAME: as a subtest, indented; status of the test. What is no KTAP becomes
# diagnostics.
run()
{
	local name=$1 command rc limit began prefix='    '

	command=$(command_of "$name")
	echo "# Subtest: $name"
	if [ ! -x "$command" ]; then
		echo "    # ${command#"$here/"} is not there; build it: make"
		return 1
	fi
	case $name in
	gtest*|verifier)
		prefix='    # '
		modprobe -a xfrm_xdp veth 2>&1 | sed 's/^/    # /' ;;
	esac
	limit=$(limit)
	[ "$limit" -gt 0 ] || return $NO_TIME
	began=$EPOCHSECONDS
	timeout --kill-after=10 "$limit" "$command" 2>&1 | sed -u "s/^/$prefix/"
	rc=${PIPESTATUS[0]}
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
		if [ "$limit" -lt "$timeout" ] && [ $((EPOCHSECONDS - began)) -ge "$limit" ]; then
			echo "    # no time left: stopped after $limit s"
			return $NO_TIME
		fi
		echo "    # killed: not done after $timeout s"
	fi
	return "$rc"
}

# limit: seconds that a test may take which begins now
NO_TIME=200
limit()
{
	local left=$((${XFRM_XDP_UNTIL:-0} - EPOCHSECONDS))

	[ -n "${XFRM_XDP_UNTIL:-}" ] && [ $left -lt "$timeout" ] || left=$timeout
	echo $((left > 0 ? left : 0))
}

# Tests that send in the clear what no policy is about.
in_the_clear="who_may plain policies iface vlan oracle"

# Packets are lost for want of memory, and so are tests; what they say is shown.
run_with_faults()
{
	local name=$1 output rc

	# The oracle waits for every packet that is lost: a fifth of its rows each day, of each kind
	# some, unless told otherwise.
	if [ "$name" = oracle ]; then
		local -x GTEST_TOTAL_SHARDS=${GTEST_TOTAL_SHARDS:-5}
		local -x GTEST_SHARD_INDEX=${GTEST_SHARD_INDEX:-$((10#$(date +%j) % GTEST_TOTAL_SHARDS))}
		echo "# of the oracle's tests those of shard $GTEST_SHARD_INDEX of $GTEST_TOTAL_SHARDS"
	fi

	output=$(mktemp)
	faults_of_packets
	faults_in 1
	XFRM_XDP_FAULTS=1 XFRM_XDP_WATCH=1 run "$name" >"$output"
	rc=$?
	faults_in 0
	sed 's/^/# /' "$output"
	echo "# $name: $(grep -c '^ *ok ' "$output") passed, $(grep -c '^ *not ok ' "$output") failed," \
		"$(grep -c 'Bail out' "$output") given up"
	[ $rc -ne 124 ] && [ $rc -ne 137 ] && [ $rc -ne $NO_TIME ] && {
		[[ " $in_the_clear " == *" $name "* ]] ||
			! grep -q 'plaintext frames seen: [^0]' "$output"
	}
	rc=$?
	rm -f "$output"
	return $rc
}

# A script that nobody runs proves nothing.
for script in "$here"/*.sh; do
	script=${script##*/}
	case " $tests $with_faults lib run_all " in
	*" ${script%.sh} "*)	;;
	*)
		echo "run_all.sh: $script is not in its list of tests" >&2
		exit 2 ;;
	esac
done

run=run
if [ "${1:-}" = --faults ]; then
	shift
	run=run_with_faults
	bail() { echo "run_all.sh: $*" >&2; exit 2; }
	# shellcheck source=lib/faults.sh
	. "$here/lib/faults.sh"
	faults_available || bail "no failslab or fail_page_alloc; the debug kernel has them"
	# Who waits for what was lost waits as long as that takes: the oracle, each time.
	timeout=$((timeout * 5))
	# It says for itself whose allocations fail.
	shares[2]=${shares[2]/ $with_faults/}
	tests="${shares[*]}"
fi

share=
# shellcheck disable=SC2086  # one word per test
if [ "${1:-}" = --share ]; then
	share=${2:-}
	case $share in
	[123])	set -- ${shares[share - 1]} ;;
	*)
		echo "run_all.sh: there are --share 1, 2 and 3" >&2
		exit 2 ;;
	esac
fi

wanted=' '
for name; do
	name=${name##*/}
	name=${name%.sh}
	case " $tests " in
	*" $name "*)	wanted+="$name " ;;
	*)
		[ "$name" != --list ] || { tr ' ' '\n' <<<"$tests"; exit 0; }
		echo "run_all.sh: no test is called '$name'; there are: $tests" >&2
		exit 2 ;;
	esac
done

# In the order of the list, whatever the order asked for.
names=()
for name in $tests; do
	[ $# -gt 0 ] && [[ $wanted != *" $name "* ]] || names+=("$name")
done
# Where there is not time for all, another test is the first each day, and none is always
# without.
if [ -n "${XFRM_XDP_UNTIL:-}" ] && [[ $share == [12] ]]; then
	turn=$((10#$(date +%j) * 5 % ${#names[@]}))
	names=("${names[@]:turn}" "${names[@]:0:turn}")
fi

printf 'KTAP version 1\n1..%d\n' ${#names[@]}
number=0 failed=() skipped=()
for name in "${names[@]}"; do
	number=$((number + 1))
	begin=$SECONDS
	rc=$NO_TIME
	[ "$(limit)" -eq 0 ] || { $run "$name"; rc=$?; }
	case $rc in
	0)		echo "ok $number $name" ;;
	"$NO_TIME")
		echo "ok $number $name # SKIP no time left"
		skipped+=("$name") ;;
	*)
		echo "not ok $number $name"
		failed+=("$name") ;;
	esac
	echo "# $name took $((SECONDS - begin)) s"
done
echo "# Totals: pass:$((number - ${#failed[@]} - ${#skipped[@]})) fail:${#failed[@]} skip:${#skipped[@]}"
[ ${#failed[@]} -eq 0 ] || { echo "# failed: ${failed[*]}"; exit 1; }
