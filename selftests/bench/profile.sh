# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the instructions of the fast path are: perf with the clock as its event, which is
# exact where the clock is instructions. report.py makes a table of it.

# Instructions between two samples. All packets take the same, so that a period meets the same
# few places again and again; many of them meet all.
PERIODS=$(seq 200003 12347 400000)

# perf_record FILE CMD…: samples of all that runs while CMD does
perf_record()
{
	local file=$1 pid period
	local -a events=()

	shift
	for period in $PERIODS; do
		events+=(-e "cpu-clock/period=$period/")
	done
	# Of what runs only the names are needed, of build IDs no more than the kernel's.
	mkfifo "$TMP/perf.do" "$TMP/perf.done"
	perf record -q -N --synth=task -o "$file" "${events[@]}" -C 0 -D -1 \
		--control "fifo:$TMP/perf.do,$TMP/perf.done" >"$TMP/perf.log" 2>&1 &
	pid=$!
	exec {PERF_DO}>"$TMP/perf.do" {PERF_DONE}<"$TMP/perf.done"
	echo enable >&"$PERF_DO"
	read -ru "$PERF_DONE" _ || bail "perf does not start: $(tail -n 1 "$TMP/perf.log")"
	"$@"
	echo stop >&"$PERF_DO"
	wait "$pid"
	exec {PERF_DO}>&- {PERF_DONE}<&-
	rm "$TMP/perf.do" "$TMP/perf.done"
}

# text_of_module: where it is in memory, for those who look for what is inline
text_of_module()
{
	local start end

	read -r start </sys/module/xfrm_xdp/sections/.text
	end=$(awk '$4 == "[xfrm_xdp]" && $2 ~ /[tT]/ && $1 > end { end = $1 } END { print end }' /proc/kallsyms)
	echo "text $start 0x$end"
}

# profiled PATH SIZE: how many samples each instruction has, and the function it is in
profiled()
{
	local file=profile.$1.$DIRECTION.$CIPHER.$TRANSFORM.$2

	generate "$2" "$LEARN"
	perf_record "$TMP/perf.data" generate "$2" "$PROFILE_PACKETS"
	text_of_module >"$OUT/$file"
	perf script -i "$TMP/perf.data" --comms kpktgend_0 -F ip,sym >"$TMP/perf.script" \
		2>"$TMP/perf.log" || bail "perf script: $(tail -n 1 "$TMP/perf.log")"
	sort "$TMP/perf.script" | uniq -c >>"$OUT/$file"
}

# is_profiled: by the transform that this is about?
is_profiled() { [[ " none $PROFILE_TRANSFORMS " == *" $TRANSFORM "* ]]; }

profile_baseline()
{
	local size

	is_profiled || return 0
	drop xdp "ns=$GW1" "dev=$IN"
	for size in $PROFILE_SIZES; do
		profiled baseline-xdp "$size"
	done
	agent xdp_off "ns=$GW1" "dev=$IN"
}

profile_fast()
{
	local size

	is_profiled || return 0
	sink xdp
	for size in $PROFILE_SIZES; do
		profiled "$(fast_path)" "$size"
	done
	sink_off
}

# profile encrypt|decrypt
profile()
{
	direction "$1"
	test_begin "profile: $DIRECTION, $PROFILE_SIZES B"
	# The rate that the kernel allows is for machines whose clock is not their instructions.
	must sysctl -qw kernel.perf_event_max_sample_rate=100000
	must sysctl -qw kernel.perf_cpu_time_max_percent=0
	far_fast_on
	if [ "$DIRECTION" = encrypt ]; then
		profile_baseline
	else
		each_transform profile_baseline gcm128
	fi
	fast_path_on
	each_transform profile_fast gcm128
	detach
	far_fast_off
	test_end
}
