// SPDX-License-Identifier: GPL-2.0-or-later
#include "status.hpp"

#include "commands.hpp"
#include "module.hpp"
#include "status_json.hpp"

#include <fmt/format.h>

namespace xfrm_xdp {

namespace {

std::string_view relation_name(Relation relation)
{
    switch (relation) {
    case Relation::self:
        return "self";
    case Relation::below:
        return "below";
    case Relation::peer:
        return "peer";
    }
    return "";
}

nlohmann::ordered_json device_json(const DeviceStatus &device)
{
    return {{"device", device.device},
            {"ifindex", device.ifindex},
            {"gone", device.gone},
            {"mode", device.mode ? nlohmann::ordered_json(mode_name(*device.mode))
                                 : nlohmann::ordered_json()},
            {"xdp_program", device.xdp_program},
            {"tc_program", device.tc_program},
            {"receives", device.receives},
            {"sends", device.sends},
            {"problems", device.problems},
            {"changes", changes_json(device.changes)}};
}

std::string module_text()
{
    if (!module_loaded(module_name))
        return "not loaded";
    auto version = module_version(module_name);
    return version.empty() ? "loaded" : "loaded, version " + version;
}

} // namespace

nlohmann::ordered_json changes_json(const std::vector<DeviceChanges> &changed)
{
    auto list = nlohmann::ordered_json::array();

    for (const auto &device : changed)
        for (const auto &change : device.changes)
            list.push_back({{"device", device.device},
                            {"netns", device.where},
                            {"relation", relation_name(device.relation)},
                            {"what", change.what},
                            {"before", change.before},
                            {"now", change.now}});
    return list;
}

nlohmann::ordered_json table_json(const TableUsage &table)
{
    return {{"flows", table.flows},    {"flows_max", table.max_flows},
            {"sa_entries", table.sas}, {"sa_entries_max", table.max_sas},
            {"bytes", table.bytes},    {"bytes_per_flow", table.bytes_per_flow()}};
}

nlohmann::ordered_json namespace_json(const NamespaceStatus &status)
{
    auto devices = nlohmann::ordered_json::array();
    for (const auto &device : status.devices)
        devices.push_back(device_json(device));
    return {{"id", status.id},
            {"name", status.name},
            {"current", status.current},
            {"orphaned", status.orphaned},
            {"missing", status.missing},
            {"devices", devices},
            {"plain", status.plain},
            {"flows", status.flows},
            {"flows_max", status.flows_max},
            {"map_bytes", status.map_bytes},
            {"table", status.table ? table_json(*status.table) : nlohmann::ordered_json()}};
}

Result<Output> run_status(const Options &options)
{
    if (auto status = check_rights(); !status)
        return status.error();

    std::vector<NamespaceStatus> namespaces;
    if (options.netns.empty()) {
        auto all = all_status();
        if (!all)
            return all.error();
        namespaces = *std::move(all);
    } else {
        auto id = current_netns();
        if (!id)
            return id.error();
        auto one = namespace_status(*id);
        if (!one)
            return one.error();
        one->name = options.netns;
        one->current = true;
        if (PinDirectory(pin_root(), *id).exists())
            namespaces.push_back(*std::move(one));
    }

    Output output;
    output.json["module"] = {{"loaded", module_loaded(module_name)},
                             {"version", module_version(module_name)}};
    output.json["namespaces"] = nlohmann::ordered_json::array();
    for (const auto &status : namespaces)
        output.json["namespaces"].push_back(namespace_json(status));
    output.text = render_status(namespaces, module_text());
    return output;
}

} // namespace xfrm_xdp
