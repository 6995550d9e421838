// SPDX-License-Identifier: GPL-2.0-or-later
// Counters of the current network namespace, and what changed between two reads.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "result.hpp"
#include "xfrm_xdp_abi.hpp"

namespace xfrm_xdp::test {

// As the file has it: tests read far more of it than they look at.
using CounterText = std::string;
using Counters = std::map<std::string, std::int64_t>;

Result<CounterText> read_kernel_mib();      // /proc/net/xfrm_stat
Result<CounterText> read_module_counters(); // /proc/net/xfrm_xdp_stat

// Those that are not the same in both; with an empty @before, not zero.
Counters difference(const CounterText &before, const CounterText &after);

// The same of the module's counters, less those of flows that earlier tests have
// left behind: the module forgets them when it gets to it.
Counters packet_difference(const CounterText &before, const CounterText &after);

// As /proc/net/xfrm_xdp_stat has it.
std::string reason_name(std::uint32_t reason);

} // namespace xfrm_xdp::test
