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
    const std::uint8_t host = selector.family == AF_INET ? 32 : 128;
    selector.prefixlen_s = policy.source_prefix.value_or(host);
    selector.prefixlen_d = policy.destination_prefix.value_or(host);
    selector.proto = policy.protocol;
    if (policy.source_port) {
        selector.sport = htons(*policy.source_port);
        selector.sport_mask = 0xffff;
    }
    if (policy.destination_port) {
        selector.dport = htons(*policy.destination_port);
        selector.dport_mask = 0xffff;
    }
    copy(selector.saddr, policy.source);
    copy(selector.daddr, policy.destination);
}

// What tells policies with the same selector apart.
void add_identity(Message &message, const Policy &policy)
{
    if (policy.interface_id)
        message.attribute(XFRMA_IF_ID, *policy.interface_id);
    if (policy.mark)
        message.attribute(XFRMA_MARK, xfrm_mark{*policy.mark, policy.mark_mask});
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
    return put(policy, XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL);
}

Status PolicyTable::update(const Policy &policy)
{
    return put(policy, XFRM_MSG_UPDPOLICY, 0);
}

Status PolicyTable::put(const Policy &policy, std::uint16_t type, std::uint16_t flags)
{
    Message message(type, flags);
    auto &info = message.header<xfrm_userpolicy_info>();
    fill(info.sel, policy);
    info.dir = static_cast<std::uint8_t>(policy.way);
    info.priority = policy.priority;
    info.action = policy.block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
    info.lft.soft_byte_limit = info.lft.hard_byte_limit = test::no_limit;
    info.lft.soft_packet_limit = info.lft.hard_packet_limit = test::no_limit;
    std::vector<xfrm_user_tmpl> templates;
    for (const Template &t : policy.templates)
        templates.push_back(kernel_template(t));
    if (!templates.empty())
        message.attribute(XFRMA_TMPL, templates.data(), templates.size() * sizeof(templates[0]));
    add_identity(message, policy);
    return netlink_.request(message);
}

Status PolicyTable::remove(const Policy &policy)
{
    Message message(XFRM_MSG_DELPOLICY, 0);
    auto &id = message.header<xfrm_userpolicy_id>();
    fill(id.sel, policy);
    id.dir = static_cast<std::uint8_t>(policy.way);
    add_identity(message, policy);
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
