// SPDX-License-Identifier: GPL-2.0-or-later
// What runs at a device's XDP hook and tc ingress, and what XDP its driver can do.
#pragma once

#include "bpf.hpp"
#include "result.hpp"

#include <optional>
#include <string_view>
#include <vector>

struct nlmsghdr;

namespace xfrm_xdp {

enum class XdpMode { native, generic, offload };

std::string_view mode_name(XdpMode mode);

struct XdpProgram {
    XdpMode mode;
    std::uint32_t id;
};

struct XdpFeatures {
    bool native = false;    // runs XDP programs in the driver
    bool redirect = false;  // and they may redirect
    bool transmit = false;  // takes frames that others redirect to it (ndo_xdp_xmit)
    bool vlan_tags = false; // can tell programs of VLAN tags that it took out of frames
};

struct XdpState {
    std::vector<XdpProgram> programs;
    XdpFeatures features;
};

// Of a device of the calling thread's network namespace.
Result<XdpState> query_xdp(unsigned ifindex);

// Programs at tc ingress, in the order in which they run: tcx first, then cls_bpf filters.
Result<std::vector<ProgramInfo>> query_tc_ingress(unsigned ifindex);

// The BPF program in an RTM_NEWTFILTER message, if it has one.
Result<std::optional<ProgramInfo>> parse_filter(const nlmsghdr *message);

} // namespace xfrm_xdp
