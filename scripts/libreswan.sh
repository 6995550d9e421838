#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provide libreswan, and print the directory it is in. Its package conflicts with
# strongSwan's, so it is unpacked into the cache and not installed; what it needs of
# libraries is in prerequisites.sh. Concurrent calls are safe.

set -euo pipefail

dir=$("$(dirname "${BASH_SOURCE[0]}")/cache.sh")/libreswan
tmp=$dir.tmp

download() { (cd "$tmp" && apt-get -q -o APT::Sandbox::User=root download libreswan >&2); }

die() { echo "libreswan.sh: $*" >&2; exit 1; }

if [ ! -e "$dir/ok" ]; then
	mkdir -p "${dir%/*}"
	exec {lock}>"$dir.lock"
	flock "$lock"
fi
if [ ! -e "$dir/ok" ]; then
	rm -rf "$dir" "$tmp"
	mkdir "$tmp"
	# Where the lists of packages are old or not there, with new ones.
	download || { apt-get -q update >&2 && download; } ||
		die "cannot download the package libreswan; see what apt-get says above"
	echo "libreswan.sh: unpacking $(basename "$tmp"/*.deb) into $dir" >&2
	dpkg-deb -x "$tmp"/*.deb "$dir"
	rm -rf "$tmp"
	touch "$dir/ok"
fi
echo "$dir"
