// SPDX-License-Identifier: GPL-2.0-or-later
#include "events.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "packet.hpp"

namespace xfrm_xdp::oracle {
namespace {

using packet::Bytes;
using test::Message;

constexpr unsigned all_groups = (1U << (XFRMNLGRP_MAX)) - 1;

// The clock is not the same in two runs; whether it was ever set is.
void mask(xfrm_lifetime_cur &lifetime)
{
    lifetime.add_time = 0;
    lifetime.use_time = lifetime.use_time != 0;
}

void mask(xfrm_usersa_info &info)
{
    mask(info.curlft);
    info.seq = 0;
}

void mask(xfrm_userpolicy_info &info)
{
    mask(info.curlft);
    info.index = 0;
}

std::string numbers(const xfrm_usersa_info &info)
{
    return fmt::format("packets {} bytes {} used {} errors {}/{}/{}", info.curlft.packets,
                       info.curlft.bytes, info.curlft.use_time, info.stats.replay_window,
                       info.stats.replay, info.stats.integrity_failed);
}

// The message's fixed part: masked, named, and how long it is.
struct Head {
    Event event;
    std::size_t length = 0;
};

Head sa_head(const char *kind, xfrm_usersa_info &info)
{
    mask(info);
    Event event{kind, ntohl(info.id.spi), numbers(info)};
    info.id.spi = 0;
    return {event, sizeof(info)};
}

Head expire_head(xfrm_user_expire &expire)
{
    Head head = sa_head(expire.hard ? "hard expiry" : "soft expiry", expire.state);
    head.length = sizeof(expire);
    return head;
}

Head replay_head(xfrm_aevent_id &id)
{
    Event event{"replay", ntohl(id.sa_id.spi), fmt::format("flags {:x}", id.flags)};
    id.sa_id.spi = 0;
    return {event, sizeof(id)};
}

Head acquire_head(xfrm_user_acquire &acquire)
{
    mask(acquire.policy);
    acquire.seq = 0;
    return {{"acquire", ntohl(acquire.id.spi), {}}, sizeof(acquire)};
}

Head mapping_head(xfrm_user_mapping &mapping)
{
    Event event{"mapping", ntohl(mapping.id.spi),
                fmt::format("port {} to {}", ntohs(mapping.old_sport), ntohs(mapping.new_sport))};
    mapping.id.spi = 0;
    return {event, sizeof(mapping)};
}

template <class T>
T &as(Bytes &payload)
{
    payload.resize(std::max(payload.size(), sizeof(T)));
    return *reinterpret_cast<T *>(payload.data());
}

Head head_of(std::uint16_t type, Bytes &payload)
{
    switch (type) {
    case XFRM_MSG_NEWSA:
        return sa_head("SA", as<xfrm_usersa_info>(payload));
    case XFRM_MSG_UPDSA:
        return sa_head("SA updated", as<xfrm_usersa_info>(payload));
    case XFRM_MSG_DELSA:
        return {{"SA deleted", ntohl(as<xfrm_usersa_id>(payload).spi), {}}, sizeof(xfrm_usersa_id)};
    case XFRM_MSG_EXPIRE:
        return expire_head(as<xfrm_user_expire>(payload));
    case XFRM_MSG_NEWAE:
        return replay_head(as<xfrm_aevent_id>(payload));
    case XFRM_MSG_ACQUIRE:
        return acquire_head(as<xfrm_user_acquire>(payload));
    case XFRM_MSG_MAPPING:
        return mapping_head(as<xfrm_user_mapping>(payload));
    case XFRM_MSG_REPORT:
        return {{"report", 0, {}}, sizeof(xfrm_user_report)};
    default:
        return {{fmt::format("message {:#x}", type), 0, {}}, payload.size()};
    }
}

void mask_attribute(nlattr *attribute)
{
    auto *value = reinterpret_cast<std::uint8_t *>(attribute) + MNL_ATTR_HDRLEN;
    const std::size_t size = attribute->nla_len - MNL_ATTR_HDRLEN;
    switch (attribute->nla_type & NLA_TYPE_MASK) {
    case XFRMA_LASTUSED:
        std::memset(value, 0, size);
        break;
    case XFRMA_LTIME_VAL:
        mask(*reinterpret_cast<xfrm_lifetime_cur *>(value));
        break;
    case XFRMA_SA:
        mask(*reinterpret_cast<xfrm_usersa_info *>(value));
        break;
    default:
        break;
    }
}

void mask_attributes(std::span<std::uint8_t> bytes)
{
    while (bytes.size() >= MNL_ATTR_HDRLEN) {
        auto *attribute = reinterpret_cast<nlattr *>(bytes.data());
        if (attribute->nla_len < MNL_ATTR_HDRLEN || attribute->nla_len > bytes.size())
            return;
        mask_attribute(attribute);
        const std::size_t step = MNL_ALIGN(attribute->nla_len);
        bytes = bytes.subspan(std::min(step, bytes.size()));
    }
}

Event normalise(const nlmsghdr *message)
{
    const auto *data = static_cast<const std::uint8_t *>(mnl_nlmsg_get_payload(message));
    Bytes payload(data, data + mnl_nlmsg_get_payload_len(message));
    Head head = head_of(message->nlmsg_type, payload);
    const std::size_t attributes = MNL_ALIGN(head.length);
    if (attributes < payload.size())
        mask_attributes(std::span(payload).subspan(attributes));
    head.event.text += (head.event.text.empty() ? "" : " ") + packet::to_hex(payload);
    return head.event;
}

} // namespace

std::string show(const Event &event)
{
    return fmt::format("{} of {:#x}: {}", event.kind, event.spi, event.text);
}

std::vector<std::string> kinds(const std::vector<Event> &events)
{
    std::vector<std::string> all;
    for (const Event &event : events)
        all.push_back(event.kind);
    return all;
}

Result<Monitor> Monitor::open()
{
    auto groups = test::Netlink::open(NETLINK_XFRM, all_groups);
    if (!groups)
        return groups.error();
    auto requests = test::Netlink::open(NETLINK_XFRM);
    if (!requests)
        return requests.error();
    return Monitor(*std::move(groups), *std::move(requests));
}

Result<std::vector<Event>> Monitor::take()
{
    std::vector<Event> events;
    const Status done =
        groups_.drain([&](const nlmsghdr *message) { events.push_back(normalise(message)); });
    if (!done)
        return done.error();
    return events;
}

Result<std::vector<Event>> Monitor::states()
{
    std::vector<Event> all;
    Message message(XFRM_MSG_GETSA, NLM_F_DUMP);
    const Status done = requests_.request(
        message, [&](const nlmsghdr *answer) { all.push_back(normalise(answer)); });
    if (!done)
        return done.error();
    std::sort(all.begin(), all.end(),
              [](const Event &a, const Event &b) { return show(a) < show(b); });
    return all;
}

Status Monitor::reserve(const test::Sa &sa)
{
    const auto copy = [](xfrm_address_t &out, const test::Address &address) {
        std::visit([&](const auto &a) { std::memcpy(&out, a.octets.data(), a.octets.size()); },
                   address);
    };
    Message message(XFRM_MSG_ALLOCSPI, 0);
    auto &wanted = message.header<xfrm_userspi_info>();
    copy(wanted.info.saddr, sa.source);
    copy(wanted.info.id.daddr, sa.destination);
    wanted.info.id.proto = sa.protocol;
    wanted.info.family = test::family_of(sa.destination);
    wanted.info.mode = static_cast<std::uint8_t>(sa.mode);
    wanted.info.reqid = sa.request_id;
    wanted.min = wanted.max = sa.association.spi;
    return requests_.request(message, [](const nlmsghdr *) {});
}

} // namespace xfrm_xdp::oracle
