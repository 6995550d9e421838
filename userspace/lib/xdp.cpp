// SPDX-License-Identifier: GPL-2.0-or-later
#include "xdp.hpp"

#include "netlink.hpp"

#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace xfrm_xdp {

namespace {

// enum netdev_xdp_act of linux/netdev.h, which C libraries' headers may not have.
constexpr std::uint64_t act_basic = 1;
constexpr std::uint64_t act_redirect = 2;
constexpr std::uint64_t act_ndo_xmit = 4;

Status add_tcx(unsigned ifindex, std::vector<ProgramInfo> &programs)
{
    std::array<__u32, 64> ids{}; // the kernel allows that many
    LIBBPF_OPTS(bpf_prog_query_opts, opts);
    opts.prog_ids = ids.data();
    opts.count = ids.size();

    int code = ::bpf_prog_query_opts(static_cast<int>(ifindex),
                                     static_cast<bpf_attach_type>(abi::attach_tcx_ingress), &opts);
    if (code == -ENOENT)
        return Done{};
    if (code == -EINVAL)
        return Error{"the kernel has no tcx", "use Linux 6.12 or later", EINVAL};
    if (code < 0)
        return errno_error(code, "cannot ask for the programs at tc ingress",
                           code == -EPERM ? "run as root" : "");
    for (std::size_t i = 0; i < opts.count && i < ids.size(); i++)
        programs.push_back(program_by_id(ids[i]));
    return Done{};
}

Status add_filters(unsigned ifindex, std::vector<ProgramInfo> &programs)
{
    tcmsg request{};
    request.tcm_family = AF_UNSPEC;
    request.tcm_ifindex = static_cast<int>(ifindex);
    request.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);

    auto found = collect<ProgramInfo>(NETLINK_ROUTE, RTM_GETTFILTER,
                                      std::as_bytes(std::span(&request, 1)), parse_filter);
    if (!found)
        return found.error();
    for (const auto &program : *found) {
        auto info = program_by_id(program.id); // the filter's name is often that of a file
        programs.push_back(info.name == "?" ? program : info);
    }
    return Done{};
}

} // namespace

std::string_view mode_name(XdpMode mode)
{
    switch (mode) {
    case XdpMode::native:
        return "native";
    case XdpMode::generic:
        return "generic";
    case XdpMode::offload:
        return "offload";
    }
    return "";
}

Result<XdpState> query_xdp(unsigned ifindex)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, opts);
    XdpState state;

    if (int code = ::bpf_xdp_query(static_cast<int>(ifindex), 0, &opts))
        return errno_error(code, "cannot ask for a device's XDP programs");
    if (opts.drv_prog_id)
        state.programs.push_back({XdpMode::native, opts.drv_prog_id});
    if (opts.skb_prog_id)
        state.programs.push_back({XdpMode::generic, opts.skb_prog_id});
    if (opts.hw_prog_id)
        state.programs.push_back({XdpMode::offload, opts.hw_prog_id});
    state.features.native = opts.feature_flags & act_basic;
    state.features.redirect = opts.feature_flags & act_redirect;
    state.features.transmit = opts.feature_flags & act_ndo_xmit;
    return state;
}

Result<std::optional<ProgramInfo>> parse_filter(const nlmsghdr *message)
{
    Attributes attributes(message, sizeof(tcmsg), TCA_MAX);
    if (attributes.text(TCA_KIND) != "bpf")
        return std::optional<ProgramInfo>();

    Attributes options(attributes[TCA_OPTIONS], TCA_BPF_MAX);
    auto id = options.u32(TCA_BPF_ID);
    if (!id)
        return std::optional<ProgramInfo>(); // the head of a chain, without a program
    auto name = options.text(TCA_BPF_NAME);
    return std::optional(ProgramInfo{id, name.empty() ? "?" : name});
}

Result<std::vector<ProgramInfo>> query_tc_ingress(unsigned ifindex)
{
    std::vector<ProgramInfo> programs;

    if (auto status = add_tcx(ifindex, programs); !status)
        return status.error();
    if (auto status = add_filters(ifindex, programs); !status)
        return status.error();
    return programs;
}

} // namespace xfrm_xdp
