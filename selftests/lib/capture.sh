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

# What nobody between the gateways may ever see: an inner address in the clear.
PLAINTEXT="net $NET_A4 or net $NET_B4 or net $NET_A6 or net $NET_B6"

# plaintext_watch, plaintext_judge: what GW1 sends on for others, from the setup to the
# end, whatever a test captures itself and wherever it ends
WATCH_PID=
plaintext_watch()
{
	local of_others="src net $NET_A4 or src net $NET_B4 or src net $NET_A6 or src net $NET_B6"

	nsenter --net="/run/netns/$WIRE" -- \
		tcpdump -Z root -i g1 -Q in -p -s 128 -U --immediate-mode -w "$TMP/watch.pcap" \
		"$of_others" 2>"$TMP/watch.err" &
	WATCH_PID=$!
	wait_for 20 grep -qs 'listening on' "$TMP/watch.err" ||
		bail "tcpdump does not start: $(tr '\n' ';' <"$TMP/watch.err")"
}

plaintext_judge()
{
	[ -n "$WATCH_PID" ] || return 0
	kill "$WATCH_PID" 2>/dev/null
	wait "$WATCH_PID" 2>/dev/null
	CAPTURE=$TMP/watch.pcap
	note "plaintext frames seen: $(wire)"
	wire_text -c 3 | sed 's/^/# /'
}

expect_no_plaintext()
{
	expect_range "ESP frames in the capture" "$(wire esp)" 1 1000000
	expect_wire "plaintext frames on the wire" 0 "$PLAINTEXT"
}
