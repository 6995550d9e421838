// SPDX-License-Identifier: GPL-2.0-or-later
// Why a driver refuses an XDP program, as far as can be told from an errno and the device.
#pragma once

#include "links.hpp"
#include "neighbourhood.hpp"
#include "result.hpp"
#include "xdp.hpp"

#include <optional>
#include <string>

namespace xfrm_xdp {

struct Refused {
    Link device;
    LinkFeatures features;
    std::optional<Link> peer; // of a veth, where it can be seen
    std::string peer_text;    // with its namespace
};

// The MTU whose frames fit into a page, with what veth and virtio_net put around them; within a
// few bytes, for the kernel does not say it before a program is attached.
unsigned one_page_mtu();

// What is told of an MTU that is too large for it, of @who.
Error mtu_error(const std::string &who, const std::string &device, const Link &link, int code);

Error xdp_attach_error(int code, const Refused &refused, XdpMode mode);

} // namespace xfrm_xdp
