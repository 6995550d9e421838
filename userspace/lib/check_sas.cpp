// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.hpp"

#include "sa_support.hpp"

#include <fmt/format.h>
#include <map>

namespace xfrm_xdp {

std::vector<Check> check_sas(const std::vector<XfrmSa> &sas)
{
    struct Group {
        std::string example;
        std::size_t count = 0;
    };
    std::map<std::string, Group> punted; // by why
    std::size_t taken = 0;

    for (const auto &sa : sas) {
        auto why = why_punted(sa);
        if (why.empty()) {
            taken++;
            continue;
        }
        auto &group = punted[fmt::format("{}", fmt::join(why, "; "))];
        if (group.count++ == 0)
            group.example = describe(sa);
    }

    std::vector<Check> checks;
    if (taken)
        checks.push_back({Level::ok, "SAs", fmt::format("{} for the fast path", taken), ""});
    if (sas.empty())
        checks.push_back({Level::ok, "SAs", "none yet in this network namespace", ""});
    for (const auto &[why, group] : punted)
        checks.push_back(
            {Level::warn, "SAs",
             fmt::format("{} left to the stack: {} ({}{})", group.count, why, group.example,
                         group.count > 1 ? fmt::format(" and {} more", group.count - 1) : ""),
             "they work as without the fast path"});
    return checks;
}

} // namespace xfrm_xdp
