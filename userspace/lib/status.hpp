// SPDX-License-Identifier: GPL-2.0-or-later
// What is attached where, and whether it can work.
#pragma once

#include "inventory.hpp"
#include "netns.hpp"
#include "remembered.hpp"
#include "result.hpp"
#include "usage.hpp"
#include "xdp.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xfrm_xdp {

struct DeviceStatus {
    std::string device;
    unsigned ifindex = 0;
    bool gone = false;
    std::optional<XdpMode> mode;
    std::uint32_t xdp_program = 0;
    std::uint32_t tc_program = 0;
    bool receives = false; // packets that come in here can take the fast path
    bool sends = false;    // packets can leave here by the fast path
    std::vector<std::string> problems;
    std::vector<DeviceChanges> changes; // that attaching made, and that are in force
};

struct NamespaceStatus {
    NetnsId id = 0;
    std::string name;      // empty: it has none
    bool current = false;  // the one that we were started in, or --netns
    bool orphaned = false; // deleted while attached; only the pins keep it
    std::vector<std::string> missing;
    std::vector<DeviceStatus> devices;
    bool plain = false; // flows without any SA are learned, too
    std::size_t flows = 0;
    std::size_t flows_max = 0;
    std::uint64_t map_bytes = 0;     // of the flow map, whether full or empty
    std::optional<TableUsage> table; // of the module; nothing where it is not loaded
};

DeviceStatus device_status(const Attached &device, const Link *link, const XdpState &xdp);

// Of the calling thread's network namespace, which is @id.
Result<NamespaceStatus> namespace_status(NetnsId id);

// Of every network namespace with something attached.
Result<std::vector<NamespaceStatus>> all_status();

std::string render_status(const std::vector<NamespaceStatus> &namespaces,
                          const std::string &module);

} // namespace xfrm_xdp
