// SPDX-License-Identifier: GPL-2.0-or-later
#include "usage.hpp"

#include "files.hpp"
#include "stats.hpp"

#include <cerrno>
#include <charconv>
#include <fmt/format.h>

namespace xfrm_xdp {

namespace {

// Of the calling thread's namespace.
constexpr const char *table_file = "/proc/thread-self/net/xfrm_xdp_table";

} // namespace

Result<TableUsage> parse_table_usage(std::string_view text)
{
    auto lines = parse_counters(text);
    if (!lines)
        return lines.error();

    TableUsage usage;
    std::uint64_t flow_bytes = 0, bundles = 0, bundle_bytes = 0, slot_bytes = 0, hash_bytes = 0;
    const std::pair<std::string_view, std::uint64_t &> wanted[] = {
        {"Flows", usage.flows},        {"MaxFlows", usage.max_flows}, {"Sas", usage.sas},
        {"MaxSas", usage.max_sas},     {"FlowBytes", flow_bytes},     {"Bundles", bundles},
        {"BundleBytes", bundle_bytes}, {"SlotBytes", slot_bytes},     {"HashBytes", hash_bytes},
    };
    for (const auto &[name, field] : wanted) {
        bool found = false;
        for (const auto &[line, value] : *lines)
            if (line == name) {
                field = value;
                found = true;
            }
        if (!found)
            return Error{fmt::format("xfrm_xdp_table has no line '{}'", name),
                         "use a module and a tool of the same version"};
    }
    usage.bytes =
        (usage.flows + usage.sas) * flow_bytes + bundles * bundle_bytes + slot_bytes + hash_bytes;
    return usage;
}

Result<TableUsage> read_table_usage()
{
    auto text = read_file(table_file);
    if (!text && text.error().code == ENOENT)
        return Error{"the xfrm_xdp module that is loaded does not say how many flows it has",
                     "use a module and a tool of the same version", ENOENT};
    if (!text)
        return text.error();
    return parse_table_usage(*text);
}

std::uint64_t map_bytes(const Fd &map)
{
    constexpr std::string_view label = "memlock:";
    auto text = read_file(fmt::format("/proc/self/fdinfo/{}", map.get()));
    std::uint64_t bytes = 0;

    if (!text)
        return 0;
    auto at = text->find(label);
    if (at == text->npos)
        return 0;
    at = text->find_first_not_of(" \t", at + label.size());
    if (at == text->npos)
        return 0;
    std::from_chars(text->data() + at, text->data() + text->size(), bytes);
    return bytes;
}

} // namespace xfrm_xdp
