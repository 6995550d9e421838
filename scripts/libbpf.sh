#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provide what the kernel source has and the distribution's packages have too old
# or not at all, and print the directory it is in:
#
#   include/bpf/*.h, lib/libbpf.a      libbpf, to be linked statically
#   include/linux/bpf.h, btf.h         the uapi headers of the same age
#   bin/bpftool                        without disassembler: small, quick to start
#   scripts/checkpatch.pl, kernel-doc  the kernel's own style checks
#
# Built from linux-source-6.12 into the cache, by a hash of what made it.
# Everything that is not the answer goes to stderr. Concurrent calls are safe.

set -euo pipefail

cache=$("$(dirname "${BASH_SOURCE[0]}")/cache.sh")
source=/usr/src/linux-source-6.12.tar.xz

die() { echo "libbpf.sh: $*" >&2; exit 1; }

# build DIR
build()
{
	local dir=$1 src=$1/src top=linux-source-6.12 bpftool jobs

	jobs=$(nproc)
	rm -rf "$dir"
	mkdir -p "$src" "$dir/bin" "$dir/obj/libbpf" "$dir/obj/bpftool"
	tar -xf "$source" -C "$src" --strip-components=1 \
		$top/tools/{arch/x86,build,include,lib,scripts,bpf/bpftool} \
		$top/kernel/bpf/disasm.{c,h} \
		$top/scripts/{bpf_doc.py,checkpatch.pl,const_structs.checkpatch,spelling.txt,kernel-doc}

	make -C "$src/tools/lib/bpf" -j"$jobs" BUILD_STATIC_ONLY=y OUTPUT="$dir/obj/libbpf/" \
		DESTDIR="$dir" prefix= libdir=/lib install
	rm -f "$dir"/lib/libbpf.so*
	# The distribution's are older than this libbpf.
	mkdir -p "$dir/include/linux"
	cp "$src"/tools/include/uapi/linux/{bpf,bpf_common,btf}.h "$dir/include/linux/"

	# No libLLVM, libbfd, libcap: they cost a second to start under emulation.
	bpftool=(feature-llvm=0 feature-libbfd=0 feature-libbfd-liberty=0
		 feature-libbfd-liberty-z=0 feature-libcap=0 feature-clang-bpf-co-re=0)
	make -C "$src/tools/bpf/bpftool" -j"$jobs" OUTPUT="$dir/obj/bpftool/" "${bpftool[@]}"
	install -s "$dir/obj/bpftool/bpftool" "$dir/bin/bpftool"

	cp -r "$src/scripts" "$dir/scripts"
	rm -rf "$src" "$dir/obj"
}

[ -e "$source" ] || die "$source is missing; run 'make prerequisites' as root"
hash=$( { stat -L -c '%s %Y' "$source"; gcc -dumpfullversion; declare -f build; } |
	sha256sum | cut -c1-16)
dir=$cache/tools-$hash

if [ ! -e "$dir/ok" ]; then
	mkdir -p "$cache"
	exec {lock}>"$dir.lock"
	flock "$lock"
	if [ ! -e "$dir/ok" ]; then
		echo "libbpf.sh: building libbpf and bpftool in $dir (once; about a minute)" >&2
		# A child of its own, for set -e to work in build.
		bash -euo pipefail -c "$(declare -f build); source=$source; build \"\$1\"" build "$dir" \
			>"$dir.log" 2>&1 {lock}>&- || {
			tail -n 20 "$dir.log" >&2
			die "libbpf or bpftool did not build; the whole log is $dir.log"
		}
		touch "$dir/ok"
	fi
fi
echo "$dir"
