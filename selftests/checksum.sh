#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Senders behind a veth that leave TCP and UDP checksums to hardware, as they do by default:
# what GW1 forwards and encrypts is finished, and what it cannot finish goes to the stack.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#   tx on  fast path           kernel   tx on

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# csum_errors NS: TCP and UDP that was refused for its checksum
csum_errors()
{
	in_ns "$1" cat /proc/net/snmp /proc/net/snmp6 | awk '
		$1 ~ /^(Tcp|Udp):$/ && $2 !~ /^[0-9-]/ {
			at = 0
			for (i = 2; i <= NF; i++) if ($i == "InCsumErrors") at = i
			next
		}
		$1 ~ /^(Tcp|Udp):$/ { sum += $at; seen++ }
		$1 == "Udp6InCsumErrors" { sum += $2; seen++ }
		END { print seen == 3 ? sum : "unknown" }'
}

# tcp FROM SRC TO DST: every byte
tcp()
{
	local sha

	agent tcp_serve name=T "ns=$3" addr="$4" port=7777
	agent tcp_send "ns=$1" src="$2" dst="$4" port=7777 size=$SIZE
	sha=${R[sha256]}
	agent tcp_got name=T
	expect "bytes to $4" "${R[total]}" $SIZE
	expect "what arrived at $4" "${R[sha256]}" "$sha"
}

# datagrams FROM SRC TO DST N FIRST
datagrams() { burst "$1" "$2" "$4" 4000 5001 "$5" "first=$6"; }

# both FAMILY: twenty datagrams and a connection each way; all of it arrives
both()
{
	local a=A$1 b=B$1

	a=${!a} b=${!b}
	datagrams "$HA" "$a" "$HB" "$b" 20 1
	datagrams "$HB" "$b" "$HA" "$a" 20 1
	expect_got B 21
	expect_got A 21
	tcp "$HA" "$a" "$HB" "$b"
	tcp "$HB" "$b" "$HA" "$a"
	expect "wrong checksums at A" "$(csum_errors "$HA")" "$ERRORS_A"
	expect "wrong checksums at B" "$(csum_errors "$HB")" "$ERRORS_B"
}

# taught FAMILY: the flows of the datagrams are known
taught()
{
	local a=A$1 b=B$1

	agent clear name=A
	agent clear name=B
	ERRORS_A=$(csum_errors "$HA") ERRORS_B=$(csum_errors "$HB")
	datagrams "$HA" "${!a}" "$HB" "${!b}" 1 0
	datagrams "$HB" "${!b}" "$HA" "${!a}" 1 0
	agent got name=A n=1
	agent got name=B n=1
}

no_ipsec()
{
	local ns

	for ns in "$GW1" "$GW2"; do
		configure "$ns" "xfrm state flush" "xfrm policy flush"
	done
}

by_stack()
{
	local family

	test_begin "the stack alone, encrypted and in the clear"
	for family in 4 6; do
		sa_setup window=1024
		taught $family
		both $family
		no_ipsec
		taught $family
		both $family
	done
	test_end
}

# At least the datagrams, and full segments of the connection; ACKs have a checksum, too.
FAST=$((20 + 100000 / 1460))
SIZE=100000

encrypted()
{
	test_begin "IPv$1, encrypted: finished before ESP"
	sa_setup window=1024
	taught "$1"
	mark "$GW1" "$GW2"
	both "$1"
	counters "$GW1"
	expect_range "encrypted in XDP" "$(since "$GW1" Encrypted)" $FAST 2000
	expect_range "decrypted and forwarded in XDP" "$(since "$GW1" ForwardDone)" $FAST 2000
	expect_count "$GW1" PuntChecksum 0
	expect_no_errors "$GW1" "$GW2" except XfrmOutStateModeError
	test_end
}

in_the_clear()
{
	test_begin "IPv$1, in the clear: finished before it is forwarded"
	no_ipsec
	taught "$1"
	mark "$GW1"
	both "$1"
	counters "$GW1"
	expect_range "forwarded in XDP" "$(since "$GW1" ForwardDone)" $((2 * FAST)) 4000
	expect_count "$GW1" PuntChecksum 0
	test_end
}

# generic WHAT FAMILY COUNTER: the sk_buff says that the checksum is to be finished
generic()
{
	local a=A$2 b=B$2

	a=${!a} b=${!b}
	test_begin "generic mode, IPv$2, $1: finished by the stack"
	agent offload "ns=$HA" dev=eth0 tx=on
	taught "$2"
	mark "$GW1"
	datagrams "$HA" "$a" "$HB" "$b" 20 1
	expect_got B 21
	expect_counts "$GW1" PuntChecksum=20 "$3=0"
	tcp "$HA" "$a" "$HB" "$b"
	expect "wrong checksums at B" "$(csum_errors "$HB")" "$ERRORS_B"
	agent offload "ns=$HA" dev=eth0 tx=off
	mark "$GW1"
	datagrams "$HA" "$a" "$HB" "$b" 20 21
	expect_got B 41
	expect_counts "$GW1" PuntChecksum=0 "$3=20"
	test_end
}

plan 9
setup
for dev in "$HA/eth0" "$HB/eth0" "$GW2/lan" "$GW2/wire"; do
	agent offload "ns=${dev%/*}" "dev=${dev#*/}" tx=on
done
by_stack
attach lan wire --plain
for family in 4 6; do
	encrypted $family
	in_the_clear $family
done
detach

must in_ns "$GW1" ethtool -K lan rxvlan off rx-vlan-stag-hw-parse off
must in_ns "$GW1" ethtool -K wire rxvlan off rx-vlan-stag-hw-parse off
must in_ns "$HA" ethtool -K eth0 txvlan off tx-vlan-stag-hw-insert off
must in_ns "$WIRE" ethtool -K g1 txvlan off tx-vlan-stag-hw-insert off
attach lan wire --mode generic --plain
no_ipsec
generic "in the clear" 4 ForwardDone
generic "in the clear" 6 ForwardDone
sa_setup window=1024
generic encrypted 4 Encrypted
generic encrypted 6 Encrypted
