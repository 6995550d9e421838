#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What can be said about the sources without running them, in TAP. Whatever a
# check has to say comes before its line, as comments.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
tools=$(scripts/libbpf.sh) || exit 1

if [ -e .git ]; then
	mapfile -t files < <(git ls-files -co --exclude-standard | sort)
else
	mapfile -t files < <(find . -path ./build -prune -o -path ./out -prune -o -type f -print |
			     sed 's|^\./||' | sort)
fi

# those PATTERN...: the files that match one of these globs, one per line.
those()
{
	local file pattern

	for file in "${files[@]}"; do
		[ -e "$file" ] || continue
		for pattern; do
			# shellcheck disable=SC2053  # a pattern it is
			if [[ $file == $pattern ]]; then
				echo "$file"
				break
			fi
		done
	done
}

scripts_shellcheck()
{
	local found

	mapfile -t found < <(those '*' | xargs -d '\n' grep -lE -m 1 '^(#!.*[/ ](ba)?sh|# shellcheck shell=)')
	shellcheck -x -P SCRIPTDIR "${found[@]}"
}

# The BPF and module sources are kernel style: checkpatch's, not clang-format's.
cxx_format()
{
	local file bad=0

	while IFS= read -r file; do
		clang-format-14 --dry-run -Werror "$file" 2>/dev/null && continue
		echo "$file: run clang-format-14 -i"
		bad=1
	done < <(those 'userspace/*.?pp' 'selftests/*.?pp')
	return $bad
}

# checkpatch IGNORED FILE...: checkpatch without the types that are IGNORED here.
checkpatch()
{
	local ignored=$1 out

	shift
	# --no-tree: there is none.
	out=$("$tools/scripts/checkpatch.pl" --no-tree --strict --terse --show-types \
		--max-line-length=100 --ignore "$ignored" -f "$@" 2>&1) && return
	grep -v '^total: ' <<<"$out"
	return 1
}

kernel_style()
{
	local bad=0 kernel bpf
	# Lists of reasons and the like, each line of them taken apart by X().
	local lists=COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_UNUSED
	# kfuncs are declared by extern, constants of the loader are volatile,
	# and there are no kernel headers.
	local foreign=AVOID_EXTERNS,VOLATILE,PREFER_DEFINED_ATTRIBUTE_MACRO

	# Nothing that follows TRACE_EVENT() can please it.
	mapfile -t kernel < <(those 'kernel/*.[ch]' 'selftests/vm/*.[ch]' 'selftests/bench/module/*.[ch]' | grep -v '_trace\.h$')
	mapfile -t bpf < <(those 'bpf/*.[ch]' 'selftests/*.bpf.[ch]')
	checkpatch "$lists" "${kernel[@]}" || bad=1
	checkpatch "$lists,$foreign" "${bpf[@]}" || bad=1
	return $bad
}

kernel_doc()
{
	those 'kernel/*.[ch]' 'selftests/bench/module/*.[ch]' | xargs -d '\n' -r "$tools/scripts/kernel-doc" -none -Werror
}

spdx()
{
	local file bad=0

	while IFS= read -r file; do
		case $file in
		LICENSES/*|Documentation/bench/*|*.png|*.svg|*.pcap|*.patch|*.json) continue ;;
		esac
		[ -s "$file" ] || continue
		sed 3q "$file" | grep -q 'SPDX-License-Identifier: ' && continue
		echo "$file: no SPDX-License-Identifier in the first three lines"
		bad=1
	done < <(those '*')
	return $bad
}

file_length()
{
	those '*' | grep -vE '^LICENSES/|\.(patch|json|svg|png|pcap)$' | xargs -d '\n' wc -l |
		awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines, more than 600"; bad = 1 }
		     END { exit bad }'
}

module_warnings()
{
	make -s lint-module
}

# All modules of a host share 8 KiB of it (PERCPU_MODULE_RESERVE).
static_percpu()
{
	local module bytes

	make -s module || return
	for module in build/*/module/xfrm_xdp.ko; do
		bytes=$((16#$(objdump -h "$module" | awk '$2 == ".data..percpu" { print $3 }')))
		[ "$bytes" -gt 0 ] && [ "$bytes" -le 512 ] && continue
		echo "$module: $bytes bytes of static per-CPU memory, 1 to 512 are expected"
		return 1
	done
}

support_matrix()
{
	make -s check-matrix
}

number=0 failed=0

# check LABEL COMMAND: one test.
check()
{
	local out

	number=$((number + 1))
	if out=$("$2" 2>&1); then
		echo "ok $number $1"
	else
		echo "# ${out//$'\n'/$'\n'# }"
		echo "not ok $number $1"
		failed=$((failed + 1))
	fi
}

echo 'TAP version 13'
check 'scripts pass shellcheck' scripts_shellcheck
check 'C++ is formatted as .clang-format says' cxx_format
check 'kernel and BPF C pass checkpatch --strict' kernel_style
check 'kernel-doc comments are right' kernel_doc
check 'every file has an SPDX line' spdx
check 'no file is longer than 600 lines' file_length
check 'the modules give no warning with W=1 and sparse' module_warnings
check 'the module takes little static per-CPU memory' static_percpu
check 'the support matrix is what the oracle tests' support_matrix
echo "1..$number"
[ "$failed" -eq 0 ]
