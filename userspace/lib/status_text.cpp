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

} // namespace

std::string render_status(const std::vector<NamespaceStatus> &namespaces, const std::string &module)
{
    std::string out = fmt::format("module xfrm_xdp: {}\n", module);

    for (const auto &status : namespaces) {
        out += fmt::format("\n{}\n", title(status));
        out += devices_text(status);
        out += fmt::format("  flows: {} of at most {}{}\n", status.flows, status.flows_max,
                           status.plain ? ", those without an SA, too" : "");
        if (!status.missing.empty())
            out += fmt::format("  broken: {} was removed; detach and attach again\n",
                               fmt::join(status.missing, ", "));
    }
    if (namespaces.empty())
        out += "Nothing is attached.\n";
    return out;
}

} // namespace xfrm_xdp
