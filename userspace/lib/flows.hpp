// SPDX-License-Identifier: GPL-2.0-or-later
// The flow map's entries, readable to people and programs.
#pragma once

#include "fd.hpp"
#include "result.hpp"
#include "xfrm_sa.hpp"

#include <cstdint>
#include <functional>
#include <linux/types.h>
#include <string>
#include <utility>
#include <vector>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {

using FlowEntry = std::pair<xfrm_xdp_flow_key, xfrm_xdp_flow_val>;

// @map: the pinned one; its sizes are checked.
Result<std::vector<FlowEntry>> read_flows(const Fd &map);

// Without those of SAs that are gone: the kernel has forgotten their flows, and the map
// keeps the entries until it needs the room. @sas: read after @entries.
std::vector<FlowEntry> living(std::vector<FlowEntry> entries, const std::vector<XfrmSa> &sas);

struct Flow {
    bool is_sa = false; // an inbound SA to decrypt by, else a flow to forward
    std::string family; // "ipv4" or "ipv6"
    std::string protocol;
    std::string source; // address, with its port where there is one
    std::string destination;
    std::string detail; // ICMP type, or empty
    std::string in_device;
    std::string out_device; // empty for an SA
    unsigned vlan = 0;
    std::uint32_t in_spi = 0;  // host order; 0: came in the clear
    std::uint32_t out_spi = 0; // host order; 0: leaves in the clear
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    double age_seconds = 0;
};

// Name of a device by its index.
using DeviceName = std::function<std::string(unsigned)>;

Flow describe_flow(const FlowEntry &entry, std::uint64_t now_ns, const DeviceName &device);

std::uint64_t monotonic_ns();

// A table with a line per flow, busiest first.
std::string render_flows(std::vector<Flow> flows);

} // namespace xfrm_xdp
