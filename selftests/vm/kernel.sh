#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provide a test kernel and say where it is:
#
#   kernel.sh stock|debug|running|PATH
#
#   stock   the newest Debian 6.12 cloud kernel whose headers are installed
#   debug   built from linux-source-6.12 with debug.config, cached outside the
#           checkout by a hash of everything that went into it
#   running the kernel of this machine, to install for (not to boot)
#   PATH    a kernel build tree, for kernels of your own
#
# as shell assignments:
#
#   KERNEL    the bzImage
#   MODULES   its /lib/modules/RELEASE, or - if it has all it needs built in
#   KBUILD    what modules are built against
#   RELEASE   uname -r
#   NAME      of its own among kernels, and good for a directory
#
# Everything that is not the answer goes to stderr. Concurrent calls are safe.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$("$here/../../scripts/cache.sh")

die() { echo "kernel.sh: $*" >&2; exit 1; }

# answer KERNEL MODULES KBUILD NAME
answer()
{
	[ -e "$3/include/config/kernel.release" ] ||
		die "$3 is not configured and built: no include/config/kernel.release"
	printf 'KERNEL=%q MODULES=%q KBUILD=%q RELEASE=%q NAME=%q\n' \
		"$1" "$2" "$3" "$(<"$3/include/config/kernel.release")" "$4"
}

# lock NAME: until the end of this process, nobody else makes NAME.
lock()
{
	mkdir -p "$cache"
	exec {lock_fd}>"$cache/$1.lock"
	flock -n "$lock_fd" && return
	echo "kernel.sh: waiting for another kernel.sh that makes $1" >&2
	flock "$lock_fd"
}

stock()
{
	local headers version dir

	headers=$(find /usr/src -maxdepth 1 -name 'linux-headers-6.12.*-cloud-amd64' |
		  sort -V | tail -n 1)
	[ -n "$headers" ] ||
		die "no headers of a 6.12 cloud kernel in /usr/src; run 'scripts/prerequisites.sh all' as root"
	version=${headers##*/linux-headers-}

	# Debian's headers depend on the image, so it is usually there. If not,
	# it is unpacked into the cache, never installed: a test must not
	# change what this machine boots next.
	dir=
	if [ ! -r "/boot/vmlinuz-$version" ] || [ ! -e "/lib/modules/$version/modules.dep" ]; then
		dir=$cache/stock-$version
		if [ ! -e "$dir/ok" ]; then
			lock "stock-$version"
			[ -e "$dir/ok" ] || fetch_image "$version" "$dir"
		fi
	fi
	answer "$dir/boot/vmlinuz-$version" "$dir/lib/modules/$version" "$headers" "$version"
}

# fetch_image VERSION DIR: unpack the kernel image package below DIR.
fetch_image()
{
	local version=$1 dir=$2 pkg tmp=$2.tmp

	rm -rf "$dir" "$tmp"
	mkdir -p "$dir" "$tmp"
	for pkg in "linux-image-$version" "linux-image-$version-unsigned"; do
		if (cd "$tmp" && apt-get -q -o APT::Sandbox::User=root download "$pkg" >&2); then
			break
		fi
	done
	set -- "$tmp"/*.deb
	[ -e "$1" ] || die "cannot download linux-image-$version; run 'apt-get update' and try again"
	echo "kernel.sh: unpacking ${1##*/} into $dir" >&2
	dpkg-deb -x "$1" "$dir"
	rm -rf "$tmp"
	# Debian 12 has a merged /usr; the package may ship either.
	[ -d "$dir/lib" ] || ln -s usr/lib "$dir/lib"
	depmod -b "$dir" "$version"
	touch "$dir/ok"
}

debug()
{
	local source hash dir release

	source=/usr/src/linux-source-6.12.tar.xz
	[ -e "$source" ] || die "$source is missing; run 'scripts/prerequisites.sh all' as root"
	hash=$( { dpkg-query -W linux-source-6.12 gcc pahole; cat "$here/debug.config";
		  declare -f build_debug; } | sha256sum | cut -c1-16)
	dir=$cache/debug-$hash
	if [ ! -e "$dir/ok" ]; then
		lock "debug-$hash"
		echo "kernel.sh: building the debug kernel in $dir (once; some 15 minutes on 2 cores)" >&2
		[ -e "$dir/ok" ] || build_debug "$source" "$dir" >&2 ||
			die "the debug kernel did not build; the log is $dir/log"
	fi
	release=$(<"$dir/build/include/config/kernel.release")
	answer "$dir/build/arch/x86/boot/bzImage" "$dir/lib/modules/$release" "$dir/build" "debug-$hash"
}

running()
{
	local release

	release=$(uname -r)
	[ -e "/lib/modules/$release/build/Makefile" ] ||
		die "no headers of the running kernel in /lib/modules/$release/build; install linux-headers-$release"
	answer "/boot/vmlinuz-$release" "/lib/modules/$release" "/lib/modules/$release/build" "$release"
}

# shellcheck disable=SC2086  # one line for all that is missing
build_debug()
{
	local source=$1 dir=$2 missing

	rm -rf "$dir"
	mkdir -p "$dir/build" "$dir/src"
	tar -xf "$source" -C "$dir/src" --strip-components=1
	make -C "$dir/src" O="$dir/build" allnoconfig >"$dir/log" 2>&1 || return 1
	"$dir/src/scripts/kconfig/merge_config.sh" -m -O "$dir/build" \
		"$dir/build/.config" "$here/debug.config" >>"$dir/log" 2>&1 || return 1
	make -C "$dir/src" O="$dir/build" olddefconfig >>"$dir/log" 2>&1 || return 1
	missing=$(grep '^CONFIG_' "$here/debug.config" | grep -vxFf "$dir/build/.config" || true)
	if [ -n "$missing" ]; then
		echo "debug.config asks for what Kconfig does not give:" $missing
		return 1
	fi
	make -C "$dir/src" O="$dir/build" -j"$(nproc)" bzImage modules >>"$dir/log" 2>&1 || return 1
	make -C "$dir/src" O="$dir/build" INSTALL_MOD_PATH="$dir" modules_install \
		>>"$dir/log" 2>&1 || return 1
	find "$dir/build" -name '*.o' ! -path '*/scripts/*' ! -path '*/tools/*' -delete
	touch "$dir/ok"
}

case ${1:-} in
stock|debug|running)
	"$1" ;;
'')
	die "usage: kernel.sh stock|debug|running|PATH" ;;
*)
	[ -e "$1/arch/x86/boot/bzImage" ] || die "$1 is not a built kernel tree (no arch/x86/boot/bzImage)"
	tree=$(realpath "$1")
	answer "$tree/arch/x86/boot/bzImage" - "$tree" \
		"$(basename "$tree")-$(sha256sum <<<"$tree" | cut -c1-8)" ;;
esac
