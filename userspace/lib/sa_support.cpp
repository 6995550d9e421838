// SPDX-License-Identifier: GPL-2.0-or-later
#include "sa_support.hpp"

#include <array>
#include <fmt/format.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <string_view>
#include <utility>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {

namespace {

std::string mode_name(std::uint8_t mode)
{
    constexpr std::array names{"transport", "tunnel", "ro", "in_trigger", "beet"};
    return mode < names.size() ? names[mode] : fmt::format("{}", mode);
}

bool takes_mode(std::uint8_t mode)
{
    return mode == XFRM_MODE_TUNNEL || mode == XFRM_MODE_TRANSPORT || mode == XFRM_MODE_BEET;
}

// The local port is the source of an outbound SA and the destination of an inbound one.
void add_encap(std::vector<std::string> &why, const XfrmEncap &encap)
{
    if (encap.type != UDP_ENCAP_ESPINUDP)
        why.push_back(fmt::format("encapsulation of type {}, not ESP in UDP", encap.type));
    else if (encap.source_port != XFRM_XDP_NATT_PORT &&
             encap.destination_port != XFRM_XDP_NATT_PORT)
        why.push_back(fmt::format("UDP port {} and not {} (an inbound SA)",
                                  encap.destination_port, XFRM_XDP_NATT_PORT));
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
    if (!takes_mode(sa.mode))
        why.push_back(fmt::format("mode {}", mode_name(sa.mode)));
    if (sa.encap)
        add_encap(why, *sa.encap);
    if (sa.offload)
        why.push_back("offload to a device");
    if (sa.mark_mask)
        why.push_back(fmt::format("a mark with mask 0x{:x} (an inbound SA)", sa.mark_mask));
    if (sa.security)
        why.push_back("a security context");
    add_flags(why, sa.flags & ~static_cast<std::uint32_t>(XFRM_XDP_SA_FLAGS), "flag",
              {});
    add_flags(why, sa.extra_flags & ~static_cast<std::uint32_t>(XFRM_XDP_SA_EXTRA_FLAGS),
              "extra flag", {});
    return why;
}

} // namespace xfrm_xdp
