// SPDX-License-Identifier: GPL-2.0-or-later
#include "status.hpp"

#include "bpf.hpp"
#include "flows.hpp"
#include "shared_part.hpp"

#include <cerrno>

namespace xfrm_xdp {

namespace {

// Where the programs were loaded with other options than none.
Status read_plain(const PinDirectory &directory, NamespaceStatus &status)
{
    auto plain = learns_plain(directory);
    if (!plain && plain.error().code == ENOENT)
        return Done{};
    if (!plain)
        return plain.error();
    status.plain = *plain;
    return Done{};
}

// Counts the flows; without a map there are none.
Status count_flows(const PinDirectory &directory, NamespaceStatus &status)
{
    auto map = open_pin(directory.file(pin_flows));
    if (!map && map.error().code == ENOENT)
        return Done{};
    if (!map)
        return map.error();
    std::size_t flows = 0;
    auto visited = visit_entries(*map, [&](const FlowEntry &) { return ++flows > 0; });
    if (!visited)
        return visited;
    auto info = map_info(*map);
    if (!info)
        return info.error();
    status.flows = flows;
    status.flows_max = info->max_entries;
    status.map_bytes = map_bytes(*map);
    return Done{};
}

Result<NamespaceStatus> orphan_status(NetnsId id)
{
    PinDirectory directory(pin_root(), id);
    NamespaceStatus status;
    status.id = id;
    status.orphaned = true;

    auto inventory = take_inventory(directory, {});
    if (!inventory)
        return inventory.error();
    status.missing = inventory->missing;
    for (const auto &device : inventory->devices)
        status.devices.push_back(device_status(device, nullptr, {}));
    if (auto counted = count_flows(directory, status); !counted)
        return counted.error();
    if (auto read = read_plain(directory, status); !read)
        return read.error();
    return status;
}

Result<NamespaceStatus> status_at(NetnsId id, const NetnsPlace &place)
{
    auto netns = open_netns(place.path);
    if (!netns)
        return netns.error();
    auto scope = NetnsScope::enter(*netns);
    if (!scope)
        return scope.error();
    return namespace_status(id);
}

} // namespace

DeviceStatus device_status(const Attached &device, const Link *link, const XdpState &xdp)
{
    DeviceStatus status;
    status.device = device.device;
    status.ifindex = device.ifindex;
    status.gone = device.gone() || !link;
    status.xdp_program = device.xdp.program_id;
    status.tc_program = device.tc.program_id;
    if (status.gone) {
        status.problems.push_back("the device is gone");
        return status;
    }

    for (const auto &program : xdp.programs)
        if (device.xdp.alive() && program.id == device.xdp.program_id)
            status.mode = program.mode;
    status.receives = link->up && device.complete() && status.mode;
    status.sends = link->up && xdp.features.transmit;

    if (!link->up)
        status.problems.push_back("the device is down");
    if (!device.xdp.alive() || !status.mode)
        status.problems.push_back("its XDP program was detached");
    if (!device.tc.alive())
        status.problems.push_back("its tc program was detached");
    if (!xdp.features.transmit)
        status.problems.push_back(link->kind == "veth"
                                      ? "takes no XDP frames until its peer has GRO on or runs XDP"
                                      : "its driver takes no XDP frames (no ndo_xdp_xmit)");
    return status;
}

Result<NamespaceStatus> namespace_status(NetnsId id)
{
    PinDirectory directory(pin_root(), id);
    NamespaceStatus status;
    status.id = id;

    auto links = list_links();
    if (!links)
        return links.error();
    auto inventory = take_inventory(directory, *links);
    if (!inventory)
        return inventory.error();
    status.missing = inventory->missing;

    Namespaces namespaces;
    for (const auto &device : inventory->devices) {
        const Link *link = device.gone() ? nullptr : find_link(*links, device.ifindex);
        XdpState xdp;
        if (link) {
            auto state = query_xdp(link->index);
            if (!state)
                return state.error();
            xdp = *std::move(state);
        }
        status.devices.push_back(device_status(device, link, xdp));
        if (link)
            status.devices.back().changes = list_changes(directory, device.before, namespaces);
    }
    if (auto counted = count_flows(directory, status); !counted)
        return counted.error();
    if (auto read = read_plain(directory, status); !read)
        return read.error();
    if (auto usage = read_table_usage())
        status.table = *usage;
    else if (usage.error().code != ENOENT)
        return usage.error();
    return status;
}

Result<std::vector<NamespaceStatus>> all_status()
{
    auto here = current_netns();
    if (!here)
        return here.error();
    auto places = find_netns();
    if (!places)
        return places.error();

    std::vector<NamespaceStatus> all;
    for (auto id : pinned_netns()) {
        auto place = places->find(id);
        auto status = place == places->end() ? orphan_status(id) : status_at(id, place->second);
        if (!status)
            return status.error();
        if (place != places->end())
            status->name = place->second.name;
        status->current = id == *here;
        all.push_back(*std::move(status));
    }
    return all;
}

} // namespace xfrm_xdp
