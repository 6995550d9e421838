#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make install and uninstall, on a machine that runs a kernel 6.12. TAP.

set -u

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
number=0 failed=0
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT

# check LABEL CMD...
check()
{
	local label=$1 out rc=0

	shift
	number=$((number + 1))
	out=$("$@" 2>&1) || rc=$?
	if [ "$rc" -eq 0 ]; then
		echo "ok $number install: $label"
	else
		printf '# %s\n' "${out//$'\n'/; }"
		echo "not ok $number install: $label"
		failed=$((failed + 1))
	fi
}

files() { (cd "$dest" && find . -type f | sort | tr '\n' ' '); }
holds() { [ "$(files)" = "$1" ] || { echo "it holds: $(files)"; return 1; }; }
# fails PATTERN CMD...: and says so
fails()
{
	local pattern=$1 out

	shift
	out=$("$@" 2>&1) && { echo "it did not fail"; return 1; }
	grep -qE "$pattern" <<<"$out" || { echo "it said: $out"; return 1; }
}

module=./lib/modules/$(uname -r)/updates/xfrm_xdp.ko
echo 'TAP version 13'
check 'for the running kernel' make -s install DESTDIR="$dest" PREFIX=/usr
check 'module and command are there, and nothing else' holds "$module ./usr/bin/xfrm-xdp "
check 'the command runs' "$dest/usr/bin/xfrm-xdp" --version
modprobe -a esp4 esp6 veth
check 'the module loads' insmod "$dest/$module"
ip link add xx0 type veth peer name xx1
check 'the command attaches' "$dest/usr/bin/xfrm-xdp" attach xx0
check 'while attached the machine is not stripped of the command' \
	fails "run 'xfrm-xdp status' and 'xfrm-xdp detach' first" make -s uninstall
check 'it detaches' "$dest/usr/bin/xfrm-xdp" detach
check 'the module goes' rmmod xfrm_xdp
check 'uninstall' make -s uninstall DESTDIR="$dest" PREFIX=/usr
check 'leaves nothing' holds ''
echo "1..$number"
[ "$failed" -eq 0 ]
