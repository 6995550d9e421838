# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two hosts behind two gateways; names of the namespaces carry the process id.
#
#   HA            GW1            WIRE            GW2            HB
#   eth0 ------ lan wire ------ g1--g2 ------ wire lan ------ eth0
#   198.51.100.2  .1 192.0.2.1   bridge   192.0.2.2 203.0.113.1  203.0.113.2
#   2001:db8:a::2 :1 2001:db8:f::1        2001:db8:f::2 db8:b::1 2001:db8:b::2
#
# The fast path runs on GW1 only; GW2 is the kernel alone. WIRE is where the wire
# is tapped: the taps of a gateway miss what XDP sends and eats, and show what ESP
# has decrypted as if it had come that way. Neighbours are static and no device
# speaks unasked, so every packet counted is a packet of the test.

# shellcheck disable=SC2034  # for the tests
{
A4=198.51.100.2   A6=2001:db8:a::2
B4=203.0.113.2    B6=2001:db8:b::2
GW1_LAN4=198.51.100.1 GW1_LAN6=2001:db8:a::1
GW1_4=192.0.2.1   GW1_6=2001:db8:f::1
GW2_4=192.0.2.2   GW2_6=2001:db8:f::2
NET_A4=198.51.100.0/24 NET_A6=2001:db8:a::/64
NET_B4=203.0.113.0/24  NET_B6=2001:db8:b::/64
MAC_A=02:00:00:00:0a:02 MAC_GW1_LAN=02:00:00:00:0a:01 MAC_GW1=02:00:00:00:0f:01
MAC_B=02:00:00:00:0b:02 MAC_GW2_LAN=02:00:00:00:0b:01 MAC_GW2=02:00:00:00:0f:02
}
NS_PREFIX=xx$$
HA=$NS_PREFIX-ha GW1=$NS_PREFIX-gw1 WIRE=$NS_PREFIX-wire GW2=$NS_PREFIX-gw2 HB=$NS_PREFIX-hb
ALL_NS=("$HA" "$GW1" "$WIRE" "$GW2" "$HB")

# in_ns NS CMD…: the network namespace only; `ip netns exec` would hide bpffs.
in_ns()
{
	local ns=$1

	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

ns_create()
{
	local ns

	printf 'netns add %s\n' "${ALL_NS[@]}" >"$TMP/batch"
	agent ip "file=$TMP/batch"
	for ns in "${ALL_NS[@]}"; do
		agent sysctl "ns=$ns" \
			net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.addr_gen_mode=1 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv6.conf.default.mldv2_unsolicited_report_interval=1000000000 \
			net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	done
	agent sysctl "ns=$WIRE" net.ipv6.conf.default.disable_ipv6=1
	for ns in "$GW1" "$GW2"; do
		agent sysctl "ns=$ns" net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1
	done
}

# With the ifindexes LAN_INDEX and WIRE_INDEX in GW1, where a test has set them.
links_create()
{
	cat >"$TMP/batch" <<-END
	link add lan ${LAN_INDEX:+index $LAN_INDEX} netns $GW1 address $MAC_GW1_LAN type veth peer name eth0 netns $HA address $MAC_A
	link add wire ${WIRE_INDEX:+index $WIRE_INDEX} netns $GW1 address $MAC_GW1 type veth peer name g1 netns $WIRE
	link add wire netns $GW2 address $MAC_GW2 type veth peer name g2 netns $WIRE
	link add eth0 netns $HB address $MAC_B type veth peer name lan netns $GW2 address $MAC_GW2_LAN
	END
	agent ip "file=$TMP/batch"
}

# Offloads: a redirect to a veth needs GRO at its peer; senders compute their
# checksums and segments themselves.
offload_settings()
{
	local ns

	for ns in "$HA/eth0" "$GW1/lan" "$GW1/wire" "$GW2/wire" "$GW2/lan" "$HB/eth0"; do
		agent offload "ns=${ns%/*}" "dev=${ns#*/}" tx=off tso=off gso=off
	done
	agent offload "ns=$HA" dev=eth0 gro=on
	agent offload "ns=$WIRE" dev=g1 gro=on
}

# configure NS LINE…: through one `ip -batch`.
configure()
{
	local ns=$1

	shift
	printf '%s\n' "$@" >"$TMP/batch"
	agent ip "ns=$ns" "file=$TMP/batch"
}

# neigh DEV V4 V6 MAC: two lines for configure
neigh()
{
	echo "neigh replace $2 lladdr $4 dev $1 nud permanent"
	echo "neigh replace $3 lladdr $4 dev $1 nud permanent"
}

addresses_set()
{
	configure "$WIRE" "link add br0 type bridge mcast_snooping 0" \
		"link set g1 master br0" "link set g2 master br0" \
		"link set br0 up" "link set g1 up" "link set g2 up"
	configure "$HA" "link set lo up" "link set eth0 up" \
		"addr add $A4/24 dev eth0" "addr add $A6/64 dev eth0 nodad" \
		"$(neigh eth0 $GW1_LAN4 $GW1_LAN6 $MAC_GW1_LAN)" \
		"route add default via $GW1_LAN4" "route add default via $GW1_LAN6"
	configure "$GW1" "link set lo up" "link set lan up" "link set wire up" \
		"addr add $GW1_LAN4/24 dev lan" "addr add $GW1_LAN6/64 dev lan nodad" \
		"addr add $GW1_4/24 dev wire" "addr add $GW1_6/64 dev wire nodad" \
		"$(neigh lan $A4 $A6 $MAC_A)" "$(neigh wire $GW2_4 $GW2_6 $MAC_GW2)" \
		"route add $NET_B4 via $GW2_4" "route add $NET_B6 via $GW2_6"
	configure "$GW2" "link set lo up" "link set lan up" "link set wire up" \
		"addr add 203.0.113.1/24 dev lan" "addr add 2001:db8:b::1/64 dev lan nodad" \
		"addr add $GW2_4/24 dev wire" "addr add $GW2_6/64 dev wire nodad" \
		"$(neigh lan $B4 $B6 $MAC_B)" "$(neigh wire $GW1_4 $GW1_6 $MAC_GW1)" \
		"route add $NET_A4 via $GW1_4" "route add $NET_A6 via $GW1_6"
	configure "$HB" "link set lo up" "link set eth0 up" \
		"addr add $B4/24 dev eth0" "addr add $B6/64 dev eth0 nodad" \
		"$(neigh eth0 203.0.113.1 2001:db8:b::1 $MAC_GW2_LAN)" \
		"route add default via 203.0.113.1" "route add default via 2001:db8:b::1"
}

topology()
{
	ns_create
	links_create
	offload_settings
	addresses_set
}

# Kills nothing but namespaces of this very process.
topology_delete()
{
	local ns

	for ns in "${ALL_NS[@]}"; do
		[ ! -e "/run/netns/$ns" ] || echo "netns del $ns"
	done >"$TMP/batch"
	ip -batch "$TMP/batch"
}
