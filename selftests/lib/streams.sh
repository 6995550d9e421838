# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Steady traffic in both directions, for tests in which something else goes on: OUT from
# HA to sink B, BACK from HB to sink A.

streams_are_fast()
{
	counter_at_least "$GW1" Encrypted 20 && counter_at_least "$GW1" ForwardDone 20
}

# streams_start: streams both ways, both on the fast path when it returns
streams_start()
{
	agent clear name=A
	agent clear name=B
	stream OUT "$HA" "$A4" "$B4"
	stream BACK "$HB" "$B4" "$A4"
	streams_fast
}

streams_fast()
{
	mark "$GW1"
	wait_for 15 streams_are_fast || wrong "traffic is not on the fast path"
}

# streams_stop: ends the streams; STREAMED[] says what they sent
declare -A STREAMED=()
streams_stop()
{
	local name

	for name in OUT BACK; do
		agent unstream name=$name
		# shellcheck disable=SC2034  # for the tests
		STREAMED[$name]=${R[sent]}
	done
}

streams_sent()
{
	agent streaming name=OUT
	[ "${R[sent]}" -ge "$1" ]
}

# streams_run N: until N more datagrams were sent
streams_run()
{
	agent streaming name=OUT
	wait_for 30 streams_sent $((R[sent] + $1)) || wrong "the stream stopped"
}
