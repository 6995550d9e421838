#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Changes reach flows that are on the fast path: a rule, which no generation id
# tells, within the interval of revalidation; security policy, routes, neighbours and
# SAs at once, and never at the price of plaintext.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#     rules and policies      kernel
#          change

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

INTERVAL=1000	# the default of revalidate_ms
SLACK=500	# for the machine, in ms: GW1 is emulated, and nft has to start

# stream_on DIR: a steady flow, on the fast path when this returns
stream_on()
{
	mark "$GW1"
	if [ "$1" = out ]; then
		stream S "$HA" "$A4" "$B4"
		wait_for 10 counter_at_least "$GW1" Encrypted 20 || wrong "the stream never got fast"
	else
		stream S "$HB" "$B4" "$A4"
		wait_for 10 counter_at_least "$GW1" ForwardDone 20 || wrong "the stream never got fast"
	fi
}

streamed_more()
{
	agent streaming name=S
	[ "${R[sent]}" -ge "$1" ]
}

# send_on N: until the stream has sent N more
send_on()
{
	agent streaming name=S
	wait_for 30 streamed_more $((R[sent] + $1)) || wrong "the stream stopped"
}

fresh()
{
	sa_setup
	agent clear name=A
	agent clear name=B
}

# rule_comes RULES, rule_goes RULES: of nft, or of tc where they begin with it
rule_comes()
{
	if [ "${1%% *}" = tc ]; then
		# shellcheck disable=SC2086  # words of a command
		must in_ns "$GW1" $1
	else
		echo "table inet t { chain c { $1; }; }" >"$TMP/rules"
		must in_ns "$GW1" nft -f "$TMP/rules"
	fi
}

rule_goes()
{
	if [ "${1%% *}" = tc ]; then
		expect_match "the rule" "$(in_ns "$GW1" tc -s filter show dev lan ingress)" \
			" [1-9][0-9]* pkt"
		must in_ns "$GW1" tc qdisc del dev lan clsact
	else
		expect_match "the rule" "$(in_ns "$GW1" nft list ruleset)" "counter packets [1-9]"
		must in_ns "$GW1" nft flush ruleset
	fi
}

# rule DIR WHAT RULES: in the end the stack drops what the flow carries
rule()
{
	local dir=$1 sink=B before changed last

	[ "$dir" = out ] || sink=A
	test_begin "$dir: a new rule against $2 ends the flow within $INTERVAL ms"
	fresh
	stream_on "$dir"
	[ "${3%% *}" != tc ] || must in_ns "$GW1" tc qdisc add dev lan clsact
	agent now
	before=${R[ms]}
	rule_comes "$3"
	agent now
	changed=${R[ms]}
	# Some 2.5 s of traffic: well past the interval.
	send_on $((2500 / STREAM_GAP))
	agent got name=$sink timeout=0
	last=${R[last_ms]}
	# On a busy machine it takes nft a while to end, and the rule holds before that.
	expect_range "ms from the rule to the last datagram" $((last - changed)) \
		$((before - changed - SLACK)) $((INTERVAL + SLACK))
	mark "$GW1"
	send_on 20
	expect_counts "$GW1" Encrypted=0 ForwardDone=0

	# And comes back when the rule goes.
	rule_goes "$3"
	mark "$GW1"
	if [ "$dir" = out ]; then
		wait_for 10 counter_at_least "$GW1" Encrypted 20 || wrong "the flow does not come back"
	else
		wait_for 10 counter_at_least "$GW1" ForwardDone 20 || wrong "the flow does not come back"
	fi
	agent unstream name=S
	test_end
}

# The stack takes ESP of an SA from wherever it comes, XDP from its peer alone: what others
# send on for a peer that is shut out does not keep its way open.
sent_on()
{
	local from="ns=$WIRE dev=g1 smac=$MAC_GW2 dmac=$MAC_GW1 dst=$GW1_4 spi=$SPI_BA"
	local seq=1000 begin

	from+=" key=$KEY128$SALT isrc=$B4 idst=$A4 sport=4000 dport=5001"
	test_begin "in: ESP that others send on renews nothing of a peer whom a rule is against"
	fresh
	# shellcheck disable=SC2086  # a word each
	agent esp $from src=$GW2_4 seq=$seq
	agent got name=A n=1
	mark "$GW1"
	# shellcheck disable=SC2086
	agent esp $from src=$GW2_4 seq=$((seq + 1)) first=1
	agent got name=A n=2
	expect_counts "$GW1" Decrypted=1
	rule_comes "type filter hook input priority 0; ip saddr $GW2_4 meta l4proto esp counter drop"
	agent now
	begin=${R[ms]}
	while [ "${R[ms]}" -lt $((begin + INTERVAL + 2 * SLACK)) ]; do
		seq=$((seq + 10))
		# shellcheck disable=SC2086
		agent esp $from src=192.0.2.77 seq=$seq first=$((seq / 10))
		agent got name=A n=$((seq / 10 - 98))
		agent now
	done
	mark "$GW1"
	# shellcheck disable=SC2086
	agent esp $from src=$GW2_4 seq=$((seq + 10)) first=9000 n=3
	wait_for 5 dropped_by_rule 3 || wrong "the rule has not seen them"
	expect_counts "$GW1" Decrypted=0 ForwardDone=0
	must in_ns "$GW1" nft flush ruleset
	test_end
}

dropped_by_rule()
{
	in_ns "$GW1" nft list ruleset | grep -q "counter packets $1 "
}

# hook_id NAME: the BTF id of a hook of the security modules; nothing where BPF has none
hook_id()
{
	bpftool btf dump file /sys/kernel/btf/vmlinux |
		sed -n "s/^\\[\\([0-9]*\\)\\] FUNC 'bpf_lsm_$1' .*/\\1/p"
}

# Any gateway's policies, so that only what GW1 sends tells; it is GW1 that refuses first.
security_module()
{
	local what="out: a security module that says no ends the flow within $INTERVAL ms" id

	id=$(hook_id xfrm_policy_lookup)
	[ -n "$id" ] || { test_skip "$what" "the kernel has no BPF LSM"; return; }
	test_begin "$what"
	fresh
	stream_on out
	agent lsm_deny "hook=$id"
	send_on $(((INTERVAL + SLACK) / STREAM_GAP))
	mark "$GW1"
	send_on 20
	expect_counts "$GW1" Encrypted=0
	expect_range "refused" "$(since "$GW1" XfrmOutPolError)" 20 1000
	agent xdp_off dev=lsm
	mark "$GW1"
	wait_for 10 counter_at_least "$GW1" Encrypted 20 || wrong "the flow does not come back"
	agent unstream name=S
	test_end
}

# A flow renews itself: far longer than the interval, one packet in each half of
# it by the stack, the others fast, none lost.
renewal()
{
	test_begin "a flow of 3 s goes on, renewed by a packet every half interval"
	fresh
	agent now
	local begin=${R[ms]} most sent
	stream_on out
	send_on $((3000 / STREAM_GAP))
	agent unstream name=S
	sent=${R[sent]}
	agent now
	# However long it took.
	most=$(((R[ms] - begin) / (INTERVAL / 2) + 4))
	expect_got B "$sent" 62
	counters "$GW1"
	expect_range "packets by the stack" $((sent - $(since "$GW1" Encrypted))) 4 $most
	expect_range "renewals" "$(since "$GW1" FlowRenewed)" 3 $most
	expect_count "$GW1" FlowLearned 1
	test_end
}

# A sweep comes with the end of any SA: the flow's own one stays. COUNTER: grows where it found
# what it should.
sweep()
{
	sa_state "$GW2_4" "$GW1_4" 0x3333 gcm256 off 64
	configure "$GW1" "$STATE" \
		"xfrm state delete src $GW2_4 dst $GW1_4 proto esp spi 0x3333"
	counter_at_least "$GW1" "$1" 1
}

# What the stack goes on dropping is no life of a flow.
stopped_flow()
{
	test_begin "a flow that a rule stopped is forgotten, though its sender goes on"
	fresh
	stream_on out
	rule_comes "$INNER"
	mark "$GW1"
	wait_for 10 counter_at_least "$GW1" PuntStale 100 || wrong "the rule does not stop it"
	mark "$GW1"
	flow_times $INTERVAL 1500
	wait_for 20 sweep PuntNotLearned || wrong "the flow is kept"
	flow_times $INTERVAL "$DAY_MS"
	send_on 20
	expect_counts "$GW1" Encrypted=0
	expect_range "flows forgotten" "$(since "$GW1" FlowReclaimed)" 1 8
	agent unstream name=S
	rule_goes "$INNER"
	test_end
}

# What the stack renews has life, though XDP takes none of it.
slow_flow()
{
	test_begin "a flow of which every packet renews it is not forgotten"
	fresh
	mark "$GW1"
	# One that is idle, for the sweep to find.
	burst "$HA" "$A4" "$B4" 4001 5001 1
	agent stream name=S "ns=$HA" "src=$A4" sport=4000 "dst=$B4" dport=5001 gap=0.7
	wait_for 10 counter_at_least "$GW1" FlowLearned 2 || wrong "it is not learned"
	flow_times $INTERVAL 3000
	mark "$GW1"
	send_on 7
	wait_for 20 sweep FlowReclaimed || wrong "there is no sweep"
	flow_times $INTERVAL "$DAY_MS"
	send_on 2
	agent unstream name=S
	expect_counts "$GW1" Encrypted=0 FlowLearned=0 FlowReclaimed=1
	counters "$GW1"
	expect_range "renewals" "$(since "$GW1" FlowRenewed)" 8 40
	test_end
}

# A flow that is longer than conntrack remembers it without seeing it: the packets that
# renew it are enough, and for the rest of its life conntrack knows it.
conntrack_remembers()
{
	test_begin "conntrack goes on knowing a flow of 4 s, of which it may forget after 2"
	fresh
	cat >"$TMP/rules" <<-END
	table inet t {
		chain c {
			type filter hook forward priority 0
			udp dport 5001 ct state new counter comment "new"
			udp dport 5001 ct state established counter comment "known"
			ct state invalid counter drop
		}
	}
	END
	must in_ns "$GW1" nft -f "$TMP/rules"
	mark "$GW1"
	agent sysctl "ns=$GW1" net.netfilter.nf_conntrack_udp_timeout=2 \
		net.netfilter.nf_conntrack_udp_timeout_stream=2
	# Answered, so that it is established.
	burst "$HA" "$A4" "$B4" 4000 5001 1 first=1000000
	agent craft "ns=$HB" dev=eth0 smac=$MAC_B dmac=$MAC_GW2_LAN src=$B4 dst=$A4 \
		sport=5001 dport=4000
	wait_for 5 counter_at_least "$GW1" FlowLearned 2 || wrong "there is no answer"
	mark "$GW1"
	agent stream name=S "ns=$HA" src=$A4 sport=4000 dst=$B4 dport=5001 gap=0.02
	wait_for 10 counter_at_least "$GW1" Encrypted 20 || wrong "the stream never got fast"
	send_on 200
	# By the stack from here on.
	detach
	send_on 20
	agent unstream name=S
	expect_got B $((R[sent] + 1)) 62
	OUTPUT=$(in_ns "$GW1" nft list ruleset)
	expect_match "rules" "$OUTPUT" "counter packets 1 [^\"]*\"new\""
	expect_match "rules" "$OUTPUT" "counter packets [1-9][0-9]+ [^\"]*\"known\""
	must in_ns "$GW1" nft flush ruleset
	attach
	test_end
}

# before NAME…, expect_since_before NAME…: they counted, also before the last mark
SUM=0 BEFORE=0
sum()
{
	local name

	SUM=0
	for name; do
		SUM=$((SUM + ${CUR[$GW1:$name]:-0}))
	done
}

before()
{
	counters "$GW1"
	sum "$@"
	BEFORE=$SUM
}

expect_since_before()
{
	local most=10

	# None of what is refused after its SA renews that.
	[[ $* != *PuntRoutes* ]] || most=1000
	sum "$@"
	expect_range "$*" $((SUM - BEFORE)) 1 $most
}

# by_routes DIR COUNTERS: and what counts where routes have changed
by_routes() { if [ "$1" = in ]; then echo "$2 PuntRoutes"; else echo "$2"; fi; }

# stops DIR COUNTERS LINE…: the stream of that direction, by these lines for GW1, at
# once; COUNTERS say why. What was decided before counts for nothing from then on.
stops()
{
	local sink=B counter=Encrypted got
	local -a reasons

	read -ra reasons <<<"$2"

	[ "$1" = out ] || { sink=A counter=ForwardDone; }
	shift 2
	before "${reasons[@]}"
	configure "$GW1" "$@"
	mark "$GW1"
	agent got name=$sink timeout=0
	got=${R[n]}
	send_on 100
	expect_counts "$GW1" "$counter=0" FlowLearned=0
	expect_since_before "${reasons[@]}"
	agent got name=$sink timeout=0
	expect_range "datagrams that got through after it" $((R[n] - got)) 0 2
	agent unstream name=S
}

# policy_change DIR WHAT MIB LINE…: GW1's policy changes under traffic. MIB is what
# the stack counts then, none for what it refuses without counting.
policy_change()
{
	local dir=$1 what=$2 mib=$3

	shift 3
	test_begin "$dir: $what stops the flow at once"
	fresh
	# What is not explicitly allowed is blocked, so that a policy that goes
	# away does not mean plaintext.
	configure "$GW1" "xfrm policy setdefault in block fwd block out block" \
		"xfrm policy add dir fwd src $NET_A4 dst $NET_B4" \
		"xfrm policy add dir out src $NET_B4 dst $NET_A4"
	stream_on "$dir"
	# Routes are told of a new policy before key managers are.
	stops "$dir" "$(by_routes "$dir" "PuntPolicy PuntDst")" "$@"
	[ "$mib" = none ] || expect_range "$mib" "$(since "$GW1" "$mib")" 90 1000
	configure "$GW1" "xfrm policy setdefault in accept fwd accept out accept"
	test_end
}

# route_change DIR: the host behind the flow becomes unreachable
route_change()
{
	local host=$B4

	[ "$1" = out ] || host=$A4
	test_begin "$1: a new route stops the flow at once"
	fresh
	stream_on "$1"
	stops "$1" "$(by_routes "$1" PuntDst)" "route add blackhole $host/32"
	configure "$GW1" "route del blackhole $host/32"
	test_end
}

# Programs at tc egress see all packets again as soon as there are some.
egress_program()
{
	test_begin "a program at tc egress sees every packet, from the first on"
	fresh
	stream_on out
	before PuntEgressHook
	agent tcx_pass "ns=$GW1" dev=wire hook=egress
	mark "$GW1"
	send_on 50
	expect_counts "$GW1" Encrypted=0
	# Nothing renews the flow while they are there: in time it is stale as well.
	expect_range "punted for them" $((${CUR[$GW1:PuntEgressHook]:-0} - BEFORE)) 1 10000
	agent xdp_off "ns=$GW1" dev=wire
	wait_for 10 counter_at_least "$GW1" Encrypted 20 || wrong "the flow does not come back"
	agent unstream name=S
	expect_got B "${R[sent]}" 62
	test_end
}

# Gone, and found again by ARP: the stack asks, and teaches the flow anew.
neighbour_change()
{
	test_begin "a neighbour that goes is asked for by the stack, and nothing is lost"
	# No packet goes through the stack to renew the flow, and finds it out first.
	flow_times "$DAY_MS" "$DAY_MS"
	fresh
	stream_on in
	before PuntNeigh
	configure "$GW1" "neigh del $A4 dev lan"
	mark "$GW1"
	wait_for 10 counter_at_least "$GW1" ForwardDone 20 || wrong "the flow does not come back"
	expect_since_before PuntNeigh
	agent unstream name=S
	expect_got A "${R[sent]}" 62
	configure "$GW1" "neigh replace $A4 lladdr $MAC_A dev lan nud permanent"
	flow_times $INTERVAL "$DAY_MS"
	test_end
}

# rekey DIR: as an IKE daemon does it: the receiver has the new SA first, the old ones
# go when the new ones are in use.
rekey()
{
	local dir=$1 sink=B spi=0x1101 counter=Encrypted ns new old

	[ "$dir" = out ] || { sink=A spi=0x2101 counter=ForwardDone; }
	test_begin "$dir: a new SA is used at once, and nothing is lost"
	fresh
	stream_on "$dir"
	mark "$GW1"
	if [ "$dir" = out ]; then
		sa_state "$GW1_4" "$GW2_4" $spi gcm256 off 64
		old="src $GW1_4 dst $GW2_4 proto esp spi $SPI_AB"
		new=("$GW2" "$GW1")
	else
		sa_state "$GW2_4" "$GW1_4" $spi gcm256 off 64
		old="src $GW2_4 dst $GW1_4 proto esp spi $SPI_BA"
		new=("$GW1" "$GW2")
	fi
	for ns in "${new[@]}"; do
		configure "$ns" "$STATE"
	done
	send_on 50
	for ns in "$GW1" "$GW2"; do
		configure "$ns" "xfrm state delete $old"
	done
	send_on 50
	agent unstream name=S
	expect_got $sink "${R[sent]}" 62
	counters "$GW1"
	expect_range "packets on the fast path" "$(since "$GW1" $counter)" 70 10000
	sa_read "$GW1" $spi
	expect_range "packets of the new SA" "${SA[packets]:-0}" 90 10000
	expect_no_errors "$GW1" "$GW2"
	test_end
}

POLICY_OUT="src $NET_A4 dst $NET_B4 dir out"
POLICY_FWD="src $NET_B4 dst $NET_A4 dir fwd"

plan 27
needs nft:nftables bpftool:bpftool
setup
REVALIDATE_MS=$INTERVAL
attach
capture_start

INNER="type filter hook forward priority 0; udp dport 5001 counter drop"
rule out "what it carries" "$INNER"
rule in "what it carries" "$INNER"
rule out "what it carries, of tc" \
	"tc filter add dev lan ingress protocol ip matchall action drop"
rule out "its ESP" "type filter hook output priority 0; meta l4proto esp counter drop"
rule in "its ESP" "type filter hook input priority 0; meta l4proto esp counter drop"
rule in "what it carries, behind all others" \
	"type filter hook postrouting priority 2147483647; udp dport 5001 counter drop"
rule out "its ESP, behind all others" \
	"type filter hook postrouting priority 2147483647; meta l4proto esp counter drop"
sent_on
renewal
stopped_flow
slow_flow
conntrack_remembers

route_change out
route_change in
neighbour_change
egress_program
rekey out
rekey in

policy_change out "deleting the policy" none "xfrm policy delete $POLICY_OUT"
policy_change in "deleting the policy" XfrmInNoPols "xfrm policy delete $POLICY_FWD"
policy_change out "a block policy" XfrmOutPolBlock \
	"xfrm policy add src $A4/32 dst $B4/32 dir out action block"
policy_change in "a block policy" XfrmInPolBlock \
	"xfrm policy add src $B4/32 dst $A4/32 dir fwd action block"
policy_change out "flushing the policies" XfrmInNoPols "xfrm policy flush"
policy_change in "flushing the policies" XfrmInNoPols "xfrm policy flush"
policy_change out "an update that asks for another SA" XfrmOutNoStates \
	"xfrm policy update $POLICY_OUT tmpl src $GW1_4 dst $GW2_4 proto esp reqid 7 mode tunnel"
security_module

test_begin "no plaintext on the wire"
capture_sync
expect_no_plaintext
test_end
