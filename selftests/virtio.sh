#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# virtio-net: GW1 has two ports of it, each wired to another one, whose other ends are
# A's and GW2's. Native XDP in that driver: both ways, tagged or not, and what goes up the
# stack keeps its sec_path.
#
#   HA ------------ GW1 ============================== GW2 ---- HB
#   eth0 -------- lan   wire ------------------------ wire     kernel
#    virtio   virtio     virtio                     virtio
#
# The ports are the test machine's: selftests/vm/run.sh --nic 4.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The virtio-net devices of the machine, in the order of their slots.
nics_find()
{
	local dev

	NICS=()
	for dev in /sys/class/net/*; do
		[ "$(readlink "$dev/device/driver")" != ../../../../bus/virtio/drivers/virtio_net ] ||
			NICS+=("${dev##*/}")
	done
	[ ${#NICS[@]} -ge 4 ]
}

# In place of lib/topology.sh's: no bridge between the gateways, nobody taps the wire.
links_create()
{
	cat >"$TMP/batch" <<-END
	link set ${NICS[0]} netns $HA name eth0 address $MAC_A
	link set ${NICS[1]} netns $GW1 name lan address $MAC_GW1_LAN
	link set ${NICS[2]} netns $GW1 name wire address $MAC_GW1
	link set ${NICS[3]} netns $GW2 name wire address $MAC_GW2
	link add g1 netns $WIRE type veth peer name g2 netns $WIRE
	link add eth0 netns $HB address $MAC_B type veth peer name lan netns $GW2 address $MAC_GW2_LAN
	END
	agent ip "file=$TMP/batch"
}

# These have none to turn off: whoever is at the other end could not do without.
offload_settings() { :; }

# both_ways SPORT A B: one packet each way teaches, nine more are fast
both_ways()
{
	agent clear name=A
	agent clear name=B
	burst "$HA" "$2" "$3" "$1" 5001 1
	agent got name=B n=1
	burst "$HB" "$3" "$2" "$1" 5001 1
	agent got name=A n=1
	mark "$GW1" "$GW2"
	burst "$HA" "$2" "$3" "$1" 5001 6 first=1
	burst "$HA" "$2" "$3" "$1" 5001 3 first=7 size=1380
	expect_got B 10 62
	burst "$HB" "$3" "$2" "$1" 5001 6 first=1
	burst "$HB" "$3" "$2" "$1" 5001 3 first=7 size=1380
	expect_got A 10 62
	expect_counts "$GW1" Encrypted=9 Decrypted=9 ForwardDone=9 FlowLearned=0
	expect_no_errors "$GW1" "$GW2"
}

test_both_ways()
{
	local a=A$1 b=B$1

	test_begin "IPv$1, $2: both ways fast"
	both_ways 4000 "${!a}" "${!b}"
	test_end
}

native()
{
	test_begin "the driver runs XDP itself"
	expect "XDP, 1 is the driver's" \
		"$(ip -n "$GW1" -d -j link show dev wire | jq -r '.[0].xdp.mode')" 1
	expect "driver" "$(in_ns "$GW1" ethtool -i wire | sed -n 's/^driver: //p')" virtio_net
	test_end
}

tcp()
{
	test_begin "TCP to GW1's own address, by ESP"
	mark "$GW1" "$GW2"
	transfer 7777 "$GW1_LAN4" "$B4" "$HB" 200000
	counters "$GW1"
	expect_range "decrypted in XDP" "$(since "$GW1" Decrypted)" 137 1000
	expect_range "restored" "$(since "$GW1" Restored)" 1 "$(since "$GW1" Decrypted)"
	expect_no_errors "$GW1" "$GW2" except XfrmOutStateModeError
	test_end
}

tag()
{
	configure "$GW1" "addr flush dev wire" "link add link wire name wire.7 type vlan id 7" \
		"link set wire.7 up" "addr add $GW1_4/24 dev wire.7" \
		"addr add $GW1_6/64 dev wire.7 nodad" \
		"$(neigh wire.7 $GW2_4 $GW2_6 $MAC_GW2)" \
		"route replace $NET_B4 via $GW2_4" "route replace $NET_B6 via $GW2_6"
	configure "$GW2" "addr flush dev wire" "link add link wire name wire.7 type vlan id 7" \
		"link set wire.7 up" "addr add $GW2_4/24 dev wire.7" \
		"addr add $GW2_6/64 dev wire.7 nodad" \
		"$(neigh wire.7 $GW1_4 $GW1_6 $MAC_GW1)" \
		"route replace $NET_A4 via $GW1_4" "route replace $NET_A6 via $GW1_6"
}

# They come back to the first namespace with the names that they had, which the next test
# may want.
nics_return()
{
	local i

	agent_stop
	detach_quietly
	topology_delete
	wait_for 20 nics_find || true
	for i in "${!NICS[@]}"; do
		ip link set "${NICS[i]}" down name "nic$i"
	done
}

plan 6
needs jq
modprobe -q virtio_net
wait_for 5 nics_find ||
	bail "no four virtio-net devices here: run it as selftests/vm/run.sh --nic 4 -- $0"
at_exit nics_return
setup
# What sends in software leaves checksums to nobody.
for dev in "$GW2/lan" "$HB/eth0"; do
	agent offload "ns=${dev%/*}" "dev=${dev#*/}" tx=off tso=off gso=off
done
sa_setup
attach

native
test_both_ways 4 untagged
test_both_ways 6 untagged
tcp
tag
test_both_ways 4 "tagged on the wire"
test_both_ways 6 "tagged on the wire"
