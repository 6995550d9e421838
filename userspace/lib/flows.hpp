// SPDX-License-Identifier: GPL-2.0-or-later
// The flow map's entries, readable to people and programs.
#pragma once

#include "fd.hpp"
#include "result.hpp"
#include "table.hpp"

#include <cstdint>
#include <functional>
#include <linux/types.h>
#include <string>
#include <utility>
#include <vector>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {

using FlowEntry = std::pair<xfrm_xdp_flow_key, xfrm_xdp_flow_val>;

// Returns whether it wants more.
using FlowVisitor = std::function<bool(const FlowEntry &)>;

// @map: the pinned one; its sizes are checked. Takes the same memory whatever its size. The map
// keeps entries of flows that are gone until it needs the room.
Status visit_entries(const Fd &map, const FlowVisitor &visit);

// Those that the kernel knows still, with what the fast path finished of each by now.
// @program: the pinned one that asks the module (pin_program_counts).
Status visit_flows(const Fd &map, const Fd &program, const FlowVisitor &visit);

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

// A table with a line per flow: busiest first where there are few enough to keep, else in
// the order that they come in, and only the last ones are kept.
class FlowPrinter {
public:
    static constexpr std::size_t kept = 4096;

    FlowPrinter();
    std::string add(Flow flow); // what can be printed by now
    std::string finish();

private:
    std::string flush();
    std::vector<Flow> flows_;
    Table table_;
    bool begun_ = false;
};

// All of them at once.
std::string render_flows(const std::vector<Flow> &flows);

} // namespace xfrm_xdp
