// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy.hpp"

#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include <cstring>

namespace xfrm_xdp::oracle {
namespace {

using test::Address;
using test::family_of;
using test::Message;

void copy(xfrm_address_t &out, const Address &address)
{
    std::visit([&](const auto &a) { std::memcpy(&out, a.octets.data(), a.octets.size()); },
               address);
}

void fill(xfrm_selector &selector, const Policy &policy)
{
    selector.family = family_of(policy.source);
    selector.prefixlen_s = selector.prefixlen_d = selector.family == AF_INET ? 32 : 128;
    copy(selector.saddr, policy.source);
    copy(selector.daddr, policy.destination);
}

xfrm_user_tmpl kernel_template(const Template &t)
{
    xfrm_user_tmpl out{};
    copy(out.id.daddr, t.destination);
    out.id.proto = t.protocol;
    copy(out.saddr, t.source);
    out.family = family_of(t.destination);
    out.reqid = t.request_id;
    out.mode = static_cast<std::uint8_t>(t.mode);
    out.optional = t.optional;
    out.aalgos = out.ealgos = out.calgos = ~0U;
    return out;
}

} // namespace

Result<PolicyTable> PolicyTable::open()
{
    auto netlink = test::Netlink::open(NETLINK_XFRM);
    if (!netlink)
        return netlink.error();
    return PolicyTable(*std::move(netlink));
}

Status PolicyTable::add(const Policy &policy)
{
    Message message(XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL);
    auto &info = message.header<xfrm_userpolicy_info>();
    fill(info.sel, policy);
    info.dir = static_cast<std::uint8_t>(policy.way);
    info.action = policy.block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
    info.lft.soft_byte_limit = info.lft.hard_byte_limit = test::no_limit;
    info.lft.soft_packet_limit = info.lft.hard_packet_limit = test::no_limit;
    std::vector<xfrm_user_tmpl> templates;
    for (const Template &t : policy.templates)
        templates.push_back(kernel_template(t));
    if (!templates.empty())
        message.attribute(XFRMA_TMPL, templates.data(), templates.size() * sizeof(templates[0]));
    if (policy.interface_id)
        message.attribute(XFRMA_IF_ID, *policy.interface_id);
    if (policy.mark)
        message.attribute(XFRMA_MARK, xfrm_mark{*policy.mark, policy.mark_mask});
    return netlink_.request(message);
}

Status PolicyTable::remove(const Policy &policy)
{
    Message message(XFRM_MSG_DELPOLICY, 0);
    auto &id = message.header<xfrm_userpolicy_id>();
    fill(id.sel, policy);
    id.dir = static_cast<std::uint8_t>(policy.way);
    return netlink_.request(message);
}

Status PolicyTable::block_by_default(std::optional<Way> way)
{
    const auto value = [way](Way one) {
        return static_cast<std::uint8_t>(way == one ? XFRM_USERPOLICY_BLOCK
                                                    : XFRM_USERPOLICY_ACCEPT);
    };
    Message message(XFRM_MSG_SETDEFAULT, 0);
    message.header<xfrm_userpolicy_default>() = {value(Way::in), value(Way::forward),
                                                 value(Way::out)};
    return netlink_.request(message);
}

Status PolicyTable::flush()
{
    Message message(XFRM_MSG_FLUSHPOLICY, 0);
    return netlink_.request(message);
}

} // namespace xfrm_xdp::oracle
