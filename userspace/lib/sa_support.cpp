// SPDX-License-Identifier: GPL-2.0-or-later
#include "sa_support.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <string_view>
#include <utility>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {

namespace {

constexpr auto aead_algorithms = std::to_array<std::string_view>({
#define AEAD(name) name,
    XFRM_XDP_AEAD_ALGOS(AEAD)
#undef AEAD
});

constexpr auto authenc_algorithms = std::to_array<std::pair<std::string_view, std::string_view>>({
#define AUTHENC(auth, crypt) {auth, crypt},
    XFRM_XDP_AUTHENC_ALGOS(AUTHENC)
#undef AUTHENC
});

std::string mode_name(std::uint8_t mode)
{
    constexpr std::array names{"transport", "tunnel", "ro", "in_trigger", "beet"};
    return mode < names.size() ? names[mode] : fmt::format("{}", mode);
}

bool takes(const XfrmSa &sa)
{
    if (!sa.aead.empty())
        return std::find(aead_algorithms.begin(), aead_algorithms.end(), sa.aead) !=
               aead_algorithms.end();
    return std::any_of(authenc_algorithms.begin(), authenc_algorithms.end(), [&](const auto &pair) {
        return sa.auth == pair.first && sa.crypt == pair.second;
    });
}

std::string algorithms_of(const XfrmSa &sa)
{
    if (!sa.aead.empty())
        return sa.aead;
    if (sa.crypt.empty())
        return sa.auth.empty() ? "none" : sa.auth;
    return fmt::format("{} with {}", sa.crypt, sa.auth.empty() ? "no integrity" : sa.auth);
}

// Names as `ip xfrm state` has them; flags without one are named by their value.
void add_flags(std::vector<std::string> &why, std::uint32_t unsupported, std::string_view what,
               std::initializer_list<std::pair<std::uint32_t, std::string_view>> names)
{
    for (auto [bit, name] : names) {
        if (unsupported & bit)
            why.push_back(fmt::format("{} {}", what, name));
        unsupported &= ~bit;
    }
    if (unsupported)
        why.push_back(fmt::format("{} 0x{:x}", what, unsupported));
}

} // namespace

std::vector<std::string> why_punted(const XfrmSa &sa)
{
    std::vector<std::string> why;

    if (sa.protocol != IPPROTO_ESP)
        return {"not ESP"};
    if (sa.mode != XFRM_MODE_TUNNEL)
        why.push_back(fmt::format("mode {}, not tunnel", mode_name(sa.mode)));
    if (!takes(sa))
        why.push_back(fmt::format("algorithm {}", algorithms_of(sa)));
    if (sa.encap)
        why.push_back("UDP encapsulation (NAT-T)");
    if (sa.offload)
        why.push_back("offload to a device");
    if (sa.if_id)
        why.push_back(fmt::format("if_id 0x{:x}", sa.if_id));
    if (sa.mark_mask)
        why.push_back(fmt::format("a mark with mask 0x{:x}", sa.mark_mask));
    if (sa.output_mark)
        why.push_back("an output mark");
    if (sa.tfcpad)
        why.push_back(fmt::format("tfcpad {}", sa.tfcpad));
    if (sa.security)
        why.push_back("a security context");
    if (sa.per_cpu)
        why.push_back("bound to a CPU");
    add_flags(why, sa.flags & ~static_cast<std::uint32_t>(XFRM_XDP_SA_FLAGS), "flag",
              {{XFRM_STATE_WILDRECV, "wildrecv"}, {XFRM_STATE_ALIGN4, "align4"}});
    add_flags(why, sa.extra_flags & ~static_cast<std::uint32_t>(XFRM_XDP_SA_EXTRA_FLAGS),
              "extra flag", {});
    return why;
}

std::string supported_algorithms()
{
    std::string text;

    for (auto name : aead_algorithms)
        text += fmt::format("{}{}", text.empty() ? "" : " or ", name);
    for (auto [auth, crypt] : authenc_algorithms)
        text += fmt::format("{}{} with {}", text.empty() ? "" : " or ", crypt, auth);
    return text;
}

} // namespace xfrm_xdp
