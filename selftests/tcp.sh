#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# TCP in bulk, both ways, through a stateful firewall: handshake and end go by the
# stack and conntrack sees them, the bulk is fast, and conntrack, which has missed
# it, finds nothing wrong with what it sees afterwards.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#   iperf3  fast path         kernel    iperf3 -s
#           drops what conntrack calls invalid

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SIZE=4000000
UNREAD=400000	# two buffers of the 200 kB that iperf3 asks for
# Some 20 ms a packet.
[ ! -e /sys/kernel/debug/kmemleak ] || SIZE=1000000

server_listening() { in_ns "$HB" ss -Hltn sport = :5201 | grep -q .; }

rules()
{
	cat >"$TMP/rules" <<-END
	flush ruleset
	table inet t {
		chain c {
			type filter hook forward priority 0
			ct state invalid counter drop comment "invalid"
			tcp dport 5201 ct state new counter comment "new"
			tcp flags & (fin | rst) != 0 counter comment "end"
			tcp flags & rst != 0 counter comment "reset"
			ip protocol tcp counter comment "tcp4"
			ip6 nexthdr tcp counter comment "tcp6"
		}
	}
	END
	must in_ns "$GW1" nft -f "$TMP/rules"
}

# rule_packets COMMENT
rule_packets()
{
	in_ns "$GW1" nft list ruleset |
		sed -n "s/.*counter packets \([0-9]*\) .*comment \"$1\".*/\1/p"
}

# transfer FAMILY [-R]: one iperf3 run, server and client
transfer()
{
	local dst=B$1 server

	shift
	in_ns "$HB" iperf3 -s -1 >"$TMP/server" 2>&1 &
	server=$!
	wait_for 10 server_listening || bail "iperf3 -s does not start: $(<"$TMP/server")"
	expect_ok "iperf3 client" in_ns "$HA" timeout 120 \
		iperf3 -J -c "${!dst}" -n $SIZE -w 200K "$@"
	wait "$server" || wrong "iperf3 server: $(tail -n 1 "$TMP/server")"
}

# bulk FAMILY WAY: WAY is out (A sends) or back (B sends)
bulk()
{
	local family=$1 way=$2 spi=$SPI_AB counter=Encrypted total fast bytes resets
	local -a reverse=()

	test_begin "IPv$family, $way: bulk on the fast path, both ends of a connection by the stack"
	[ "$way" = out ] || { spi=$SPI_BA counter=ForwardDone reverse=(-R); }
	# GW2's CPUs put more than 64 packets out of order, before they get here.
	sa_setup window=1024
	rules
	mark "$GW1" "$GW2"
	transfer "$family" "${reverse[@]}"
	# The sender stops at a whole block, the receiver when it hears of that, and leaves
	# what is in its buffer or under way, each segment of which is answered by an RST.
	bytes=$(jq '.end.sum_received.bytes' <<<"$OUTPUT")
	expect_range "bytes received" "$bytes" $((SIZE - UNREAD)) $((SIZE * 11 / 10))

	counters "$GW1"
	sa_read "$GW1" "$spi"
	total=${SA[packets]:-0}
	fast=$(since "$GW1" "$counter")
	# Of full segments, at least.
	expect_range "packets of the SA" "$total" $((bytes / 1480)) 20000
	expect_range "of these on the fast path, percent" $((fast * 100 / total)) 95 100

	# iperf3 has a control connection beside that of the data.
	expect "connections that conntrack saw begin" "$(rule_packets new)" 2
	resets=$(rule_packets reset)
	expect_range "FINs that conntrack saw" $(($(rule_packets end) - resets)) 2 12
	expect_range "RSTs that conntrack saw" "$resets" 0 $((UNREAD / 1380))
	expect "packets that conntrack calls invalid" "$(rule_packets invalid)" 0
	expect_range "SYN, FIN and RST punted" "$(since "$GW1" PuntTcpEnd)" 1 12
	expect_range "TCP packets by the stack, without RSTs" \
		$(($(rule_packets "tcp$family") - resets)) 10 $((total / 10))
	expect_no_errors "$GW1" "$GW2"
	test_end
}

# Every byte, and not only as many.
content()
{
	local sha

	test_begin "a megabyte arrives as it was sent"
	mark "$GW1"
	agent tcp_serve name=T "ns=$HB" addr="$B4" port=7777
	agent tcp_send "ns=$HA" src="$A4" dst="$B4" port=7777 size=1000000
	sha=${R[sha256]}
	agent tcp_got name=T
	expect "bytes" "${R[total]}" 1000000
	expect "their hash" "${R[sha256]}" "$sha"
	counters "$GW1"
	expect_range "packets on the fast path" "$(since "$GW1" Encrypted)" 650 5000
	test_end
}

plan 6
needs nft:nftables iperf3 jq ss:iproute2
setup
attach
capture_start

for family in 4 6; do
	bulk $family out
	bulk $family back
done

content

test_begin "no plaintext on the wire"
capture_sync
expect_no_plaintext
test_end
