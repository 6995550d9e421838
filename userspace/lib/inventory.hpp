// SPDX-License-Identifier: GPL-2.0-or-later
// What of the fast path is pinned for a network namespace, and what of it still lives.
#pragma once

#include "links.hpp"
#include "pins.hpp"
#include "result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace xfrm_xdp {

// A pinned XDP or tcx link.
struct PinnedLink {
    std::string pin; // name in the directory; empty: there is none
    std::uint32_t program_id = 0;
    unsigned ifindex = 0; // 0: its device is gone, and the link dead

    bool alive() const { return !pin.empty() && ifindex != 0; }
};

// A device that was attached.
struct Attached {
    std::string device;   // today's name; where it is gone, the name it was attached under
    unsigned ifindex = 0; // 0: gone
    PinnedLink xdp;
    PinnedLink tc;
    std::string before; // pin of what it was, see remembered.hpp; empty: there is none

    bool gone() const { return ifindex == 0; }
    bool complete() const { return xdp.alive() && tc.alive() && !gone(); }
};

struct Inventory {
    bool exists = false;              // has a directory
    std::vector<std::string> missing; // pins of the namespace itself that are not there
    std::vector<Attached> devices;

    bool complete() const { return exists && missing.empty(); }
    const Attached *find(const std::string &device) const; // by today's name, else by the old one
    bool any_alive() const;
};

// @links: of the namespace, to tell devices that left it from those that are in it.
Result<Inventory> take_inventory(const PinDirectory &directory, const std::vector<Link> &links);

} // namespace xfrm_xdp
