# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The wire between the gateways, tapped in its own namespace: every frame that
# leaves GW1 or reaches it, and nothing else.

CAPTURE_PID=
CAPTURE=

capture_listening() { grep -qs 'listening on' "$TMP/capture.err"; }

# capture_start [NAME]: into $CAPTURE, until capture_stop or the end of the test.
capture_start()
{
	capture_stop
	CAPTURE=$TMP/${1:-wire}.pcap
	# What the one before has written is not what is waited for.
	rm -f "$CAPTURE" "$TMP/capture.err"
	# -Z root: the file is ours, and dropping privileges would lose it.
	# No function of ours: it would be a shell, and tcpdump outlive it.
	nsenter --net="/run/netns/$WIRE" -- \
		tcpdump -Z root -i g1 -p -s 0 -B 16384 -U --immediate-mode -w "$CAPTURE" \
		2>"$TMP/capture.err" &
	CAPTURE_PID=$!
	wait_for 20 capture_listening ||
		bail "tcpdump does not start: $(tr '\n' ';' <"$TMP/capture.err")"
}

capture_stop()
{
	[ -n "$CAPTURE_PID" ] || return 0
	kill "$CAPTURE_PID" 2>/dev/null
	wait "$CAPTURE_PID" 2>/dev/null
	CAPTURE_PID=
}

# Searched as bytes, among whatever else goes on.
capture_has_mark() { grep -aqF "capture-mark-$1-" "$CAPTURE"; }

# capture_sync: everything sent before is in the file when this returns.
CAPTURE_MARK=0
capture_sync()
{
	CAPTURE_MARK=$((CAPTURE_MARK + 1))
	agent mark "ns=$WIRE" dev=g1 "text=capture-mark-$CAPTURE_MARK-"
	wait_for 10 capture_has_mark "$CAPTURE_MARK" || bail "tcpdump lost track of the wire"
}

# wire FILTER…: how many frames of the capture match a pcap filter; no number where
# tcpdump fails
wire()
{
	if tcpdump -nr "$CAPTURE" "$@" >"$TMP/wire.frames" 2>/dev/null; then
		wc -l <"$TMP/wire.frames"
	else
		echo "tcpdump-failed"
	fi
}

# wire_text FILTER…: one line per frame, as tcpdump -v shows it
wire_text()
{
	tcpdump -tvnr "$CAPTURE" "$@" 2>/dev/null | sed -z 's/\n  */ /g'
}

# expect_wire WHAT N FILTER…: exact count of matching frames
expect_wire()
{
	local what=$1 n=$2

	shift 2
	expect "$what" "$(wire "$@")" "$n"
}

# capture_judge: where memory was short a test may have ended before it looked
capture_judge()
{
	[ -s "$CAPTURE" ] && grep -q expect_no_plaintext "$0" || return 0
	expect_wire "plaintext frames on the wire" 0 "$PLAINTEXT"
}

# What nobody between the gateways may ever see: an inner address in the clear.
PLAINTEXT="net $NET_A4 or net $NET_B4 or net $NET_A6 or net $NET_B6"

expect_no_plaintext()
{
	expect_range "ESP frames in the capture" "$(wire esp)" 1 1000000
	expect_wire "plaintext frames on the wire" 0 "$PLAINTEXT"
}
