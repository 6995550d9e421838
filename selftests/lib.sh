# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What every test sources, first thing. A test is: setup, plan N, N tests. Its
# namespaces, processes, pins and files go when it ends, however it ends.

set -u
export LC_ALL=C

LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")/lib" && pwd -P)
TMP=$(mktemp -d "${TMPDIR:-/tmp}/xfrm-xdp-test.XXXXXX")

# shellcheck source=lib/ktap.sh
. "$LIB/ktap.sh"
# shellcheck source=lib/wait.sh
. "$LIB/wait.sh"
# shellcheck source=lib/agent.sh
. "$LIB/agent.sh"
# shellcheck source=lib/topology.sh
. "$LIB/topology.sh"
# shellcheck source=lib/sa.sh
. "$LIB/sa.sh"
# shellcheck source=lib/fastpath.sh
. "$LIB/fastpath.sh"
# shellcheck source=lib/transform.sh
. "$LIB/transform.sh"
# shellcheck source=lib/streams.sh
. "$LIB/streams.sh"
# shellcheck source=lib/capture.sh
. "$LIB/capture.sh"
# shellcheck source=lib/faults.sh
. "$LIB/faults.sh"

# needs NAME[:PACKAGE]…: a missing tool is a failure that says what to install.
needs()
{
	local tool

	for tool; do
		command -v "${tool%%:*}" >/dev/null ||
			bail "${tool%%:*} is missing; install it: apt-get install ${tool##*:}"
	done
}

CLEANUPS=()
# at_exit CMD…: run when the test ends, before the namespaces go
at_exit() { CLEANUPS+=("$*"); }

# shellcheck disable=SC2317  # called by the trap
cleanup()
{
	local rc=$? cmd IFS=$' \t\n'	# that of whom a signal has stopped may be another

	trap '' INT TERM HUP
	for cmd in "${CLEANUPS[@]}"; do
		$cmd
	done
	capture_stop
	plaintext_judge
	agent_stop
	detach_quietly
	topology_delete
	[ ! -d "$PARAMS" ] || flow_times 1000 30000	# the defaults
	rm -rf "$TMP"
	ktap_finish "$rc"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# setup: what a test with the usual topology needs
setup()
{
	[ "$(id -u)" -eq 0 ] || bail "run as root"
	needs ip:iproute2 nsenter:util-linux ethtool tcpdump python3:python3-minimal modprobe:kmod
	command -v "$CLI" >/dev/null ||
		bail "$CLI is missing; build it: make, then put build/bin into PATH"
	agent_start
	topology
	agent sink name=A "ns=$HA" port=5001
	agent sink name=B "ns=$HB" port=5001
	[ -z "${XFRM_XDP_WATCH:-}" ] || plaintext_watch
}
