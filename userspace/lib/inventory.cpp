// SPDX-License-Identifier: GPL-2.0-or-later
#include "inventory.hpp"

#include "bpf.hpp"
#include "remembered.hpp"

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
void settle_device(const PinDirectory &directory, Attached &device, const std::vector<Link> &links)
{
    unsigned ifindex = device.xdp.ifindex ? device.xdp.ifindex : device.tc.ifindex;

    // Attaching was killed before its first link.
    if (device.xdp.pin.empty() && device.tc.pin.empty())
        for (const auto &remembered : recall(directory, device.before))
            if (remembered.relation == Relation::self)
                ifindex = remembered.ifindex;

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
        for (const char *kind : {pin_kind_xdp, pin_kind_tc, pin_kind_before}) {
            auto device = device_of_pin(kind, name);
            if (device.empty())
                continue;
            devices[device].device = device;
            if (kind == pin_kind_before) {
                devices[device].before = name;
                continue;
            }
            auto link = pinned_link(directory, name);
            if (!link)
                return link.error();
            (kind == pin_kind_xdp ? devices[device].xdp : devices[device].tc) = *link;
        }

    for (auto &[name, device] : devices) {
        settle_device(directory, device, links);
        inventory.devices.push_back(device);
    }
    return inventory;
}

} // namespace xfrm_xdp
