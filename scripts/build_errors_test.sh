#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Does a build that cannot succeed say why? TAP.

set -u

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
number=0 failed=0

# refuses LABEL PATTERN CMD...: it fails, and says something like that in one line
refuses()
{
	local label=$1 pattern=$2 out rc=0

	shift 2
	number=$((number + 1))
	out=$("$@" 2>&1 >/dev/null) || rc=$?
	if [ "$rc" -ne 0 ] && grep -qE "$pattern" <<<"$out"; then
		echo "ok $number build: $label"
	else
		printf '# status %s: %s\n' "$rc" "$out"
		echo "not ok $number build: $label"
		failed=$((failed + 1))
	fi
}

# accepts LABEL CMD...
accepts()
{
	local label=$1

	shift
	number=$((number + 1))
	if "$@" >/dev/null 2>&1; then
		echo "ok $number build: $label"
	else
		echo "not ok $number build: $label"
		failed=$((failed + 1))
	fi
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/arch/x86/boot"
touch "$tmp/arch/x86/boot/bzImage"

echo 'TAP version 13'
refuses 'a kernel that is too old' 'kernel 6\.11\.2-amd64 is older than 6\.12' \
	scripts/kernel_supported.sh 6.11.2-amd64
refuses 'one that is much older' 'older than 6\.12' scripts/kernel_supported.sh 6.1.0-9-amd64
accepts 'the oldest that is supported' scripts/kernel_supported.sh 6.12.117+deb12-cloud-amd64
accepts 'and a younger one' scripts/kernel_supported.sh 7.3.4
refuses 'a module without BTF' 'no \.BTF section.*install pahole' scripts/has_btf.sh /bin/true
refuses 'a 32-bit kernel' 'needs a 64-bit kernel' make -s -f kernel/Kbuild CONFIG_64BIT=
refuses 'a kernel that is not there' 'not a built kernel tree' make -s KERNEL="$tmp/none" module
refuses 'a kernel without headers' 'not configured and built' make -s KERNEL="$tmp" module
echo "1..$number"
[ "$failed" -eq 0 ]
