// SPDX-License-Identifier: GPL-2.0-or-later
#include "stats.hpp"

#include "commands.hpp"
#include "reasons.hpp"
#include "stats_json.hpp"

namespace xfrm_xdp {

nlohmann::ordered_json counters_json(const Counters &counters)
{
    auto all = nlohmann::ordered_json::object();
    auto groups = nlohmann::ordered_json::object();

    for (const auto &[name, value] : counters) {
        all[name] = value;
        if (const Reason *reason = find_reason(name))
            groups[std::string(group_name(reason->group))][name] = reason->text;
    }
    return {{"counters", all}, {"meaning", groups}};
}

Result<Output> run_stats(const Options &options)
{
    auto counters = read_counters();
    if (!counters)
        return counters.error();

    return Output{counters_json(*counters), render_counters(*counters, options.all)};
}

} // namespace xfrm_xdp
