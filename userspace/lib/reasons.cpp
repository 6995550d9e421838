// SPDX-License-Identifier: GPL-2.0-or-later
#include "reasons.hpp"

#include <algorithm>
#include <array>
#include <linux/types.h>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {

namespace {

constexpr std::array<Reason, XFRM_XDP_R_MAX> table{{
#define DONE(id, name, text) {XFRM_XDP_R_##id, ReasonGroup::done, name, text},
#define PUNT(id, name, text) {XFRM_XDP_R_##id, ReasonGroup::punt, name, text},
#define DROP(id, name, text) {XFRM_XDP_R_##id, ReasonGroup::drop, name, text},
#define FLOW(id, name, text) {XFRM_XDP_R_##id, ReasonGroup::flow, name, text},
    XFRM_XDP_REASONS_DONE(DONE) XFRM_XDP_REASONS_PUNT(PUNT) XFRM_XDP_REASONS_DROP(DROP)
        XFRM_XDP_REASONS_FLOW(FLOW)
#undef DONE
#undef PUNT
#undef DROP
#undef FLOW
}};

} // namespace

std::span<const Reason> reasons()
{
    return table;
}

const Reason *find_reason(std::string_view name)
{
    auto found = std::find_if(table.begin(), table.end(),
                              [name](const Reason &reason) { return reason.name == name; });
    return found == table.end() ? nullptr : &*found;
}

std::string_view group_name(ReasonGroup group)
{
    switch (group) {
    case ReasonGroup::done:
        return "done";
    case ReasonGroup::punt:
        return "punt";
    case ReasonGroup::drop:
        return "drop";
    case ReasonGroup::flow:
        return "flow";
    }
    return "";
}

std::string_view group_title(ReasonGroup group)
{
    switch (group) {
    case ReasonGroup::done:
        return "Done in XDP";
    case ReasonGroup::punt:
        return "Left to the stack";
    case ReasonGroup::drop:
        return "Dropped, as the stack would have";
    case ReasonGroup::flow:
        return "Flows and sec_path";
    }
    return "";
}

} // namespace xfrm_xdp
