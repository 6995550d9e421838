// SPDX-License-Identifier: GPL-2.0-or-later
// Network devices of the current namespace, as far as the fast path cares.
#pragma once

#include "result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct nlmsghdr;

namespace xfrm_xdp {

struct Link {
    unsigned index = 0;
    std::string name;
    std::string kind; // "veth", "vlan", ...; empty for hardware
    bool up = false;
    bool loopback = false;
    bool ethernet = false;
    unsigned mtu = 0;
    unsigned lower = 0;      // IFLA_LINK: a VLAN's device, a veth's peer
    bool lower_away = false; // that is in another namespace
    int lower_nsid = 0;      // which one, as this namespace numbers them
    unsigned master = 0;     // the bond, bridge, ... that it is a port of
    unsigned max_mtu = 0;    // 0: the kernel does not say
};

Result<std::optional<Link>> parse_link(const nlmsghdr *message);
Result<std::vector<Link>> list_links();

Result<Link> find_link(const std::vector<Link> &links, const std::string &name);
const Link *find_link(const std::vector<Link> &links, unsigned index);

// What ethtool says of one device; empty where the driver does not.
struct LinkFeatures {
    std::string driver;
    std::optional<bool> vlan_stripping; // rxvlan
    // Of virtio_net: the host may leave checksums to us, and can be told not to.
    bool unfinished_checksums = false;
    bool offloads_can_be_set = false;
};
LinkFeatures link_features(const std::string &name);

} // namespace xfrm_xdp
