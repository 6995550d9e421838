// SPDX-License-Identifier: GPL-2.0-or-later
#include "detach.hpp"

#include "bpf.hpp"
#include "module.hpp"
#include "netns.hpp"
#include "remembered.hpp"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <thread>

namespace xfrm_xdp {

Status remove_link(const PinDirectory &directory, const std::string &name)
{
    auto link = open_pin(directory.file(name));
    if (!link)
        return link.error().code == ENOENT ? Status(Done{}) : Status(link.error());

    // A dead link's device is gone; there is nothing to detach it from.
    if (::bpf_link_detach(link->get()) < 0 && errno != ENOLINK)
        return errno_error(errno, fmt::format("cannot detach {}", directory.file(name)),
                           errno == EPERM ? "run as root" : "");
    return directory.remove(name);
}

Status remove_device(const PinDirectory &directory, const Attached &device)
{
    Namespaces namespaces;
    auto plan = plan_restore(directory, device.before, namespaces);

    // XDP first: what it decrypted needs the tc program.
    for (const auto &pin : {device.xdp.pin, device.tc.pin})
        if (!pin.empty())
            if (auto status = remove_link(directory, pin); !status)
                return status;

    // What the device was goes last, so that who is killed here can be followed by another.
    auto restored = restore(plan, namespaces);
    if (!device.before.empty())
        if (auto status = directory.remove(device.before); !status)
            return status;
    return restored;
}

Status remove_namespace(const PinDirectory &directory, const Inventory &inventory)
{
    for (const auto &device : inventory.devices)
        if (auto status = remove_device(directory, device); !status)
            return status;
    for (const auto &hook : netfilter_hooks)
        if (auto status = remove_link(directory, hook.pin); !status)
            return status;
    for (const char *name : {pin_program_counts, pin_program_learn, pin_program_tc, pin_program_xdp,
                             pin_options, pin_flows})
        if (auto status = directory.remove(name); !status)
            return status;
    return directory.remove_directory();
}

Result<Detached> detach_devices(NetnsId netns, const std::vector<std::string> &names)
{
    auto links = list_links();
    if (!links)
        return links.error();
    auto lock = PinLock::take();
    if (!lock)
        return lock.error();
    PinDirectory directory(pin_root(), netns);
    auto inventory = take_inventory(directory, *links);
    if (!inventory)
        return inventory.error();

    Detached detached;
    for (const auto &name : names)
        if (!inventory->find(name))
            return Error{fmt::format("{} is not attached", name),
                         "'xfrm-xdp status' lists the attached devices", ENOENT};

    bool named_all = names.empty();
    auto stays = [&](const Attached &device) {
        return !device.gone() &&
               std::find(names.begin(), names.end(), device.device) == names.end();
    };
    if (named_all || std::none_of(inventory->devices.begin(), inventory->devices.end(), stays)) {
        for (const auto &device : inventory->devices)
            detached.devices.push_back(device.device);
        detached.all = true;
        if (inventory->exists)
            if (auto status = remove_namespace(directory, *inventory); !status)
                return status.error();
        return detached;
    }

    for (const auto &name : names) {
        const Attached *device = inventory->find(name);
        if (auto status = remove_device(directory, *device); !status)
            return status.error();
        detached.devices.push_back(name);
    }
    return detached;
}

Result<std::vector<NetnsId>> detach_orphans()
{
    auto lock = PinLock::take();
    if (!lock)
        return lock.error();
    auto alive = find_netns();
    if (!alive)
        return alive.error();

    std::vector<NetnsId> removed;
    for (auto id : pinned_netns()) {
        if (alive->contains(id))
            continue;
        PinDirectory directory(pin_root(), id);
        auto inventory = take_inventory(directory, {}); // of no device: it cannot be entered
        if (!inventory)
            return inventory.error();
        if (auto status = remove_namespace(directory, *inventory); !status)
            return status.error();
        removed.push_back(id);
    }
    return removed;
}

void wait_for_module()
{
    using namespace std::chrono_literals;
    auto deadline = std::chrono::steady_clock::now() + 2s;

    while (module_users(module_name) > 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(10ms);
}

} // namespace xfrm_xdp
