// SPDX-License-Identifier: GPL-2.0-or-later
#include "stats.hpp"

#include "files.hpp"
#include "reasons.hpp"
#include "table.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fmt/format.h>

namespace xfrm_xdp {

namespace {

// Not /proc/net, which belongs to the process: a thread may have changed its namespace.
constexpr const char *stat_file = "/proc/thread-self/net/xfrm_xdp_stat";

Result<std::pair<std::string, std::uint64_t>> parse_line(std::string_view line)
{
    auto malformed = Error{fmt::format("a line of xfrm_xdp_stat is not 'Name value': '{}'", line),
                           "use a module and a tool of the same version"};
    auto space = line.find_first_of(" \t");
    auto digits = line.find_first_not_of(" \t", space);

    if (space == 0 || space == line.npos || digits == line.npos)
        return malformed;

    std::uint64_t value = 0;
    auto end = line.data() + line.size();
    auto [stop, failed] = std::from_chars(line.data() + digits, end, value);
    if (failed != std::errc{} || stop != end)
        return malformed;
    return std::pair{std::string(line.substr(0, space)), value};
}

// The group of a counter; one that this tool does not know counts as a flow event.
ReasonGroup group_of(std::string_view name)
{
    const Reason *reason = find_reason(name);
    return reason ? reason->group : ReasonGroup::flow;
}

} // namespace

Result<Counters> parse_counters(std::string_view text)
{
    Counters counters;

    while (!text.empty()) {
        auto newline = text.find('\n');
        auto line = text.substr(0, newline);
        text.remove_prefix(newline == text.npos ? text.size() : newline + 1);
        if (line.find_first_not_of(" \t") == line.npos)
            continue;
        auto parsed = parse_line(line);
        if (!parsed)
            return parsed.error();
        counters.push_back(*std::move(parsed));
    }
    return counters;
}

Result<Counters> read_counters()
{
    auto text = read_file(stat_file);
    if (!text) {
        if (text.error().code == ENOENT)
            return Error{"the xfrm_xdp module is not loaded, so there are no counters",
                         "load it with 'modprobe xfrm_xdp', or attach a device", ENOENT};
        return text.error();
    }
    return parse_counters(*text);
}

std::string render_counters(const Counters &counters, bool all)
{
    constexpr std::array groups{ReasonGroup::done, ReasonGroup::punt, ReasonGroup::drop,
                                ReasonGroup::flow};
    std::string out;

    for (auto group : groups) {
        Table table({Align::left, Align::right, Align::left});
        for (const auto &[name, value] : counters) {
            const Reason *reason = find_reason(name);
            if (group_of(name) != group || (value == 0 && !all))
                continue;
            table.row({"  " + name, fmt::to_string(value),
                       reason ? std::string(reason->text) : "(unknown to this tool)"});
        }
        if (!table.empty())
            out += fmt::format("{}{}:\n{}", out.empty() ? "" : "\n", group_title(group),
                               table.render());
    }
    if (out.empty())
        out = "All counters are zero: no packet of this namespace met the fast path yet.\n";
    return out;
}

} // namespace xfrm_xdp
