// SPDX-License-Identifier: GPL-2.0-or-later
// The devices that attaching to one changes with it: the other end of a veth, and what lies below.
#pragma once

#include "links.hpp"
#include "netns.hpp"
#include "result.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xfrm_xdp {

// Network namespaces other than the calling thread's, found when the first is asked for.
class Namespaces {
public:
    // Runs @work in @netns; false where that cannot be entered.
    bool within(NetnsId netns, const std::function<void()> &work);
    // The one that this namespace numbers @nsid; 0: it cannot be found.
    NetnsId by_nsid(int nsid);
    // Its name or where it can be opened; empty: the calling thread's.
    std::string where(NetnsId netns);

private:
    const std::map<NetnsId, NetnsPlace> &places();
    std::optional<std::map<NetnsId, NetnsPlace>> places_;
    std::map<int, NetnsId> known_;
};

enum class Relation : std::uint32_t {
    self,
    below, // the device of a VLAN or macvlan, a port of a bond
    peer,  // the other end of a veth, of the device itself or of one below
};

struct Related {
    Relation relation = Relation::self;
    NetnsId netns = 0;
    Link link;
};

// The device itself first, then each behind the one that leads to it. A veth's other end is left
// out where its namespace cannot be entered.
std::vector<Related> related_devices(const std::vector<Link> &links, const Link &device,
                                     Namespaces &namespaces);

// A veth's other end, wherever that is.
std::optional<Related> find_peer(const std::vector<Link> &links, const Link &device,
                                 Namespaces &namespaces);

// "eth0", or "eth0 in network namespace 'gw1'"
std::string describe(const Related &device, Namespaces &namespaces);

} // namespace xfrm_xdp
