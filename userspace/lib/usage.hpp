// SPDX-License-Identifier: GPL-2.0-or-later
// What flows cost in memory, as the kernel says.
#pragma once

#include "fd.hpp"
#include "result.hpp"

#include <cstdint>
#include <string_view>

namespace xfrm_xdp {

// The flow table of a network namespace.
struct TableUsage {
    std::uint64_t flows = 0;
    std::uint64_t max_flows = 0;
    std::uint64_t sas = 0; // entries: an SA has up to three
    std::uint64_t max_sas = 0;
    std::uint64_t bytes = 0;

    // On the average, with its share of what finds it; 0 where there is none.
    std::uint64_t bytes_per_flow() const { return flows + sas ? bytes / (flows + sas) : 0; }
};

Result<TableUsage> parse_table_usage(std::string_view text);
Result<TableUsage> read_table_usage();

// What a BPF map takes, all of which is allocated when it is made; 0 where that is not told.
std::uint64_t map_bytes(const Fd &map);

} // namespace xfrm_xdp
