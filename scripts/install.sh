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
lib=$destdir$prefix/lib/xfrm-xdp
updates=$destdir/lib/modules/$release/updates

index()
{
	# For somebody else's root, who makes the package runs depmod.
	[ -n "$destdir" ] || depmod "$release"
}

if [ -n "$remove" ]; then
	if [ -z "$destdir" ] && [ -d /sys/module/xfrm_xdp ]; then
		echo "note: the module is loaded and stays so until 'rmmod xfrm_xdp'" >&2
	fi
	rm -f "$bin/xfrm-xdp" "$updates/xfrm_xdp.ko"
	rm -rf "$lib"
	index
	exit
fi

if ! mkdir -p "$bin" "$lib" "$updates" 2>/dev/null || [ ! -w "$updates" ]; then
	echo "error: cannot write below $destdir/: run 'make install' as root, or name a DESTDIR" >&2
	exit 1
fi
install -m 755 build/bin/xfrm-xdp "$bin/"
install -m 644 build/bpf/*.bpf.o "$lib/"
install -m 644 "build/$release/module/xfrm_xdp.ko" "$updates/"
index
echo "installed for kernel $release: $updates/xfrm_xdp.ko, $bin/xfrm-xdp, $lib/"
