// SPDX-License-Identifier: GPL-2.0-or-later
#include "flows.hpp"

#include "bpf.hpp"
#include "commands.hpp"
#include "flow_json.hpp"
#include "links.hpp"
#include "pins.hpp"

#include <cerrno>
#include <fmt/format.h>

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

Result<Output> run_flows(const Options &)
{
    if (auto status = check_rights(); !status)
        return status.error();
    auto netns = current_netns();
    if (!netns)
        return netns.error();
    auto links = list_links();
    if (!links)
        return links.error();

    auto map = open_pin(PinDirectory(pin_root(), *netns).file(pin_flows));
    if (!map && map.error().code == ENOENT)
        return Error{"nothing is attached in this network namespace, so no flows are known",
                     "'xfrm-xdp attach DEV...' attaches devices; --netns NAME looks elsewhere",
                     ENOENT};
    if (!map)
        return map.error();
    auto entries = read_flows(*map);
    if (!entries)
        return entries.error();

    auto sas = list_sas();
    if (!sas)
        return sas.error();

    auto device = [&](unsigned ifindex) {
        const Link *link = find_link(*links, ifindex);
        return link ? link->name : fmt::format("gone#{}", ifindex);
    };
    auto now = monotonic_ns();
    std::vector<Flow> flows;
    for (const auto &entry : living(std::move(*entries), *sas))
        flows.push_back(describe_flow(entry, now, device));

    Output output;
    output.json["flows"] = nlohmann::ordered_json::array();
    for (const auto &flow : flows)
        output.json["flows"].push_back(flow_json(flow));
    output.text = render_flows(std::move(flows));
    return output;
}

} // namespace xfrm_xdp
