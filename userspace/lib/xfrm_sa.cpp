// SPDX-License-Identifier: GPL-2.0-or-later
#include "xfrm_sa.hpp"

#include "netlink.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

namespace xfrm_xdp {

namespace {

constexpr unsigned highest_attribute = 63;

std::string address(const xfrm_address_t &from, int family)
{
    std::array<char, INET6_ADDRSTRLEN> text{};

    if (!::inet_ntop(family, &from, text.data(), text.size()))
        return "?";
    return text.data();
}

template <class Algorithm>
std::string algorithm_name(const Attributes &attributes, unsigned number)
{
    auto *algorithm = attributes.as<Algorithm>(number);

    if (!algorithm)
        return {};
    return {algorithm->alg_name, ::strnlen(algorithm->alg_name, sizeof(algorithm->alg_name))};
}

std::string protocol_name(std::uint8_t protocol)
{
    switch (protocol) {
    case IPPROTO_ESP:
        return "esp";
    case IPPROTO_AH:
        return "ah";
    case IPPROTO_COMP:
        return "ipcomp";
    }
    return fmt::format("protocol {}", protocol);
}

} // namespace

Result<std::optional<XfrmSa>> parse_sa(const nlmsghdr *message)
{
    if (message->nlmsg_type != XFRM_MSG_NEWSA)
        return std::optional<XfrmSa>();
    if (::mnl_nlmsg_get_payload_len(message) < sizeof(xfrm_usersa_info))
        return Error{"the kernel's answer about an SA is too short",
                     "use a kernel that this tool supports"};

    auto *info = static_cast<const xfrm_usersa_info *>(::mnl_nlmsg_get_payload(message));
    Attributes attributes(message, sizeof(*info), highest_attribute);

    XfrmSa sa;
    sa.family = info->family;
    sa.source = address(info->saddr, info->family);
    sa.destination = address(info->id.daddr, info->family);
    sa.spi = ntohl(info->id.spi);
    sa.reqid = info->reqid;
    sa.protocol = info->id.proto;
    sa.mode = info->mode;
    sa.flags = info->flags;
    sa.extra_flags = attributes.u32(XFRMA_SA_EXTRA_FLAGS);
    sa.aead = algorithm_name<xfrm_algo_aead>(attributes, XFRMA_ALG_AEAD);
    sa.auth = algorithm_name<xfrm_algo_auth>(attributes, XFRMA_ALG_AUTH_TRUNC);
    if (sa.auth.empty())
        sa.auth = algorithm_name<xfrm_algo>(attributes, XFRMA_ALG_AUTH);
    sa.crypt = algorithm_name<xfrm_algo>(attributes, XFRMA_ALG_CRYPT);
    if (auto *encap = attributes.as<xfrm_encap_tmpl>(XFRMA_ENCAP))
        sa.encap = XfrmEncap{encap->encap_type, ntohs(encap->encap_sport),
                             ntohs(encap->encap_dport)};
    sa.offload = attributes[XFRMA_OFFLOAD_DEV];
    sa.security = attributes[XFRMA_SEC_CTX];
    if (auto *mark = attributes.as<xfrm_mark>(XFRMA_MARK))
        sa.mark_mask = mark->m;
    return std::optional(sa);
}

Result<std::vector<XfrmSa>> list_sas()
{
    return collect<XfrmSa>(NETLINK_XFRM, XFRM_MSG_GETSA, {}, parse_sa);
}

std::string describe(const XfrmSa &sa)
{
    return fmt::format("{} {} > {} spi 0x{:08x}", protocol_name(sa.protocol), sa.source,
                       sa.destination, sa.spi);
}

} // namespace xfrm_xdp
