// SPDX-License-Identifier: GPL-2.0-or-later
#include "flows.hpp"

#include "bpf.hpp"
#include "commands.hpp"
#include "flow_json.hpp"
#include "links.hpp"
#include "pins.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <memory>
#include <ostream>

namespace xfrm_xdp {

nlohmann::ordered_json flow_json(const Flow &flow)
{
    return {{"kind", flow.is_sa ? "sa" : "forward"},
            {"family", flow.family},
            {"protocol", flow.protocol},
            {"source", flow.source},
            {"destination", flow.destination},
            {"detail", flow.detail},
            {"in_device", flow.in_device},
            {"out_device", flow.out_device},
            {"vlan", flow.vlan},
            {"in_spi", flow.in_spi},
            {"out_spi", flow.out_spi},
            {"packets", flow.packets},
            {"bytes", flow.bytes},
            {"age_seconds", flow.age_seconds}};
}

std::string line_of(const nlohmann::ordered_json &json)
{
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

namespace {

// What is asked for, and where the names of its devices come from.
struct Query {
    Fd map, counts;
    std::vector<Link> links;
    FlowFilter filter;
    std::uint64_t limit = 0;

    // As many as wanted, until @take returns that it wants no more.
    Status each(const FlowVisitor &take) const;
    Flow describe(const FlowEntry &entry, std::uint64_t now) const;
};

Status Query::each(const FlowVisitor &take) const
{
    std::uint64_t found = 0;

    return visit_flows(map, counts, [&](const FlowEntry &entry) {
        if (!filter.matches(entry))
            return true;
        return take(entry) && ++found != limit;
    });
}

Flow Query::describe(const FlowEntry &entry, std::uint64_t now) const
{
    return describe_flow(entry, now, [&](unsigned ifindex) {
        const Link *link = find_link(links, ifindex);
        return link ? link->name : fmt::format("gone#{}", ifindex);
    });
}

// Element by element, so that a million of them need no memory.
Status print_json(const Query &query, std::ostream &out)
{
    const auto now = monotonic_ns();
    const char *before = "\n    ";

    out << "{\n  \"flows\": [";
    auto status = query.each([&](const FlowEntry &entry) {
        out << before << line_of(flow_json(query.describe(entry, now)));
        before = ",\n    ";
        return static_cast<bool>(out);
    });
    if (status)
        out << (*before == ',' ? "\n  ]\n}\n" : "]\n}\n");
    return status;
}

Status print_text(const Query &query, std::ostream &out)
{
    const auto now = monotonic_ns();
    FlowPrinter printer;

    auto status = query.each([&](const FlowEntry &entry) {
        out << printer.add(query.describe(entry, now));
        return static_cast<bool>(out);
    });
    if (status)
        out << printer.finish();
    return status;
}

Result<Output> count(const Query &query)
{
    std::uint64_t found = 0;

    if (auto status = query.each([&](const FlowEntry &) { return ++found > 0; }); !status)
        return status.error();
    return Output{{{"count", found}}, fmt::format("{}\n", found), 0, {}};
}

Result<Query> make_query(const Options &options)
{
    auto netns = current_netns();
    if (!netns)
        return netns.error();
    auto links = list_links();
    if (!links)
        return links.error();

    Query query;
    query.filter = options.filter;
    query.limit = options.limit;
    if (!options.flow_device.empty()) {
        auto link = find_link(*links, options.flow_device);
        if (!link)
            return link.error();
        query.filter.ifindex = link->index;
    }

    const PinDirectory pins(pin_root(), *netns);
    auto map = open_pin(pins.file(pin_flows));
    if (!map && map.error().code == ENOENT)
        return Error{"nothing is attached in this network namespace, so no flows are known",
                     "'xfrm-xdp attach DEV...' attaches devices; --netns NAME looks elsewhere",
                     ENOENT};
    if (!map)
        return map.error();
    auto counts = open_pin(pins.file(pin_program_counts));
    if (!counts && counts.error().code == ENOENT)
        return Error{"what is attached in this namespace is of another version of this tool",
                     "'xfrm-xdp detach', then attach all devices again"};
    if (!counts)
        return counts.error();
    query.map = *std::move(map);
    query.counts = *std::move(counts);
    query.links = *std::move(links);
    return query;
}

} // namespace

Result<Output> run_flows(const Options &options)
{
    if (auto status = check_rights(); !status)
        return status.error();
    auto made = make_query(options);
    if (!made)
        return made.error();
    auto query = std::make_shared<Query>(*std::move(made));
    if (options.count)
        return count(*query);

    Output output;
    output.print = [query, json = options.json](std::ostream &out) {
        return json ? print_json(*query, out) : print_text(*query, out);
    };
    return output;
}

} // namespace xfrm_xdp
