// SPDX-License-Identifier: GPL-2.0-or-later
#include "hooks.hpp"

#include "netlink.hpp"
#include "pins.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_hook.h>

namespace xfrm_xdp {

namespace {

// Of linux/netfilter/nfnetlink_hook.h, which C libraries' headers may not have.
constexpr std::uint32_t type_bpf = 2;
constexpr unsigned bpf_id = 1;

// What the kernel itself puts at the very ends: nf_conntrack, br_netfilter, synproxy and ipvlan.
constexpr std::array own{"nf_confirm", "ip_sabotage_in", "ipv4_synproxy_hook", "ipv6_synproxy_hook",
                         "ipvlan_nf_input"};

const char *family_name(std::uint8_t family)
{
    switch (family) {
    case NFPROTO_INET:
        return "inet";
    case NFPROTO_IPV4:
        return "ip";
    case NFPROTO_IPV6:
        return "ip6";
    }
    return "?";
}

bool kernels_own(const Hook &hook)
{
    return hook.chain.empty() && !hook.program &&
           std::find(own.begin(), own.end(), hook.function) != own.end();
}

} // namespace

Result<std::optional<Hook>> parse_hook(const nlmsghdr *message)
{
    Attributes attributes(message, sizeof(nfgenmsg), NFNLA_HOOK_MAX);
    Attributes info(attributes[NFNLA_HOOK_CHAIN_INFO], NFNLA_HOOK_INFO_MAX);
    Hook hook;

    if (!attributes[NFNLA_HOOK_PRIORITY])
        return Error{"the kernel's answer about a netfilter hook has no priority", ""};
    hook.priority = static_cast<int>(ntohl(attributes.u32(NFNLA_HOOK_PRIORITY)));
    hook.function = attributes.text(NFNLA_HOOK_FUNCTION_NAME);
    hook.module = attributes.text(NFNLA_HOOK_MODULE_NAME);
    switch (ntohl(info.u32(NFNLA_HOOK_INFO_TYPE))) {
    case NFNL_HOOK_TYPE_NFTABLES: {
        Attributes chain(info[NFNLA_HOOK_INFO_DESC], NFNLA_CHAIN_MAX);
        auto *family = chain.as<std::uint8_t>(NFNLA_CHAIN_FAMILY);
        hook.chain = chain.text(NFNLA_CHAIN_NAME);
        hook.table =
            fmt::format("{} {}", family_name(family ? *family : 0), chain.text(NFNLA_CHAIN_TABLE));
        break;
    }
    case type_bpf:
        hook.program = ntohl(Attributes(info[NFNLA_HOOK_INFO_DESC], bpf_id).u32(bpf_id));
        break;
    }
    return std::optional(std::move(hook));
}

Result<std::vector<HookList>> list_hooks()
{
    constexpr std::uint16_t type = NFNL_SUBSYS_HOOK << 8 | NFNL_MSG_HOOK_GET;
    std::vector<HookList> lists;

    for (const auto &place : netfilter_hooks) {
        struct {
            nfgenmsg header{};
            nlattr attribute{NLA_HDRLEN + sizeof(std::uint32_t), NFNLA_HOOK_HOOKNUM};
            std::uint32_t hook = 0;
        } request;
        request.header.nfgen_family = static_cast<std::uint8_t>(place.family);
        request.hook = htonl(place.hook);
        auto hooks = collect<Hook>(NETLINK_NETFILTER, type, std::as_bytes(std::span(&request, 1)),
                                   parse_hook);
        if (!hooks)
            return hooks.error();
        lists.push_back({place.family, place.hook, *std::move(hooks)});
    }
    return lists;
}

std::vector<Hook> outside_learner(const HookList &list, std::uint32_t learner)
{
    auto place = std::find_if(netfilter_hooks.begin(), netfilter_hooks.end(),
                              [&](const NetfilterHook &known) {
                                  return known.family == list.family && known.hook == list.hook;
                              });
    if (place == netfilter_hooks.end())
        return {};

    // Not there yet, it could not come to where another has its priority.
    auto ours = learner ? std::find_if(list.hooks.begin(), list.hooks.end(),
                                       [&](const Hook &hook) { return hook.program == learner; })
                        : list.hooks.end();
    auto from = ours != list.hooks.end()
                    ? ours
                    : std::find_if(list.hooks.begin(), list.hooks.end(), [&](const Hook &hook) {
                          return list.hook == NF_INET_PRE_ROUTING
                                     ? hook.priority > place->priority
                                     : hook.priority >= place->priority;
                      });

    std::vector<Hook> outside;
    auto add = [&](auto begin, auto end) {
        std::copy_if(begin, end, std::back_inserter(outside),
                     [](const Hook &hook) { return !kernels_own(hook); });
    };
    if (list.hook == NF_INET_PRE_ROUTING)
        add(list.hooks.begin(), from);
    else
        add(ours != list.hooks.end() ? from + 1 : from, list.hooks.end());
    return outside;
}

std::string describe(const Hook &hook)
{
    auto what = !hook.chain.empty()
                    ? fmt::format("chain '{}' of table '{}'", hook.chain, hook.table)
                : hook.program ? fmt::format("BPF program {}", hook.program)
                : hook.module.empty()
                    ? fmt::format("the function {}", hook.function)
                    : fmt::format("the function {} of module {}", hook.function, hook.module);
    return fmt::format("{} at priority {}", what, hook.priority);
}

} // namespace xfrm_xdp
