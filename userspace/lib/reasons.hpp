// SPDX-License-Identifier: GPL-2.0-or-later
// The counters of the module and what they mean, from the shared X-macros.
#pragma once

#include <span>
#include <string_view>

namespace xfrm_xdp {

enum class ReasonGroup { done, punt, drop, flow };

struct Reason {
    int id; // enum xfrm_xdp_reason
    ReasonGroup group;
    std::string_view name; // in /proc/net/xfrm_xdp_stat
    std::string_view text; // what it means
};

std::span<const Reason> reasons();
const Reason *find_reason(std::string_view name);

std::string_view group_name(ReasonGroup group);  // for JSON: done, punt, drop, flow
std::string_view group_title(ReasonGroup group); // for people

} // namespace xfrm_xdp
