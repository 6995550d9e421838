// SPDX-License-Identifier: GPL-2.0-or-later
// Security policies as values, and the kernel's through XFRM netlink.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netlink.hpp"
#include "sa.hpp"

namespace xfrm_xdp::oracle {

struct Template {
    test::Address source, destination;
    test::Mode mode = test::Mode::tunnel;
    std::uint8_t protocol = packet::proto_esp;
    std::uint32_t request_id = 0;
    bool optional = false;
};

enum class Way : std::uint8_t { in, out, forward }; // XFRM_POLICY_*

struct Policy {
    test::Address source, destination; // of one host each, unless there are prefixes
    Way way = Way::out;
    std::vector<Template> templates;
    std::optional<std::uint32_t> interface_id;
    std::optional<std::uint32_t> mark;
    std::uint32_t mark_mask = 0xffffffff;
    bool block = false;
    std::optional<std::uint8_t> source_prefix = {}, destination_prefix = {};
    std::uint8_t protocol = 0;                                            // 0: any
    std::optional<std::uint16_t> source_port = {}, destination_port = {}; // ICMP: type, code
    std::uint32_t priority = 0;
};

class PolicyTable {
public:
    static Result<PolicyTable> open();
    Status add(const Policy &policy);
    // In place of the one with its selector, mark and interface.
    Status update(const Policy &policy);
    Status remove(const Policy &policy);
    Status flush();
    // What becomes of packets without a policy, one way.
    Status block_by_default(std::optional<Way> way);

private:
    explicit PolicyTable(test::Netlink netlink) : netlink_(std::move(netlink)) {}
    Status put(const Policy &policy, std::uint16_t type, std::uint16_t flags);
    test::Netlink netlink_;
};

} // namespace xfrm_xdp::oracle
