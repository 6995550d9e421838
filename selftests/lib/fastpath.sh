# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module, its command line tool, and the counters of both ESP paths.

PARAMS=/sys/module/xfrm_xdp/parameters
PINS=/sys/fs/bpf/xfrm-xdp
CLI=${XFRM_XDP_CLI:-xfrm-xdp}

# xx ARG…: xfrm-xdp in GW1
xx() { "$CLI" -n "$GW1" "$@"; }

module_load()
{
	[ -d /sys/module/xfrm_xdp ] || must modprobe xfrm_xdp
}

# flow_times REVALIDATE IDLE: how long a flow lives, in ms, without a packet
# through the stack, and without any. Longer than any test is what makes the
# counts of a test exact.
flow_times()
{
	echo "$1" >"$PARAMS/revalidate_ms" || bail "cannot set revalidate_ms to $1"
	echo "$2" >"$PARAMS/idle_ms" || bail "cannot set idle_ms to $2"
}

DAY_MS=86400000

# attach [ARG…]: GW1's fast path, on both its devices unless told otherwise.
attach()
{
	module_load
	flow_times "${REVALIDATE_MS:-$DAY_MS}" "$DAY_MS"
	# XFRM_XDP_NO_ATTACH=1 proves the tests: without a fast path they must fail.
	[ -z "${XFRM_XDP_NO_ATTACH:-}" ] || return 0
	if [ $# -gt 0 ]; then
		must xx attach "$@"
	else
		must xx attach lan wire
	fi
}

detach()
{
	[ -z "${XFRM_XDP_NO_ATTACH:-}" ] || return 0
	must xx detach
}

# pins: where the links and the map of GW1 are pinned
pins() { echo "$PINS/$(stat -Lc %i "/run/netns/$GW1")"; }

# Whatever a test left behind in GW1; called by the exit trap.
detach_quietly()
{
	local dir

	[ -e "/run/netns/$GW1" ] || return 0
	dir=$(pins)
	[ ! -d "$dir" ] || "$CLI" -n "$GW1" detach >/dev/null 2>&1 || rm -rf "$dir"
}

# The counters of /proc/net/xfrm_stat and xfrm_xdp_stat: counters NS… reads them
# into CUR[NS:Name], zeros left out; mark NS… makes them the zero of expect_count.
# Two sums are added: an asynchronous transform may finish a packet later.
declare -A CUR=() BASE=()
COUNTER_NAMES=
counters()
{
	local ns name

	for ns; do
		agent stat "ns=$ns"
		COUNTER_NAMES=" ${R[names]} "
		unset 'R[names]'
		for name in "${!CUR[@]}"; do
			[[ $name != "$ns":* ]] || unset "CUR[$name]"
		done
		for name in "${!R[@]}"; do
			CUR[$ns:$name]=${R[$name]}
		done
		[[ $COUNTER_NAMES != *" OutputDone "* ]] || COUNTER_NAMES+="Encrypted Decrypted "
		CUR[$ns:Encrypted]=$((${R[OutputDone]:-0} + ${R[OutputTaken]:-0}))
		CUR[$ns:Decrypted]=$((${R[InputDone]:-0} + ${R[InputTaken]:-0}))
	done
}

mark()
{
	local name

	counters "$@"
	BASE=()
	for name in "${!CUR[@]}"; do
		BASE[$name]=${CUR[$name]}
	done
}

# grew NS NAME: growth of a counter between mark and counters, in GREW
GREW=
grew()
{
	GREW="no such counter"
	[[ $COUNTER_NAMES != *" $2 "* ]] ||
		GREW=$((${CUR[$1:$2]:-0} - ${BASE[$1:$2]:-0}))
}

# since NS NAME: the same, printed
since()
{
	grew "$1" "$2"
	echo "$GREW"
}

# expect_count NS NAME N: exact growth since mark, as last read by counters
expect_count()
{
	grew "$1" "$2"
	expect "$2 in ${1##*-}" "$GREW" "$3"
}

# expect_counts NS NAME=N…: reads the counters, then checks them
expect_counts()
{
	local ns=$1 arg

	shift
	counters "$ns"
	for arg; do
		expect_count "$ns" "${arg%=*}" "${arg#*=}"
	done
}

# diagnose: what grew since mark, as last read; called for a test that failed
diagnose()
{
	local name grown=

	for name in "${!CUR[@]}"; do
		[ "${CUR[$name]}" -eq "${BASE[$name]:-0}" ] ||
			grown+=" ${name#*-}=$((CUR[$name] - ${BASE[$name]:-0}))"
	done
	note "counters that grew:$(tr ' ' '\n' <<<"$grown" | sort | tr '\n' ' ')"
}

# What ESP did wrong, where nothing must have.
XFRM_ERRORS="XfrmInError XfrmInBufferError XfrmInHdrError XfrmInNoStates
	XfrmInStateProtoError XfrmInStateModeError XfrmInStateSeqError XfrmInStateExpired
	XfrmInStateMismatch XfrmInStateInvalid XfrmInTmplMismatch XfrmInNoPols XfrmInPolBlock
	XfrmInPolError XfrmOutError XfrmOutNoStates XfrmOutStateProtoError
	XfrmOutStateModeError XfrmOutStateSeqError XfrmOutStateExpired XfrmOutPolBlock
	XfrmOutPolDead XfrmOutPolError XfrmFwdHdrError XfrmOutStateInvalid XfrmAcquireError"

# expect_no_errors NS… [except NAME…]: none of the MIB grew, other than those named
expect_no_errors()
{
	local ns name
	local -a all=()

	while [ $# -gt 0 ] && [ "$1" != except ]; do
		all+=("$1")
		shift
	done
	for ns in "${all[@]}"; do
		counters "$ns"
		for name in $XFRM_ERRORS; do
			[[ " $* " == *" $name "* ]] || expect_count "$ns" "$name" 0
		done
	done
}
