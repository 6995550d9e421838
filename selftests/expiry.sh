#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Lifetimes that end while the fast path carries the traffic: the same packets
# get through, the same events are sent and the same MIBs grow as without it, and
# the SA is gone. Each case runs on the stack first, and then on the fast path.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#        limited SAs          kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MONITOR_PID=
monitor_listening()
{
	awk -v pid="$MONITOR_PID" '$3 == pid && $2 == 6 { found = 1 } END { exit !found }' \
		"/proc/$MONITOR_PID/net/netlink"
}

monitor_start()
{
	# exec: the netlink socket carries the process id that is awaited.
	nsenter --net="/run/netns/$GW1" -- ip xfrm monitor expire >"$TMP/events" 2>&1 &
	MONITOR_PID=$!
	wait_for 5 monitor_listening || bail "ip xfrm monitor does not start"
}

monitor_stop()
{
	[ -n "$MONITOR_PID" ] || return 0
	kill "$MONITOR_PID" 2>/dev/null
	wait "$MONITOR_PID" 2>/dev/null
	MONITOR_PID=
}
at_exit monitor_stop

# events: SPI and kind of every expiry so far, in order
events()
{
	awk '/proto esp spi/ { spi = $4; sub(/\(.*/, "", spi) }
	     { for (i = 1; i < NF; i++) if ($i == "hard") printf "%s:%s ", spi, $(i + 1) ? "hard" : "soft" }' \
		"$TMP/events"
}

declare -A EXPIRY=([soft]=0 [hard]=1)	# as ip xfrm monitor says it
# event_seen soft|hard: without a process, for this is what is waited for
event_seen()
{
	local -a text

	mapfile -d '' text <"$TMP/events"
	[[ ${text[*]} == *"hard ${EXPIRY[$1]}"* ]]
}
sa_gone() { sa_read "$GW1" "$1"; [ "${SA[exists]}" = 0 ]; }

# begin DIR LIMITS: SAs with limits in one direction; everything at zero
begin()
{
	monitor_stop
	monitor_start
	sa_setup "$1=$2"
	agent clear name=A
	agent clear name=B
	mark "$GW1"
}

# send DIR FIRST N
send()
{
	if [ "$1" = out ]; then
		burst "$HA" "$A4" "$B4" 4000 5001 "$3" first="$2"
	else
		burst "$HB" "$B4" "$A4" 4000 5001 "$3" first="$2"
	fi
}

# result DIR: what can be compared between the paths
result()
{
	local sink=B spi=$SPI_AB name

	[ "$1" = out ] || { sink=A spi=$SPI_BA; }
	event_seen hard && wait_for 5 sa_gone "$spi"
	agent got name=$sink timeout=0
	printf 'got %s, events %s' "${R[n]}" "$(events)"
	sa_read "$GW1" "$spi"
	printf '%s' ", SA ${SA[exists]}"
	counters "$GW1"
	for name in XfrmOutStateExpired XfrmInStateExpired XfrmOutStateInvalid XfrmInStateInvalid; do
		grew "$GW1" "$name"
		printf ', %s %s' "$name" "$GREW"
	done
}

# Volume: the 21st packet finds the limit of 20 reached, the 11th the soft one.
volume()
{
	local dir=$1 limits=$2

	begin "$dir" "$limits"
	send "$dir" 0 1
	agent got name="$([ "$dir" = out ] && echo B || echo A)" n=1
	send "$dir" 1 20
	wait_for 5 event_seen hard
	result "$dir" >"$TMP/result"
}

# Time: packets before, none after.
clock()
{
	local dir=$1 limits=$2

	begin "$dir" "$limits"
	send "$dir" 0 1
	agent got name="$([ "$dir" = out ] && echo B || echo A)" n=1
	send "$dir" 1 9
	wait_for 10 event_seen soft
	send "$dir" 10 10
	wait_for 10 event_seen hard
	wait_for 5 sa_gone "$([ "$dir" = out ] && echo "$SPI_AB" || echo "$SPI_BA")"
	send "$dir" 20 5
	result "$dir" >"$TMP/result"
}

# What happens to an SA with these limits, in either direction, without the fast path
# and with it: what, function, limits
PACKETS="limit packet-soft 10 limit packet-hard 20"
BYTES="limit byte-soft 920 limit byte-hard 1840"	# 92 bytes each
TIME="limit time-soft 3 limit time-hard 7"
USE="limit time-use-soft 2 limit time-use-hard 5"
CASES="packets|volume|$PACKETS
bytes|volume|$BYTES
time|clock|$TIME
time of use|clock|$USE"

# each FUNCTION: for all cases in both directions
each()
{
	local dir what kind limits

	for dir in out in; do
		while IFS='|' read -r what kind limits; do
			"$1" "$dir" "$what" "$kind" "$limits"
		done <<<"$CASES"
	done
}

declare -A STACK=()
on_stack()
{
	"$3" "$1" "$4"
	STACK[$1:$2]=$(<"$TMP/result")
}

on_fast_path()
{
	local dir=$1 counter=Encrypted least=18

	[ "$dir" = out ] || { counter=ForwardDone least=19; }
	test_begin "$dir: $2"
	"$3" "$dir" "$4"
	expect "fast path against stack" "$(<"$TMP/result")" "${STACK[$dir:$2]}"
	expect_match "result" "${STACK[$dir:$2]}" "$("$3_result" "$dir")"
	counters "$GW1"
	# Behind the soft limit one asks the stack whether there is another SA.
	expect_range "$counter" "$(since "$GW1" "$counter")" "$least" 19
	test_end
}

volume_result()
{
	local spi=$SPI_AB out=1 in=0

	[ "$1" = out ] || { spi=$SPI_BA out=0 in=1; }
	spi=$(printf 0x%08x "$spi")
	echo "^got 20, events $spi:soft $spi:hard , SA 0, XfrmOutStateExpired $out, XfrmInStateExpired $in, "
}

clock_result()
{
	local spi=$SPI_AB

	[ "$1" = out ] || spi=$SPI_BA
	spi=$(printf 0x%08x "$spi")
	echo "^got 20, events $spi:soft $spi:hard , SA 0, XfrmOutStateExpired 0, XfrmInStateExpired 0, "
}

# two_sas: packets of each of two SAs with a soft limit of five, of nine of a flow
two_sas()
{
	local ns spi

	begin out "limit packet-soft 5"
	sa_state "$GW1_4" "$GW2_4" 0x1101 gcm128 off 64 "limit packet-soft 5"
	for ns in "$GW2" "$GW1"; do
		configure "$ns" "$STATE"
	done
	send out 0 1
	agent got name=B n=1
	burst "$HA" "$A4" "$B4" 4000 5001 8 first=1 gap=0.02
	expect_got B 9 62
	for spi in $SPI_AB 0x1101; do
		sa_read "$GW1" "$spi"
		echo "${SA[packets]}"
	done | sort >"$TMP/result"
}

# The stack looks for an SA for each packet, and one behind its soft limit is the last choice.
another_sa()
{
	test_begin "out: behind a soft limit another SA is used, by the stack and the fast path"
	two_sas
	expect "packets of the two SAs" "$(xargs <"$TMP/result")" "3 6"
	counters "$GW1"
	# All but the first, and the first of the other SA.
	expect_range "of these fast" "$(since "$GW1" Encrypted)" 6 7
	detach
	two_sas
	expect "packets of the two SAs by the stack" "$(xargs <"$TMP/result")" "3 6"
	attach
	test_end
}

plan 10
setup
module_load
capture_start

each on_stack
attach
each on_fast_path
another_sa

test_begin "no plaintext on the wire"
capture_sync
expect_no_plaintext
test_end
