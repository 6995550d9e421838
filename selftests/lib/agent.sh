# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The agent: one Python process that sends, receives, injects and reads counters
# in any namespace. Starting a program takes a tenth of a second in an emulated
# machine, asking the agent a few milliseconds. See lib/agent.py.

AGENT_PID=
declare -A R=()

agent_start()
{
	mkfifo "$TMP/agent.in" "$TMP/agent.out"
	# Debian's own, not whatever python3 comes first in PATH.
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -I "$LIB/agent.py" "$TMP/agent.reply" \
		<"$TMP/agent.in" >"$TMP/agent.out" 2>"$TMP/agent.err" &
	AGENT_PID=$!
	exec {AGENT_W}>"$TMP/agent.in" {AGENT_R}<"$TMP/agent.out"
}

agent_stop()
{
	[ -n "$AGENT_PID" ] || return 0
	exec {AGENT_W}>&- {AGENT_R}<&-
	kill "$AGENT_PID" 2>/dev/null
	wait "$AGENT_PID" 2>/dev/null
	AGENT_PID=
}

# agent VERB [KEY=VALUE]…: leaves the answer in R[]. Where memory is short those that only
# set something up are spared.
agent()
{
	case $1 in
	ip|sysctl|offload|sink|tap|watch|mark|migrate|sa)	spared agent_ask "$@" ;;
	*)	agent_ask "$@" ;;
	esac
}

agent_ask()
{
	local line
	local -a lines

	R=()
	printf '%s\n' "$*" >&"$AGENT_W"
	IFS= read -rt "${AGENT_TIMEOUT:-60}" line <&"$AGENT_R" ||
		bail "agent $*: no answer; $(tail -n 3 "$TMP/agent.err" | tr '\n' ';')"
	[ "$line" = ok ] || bail "agent $*: $line"
	# The answer comes in a file: of a pipe bash reads byte by byte.
	mapfile -t lines <"$TMP/agent.reply"
	for line in "${lines[@]}"; do
		R[${line%%=*}]=${line#*=}
	done
}

# Between the packets of a stream, in ms. At 20, two streams take two thirds of a debug kernel's
# CPU from what else is to happen meanwhile.
STREAM_GAP=5
[ ! -e /sys/kernel/debug/kmemleak ] || STREAM_GAP=50

# stream NAME NS SRC DST: datagrams from port 4000 to 5001, until told otherwise
stream()
{
	local gap

	printf -v gap '0.%03d' $STREAM_GAP
	agent stream "name=$1" "ns=$2" "src=$3" sport=4000 "dst=$4" dport=5001 "gap=$gap"
}

# burst NS SRC DST SPORT DPORT N [KEY=VALUE]…: N datagrams, back to back.
burst()
{
	agent send "ns=$1" "src=$2" "dst=$3" "sport=$4" "dport=$5" "n=$6" "${@:7}"
}

# expect_got SINK N [TTL]: exactly N good datagrams, no more, no copy, no damage.
expect_got()
{
	agent got "name=$1" "n=$2"
	expect "datagrams at $1" "${R[n]}" "$2"
	expect "damaged datagrams at $1" "${R[bad]}" 0
	expect "duplicates at $1" "${R[dup]}" 0
	[ -z "${3:-}" ] || expect "TTL at $1" "${R[ttl]}" "$3"
}

# transfer PORT DST SRC NS SIZE [KEY=VALUE]…: TCP from there to GW1 itself, every byte; rcvbuf=
# is of the server, the rest of the sender
transfer()
{
	local sha arg rcvbuf=0
	local -a sender=()

	for arg in "${@:6}"; do
		case $arg in
		rcvbuf=*)	local "$arg" ;;
		*)		sender+=("$arg") ;;
		esac
	done
	agent tcp_serve name=T "ns=$GW1" addr="$2" port="$1" rcvbuf="$rcvbuf"
	agent tcp_send "ns=$4" src="$3" dst="$2" port="$1" size="$5" "${sender[@]}"
	sha=${R[sha256]}
	agent tcp_got name=T
	expect "bytes" "${R[total]}" "$5"
	expect "what arrived" "${R[sha256]}" "$sha"
	expect "closed" "${R[closed]}" 1
}
