// SPDX-License-Identifier: GPL-2.0-or-later
// Counters of the current network namespace, and what changed between two reads.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "result.hpp"
#include "xfrm_xdp_abi.hpp"

namespace xfrm_xdp::test
{

using Counters = std::map<std::string, std::int64_t>;

Result<Counters> read_counter_file(const std::string &path);
Result<Counters> read_kernel_mib();	// /proc/net/xfrm_stat
Result<Counters> read_module_counters(); // /proc/net/xfrm_xdp_stat

// Only what is not the same in both.
Counters difference(const Counters &before, const Counters &after);

// As /proc/net/xfrm_xdp_stat has it.
std::string reason_name(std::uint32_t reason);

} // namespace xfrm_xdp::test
