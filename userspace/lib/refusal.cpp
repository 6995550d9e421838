// SPDX-License-Identifier: GPL-2.0-or-later
#include "refusal.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace xfrm_xdp {

namespace {

constexpr const char *or_generic = "or use '--mode generic', which is slower";

Error veth_error(int code, const Refused &refused)
{
    const auto &name = refused.device.name;
    auto peer = refused.peer ? refused.peer_text : "device " + fmt::to_string(refused.device.lower);

    if (code == ERANGE && refused.peer)
        return mtu_error(fmt::format("{}, the other end of {},", peer, name), name, *refused.peer,
                         code);
    if (code == ERANGE)
        return {fmt::format("the other end of {}, {} of another network namespace, has a larger "
                            "MTU than native XDP of veth takes, which is about {}",
                            name, peer, one_page_mtu()),
                fmt::format("lower its MTU there, {}", or_generic), code};
    if (code == ENOSPC)
        return {fmt::format("{} has fewer receive queues than its other end, {}, has transmit "
                            "queues",
                            name, peer),
                fmt::format("run 'ethtool -L {} rx N' with as many, or 'ethtool -L' with 'tx' for "
                            "the other end, {}",
                            name, or_generic),
                code};
    return {fmt::format("the other end of {} is gone", name), "make the device anew", code};
}

Error virtio_error(int code, const Refused &refused)
{
    const auto &name = refused.device.name;

    if (code == EOPNOTSUPP)
        return {fmt::format("the host of {} leaves checksums and segments to this machine, and the "
                            "driver (virtio_net) cannot tell it to stop that for native XDP",
                            name),
                fmt::format("give the device ctrl_guest_offloads, or no guest_csum, guest_tso4, "
                            "guest_tso6, guest_ecn and guest_ufo, at the host, {}",
                            or_generic),
                code};
    return mtu_error(name, name, refused.device, code);
}

} // namespace

unsigned one_page_mtu()
{
    // Headroom 256, struct skb_shared_info 320, Ethernet header 14.
    return static_cast<unsigned>(::sysconf(_SC_PAGESIZE)) - 590;
}

Error mtu_error(const std::string &who, const std::string &device, const Link &link, int code)
{
    return {fmt::format("{} has an MTU of {}, and native XDP on {} takes frames of one page only, "
                        "an MTU of about {}",
                        who, link.mtu, device, one_page_mtu()),
            fmt::format("run 'ip link set {} mtu {}' and lower the MTU of what sends there, too, "
                        "{}",
                        link.name, one_page_mtu(), or_generic),
            code};
}

Error xdp_attach_error(int code, const Refused &refused, XdpMode mode)
{
    const auto &device = refused.device.name;
    const bool native = mode == XdpMode::native;

    if (native && refused.device.kind == "veth" &&
        (code == ERANGE || code == ENOSPC || code == ENOTCONN))
        return veth_error(code, refused);
    if (native && refused.features.driver == "virtio_net" &&
        ((code == EOPNOTSUPP && !refused.features.offloads_can_be_set) ||
         (code == EINVAL && refused.device.mtu > one_page_mtu())))
        return virtio_error(code, refused);
    if (code == EOPNOTSUPP)
        return {fmt::format("the driver of {} has no native XDP", device),
                "use '--mode generic', which is slower, or another device", code};
    if (code == EEXIST)
        return {fmt::format("a device above {} (a bond or bridge) runs an XDP program, or {} runs "
                            "one in another mode",
                            device, device),
                "detach that program, or attach the upper device instead", code};
    if (code == ERANGE || code == EINVAL || code == ENOSPC || code == EMSGSIZE)
        return errno_error(
            code,
            fmt::format("the driver of {} refuses an XDP program as the device is "
                        "set up now, with an MTU of {}",
                        device, refused.device.mtu),
            native ? "lower the MTU, turn off LRO, or give it as many receive queues as "
                     "the driver asks for in 'dmesg'; or use '--mode generic'"
                   : "'dmesg' may say why");
    return errno_error(code, fmt::format("cannot attach an XDP program to {}", device),
                       code == EPERM ? "run as root" : "'xfrm-xdp doctor' checks what that needs");
}

} // namespace xfrm_xdp
