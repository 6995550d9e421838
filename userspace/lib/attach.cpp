// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach.hpp"

#include "bpf.hpp"
#include "detach.hpp"
#include "inventory.hpp"
#include "links.hpp"
#include "refusal.hpp"
#include "remembered.hpp"
#include "shared_part.hpp"
#include "undo.hpp"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <fmt/format.h>
#include <linux/if_link.h>

namespace xfrm_xdp {

namespace {

// One attach call: where, and what is there already.
struct Attaching {
    PinDirectory directory;
    std::vector<Link> links;
    Inventory inventory;
    XdpMode mode;
    Namespaces namespaces;
};

Error foreign_xdp(const std::string &device, const XdpProgram &program)
{
    return {fmt::format("{} already runs the XDP program {} in {} mode, which is not ours", device,
                        describe(program_by_id(program.id)), mode_name(program.mode)),
            "have its owner detach it ('bpftool net' shows what it is), or leave this device out",
            EBUSY};
}

Status check_no_foreign_xdp(const Link &device)
{
    auto state = query_xdp(device.index);
    if (!state)
        return state.error();
    if (!state->programs.empty())
        return foreign_xdp(device.name, state->programs.front());
    return Done{};
}

// The fast path goes around tc ingress, so a program there would see only part of the traffic.
Status check_no_foreign_tc(const Link &device)
{
    auto programs = query_tc_ingress(device.index);
    if (!programs)
        return programs.error();
    if (!programs->empty())
        return Error{fmt::format("{} already runs the tc ingress program {}, which is not ours and "
                                 "would miss what the fast path forwards",
                                 device.name, describe(programs->front())),
                     "have its owner detach it ('bpftool net' shows what it is), or leave this "
                     "device out",
                     EBUSY};
    return Done{};
}

// An attached device: fine in the same mode, refused in the other.
Result<AttachedNow> already_attached(const Attached &device, XdpMode mode)
{
    auto state = query_xdp(device.ifindex);
    if (!state)
        return state.error();
    for (const auto &program : state->programs)
        if (program.id == device.xdp.program_id && program.mode != mode)
            return Error{
                fmt::format("{} is attached in {} mode", device.device, mode_name(program.mode)),
                fmt::format("'xfrm-xdp detach {}' first to change the mode", device.device), EBUSY};
    return AttachedNow{device.device, mode, true};
}

Status attach_tc(const Attaching &call, const Link &device, Undo &undo)
{
    auto program = open_pin(call.directory.file(pin_program_tc));
    if (!program)
        return program.error();

    LIBBPF_OPTS(bpf_link_create_opts, opts);
    opts.flags = abi::mprog_before; // first: what comes later sees the sec_path
    Fd link(::bpf_link_create(program->get(), static_cast<int>(device.index),
                              static_cast<bpf_attach_type>(abi::attach_tcx_ingress), &opts));
    if (!link)
        return errno_error(errno, fmt::format("cannot attach to tc ingress of {}", device.name),
                           "'xfrm-xdp doctor' checks what that needs");
    return pin_link(call.directory, pin_name(pin_kind_tc, device.name), std::move(link), undo);
}

Refused refused(Attaching &call, const Link &device)
{
    Refused facts{device, link_features(device.name), {}, {}};

    if (auto peer = find_peer(call.links, device, call.namespaces)) {
        facts.peer = peer->link;
        facts.peer_text = describe(*peer, call.namespaces);
    }
    return facts;
}

Status attach_xdp(Attaching &call, const Link &device, Undo &undo)
{
    auto program = open_pin(call.directory.file(pin_program_xdp));
    if (!program)
        return program.error();

    LIBBPF_OPTS(bpf_link_create_opts, opts);
    opts.flags = call.mode == XdpMode::native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    Fd link(::bpf_link_create(program->get(), static_cast<int>(device.index), BPF_XDP, &opts));
    if (!link) {
        int code = errno;
        if (auto foreign = check_no_foreign_xdp(device); !foreign)
            return foreign.error(); // somebody was quicker
        return xdp_attach_error(code, refused(call, device), call.mode);
    }
    return pin_link(call.directory, pin_name(pin_kind_xdp, device.name), std::move(link), undo);
}

// Pins of a device that is gone, or of half an attach that was killed, make way.
Status clear_remains(const Attaching &call, const std::string &name)
{
    for (const auto &old : call.inventory.devices) {
        bool same_pin = old.xdp.pin == pin_name(pin_kind_xdp, name) ||
                        old.tc.pin == pin_name(pin_kind_tc, name) ||
                        old.before == pin_name(pin_kind_before, name);
        if (old.complete() && old.device == name)
            continue;
        if (old.complete() && same_pin)
            return Error{
                fmt::format("{} was attached under the name {} and renamed", old.device, name),
                fmt::format("'xfrm-xdp detach {0}', then attach {0} and {1}", old.device, name),
                EEXIST};
        if (!same_pin && old.device != name)
            continue;
        if (auto status = remove_device(call.directory, old); !status)
            return status;
    }
    return Done{};
}

Result<AttachedNow> attach_device(Attaching &call, const Link &device, Undo &undo)
{
    const Attached *old = call.inventory.find(device.name);
    if (old && old->complete())
        return already_attached(*old, call.mode);

    auto related = related_devices(call.links, device, call.namespaces);
    if (auto status = remember(call.directory, device.name, related, call.namespaces, undo);
        !status)
        return status.error();

    // tc before XDP: no decrypted packet may come up before its sec_path can be restored.
    if (auto status = attach_tc(call, device, undo); !status)
        return status.error();
    if (auto status = attach_xdp(call, device, undo); !status)
        return status.error();
    if (auto status = note_attached(call.directory, device.name, call.namespaces); !status)
        return status.error();
    return AttachedNow{device.name, call.mode, false};
}

Result<std::vector<Link>> resolve(const std::vector<Link> &links,
                                  const std::vector<std::string> &names)
{
    std::vector<Link> devices;

    for (const auto &name : names) {
        auto link = find_link(links, name);
        if (!link)
            return link.error();
        if (link->loopback)
            return Error{
                fmt::format("{} is the loopback device: nothing is forwarded over it", name),
                "name the devices between which packets are forwarded", EINVAL};
        if (!link->ethernet)
            return Error{fmt::format("{} is not an Ethernet device", name),
                         "name the Ethernet device that carries it", EINVAL};
        if (std::none_of(devices.begin(), devices.end(),
                         [&](const Link &other) { return other.index == link->index; }))
            devices.push_back(*std::move(link));
    }
    return devices;
}

// Whatever can be refused is refused before anything is changed.
Status check_all(const Attaching &call, const std::vector<Link> &devices)
{
    for (const auto &device : devices) {
        if (auto *old = call.inventory.find(device.name); old && !old->gone()) {
            if (!old->complete())
                continue;
            if (auto status = already_attached(*old, call.mode); !status)
                return status.error();
            continue;
        }
        if (auto status = check_no_foreign_xdp(device); !status)
            return status;
        if (auto status = check_no_foreign_tc(device); !status)
            return status;
    }
    return Done{};
}

} // namespace

Result<std::vector<AttachedNow>> attach_devices(NetnsId netns,
                                                const std::vector<std::string> &names,
                                                const AttachOptions &options,
                                                std::span<const std::byte> object)
{
    auto links = list_links();
    if (!links)
        return links.error();
    auto devices = resolve(*links, names);
    if (!devices)
        return devices.error();

    auto lock = PinLock::take();
    if (!lock)
        return lock.error();
    PinDirectory directory(pin_root(), netns);
    auto inventory = take_inventory(directory, *links);
    if (!inventory)
        return inventory.error();

    Attaching call{directory, *std::move(links), *std::move(inventory), options.mode, {}};
    if (auto status = check_all(call, *devices); !status)
        return status.error();

    Undo undo;
    if (auto status =
            ensure_shared_part(call.directory, call.inventory, options.learning, object, undo);
        !status)
        return status.error();

    std::vector<AttachedNow> attached;
    for (const auto &device : *devices) {
        if (auto status = clear_remains(call, device.name); !status)
            return status.error();
        auto now = attach_device(call, device, undo);
        if (!now)
            return now.error();
        attached.push_back(*std::move(now));
    }
    undo.commit();
    for (auto &now : attached) {
        if (auto link = find_link(call.links, now.device))
            if (auto state = query_xdp(link->index))
                now.sends = state->features.transmit;
        if (now.mode == XdpMode::native && link_features(now.device).unfinished_checksums)
            now.notes.push_back("its host may go on leaving checksums to this machine, and the "
                                "driver drops such frames now; 'xfrm-xdp doctor' says what to do");
        const Attached *old = now.already ? call.inventory.find(now.device) : nullptr;
        now.changes =
            list_changes(call.directory, old ? old->before : pin_name(pin_kind_before, now.device),
                         call.namespaces);
    }
    return attached;
}

} // namespace xfrm_xdp
