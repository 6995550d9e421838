// SPDX-License-Identifier: GPL-2.0-or-later
#include "status.hpp"

#include "table.hpp"

#include <fmt/format.h>

namespace xfrm_xdp {

namespace {

std::string title(const NamespaceStatus &status)
{
    std::string text = status.name.empty() ? fmt::format("network namespace {}", status.id)
                                           : fmt::format("network namespace {}", status.name);
    if (status.orphaned)
        return text + " (deleted, and kept by what is attached: 'xfrm-xdp detach --orphaned')";
    if (status.current)
        return text + (status.name.empty() ? " (this one)" : "");
    return text;
}

std::string yes_no(bool value)
{
    return value ? "yes" : "no";
}

std::string mode_text(const DeviceStatus &device)
{
    if (device.gone)
        return "gone";
    return device.mode ? std::string(mode_name(*device.mode)) : "detached";
}

std::string id_text(std::uint32_t id)
{
    return id ? fmt::to_string(id) : "-";
}

std::string devices_text(const NamespaceStatus &status)
{
    Table table({Align::left, Align::left, Align::left, Align::left, Align::right, Align::right,
                 Align::left});

    if (status.devices.empty())
        return "  no devices\n";
    table.row({"  DEVICE", "XDP", "IN", "OUT", "XDP PROG", "TC PROG", "NOTE"});
    for (const auto &device : status.devices)
        table.row({"  " + device.device, mode_text(device), yes_no(device.receives),
                   yes_no(device.sends), id_text(device.xdp_program), id_text(device.tc_program),
                   fmt::format("{}", fmt::join(device.problems, "; "))});
    return table.render();
}

std::string size_text(std::uint64_t bytes)
{
    if (bytes < 1024)
        return fmt::format("{} bytes", bytes);
    if (bytes < 1024 * 1024)
        return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024 * 1024));
}

std::string table_text(const TableUsage &table)
{
    auto out = fmt::format("  flows: {} of at most {}\n  entries of SAs: {} of at most {}\n",
                           table.flows, table.max_flows, table.sas, table.max_sas);
    out += fmt::format("  memory: {}", size_text(table.bytes));
    if (auto each = table.bytes_per_flow())
        out += fmt::format(", {} bytes for each", each);
    return out + '\n';
}

std::string map_text(const NamespaceStatus &status)
{
    auto out = fmt::format("  flow map: {} of at most {}", status.flows, status.flows_max);
    if (status.map_bytes && status.flows_max)
        out += fmt::format(", {}, {} bytes for each", size_text(status.map_bytes),
                           status.map_bytes / status.flows_max);
    if (status.plain)
        out += ", those without an SA, too";
    return out + '\n';
}

} // namespace

std::string render_status(const std::vector<NamespaceStatus> &namespaces, const std::string &module)
{
    std::string out = fmt::format("module xfrm_xdp: {}\n", module);

    for (const auto &status : namespaces) {
        out += fmt::format("\n{}\n", title(status));
        out += devices_text(status);
        for (const auto &device : status.devices)
            out += render_changes(device.device, device.changes, "  ");
        if (status.table)
            out += table_text(*status.table);
        out += map_text(status);
        if (!status.missing.empty())
            out += fmt::format("  broken: {} was removed; detach and attach again\n",
                               fmt::join(status.missing, ", "));
    }
    if (namespaces.empty())
        out += "Nothing is attached.\n";
    return out;
}

} // namespace xfrm_xdp
