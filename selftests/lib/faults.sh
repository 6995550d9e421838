# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that is not there: failslab and fail_page_alloc of a kernel that has them, for
# the allocations below one function, one module, or the whole network stack only.

FAILSLAB=/sys/kernel/debug/failslab
FAIL_PAGE=/sys/kernel/debug/fail_page_alloc

faults_available() { [ -d $FAILSLAB ] && [ -d $FAIL_PAGE ]; }

# text_of NAME: where a function is in memory, or a module by "[NAME]": RANGE is its
# first address and the one behind its last
RANGE=()
text_of()
{
	local name=$1

	# Addresses have the same length, and compare as text.
	read -ra RANGE < <(awk -v name="$name" '
		$2 !~ /^[tT]$/ { next }
		name ~ /^\[/ {
			if ($4 == name && (!start || $1 < start)) start = $1
			if ($4 == name && $1 > end) end = $1
			next
		}
		{ text[n++] = $1; if ($3 == name) start = $1 }
		END {
			if (name !~ /^\[/)
				for (i = 0; i < n; i++)
					if (text[i] > start && (!end || text[i] < end)) end = text[i]
			print "0x" start, "0x" end
		}' /proc/kallsyms)
	[[ ${RANGE[*]} == 0x?*\ 0x?* ]] || bail "$name is not in /proc/kallsyms"
	# The last function of a module has a length of its own.
	[[ $name != \[* ]] || printf -v 'RANGE[1]' '0x%x' $((RANGE[1] + 4096))
}

fault_set()
{
	local file

	for file in "$FAILSLAB/$1" "$FAIL_PAGE/$1"; do
		[ ! -e "$file" ] || echo "$2" >"$file" || bail "cannot write $2 to $file"
	done
}

# faults_not_below NAME: of no allocation below this function
faults_not_below()
{
	text_of "$1"
	fault_set reject-start "${RANGE[0]}"
	fault_set reject-end "${RANGE[1]}"
	fault_set stacktrace-depth 32
	# Of any size, in any task, without a word.
	fault_set min-order 0
	fault_set task-filter N
	fault_set verbose 0
	fault_set interval 1
	fault_set times -1
}

# What kmemleak needs to keep its books never fails: it would be switched off.
BOOKKEEPER=__alloc_object

# faults_below NAME [EXCEPT]: of a function, or of a module by "[NAME]", but not below
# another
faults_below()
{
	faults_not_below "${2:-$BOOKKEEPER}"
	text_of "$1"
	fault_set require-start "${RANGE[0]}"
	fault_set require-end "${RANGE[1]}"
	fault_set ignore-gfp-wait N
}

# faults_of_packets: of whatever cannot wait for memory below a function of the network
# stack, which the linker has put side by side: it calls the module, the programs and the
# transforms, and they it. Programs and file systems have what they need.
faults_of_packets()
{
	local start end

	faults_not_below $BOOKKEEPER
	text_of sock_alloc_file
	start=${RANGE[0]}
	text_of __noinstr_text_start
	end=${RANGE[0]}
	fault_set require-start "$start"
	fault_set require-end "$end"
	fault_set ignore-gfp-wait Y
}

# faults_in PERCENT: of the allocations; 0 ends it
faults_in() { fault_set probability "$1"; }

# spared CMD…: with memory for all; what is set up for a test is not what is tested
spared()
{
	local rc=0

	[ -n "${XFRM_XDP_FAULTS:-}" ] || { "$@"; return; }
	faults_in 0
	"$@" || rc=$?
	faults_in "$XFRM_XDP_FAULTS"
	return $rc
}

# nth_fails N CMD…: CMD, of whose allocations below that function the Nth fails
nth_fails()
{
	local n=$1

	shift
	# shellcheck disable=SC2016  # for the shell that becomes CMD
	bash -c 'echo "$0" >/proc/self/fail-nth; exec "$@"' "$n" "$@"
}
