// SPDX-License-Identifier: GPL-2.0-or-later
#include "inventory.hpp"

#include "bpf.hpp"

#include <algorithm>
#include <map>

namespace xfrm_xdp {

namespace {

Result<PinnedLink> pinned_link(const PinDirectory &directory, const std::string &name)
{
    auto fd = open_pin(directory.file(name));
    if (!fd)
        return fd.error();
    auto info = link_info(*fd);
    if (!info)
        return info.error();
    return PinnedLink{name, info->program_id, info->ifindex};
}

// The device's index as its links know it, where that is still a device of this namespace.
void settle_device(Attached &device, const std::vector<Link> &links)
{
    unsigned ifindex = device.xdp.ifindex ? device.xdp.ifindex : device.tc.ifindex;

    if (const Link *link = ifindex ? find_link(links, ifindex) : nullptr) {
        device.ifindex = ifindex;
        device.device = link->name;
    }
}

} // namespace

const Attached *Inventory::find(const std::string &device) const
{
    for (bool gone : {false, true})
        for (const auto &candidate : devices)
            if (candidate.gone() == gone && candidate.device == device)
                return &candidate;
    return nullptr;
}

bool Inventory::any_alive() const
{
    return std::any_of(devices.begin(), devices.end(),
                       [](const Attached &device) { return !device.gone(); });
}

Result<Inventory> take_inventory(const PinDirectory &directory, const std::vector<Link> &links)
{
    Inventory inventory;
    std::map<std::string, Attached> devices; // by the name in the pins

    inventory.exists = directory.exists();
    if (!inventory.exists)
        return inventory;

    auto names = directory.list();
    for (const auto &name : namespace_pins())
        if (!std::binary_search(names.begin(), names.end(), name))
            inventory.missing.push_back(name);

    for (const auto &name : names)
        for (const char *kind : {"xdp", "tc"}) {
            auto device = device_of_pin(kind, name);
            if (device.empty())
                continue;
            auto link = pinned_link(directory, name);
            if (!link)
                return link.error();
            auto &entry = devices[device];
            entry.device = device;
            (kind[0] == 'x' ? entry.xdp : entry.tc) = *link;
        }

    for (auto &[name, device] : devices) {
        settle_device(device, links);
        inventory.devices.push_back(device);
    }
    return inventory;
}

} // namespace xfrm_xdp
