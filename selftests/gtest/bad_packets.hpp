// SPDX-License-Identifier: GPL-2.0-or-later
// ESP packets that something is wrong with, as a table: what bpf_xdp_xfrm_input()
// makes of each, to be checked alone and against the stack.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fixture.hpp"

namespace xfrm_xdp::test {

struct BadPacket {
    std::string name;
    Tunnel tunnel;
    // From the SA and a good frame that has not been encoded yet.
    std::function<Bytes(const Sa &, const esp::TunnelFrame &)> make;
    std::uint32_t verdict;
    std::uint32_t reason;
    std::string mib; // of a drop
};

void PrintTo(const BadPacket &bad, std::ostream *out);

std::vector<BadPacket> bad_packets();

} // namespace xfrm_xdp::test
