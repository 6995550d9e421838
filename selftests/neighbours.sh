#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Next hops by real ARP and neighbour discovery: one that is not resolved, that changes its
# MAC address, that dies and comes back; and a flood that would fill the neighbour table of the host.
# The plain kernel does the same beside it.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#    ^ no permanent neighbours of GW1 on this side

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MAC_A_NEW=02:00:00:00:0a:99
TABLE=/proc/sys/net/ipv4/neigh/default
SWEPT=300	# addresses of an on-link subnet that nobody has
LIMIT=128	# entries of the neighbour table

# fast_timers: what takes the neighbour state machine minutes takes it a second
fast_timers()
{
	local v

	for v in 4 6; do
		agent sysctl "ns=$GW1" "net.ipv$v.neigh.lan.base_reachable_time_ms=300" \
			"net.ipv$v.neigh.lan.delay_first_probe_time=1" \
			"net.ipv$v.neigh.lan.retrans_time_ms=100"
	done
}

forget_neighbours() { configure "$GW1" "neigh flush dev lan nud all"; }

# learned FAMILY: B's flow to A is on the fast path of GW1; a stream BACK is under way
learned()
{
	local a=A$1 b=B$1

	agent clear name=A
	stream BACK "$HB" "${!b}" "${!a}"
	mark "$GW1"
	wait_for 15 counter_at_least "$GW1" ForwardDone 20 ||
		wrong "traffic is not on the fast path"
}

# arrived N: a condition for wait_for
arrived()
{
	agent got name=A timeout=0
	[ "${R[n]}" -ge "$1" ]
}

# goes_on: both more datagrams and more of the fast path than now
goes_on()
{
	agent got name=A timeout=0
	wait_for 15 arrived $((R[n] + 20)) || wrong "nothing arrives any more"
	mark "$GW1"
	wait_for 15 counter_at_least "$GW1" ForwardDone 20 ||
		wrong "traffic is not on the fast path any more"
}

neighbour() { ip -n "$GW1" -"$1" neigh show dev lan to "$2"; }

not_resolved()
{
	local family=$1 a=A$1 b=B$1

	test_begin "IPv$family: a flow is learned when its next hop has been resolved, not before"
	sa_setup "outer=$family"
	agent clear name=A
	forget_neighbours
	mark "$GW1" "$GW2"
	burst "$HB" "${!b}" "${!a}" 4000 5001 1
	expect_got A 1
	# The SA; the packet was still waiting for the address of its next hop.
	expect_counts "$GW1" FlowLearned=1 LearnNeigh=1 ForwardDone=0
	burst "$HB" "${!b}" "${!a}" 4000 5001 1 first=1
	expect_got A 2
	expect_counts "$GW1" FlowLearned=2 LearnNeigh=1 ForwardDone=0
	burst "$HB" "${!b}" "${!a}" 4000 5001 5 first=2
	expect_got A 7
	expect_counts "$GW1" ForwardDone=5 LearnNeigh=1
	expect_no_errors "$GW1" "$GW2"
	test_end
}

changed_address()
{
	local family=$1 a=A$1

	test_begin "IPv$family: a next hop changes its MAC address without a word"
	learned "$family"
	configure "$HA" "link set eth0 address $MAC_A_NEW"
	goes_on
	expect_match "neighbour" "$(neighbour "$family" "${!a}")" "$MAC_A_NEW"
	configure "$HA" "link set eth0 address $MAC_A"
	goes_on
	agent unstream name=BACK
	test_end
}

has_failed() { [[ $(neighbour "$1" "$2") =~ (FAILED|INCOMPLETE|^$) ]]; }

dead_and_back()
{
	local family=$1 a=A$1 done_then

	test_begin "IPv$family: a next hop dies, and comes back"
	learned "$family"
	configure "$HA" "link set eth0 arp off"
	wait_for 15 has_failed "$family" "${!a}" || wrong "still $(neighbour "$family" "${!a}")"
	mark "$GW1"
	wait_for 15 counter_at_least "$GW1" PuntNeigh 20 || wrong "nothing is left to the stack"
	counters "$GW1"
	done_then=$(since "$GW1" ForwardDone)
	expect_range "forwarded to a dead next hop" "$done_then" 0 2
	configure "$HA" "link set eth0 arp on" "addr replace $A6/64 dev eth0 nodad" \
		"addr replace fe80::2/64 dev eth0 nodad" \
		"$(neigh eth0 $GW1_LAN4 $GW1_LAN6 $MAC_GW1_LAN)" "route replace default via $GW1_LAN6"
	goes_on
	agent unstream name=BACK
	test_end
}

# overflows: how often the table was full, on all CPUs
overflows()
{
	local fields sum=0

	while read -ra fields; do
		[ "${fields[0]}" = entries ] || sum=$((sum + 16#${fields[12]}))
	done </proc/net/stat/arp_cache
	echo $sum
}

# few_asked: the kernel has given up most of the addresses that it asked for
few_asked() { [ "$(ip -n "$GW1" -4 neigh show dev lan nud incomplete | wc -l)" -le 20 ]; }

# swept: B sends one packet to each of the addresses, as fast as they are given up
swept()
{
	local before i

	before=$(overflows)
	for ((i = 1; i <= SWEPT; i += 20)); do
		agent sweep "ns=$HB" src="$B4" first="10.99.$((i / 250)).$((i % 250 + 2))" n=20
		wait_for 10 few_asked || wrong "GW1 does not give up"
	done
	expect "times that the table was full" $(($(overflows) - before)) 0
	# Another namespace of the host wants an entry that it has not had before.
	expect_ok "resolving elsewhere" in_ns "$GW2" ping -q -c 1 -W 5 203.0.113.77
	configure "$GW2" "neigh del 203.0.113.77 dev lan"
}

flood()
{
	local loc="tmpl src $GW2_4 dst $GW1_4 proto esp reqid 1 mode tunnel" name

	test_begin "one packet to each of $SWEPT addresses that nobody has fills no table"
	sa_setup
	configure "$GW1" "addr add 10.99.0.1/20 dev lan" \
		"xfrm policy add src $NET_B4 dst 10.99.0.0/20 dir fwd priority 1000 $loc"
	configure "$GW2" "route add 10.99.0.0/20 via $GW1_4" \
		"xfrm policy add src $NET_B4 dst 10.99.0.0/20 dir out priority 1000 $loc"
	configure "$HB" "addr add 203.0.113.77/24 dev eth0"
	for name in gc_thresh1 gc_thresh2 gc_thresh3; do
		at_exit "write_to $TABLE/$name $(cat $TABLE/$name)"
	done
	echo 8 >$TABLE/gc_thresh1
	echo 16 >$TABLE/gc_thresh2
	echo $LIMIT >$TABLE/gc_thresh3
	detach
	swept
	attach
	# The SA.
	mark "$GW1"
	burst "$HB" "$B4" "$A4" 4000 5001 1
	wait_for 5 counter_at_least "$GW1" FlowLearned 1
	mark "$GW1"
	swept
	counters "$GW1"
	expect_range "packets decrypted in XDP" "$(since "$GW1" Decrypted)" $SWEPT $SWEPT
	expect_range "not learned, for want of a next hop" "$(since "$GW1" LearnNeigh)" $((SWEPT * 9 / 10)) $SWEPT
	expect_count "$GW1" ForwardDone 0
	test_end
}

# shellcheck disable=SC2317  # called at the exit
write_to() { echo "$2" >"$1"; }

plan 7
needs ping:iputils-ping
setup
sa_setup
fast_timers
# Neighbour discovery speaks by link-local addresses, which the topology has not.
configure "$GW1" "addr add fe80::1/64 dev lan nodad"
configure "$HA" "addr add fe80::2/64 dev eth0 nodad"
attach
for family in 4 6; do
	not_resolved $family
	changed_address $family
	dead_and_back $family
done
flood
