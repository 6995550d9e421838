// SPDX-License-Identifier: GPL-2.0-or-later
#include "sa.hpp"

#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace xfrm_xdp::test {
namespace {

// Not in the C library's copy of the header yet.
constexpr std::uint16_t attribute_direction = 33;
constexpr std::uint16_t attribute_cpu = 35;

void copy(xfrm_address_t &out, const Address &address)
{
    std::visit([&](const auto &a) { std::memcpy(&out, a.octets.data(), a.octets.size()); },
               address);
}

Bytes algorithm(const std::string &name, const Bytes &key)
{
    Bytes out(sizeof(xfrm_algo) + key.size());
    auto *algo = reinterpret_cast<xfrm_algo *>(out.data());
    std::strncpy(algo->alg_name, name.c_str(), sizeof(algo->alg_name) - 1);
    algo->alg_key_len = static_cast<unsigned>(key.size() * 8);
    std::copy(key.begin(), key.end(), algo->alg_key);
    return out;
}

// struct xfrm_algo_aead and struct xfrm_algo_auth: with the length of the ICV.
Bytes algorithm(const std::string &name, const Bytes &key, std::size_t icv)
{
    static_assert(sizeof(xfrm_algo_aead) == sizeof(xfrm_algo_auth));
    Bytes out(sizeof(xfrm_algo_aead) + key.size());
    auto *algo = reinterpret_cast<xfrm_algo_aead *>(out.data());
    std::strncpy(algo->alg_name, name.c_str(), sizeof(algo->alg_name) - 1);
    algo->alg_key_len = static_cast<unsigned>(key.size() * 8);
    algo->alg_icv_len = static_cast<unsigned>(icv * 8);
    std::copy(key.begin(), key.end(), algo->alg_key);
    return out;
}

void attribute(Message &message, std::uint16_t type, const Bytes &value)
{
    message.attribute(type, value.data(), value.size());
}

void add_algorithms(Message &message, const Sa &sa)
{
    const auto &used = sa.association.algorithm;
    if (sa.protocol == IPPROTO_COMP) {
        attribute(message, XFRMA_ALG_COMP, algorithm("deflate", {}));
        return;
    }
    if (sa.protocol == IPPROTO_AH) {
        attribute(message, XFRMA_ALG_AUTH_TRUNC,
                  algorithm(sa.authentication_name, used.authentication_key, used.icv_length));
        return;
    }
    if (used.cipher == esp::Cipher::aes_gcm) {
        attribute(message, XFRMA_ALG_AEAD,
                  algorithm(sa.aead_name, used.encryption_key, used.icv_length));
        return;
    }
    attribute(message, XFRMA_ALG_CRYPT, algorithm(sa.encryption_name, used.encryption_key));
    attribute(message, XFRMA_ALG_AUTH_TRUNC,
              algorithm(sa.authentication_name, used.authentication_key, used.icv_length));
}

void add_replay(Message &message, const Sa &sa)
{
    if (sa.association.esn || sa.bitmap) {
        const std::size_t words = (sa.window + 31) / 32;
        Bytes value(sizeof(xfrm_replay_state_esn) + words * 4);
        auto *esn = reinterpret_cast<xfrm_replay_state_esn *>(value.data());
        esn->bmp_len = static_cast<unsigned>(words);
        esn->replay_window = sa.window;
        esn->seq = sa.replay.seq;
        esn->seq_hi = sa.replay.seq_hi;
        esn->oseq = sa.replay.oseq;
        esn->oseq_hi = sa.replay.oseq_hi;
        for (std::size_t i = 0; i < words && i < sa.replay.bitmap.size(); i++)
            esn->bmp[i] = sa.replay.bitmap[i];
        attribute(message, XFRMA_REPLAY_ESN_VAL, value);
        return;
    }
    xfrm_replay_state legacy{};
    legacy.seq = sa.replay.seq;
    legacy.oseq = sa.replay.oseq;
    legacy.bitmap = sa.replay.bitmap.empty() ? 0 : sa.replay.bitmap.front();
    message.attribute(XFRMA_REPLAY_VAL, legacy);
}

void add_mark(Message &message, const Sa &sa)
{
    if (sa.mark)
        message.attribute(XFRMA_MARK, xfrm_mark{*sa.mark, sa.mark_mask});
}

void add_options(Message &message, const Sa &sa)
{
    if (sa.extra_flags)
        message.attribute(XFRMA_SA_EXTRA_FLAGS, sa.extra_flags);
    if (sa.direction)
        message.attribute(attribute_direction, static_cast<std::uint8_t>(*sa.direction));
    if (sa.replay_threshold) {
        message.attribute(XFRMA_REPLAY_THRESH, *sa.replay_threshold);
        // No event by the clock while a test runs.
        message.attribute(XFRMA_ETIMER_THRESH, std::uint32_t{1} << 20);
    }
    add_mark(message, sa);
    if (sa.output_mark)
        message.attribute(XFRMA_SET_MARK, *sa.output_mark);
    if (sa.interface_id)
        message.attribute(XFRMA_IF_ID, *sa.interface_id);
    if (sa.cpu)
        message.attribute(attribute_cpu, *sa.cpu);
    if (sa.tfc_padding)
        message.attribute(XFRMA_TFCPAD, *sa.tfc_padding);
    if (sa.encapsulation_port) {
        xfrm_encap_tmpl encap{};
        encap.encap_type = 2; // UDP_ENCAP_ESPINUDP
        encap.encap_sport = encap.encap_dport = htons(*sa.encapsulation_port);
        message.attribute(XFRMA_ENCAP, encap);
    }
}

void fill(xfrm_usersa_id &id, const Sa &sa)
{
    copy(id.daddr, sa.destination);
    id.spi = htonl(sa.association.spi);
    id.family = family_of(sa.destination);
    id.proto = sa.protocol;
}

void fill_selector(xfrm_selector &selector, const Sa &sa)
{
    if (!sa.inner_source || !sa.inner_destination)
        return;
    selector.family = family_of(*sa.inner_source);
    selector.prefixlen_s = selector.prefixlen_d = selector.family == AF_INET ? 32 : 128;
    copy(selector.saddr, *sa.inner_source);
    copy(selector.daddr, *sa.inner_destination);
}

int parse_attribute(const nlattr *attr, void *data)
{
    auto &state = *static_cast<SaState *>(data);
    const void *value = mnl_attr_get_payload(attr);
    switch (mnl_attr_get_type(attr)) {
    case XFRMA_REPLAY_VAL: {
        const auto *legacy = static_cast<const xfrm_replay_state *>(value);
        state.replay.seq = legacy->seq;
        state.replay.oseq = legacy->oseq;
        state.replay.bitmap = {legacy->bitmap};
        break;
    }
    case XFRMA_REPLAY_ESN_VAL: {
        const auto *esn = static_cast<const xfrm_replay_state_esn *>(value);
        state.replay.seq = esn->seq;
        state.replay.seq_hi = esn->seq_hi;
        state.replay.oseq = esn->oseq;
        state.replay.oseq_hi = esn->oseq_hi;
        state.replay.window = esn->replay_window;
        state.replay.bitmap.assign(esn->bmp, esn->bmp + esn->bmp_len);
        break;
    }
    case XFRMA_LASTUSED:
        state.used = true;
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

void parse_state(SaState &state, const nlmsghdr *message)
{
    const auto *info = static_cast<const xfrm_usersa_info *>(mnl_nlmsg_get_payload(message));
    state.bytes = info->curlft.bytes;
    state.packets = info->curlft.packets;
    state.replay_window_errors = info->stats.replay_window;
    state.replay_errors = info->stats.replay;
    state.integrity_errors = info->stats.integrity_failed;
    state.replay.window = info->replay_window;

    mnl_attr_parse(message, sizeof(*info), parse_attribute, &state);
}

XfrmEvent parse_event(const nlmsghdr *message)
{
    XfrmEvent event;
    if (message->nlmsg_type == XFRM_MSG_EXPIRE) {
        const auto *expire = static_cast<const xfrm_user_expire *>(mnl_nlmsg_get_payload(message));
        event.kind = expire->hard ? XfrmEvent::Kind::hard_expiry : XfrmEvent::Kind::soft_expiry;
        event.spi = ntohl(expire->state.id.spi);
    } else if (message->nlmsg_type == XFRM_MSG_NEWAE) {
        const auto *ae = static_cast<const xfrm_aevent_id *>(mnl_nlmsg_get_payload(message));
        event.kind = XfrmEvent::Kind::replay;
        event.spi = ntohl(ae->sa_id.spi);
        event.detail = ae->flags & (XFRM_AE_CR | XFRM_AE_CE | XFRM_AE_CU);
    }
    return event;
}

} // namespace

std::uint16_t family_of(const Address &address)
{
    return std::holds_alternative<packet::Ipv4Address>(address) ? AF_INET : AF_INET6;
}

Result<SaTable> SaTable::open()
{
    auto netlink = Netlink::open(NETLINK_XFRM);
    if (!netlink)
        return netlink.error();
    return SaTable(*std::move(netlink));
}

Status SaTable::add(const Sa &sa)
{
    Message message(XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL);
    auto &info = message.header<xfrm_usersa_info>();
    copy(info.saddr, sa.source);
    copy(info.id.daddr, sa.destination);
    info.id.spi = htonl(sa.association.spi);
    info.id.proto = sa.protocol;
    info.reqid = sa.request_id;
    fill_selector(info.sel, sa);
    info.family = family_of(sa.destination);
    info.mode = static_cast<std::uint8_t>(sa.mode);
    info.flags = static_cast<std::uint8_t>(sa.flags | (sa.association.esn ? XFRM_STATE_ESN : 0));
    info.replay_window = static_cast<std::uint8_t>(sa.association.esn || sa.bitmap ? 0 : sa.window);
    info.lft.soft_byte_limit = sa.soft_bytes;
    info.lft.hard_byte_limit = sa.hard_bytes;
    info.lft.soft_packet_limit = sa.soft_packets;
    info.lft.hard_packet_limit = sa.hard_packets;
    info.lft.soft_add_expires_seconds = sa.soft_age;
    info.lft.hard_add_expires_seconds = sa.hard_age;
    info.lft.soft_use_expires_seconds = sa.soft_use;
    info.lft.hard_use_expires_seconds = sa.hard_use;
    add_algorithms(message, sa);
    if (sa.protocol != IPPROTO_COMP)
        add_replay(message, sa);
    add_options(message, sa);
    return netlink_.request(message);
}

Status SaTable::reset(const Sa &sa)
{
    Message message(XFRM_MSG_NEWAE, NLM_F_REPLACE);
    auto &id = message.header<xfrm_aevent_id>();
    fill(id.sa_id, sa);
    id.reqid = sa.request_id;
    copy(id.saddr, sa.source);
    message.attribute(XFRMA_LTIME_VAL, xfrm_lifetime_cur{0, 0, 1, 0});
    add_replay(message, sa);
    add_mark(message, sa);
    return netlink_.request(message);
}

Status SaTable::remove(const Sa &sa)
{
    Message message(XFRM_MSG_DELSA, 0);
    fill(message.header<xfrm_usersa_id>(), sa);
    add_mark(message, sa);
    return netlink_.request(message);
}

Status SaTable::flush()
{
    Message message(XFRM_MSG_FLUSHSA, 0);
    message.header<xfrm_usersa_flush>().proto = 0; // of every protocol
    return netlink_.request(message);
}

Result<Snapshot> SaTable::get(const Sa &sa)
{
    Message message(XFRM_MSG_GETSA, 0);
    fill(message.header<xfrm_usersa_id>(), sa);
    add_mark(message, sa);
    Snapshot snapshot;
    const Status status = netlink_.request(message, [&](const nlmsghdr *answer) {
        const auto *payload = static_cast<const std::uint8_t *>(mnl_nlmsg_get_payload(answer));
        snapshot.raw.assign(payload, payload + mnl_nlmsg_get_payload_len(answer));
        parse_state(snapshot.state, answer);
    });
    if (!status)
        return status.error();
    return snapshot;
}

Result<XfrmEvents> XfrmEvents::open()
{
    auto netlink = Netlink::open(NETLINK_XFRM, XFRMGRP_EXPIRE | 1U << (XFRMNLGRP_AEVENTS - 1));
    if (!netlink)
        return netlink.error();
    return XfrmEvents(*std::move(netlink));
}

Result<std::vector<XfrmEvent>> XfrmEvents::drain()
{
    std::vector<XfrmEvent> events;
    const Status status =
        netlink_.drain([&](const nlmsghdr *message) { events.push_back(parse_event(message)); });
    if (!status)
        return status.error();
    return events;
}

} // namespace xfrm_xdp::test
