// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/net/xfrm_xdp_stat: the module's counters of a network namespace.
#pragma once

#include "result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xfrm_xdp {

// In the order of the file.
using Counters = std::vector<std::pair<std::string, std::uint64_t>>;

Result<Counters> parse_counters(std::string_view text);

// Of the network namespace that the calling thread is in.
Result<Counters> read_counters();

// For people: grouped, with the meaning; zero ones only if @all.
std::string render_counters(const Counters &counters, bool all);

} // namespace xfrm_xdp
