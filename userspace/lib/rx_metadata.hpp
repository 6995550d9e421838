// SPDX-License-Identifier: GPL-2.0-or-later
// What drivers can tell an XDP program about a frame besides its bytes.
#pragma once

#include "result.hpp"

#include <cstdint>
#include <optional>
#include <vector>

struct nlmsghdr;

namespace xfrm_xdp {

struct RxMetadata {
    unsigned ifindex = 0;
    bool vlan_tag = false; // that it took out of the frame
};

// Of all devices of the current namespace, from the generic netlink family "netdev".
Result<std::vector<RxMetadata>> list_rx_metadata();

// An answer of the controller: the family's number, if it is "netdev"; and one of "netdev".
Result<std::optional<std::uint16_t>> parse_netdev_family(const nlmsghdr *message);
Result<std::optional<RxMetadata>> parse_rx_metadata(const nlmsghdr *message);

} // namespace xfrm_xdp
