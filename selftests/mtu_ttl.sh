#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Packets that end here: TTL used up, or larger than the tunnel takes. The fast
# path leaves them to the stack untouched, and the sender gets the very ICMP error
# that it gets without a fast path.
#
#   HA ---- GW1 ==== wire ==== GW2 ---- HB
#         fast path           kernel

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

N=10
declare -A REFERENCE=()

# ending NAME NS SRC DST OPTIONS…: N datagrams that end in an error; the errors
# become the reference when taken without the fast path, and are compared after.
ending()
{
	local name=$1

	shift
	burst "$1" "$2" "$3" 4000 5001 $N "errors=$N" "${@:4}"
	if [ -z "$ATTACHED" ]; then
		REFERENCE[$name]=${R[icmp]}
		expect_range "$name: errors without fast path" "${R[icmp_n]}" $N $N
	else
		expect "$name: errors" "${R[icmp_n]}" $N
		expect "$name: what they say" "${R[icmp]}" "${REFERENCE[$name]}"
	fi
}

# teach: both directions of both families
teach()
{
	local family a b

	for family in 4 6; do
		a=A$family b=B$family
		burst "$HA" "${!a}" "${!b}" 4000 5001 1
		burst "$HB" "${!b}" "${!a}" 4000 5001 1
	done
	agent got name=A n=2
	agent got name=B n=2
}

references()
{
	local family a b

	test_begin "the errors that the stack sends"
	ATTACHED=
	sa_setup
	protect_errors
	for family in 4 6; do
		a=A$family b=B$family
		ending "ttl1-$family" "$HA" "${!a}" "${!b}" ttl=1
		ending "back-$family" "$HB" "${!b}" "${!a}" ttl=2
		ending "mtu-$family" "$HA" "${!a}" "${!b}" size=1450
	done
	expect_match "TTL error" "${REFERENCE[ttl1-4]}" "^11/0/0/$GW1_LAN4$"
	expect_match "hop limit error" "${REFERENCE[ttl1-6]}" "^3/0/0/$GW1_LAN6$"
	expect_match "MTU error" "${REFERENCE[mtu-4]}" "^3/4/[0-9]+/$GW1_LAN4$"
	expect_match "packet too big" "${REFERENCE[mtu-6]}" "^2/0/[0-9]+/$GW1_LAN6$"
	test_end
}

ttl_out()
{
	local family=$1 a=A$1 b=B$1

	test_begin "IPv$family to be encrypted, TTL 1: the stack's error"
	mark "$GW1"
	ending "ttl1-$family" "$HA" "${!a}" "${!b}" ttl=1
	expect_counts "$GW1" PuntTtl=$N Encrypted=0
	test_end

	test_begin "IPv$family to be encrypted, TTL 3: arrives with 1, on the fast path"
	agent clear name=B
	mark "$GW1"
	burst "$HA" "${!a}" "${!b}" 4000 5001 $N ttl=3
	expect_got B $N 1
	expect_counts "$GW1" PuntTtl=0 Encrypted=$N
	test_end
}

ttl_in()
{
	local family=$1 a=A$1 b=B$1

	test_begin "IPv$family decrypted with TTL 1: the stack's error"
	mark "$GW1"
	ending "back-$family" "$HB" "${!b}" "${!a}" ttl=2
	expect_counts "$GW1" PuntTtl=$N Decrypted=$N Restored=$N ForwardDone=0
	test_end

	test_begin "IPv$family decrypted with TTL 2: arrives with 1, on the fast path"
	agent clear name=A
	mark "$GW1"
	burst "$HB" "${!b}" "${!a}" 4000 5001 $N ttl=3
	expect_got A $N 1
	expect_counts "$GW1" PuntTtl=0 Decrypted=$N ForwardDone=$N
	test_end
}

mtu()
{
	local family=$1 a=A$1 b=B$1 mtu head=28

	[ "$family" = 4 ] || head=48
	mtu=$(cut -d/ -f3 <<<"${REFERENCE[mtu-$family]}")

	test_begin "IPv$family one byte over the MTU of $mtu: the stack's error"
	mark "$GW1"
	ending "mtu-$family" "$HA" "${!a}" "${!b}" size=$((mtu - head + 1))
	expect_counts "$GW1" PuntMtu=$N Encrypted=0
	test_end

	test_begin "IPv$family of exactly the MTU: arrives, on the fast path"
	agent clear name=B
	mark "$GW1"
	burst "$HA" "${!a}" "${!b}" 4000 5001 $N size=$((mtu - head))
	expect_got B $N 62
	expect_counts "$GW1" PuntMtu=0 Encrypted=$N PuntRoom=0
	test_end
}

# Without DF the stack fragments before ESP: punted all the same.
fragmented()
{
	test_begin "over the MTU without DF: fragmented by the stack, arrives"
	agent clear name=B
	# A would fragment by itself, had it not forgotten the errors it got.
	must ip -n "$HA" route flush cache
	burst "$HA" "$A4" "$B4" 4000 5001 1 df=0
	agent got name=B n=1
	mark "$GW1"
	burst "$HA" "$A4" "$B4" 4000 5001 $N df=0 size=1472 first=1
	expect_got B $((N + 1))
	expect_counts "$GW1" PuntMtu=$N Encrypted=0
	test_end
}

plan 14
setup
references

ATTACHED=1
attach
teach
for family in 4 6; do
	ttl_out $family
	ttl_in $family
	mtu $family
done
fragmented
