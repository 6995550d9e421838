// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace xfrm_xdp {

std::string_view level_name(Level level)
{
    switch (level) {
    case Level::ok:
        return "ok";
    case Level::warn:
        return "warn";
    case Level::fail:
        return "fail";
    }
    return "";
}

std::size_t count_level(const std::vector<Check> &checks, Level level)
{
    return static_cast<std::size_t>(
        std::count_if(checks.begin(), checks.end(),
                      [level](const Check &check) { return check.level == level; }));
}

std::string render_checks(const std::vector<Check> &checks)
{
    std::size_t width = 0;
    std::string out;

    for (const auto &check : checks)
        width = std::max(width, check.name.size());
    for (std::size_t i = 0; i < checks.size(); i++) {
        const auto &check = checks[i];
        // One remedy for neighbours that share it, below the last.
        bool again = i + 1 < checks.size() && checks[i + 1].name == check.name &&
                     checks[i + 1].remedy == check.remedy;
        out += fmt::format("{:<4}  {:<{}}  {}\n", level_name(check.level), check.name, width,
                           check.detail);
        if (!check.remedy.empty() && !again)
            out += fmt::format("      {:<{}}  -> {}\n", "", width, check.remedy);
    }
    out += fmt::format("\n{} ok, {} to look at, {} failed\n", count_level(checks, Level::ok),
                       count_level(checks, Level::warn), count_level(checks, Level::fail));
    return out;
}

} // namespace xfrm_xdp
