// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's SAs over netlink. Keys are never copied.
#pragma once

#include "result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct nlmsghdr;

namespace xfrm_xdp {

// Of ESP in UDP or TCP; ports in host order.
struct XfrmEncap {
    std::uint16_t type = 0; // UDP_ENCAP_*, TCP_ENCAP_ESPINTCP
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
};

struct XfrmSa {
    int family = 0;
    std::string source;
    std::string destination;
    std::uint32_t spi = 0; // host order
    std::uint32_t reqid = 0;
    std::uint8_t protocol = 0; // IPPROTO_ESP, ...
    std::uint8_t mode = 0;     // XFRM_MODE_*
    std::uint8_t flags = 0;    // XFRM_STATE_*
    std::uint32_t extra_flags = 0;
    std::string aead;
    std::string auth;
    std::string crypt;
    std::optional<XfrmEncap> encap;
    bool offload = false;
    bool security = false; // an LSM's context
    std::uint32_t mark_mask = 0;
};

// Empty for a message that is not about an SA.
Result<std::optional<XfrmSa>> parse_sa(const nlmsghdr *message);

// Of the calling thread's network namespace.
Result<std::vector<XfrmSa>> list_sas();

// "esp 192.0.2.1 > 192.0.2.2 spi 0xc0ffee01"
std::string describe(const XfrmSa &sa);

} // namespace xfrm_xdp
