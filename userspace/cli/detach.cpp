// SPDX-License-Identifier: GPL-2.0-or-later
#include "detach.hpp"

#include "commands.hpp"
#include "netns.hpp"

#include <fmt/format.h>

namespace xfrm_xdp {

namespace {

Result<Output> orphans()
{
    auto removed = detach_orphans();
    if (!removed)
        return removed.error();

    Output output;
    output.json["removed_namespaces"] = *removed;
    for (auto id : *removed)
        output.text += fmt::format("removed what was left of network namespace {}\n", id);
    if (removed->empty())
        output.text = "Nothing is left of deleted network namespaces.\n";
    return output;
}

Result<Output> devices(const std::vector<std::string> &names)
{
    auto netns = current_netns();
    if (!netns)
        return netns.error();
    auto detached = detach_devices(*netns, names);
    if (!detached)
        return detached.error();

    Output output;
    output.json["detached"] = detached->devices;
    output.json["all"] = detached->all;
    for (const auto &name : detached->devices)
        output.text += fmt::format("{}: detached\n", name);
    if (detached->devices.empty())
        output.text = "Nothing is attached in this network namespace.\n";
    return output;
}

} // namespace

Result<Output> run_detach(const Options &options)
{
    if (auto status = check_rights(); !status)
        return status.error();

    auto output = options.orphaned ? orphans() : devices(options.devices);
    if (output && pinned_netns().empty())
        wait_for_module();
    return output;
}

} // namespace xfrm_xdp
