// SPDX-License-Identifier: GPL-2.0-or-later
#include "device.hpp"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace xfrm_xdp::test {
namespace {

constexpr const char *device_name = "probe0";

Status add_device(Netlink &route, const std::string &kind)
{
    Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    auto &link = message.header<ifinfomsg>();
    link.ifi_flags = link.ifi_change = IFF_UP;
    message.attribute(IFLA_IFNAME, device_name, std::strlen(device_name) + 1);
    message.attribute(IFLA_ADDRESS, gateway_mac.octets);
    // IFLA_LINKINFO holds one attribute: IFLA_INFO_KIND.
    struct {
        nlattr attr;
        char kind[8];
    } info{};
    info.attr = {static_cast<std::uint16_t>(sizeof(nlattr) + kind.size() + 1), IFLA_INFO_KIND};
    kind.copy(info.kind, sizeof(info.kind) - 1);
    message.attribute(IFLA_LINKINFO, info);
    return route.request(message);
}

Status set_up(Netlink &route, int ifindex)
{
    Message message(RTM_NEWLINK, 0);
    auto &link = message.header<ifinfomsg>();
    link.ifi_index = ifindex;
    link.ifi_flags = link.ifi_change = IFF_UP;
    return route.request(message);
}

Status add_address(Netlink &route, int ifindex, const Address &address, std::uint8_t prefix)
{
    Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    auto &header = message.header<ifaddrmsg>();
    header.ifa_family = static_cast<std::uint8_t>(family_of(address));
    header.ifa_prefixlen = prefix;
    header.ifa_flags = IFA_F_NODAD;
    header.ifa_index = static_cast<unsigned>(ifindex);
    std::visit(
        [&](const auto &a) {
            message.attribute(IFA_LOCAL, a.octets);
            message.attribute(IFA_ADDRESS, a.octets);
        },
        address);
    return route.request(message);
}

// IPv6 makes the route to an address a little after the address.
Status wait_for_route()
{
    const bool there = wait_until([] {
        std::ifstream file("/proc/net/ipv6_route");
        const std::string routes{std::istreambuf_iterator<char>(file), {}};
        return routes.find("20010db8000000000000000000000001 80") != std::string::npos;
    });
    if (!there)
        return Error{"no route to the IPv6 address of the test device", {}, ETIMEDOUT};
    return Done{};
}

Result<int> make_device(const std::string &kind)
{
    auto route = Netlink::open(NETLINK_ROUTE);
    if (!route)
        return route.error();
    if (const Status added = add_device(*route, kind); !added)
        return added.error();
    const int ifindex = static_cast<int>(if_nametoindex(device_name));
    if (const Status up = set_up(*route, 1); !up)
        return up.error();
    // The other end of a veth, which the kernel has named.
    if (const unsigned peer = if_nametoindex("veth0"))
        if (const Status up = set_up(*route, static_cast<int>(peer)); !up)
            return up.error();
    const auto v4 = *packet::Ipv4Address::parse("192.0.2.1");
    const auto v6 = *packet::Ipv6Address::parse("2001:db8::1");
    if (const Status added = add_address(*route, ifindex, v4, 24); !added)
        return added.error();
    if (const Status added = add_address(*route, ifindex, v6, 64); !added)
        return added.error();
    if (const Status there = wait_for_route(); !there)
        return there.error();
    return ifindex;
}

// A fragment that nothing follows keeps its page, of a pool that is gone by then; of which
// the kernel complains after 60 s, when IPv6 gives fragments up by default.
Status give_up_fragments_early()
{
    std::ofstream file("/proc/sys/net/ipv6/ip6frag_time");
    file << 30 << std::flush;
    return file ? Status(Done{}) : Status(errno_error(errno, "ip6frag_time"));
}

} // namespace

bool wait_until(const std::function<bool()> &condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        poll(nullptr, 0, 1);
    }
    return true;
}

Result<Sandbox> Sandbox::create(const std::string &kind)
{
    if (unshare(CLONE_NEWNET))
        return errno_error(errno, "new network namespace", "run as root");
    Fd netns(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!netns)
        return errno_error(errno, "/proc/thread-self/ns/net");
    if (const Status set = give_up_fragments_early(); !set)
        return set.error();
    const Result<int> ifindex = make_device(kind);
    if (!ifindex)
        return ifindex.error();
    auto table = SaTable::open();
    if (!table)
        return table.error();
    return Sandbox(std::move(netns), *ifindex, *std::move(table));
}

Status Sandbox::enter() const
{
    if (setns(netns_.get(), CLONE_NEWNET))
        return errno_error(errno, "setns");
    return Done{};
}

Status Sandbox::reset()
{
    if (const Status entered = enter(); !entered)
        return entered.error();
    return table_.flush();
}

Result<Sysctl> Sysctl::set(const std::string &path, const std::string &value)
{
    const std::string full = path.front() == '/' ? path : "/proc/sys/" + path;
    std::fstream file(full);
    std::string former;
    if (!std::getline(file, former))
        return errno_error(errno, full);
    file.seekp(0);
    file << value << std::flush;
    if (!file)
        return errno_error(errno, full);
    return Sysctl(full, former);
}

Sysctl::Sysctl(Sysctl &&other) noexcept
    : path_(std::exchange(other.path_, {})), former_(std::move(other.former_))
{
}

Sysctl::~Sysctl()
{
    if (!path_.empty())
        std::ofstream(path_) << former_;
}

} // namespace xfrm_xdp::test
