// SPDX-License-Identifier: GPL-2.0-or-later
#include "switch.hpp"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include <cerrno>

#include "bpf.hpp"
#include "netns.hpp"
#include "pins.hpp"

namespace xfrm_xdp::oracle {
namespace {

Result<Fd> load_pass(bpf_attach_type type)
{
    const bpf_insn program[] = {
        {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS},
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = type);
    Fd fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "oracle_pass", "GPL", program, std::size(program),
                        &options));
    if (!fd)
        return errno_error(errno, "loading a program that passes");
    return fd;
}

} // namespace

Result<Switch> Switch::open()
{
    const auto netns = current_netns();
    if (!netns)
        return netns.error();
    const PinDirectory pins(pin_root(), *netns);
    if (!pins.exists())
        return none();
    std::vector<Fd> links;
    for (const char *device : {"lan", "wire"}) {
        auto link = open_pin(pins.file(pin_name("xdp", device)));
        if (!link)
            return link.error();
        links.push_back(*std::move(link));
    }
    auto fast = open_pin(pins.file(pin_program_xdp));
    if (!fast)
        return fast.error();
    // The programs of a link have one attach type, which libbpf leaves out where it takes
    // the kernel for one that does not know them: it asks with a program for cgroups.
    auto pass = load_pass(BPF_XDP);
    if (pass && bpf_link_update(links.front().get(), pass->get(), nullptr))
        pass = load_pass(bpf_attach_type{});
    if (!pass)
        return pass.error();
    return Switch(std::move(links), *std::move(fast), *std::move(pass));
}

Status Switch::keep(const Fd &program)
{
    if (!program)
        return Done{};
    constexpr int loopback = 1;
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
    Fd link(bpf_link_create(program.get(), loopback, BPF_XDP, &options));
    if (!link)
        return errno_error(errno, "XDP on a loopback device");
    kept_.push_back(std::move(link));
    return Done{};
}

Status Switch::set(const Fd &program)
{
    for (const Fd &link : links_)
        if (bpf_link_update(link.get(), program.get(), nullptr))
            return errno_error(errno, "another program for a link");
    return Done{};
}

} // namespace xfrm_xdp::oracle
