// SPDX-License-Identifier: GPL-2.0-or-later
#include "shared_part.hpp"

#include "bpf.hpp"
#include "detach.hpp"
#include "flows.hpp"
#include "hooks.hpp"
#include "module.hpp"
#include "usage.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/types.h>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {

namespace {

struct ObjectPin {
    const char *name; // in the object
    const char *pin;
};

constexpr ObjectPin maps[] = {{"flows", pin_flows}, {options_map, pin_options}};

constexpr ObjectPin programs[] = {
    {"xfrm_xdp_ingress", pin_program_xdp},
    {"xfrm_xdp_restore", pin_program_tc},
    {"xfrm_xdp_learn", pin_program_learn},
    {"xfrm_xdp_counts", pin_program_counts},
};

Status pin_fd(const PinDirectory &directory, const char *name, int fd, Undo &undo)
{
    if (::bpf_obj_pin(fd, directory.file(name).c_str()) < 0)
        return errno_error(errno, fmt::format("cannot pin {}", directory.file(name)),
                           "run as root");
    undo.add([directory, name] { (void)directory.remove(name); });
    return Done{};
}

Status pin_object(const PinDirectory &directory, const BpfObject &object, Undo &undo)
{
    for (const auto &[name, pin] : maps) {
        auto map = object.map(name);
        if (!map)
            return map.error();
        if (auto status = pin_fd(directory, pin, ::bpf_map__fd(*map), undo); !status)
            return status;
    }
    for (const auto &[program, pin] : programs) {
        auto found = object.program(program);
        if (!found)
            return found.error();
        if (auto status = pin_fd(directory, pin, ::bpf_program__fd(*found), undo); !status)
            return status;
    }
    return Done{};
}

// BPF links share their priority with nobody who was there before.
Error place_taken(const NetfilterHook &place)
{
    std::string who = fmt::format("something else at priority {}", place.priority);

    if (auto lists = list_hooks())
        for (const auto &list : *lists)
            for (const auto &hook : list.hooks)
                if (list.family == place.family && list.hook == place.hook &&
                    hook.priority == place.priority)
                    who = describe(hook);
    return {fmt::format("the learner's place in netfilter ({}) is taken by {}", place.pin, who),
            "give that another priority, or remove it until this is attached", EBUSY};
}

Status attach_learners(const PinDirectory &directory, const BpfObject &object, Undo &undo)
{
    auto learner = object.program("xfrm_xdp_learn");
    if (!learner)
        return learner.error();

    for (const auto &hook : netfilter_hooks) {
        LIBBPF_OPTS(bpf_netfilter_opts, opts);
        opts.pf = hook.family;
        opts.hooknum = hook.hook;
        opts.priority = hook.priority;
        LinkPtr link(::bpf_program__attach_netfilter(*learner, &opts));
        if (!link && errno == EBUSY)
            return place_taken(hook);
        if (!link)
            return errno_error(errno,
                               fmt::format("cannot attach the learner to netfilter ({})", hook.pin),
                               "use a kernel with CONFIG_NETFILTER_BPF_LINK=y");
        // The descriptor is kept by the pin and by undo, not by libbpf's object.
        Fd fd(::fcntl(::bpf_link__fd(link.get()), F_DUPFD_CLOEXEC, 0));
        ::bpf_link__disconnect(link.get());
        if (auto status = pin_link(directory, hook.pin, std::move(fd), undo); !status)
            return status;
    }
    return Done{};
}

// What was learned for programs that are gone is not for these: perhaps with other options.
Status forget_flows(const BpfObject &object)
{
    auto program = object.program("xfrm_xdp_forget");
    if (!program)
        return program.error();
    LIBBPF_OPTS(bpf_test_run_opts, run);
    int code = ::bpf_prog_test_run_opts(::bpf_program__fd(*program), &run);
    if (code || run.retval)
        return errno_error(code ? code : static_cast<int>(run.retval),
                           "cannot have the module forget its flows",
                           code == -EPERM ? "run as root" : "");
    return Done{};
}

// ESP, too: an SA of the stack would load it. Where it is not there, there are no such SAs.
Status load_modules()
{
    if (auto status = load_module(module_name); !status)
        return status;
    for (const char *name : {"esp4", "esp6"})
        (void)load_module(name);
    return Done{};
}

Status make_shared_part(const PinDirectory &directory, const Learning &learning,
                        std::span<const std::byte> image, Undo &undo)
{
    if (auto status = load_modules(); !status)
        return status;
    if (learning.flows) {
        auto usage = read_table_usage();
        if (!usage)
            return usage.error();
        if (auto status = check_flows(learning.flows, usage->max_flows); !status)
            return status;
    }
    auto object = BpfObject::load(image, learning.plain ? XFRM_XDP_LEARN_PLAIN : 0,
                                  map_entries(learning.flows ? learning.flows : default_flows));
    if (!object)
        return object.error();
    if (auto status = forget_flows(*object); !status)
        return status;

    if (auto status = directory.create(); !status)
        return status;
    undo.add([directory] { (void)directory.remove_directory(); });
    if (auto status = pin_object(directory, *object, undo); !status)
        return status;
    return attach_learners(directory, *object, undo);
}

// What is there already has to do.
Status check_shared_part(const PinDirectory &directory, std::uint32_t flows)
{
    auto map = open_pin(directory.file(pin_flows));
    if (!map)
        return map.error();
    auto info = map_info(*map);
    if (!info)
        return info.error();
    if (info->key_size != sizeof(xfrm_xdp_flow_key) ||
        info->value_size != sizeof(xfrm_xdp_flow_val))
        return Error{"what is attached in this namespace is of another version of this tool",
                     "'xfrm-xdp detach', then attach all devices again"};
    if (flows && info->max_entries != map_entries(flows))
        return Error{fmt::format("the flow map of this namespace was made for another number of "
                                 "flows than {}",
                                 flows),
                     "'xfrm-xdp detach', then attach all devices again, with --flows; or leave "
                     "that out",
                     EEXIST};
    return Done{};
}

Status check_plain(const PinDirectory &directory, bool plain)
{
    auto learns = learns_plain(directory);
    if (!learns)
        return learns.error();
    if (*learns == plain)
        return Done{};
    return *learns ? Error{"what is attached in this namespace was attached with --plain",
                           "say so here, too, or 'xfrm-xdp detach' first", EBUSY}
                   : Error{"what is attached in this namespace was attached without --plain",
                           "'xfrm-xdp detach', then attach all devices with it", EBUSY};
}

} // namespace

Result<bool> learns_plain(const PinDirectory &directory)
{
    auto map = open_pin(directory.file(pin_options));
    if (!map)
        return map.error();
    auto flags = read_options(*map);
    if (!flags)
        return flags.error();
    return (*flags & XFRM_XDP_LEARN_PLAIN) != 0;
}

Status check_flows(std::uint64_t flows, std::uint64_t known)
{
    if (flows <= known)
        return Done{};
    return Error{fmt::format("the xfrm_xdp module keeps no more than {} flows", known),
                 fmt::format("raise that: 'echo {} >/sys/module/xfrm_xdp/parameters/max_flows', or "
                             "ask for fewer",
                             flows),
                 ENOSPC};
}

Status pin_link(const PinDirectory &directory, const std::string &name, Fd link, Undo &undo)
{
    if (!link)
        return errno_error(errno, fmt::format("cannot keep the link {}", name));
    if (::bpf_obj_pin(link.get(), directory.file(name).c_str()) < 0)
        return errno_error(errno, fmt::format("cannot pin {}", directory.file(name)),
                           "run as root");
    undo.add([directory, name] { (void)remove_link(directory, name); });
    return Done{};
}

Status ensure_shared_part(const PinDirectory &directory, const Inventory &inventory,
                          const Learning &learning, std::span<const std::byte> image, Undo &undo)
{
    if (inventory.complete()) {
        if (auto status = check_shared_part(directory, learning.flows); !status)
            return status;
        return check_plain(directory, learning.plain);
    }
    if (inventory.exists && inventory.any_alive())
        return Error{fmt::format("{} lacks {}: somebody removed a part of what is attached",
                                 directory.path(), fmt::join(inventory.missing, ", ")),
                     "'xfrm-xdp detach', then attach all devices again"};
    if (inventory.exists)
        if (auto status = remove_namespace(directory, inventory); !status)
            return status;
    return make_shared_part(directory, learning, image, undo);
}

} // namespace xfrm_xdp
