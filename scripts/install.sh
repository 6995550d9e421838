#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# install.sh DESTDIR PREFIX: install what was built for the running kernel;
# install.sh --remove DESTDIR PREFIX: and remove it. Called by the Makefile.

set -euo pipefail

remove=
[ "${1:-}" != --remove ] || { remove=1; shift; }
destdir=$1 prefix=$2
cd "$(dirname "${BASH_SOURCE[0]}")/.."

release=$(uname -r)
bin=$destdir$prefix/bin
updates=$destdir/lib/modules/$release/updates

# index RELEASE
index()
{
	# For somebody else's root, who makes the package runs depmod.
	[ -n "$destdir" ] || depmod "$1"
}

# remove_all: of every kernel that it was installed for
remove_all()
{
	local ko

	if [ -z "$destdir" ] && [ -d /sys/fs/bpf/xfrm-xdp ]; then
		echo "error: it is attached, and only $bin/xfrm-xdp can detach it: run 'xfrm-xdp status' and 'xfrm-xdp detach' first" >&2
		exit 1
	fi
	for ko in "$destdir"/lib/modules/*/updates/xfrm_xdp.ko; do
		[ -e "$ko" ] || continue
		rm "$ko"
		ko=${ko#"$destdir/lib/modules/"}
		index "${ko%%/*}"
	done
	rm -f "$bin/xfrm-xdp"
	if [ -z "$destdir" ] && [ -d /sys/module/xfrm_xdp ]; then
		echo "note: the module is loaded and stays so until 'rmmod xfrm_xdp'" >&2
	fi
}

if [ -n "$remove" ]; then
	remove_all
	exit
fi

if ! mkdir -p "$bin" "$updates" 2>/dev/null || [ ! -w "$updates" ]; then
	echo "error: cannot write below $destdir/: run 'make install' as root, or name a DESTDIR" >&2
	exit 1
fi
install -m 755 build/bin/xfrm-xdp "$bin/"
install -m 644 "build/$release/module/xfrm_xdp.ko" "$updates/"
index "$release"
echo "installed for kernel $release: $updates/xfrm_xdp.ko, $bin/xfrm-xdp"
