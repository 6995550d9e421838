// SPDX-License-Identifier: GPL-2.0-or-later
#include "links.hpp"

#include "fd.hpp"
#include "files.hpp"
#include "netlink.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace xfrm_xdp {

Result<std::optional<Link>> parse_link(const nlmsghdr *message)
{
    if (::mnl_nlmsg_get_payload_len(message) < sizeof(ifinfomsg))
        return Error{"the kernel's answer about a network device is too short", ""};

    auto *header = static_cast<const ifinfomsg *>(::mnl_nlmsg_get_payload(message));
    Attributes attributes(message, sizeof(*header), IFLA_MAX);
    Attributes info(attributes[IFLA_LINKINFO], IFLA_INFO_MAX);

    Link link;
    link.index = static_cast<unsigned>(header->ifi_index);
    link.name = attributes.text(IFLA_IFNAME);
    link.kind = info.text(IFLA_INFO_KIND);
    link.up = header->ifi_flags & IFF_UP;
    link.loopback = header->ifi_flags & IFF_LOOPBACK;
    link.ethernet = header->ifi_type == ARPHRD_ETHER;
    link.mtu = attributes.u32(IFLA_MTU);
    link.lower = attributes.u32(IFLA_LINK);
    link.lower_away = attributes[IFLA_LINK_NETNSID];
    link.lower_nsid = static_cast<int>(attributes.u32(IFLA_LINK_NETNSID));
    link.master = attributes.u32(IFLA_MASTER);
    link.max_mtu = attributes.u32(IFLA_MAX_MTU);
    return std::optional(link);
}

Result<std::vector<Link>> list_links()
{
    ifinfomsg request{};

    return collect<Link>(NETLINK_ROUTE, RTM_GETLINK, std::as_bytes(std::span(&request, 1)),
                         parse_link);
}

Result<Link> find_link(const std::vector<Link> &links, const std::string &name)
{
    for (const auto &link : links)
        if (link.name == name)
            return link;
    return Error{fmt::format("there is no network device '{}' in this network namespace", name),
                 "'ip link' lists the devices; --netns NAME looks in another namespace", ENODEV};
}

const Link *find_link(const std::vector<Link> &links, unsigned index)
{
    auto found = std::find_if(links.begin(), links.end(),
                              [index](const Link &link) { return link.index == index; });
    return found == links.end() ? nullptr : &*found;
}

namespace {

// Of linux/virtio_net.h, which is not for C++: VIRTIO_NET_F_*.
constexpr std::size_t guest_csum = 1;
constexpr std::size_t ctrl_guest_offloads = 2;

// What virtio_net and the host have agreed on, a digit for each bit.
void read_virtio(const char *device, LinkFeatures &features)
{
    auto bits = read_file(fmt::format("/sys/bus/virtio/devices/{}/features", device));

    if (!bits || bits->size() <= ctrl_guest_offloads)
        return;
    features.unfinished_checksums = (*bits)[guest_csum] == '1';
    features.offloads_can_be_set = (*bits)[ctrl_guest_offloads] == '1';
}

} // namespace

LinkFeatures link_features(const std::string &name)
{
    LinkFeatures features;
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);

    ethtool_drvinfo driver{};
    driver.cmd = ETHTOOL_GDRVINFO;
    request.ifr_data = reinterpret_cast<char *>(&driver);
    if (::ioctl(socket.get(), SIOCETHTOOL, &request) == 0)
        features.driver.assign(driver.driver, ::strnlen(driver.driver, sizeof(driver.driver)));
    if (features.driver == "virtio_net")
        read_virtio(driver.bus_info, features);

    ethtool_value flags{ETHTOOL_GFLAGS, 0};
    request.ifr_data = reinterpret_cast<char *>(&flags);
    if (::ioctl(socket.get(), SIOCETHTOOL, &request) == 0)
        features.vlan_stripping = (flags.data & ETH_FLAG_RXVLAN) != 0;
    return features;
}

} // namespace xfrm_xdp
