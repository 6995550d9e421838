// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab.hpp"

#include <arpa/inet.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>

#include "netns.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr packet::Mac mac_a{{2, 0, 0, 0, 0x0a, 2}};
constexpr packet::Mac mac_gw1{{2, 0, 0, 0, 0x0a, 1}};
constexpr packet::Mac mac_b{{2, 0, 0, 0, 0x0b, 2}};
constexpr packet::Mac mac_gw2{{2, 0, 0, 0, 0x0b, 1}};

constexpr std::uint16_t nat_port = 4500;
constexpr std::uint16_t packet_port = 4789;

Address v4(const char *text)
{
    return *packet::Ipv4Address::parse(text);
}

Address v6(const char *text)
{
    return *packet::Ipv6Address::parse(text);
}

Status enter(const std::string &name)
{
    const auto netns = open_netns(name);
    if (!netns)
        return netns.error();
    if (setns(netns->get(), CLONE_NEWNET))
        return errno_error(errno, "setns " + name);
    return Done{};
}

// As key managers do it: transport mode's policies are for UDP packets of ESP as well.
Status bypass_policies(const Fd &fd, bool v4)
{
    xfrm_userpolicy_info policy{};
    policy.sel.family = v4 ? AF_INET : AF_INET6;
    policy.action = XFRM_POLICY_ALLOW;
    policy.lft.soft_byte_limit = policy.lft.hard_byte_limit = test::no_limit;
    policy.lft.soft_packet_limit = policy.lft.hard_packet_limit = test::no_limit;
    for (const std::uint8_t way : {XFRM_POLICY_IN, XFRM_POLICY_OUT}) {
        policy.dir = way;
        if (setsockopt(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6,
                       v4 ? IP_XFRM_POLICY : IPV6_XFRM_POLICY, &policy, sizeof(policy)))
            return errno_error(errno, "policy of a socket");
    }
    return Done{};
}

// The kernel takes ESP out of UDP where a socket asks for it.
Result<Fd> bind_port(Family family, std::uint16_t port, bool encapsulation)
{
    const bool v4 = family == Family::v4;
    Fd fd(socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int on = 1, esp_in_udp = UDP_ENCAP_ESPINUDP;
    if (!v4)
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (encapsulation && setsockopt(fd.get(), IPPROTO_UDP, UDP_ENCAP, &esp_in_udp, sizeof(on)))
        return errno_error(errno, "ESP in UDP");
    if (const Status bypassed = bypass_policies(fd, v4); encapsulation && !bypassed)
        return bypassed.error();
    sockaddr_storage storage{};
    storage.ss_family = v4 ? AF_INET : AF_INET6;
    // The port is in the same place in both.
    reinterpret_cast<sockaddr_in &>(storage).sin_port = htons(port);
    if (bind(fd.get(), reinterpret_cast<sockaddr *>(&storage),
             v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)))
        return errno_error(errno, "port " + std::to_string(port));
    return fd;
}

Result<std::vector<Fd>> bind_ports()
{
    std::vector<Fd> ports;
    for (const Family family : {Family::v4, Family::v6}) {
        for (const std::uint16_t port : {nat_port, packet_port}) {
            auto bound = bind_port(family, port, port == nat_port);
            if (!bound)
                return bound.error();
            ports.push_back(*std::move(bound));
        }
    }
    return ports;
}

} // namespace

const Places &places(Family family)
{
    static const Places four{v4("192.0.2.1"),    v4("192.0.2.2"),   v4("198.51.100.66"),
                             v4("203.0.113.66"), v4("203.0.113.2"), v4("203.0.113.77")};
    static const Places six{v6("2001:db8:f::1"),  v6("2001:db8:f::2"), v6("2001:db8:a::66"),
                            v6("2001:db8:b::66"), v6("2001:db8:b::2"), v6("2001:db8:b::77")};
    return family == Family::v4 ? four : six;
}

packet::Ethernet towards_gw1()
{
    return {mac_gw1, mac_a, std::nullopt};
}

packet::Ethernet towards_gw2()
{
    return {mac_gw2, mac_b, std::nullopt};
}

Result<Host> Host::open(Address Places::*own)
{
    auto states = SaTable::open();
    if (!states)
        return states.error();
    auto policies = PolicyTable::open();
    if (!policies)
        return policies.error();
    auto mib = CounterFile::open("/proc/thread-self/net/xfrm_stat");
    if (!mib)
        return mib.error();
    // What they hear of is UDP around ESP, too, which no policy of transport mode lets
    // through to them.
    auto local4 = Tap::open_local(places(Family::v4).*own, nat_port);
    auto local6 = Tap::open_local(places(Family::v6).*own, nat_port);
    if (!local4 || !local6 || !bypass_policies(local4->socket(), true) ||
        !bypass_policies(local6->socket(), false))
        return Error{"no raw socket", {}, 0};
    auto ports = bind_ports();
    if (!ports)
        return ports.error();
    return Host{*std::move(states), *std::move(policies), *std::move(mib),
                *std::move(local4), *std::move(local6),   *std::move(ports)};
}

Status Host::flush()
{
    if (const Status done = policies.flush(); !done)
        return done.error();
    return states.flush();
}

namespace {

// In the namespace @name, or why not.
template <class T>
Result<T> in(const std::string &name, const std::function<Result<T>()> &action)
{
    if (const Status entered = enter(name); !entered)
        return entered.error();
    return action();
}

Result<Tap> tap_in(const std::string &name, const char *device)
{
    return in<Tap>(name, [&] { return Tap::open(device); });
}

Result<CounterFile> module_counters()
{
    return CounterFile::open("/proc/thread-self/net/xfrm_xdp_stat");
}

} // namespace

Result<Lab> Lab::open(const std::string &prefix)
{
    const std::string one = prefix + "-gw1", wire = prefix + "-wire", two = prefix + "-ha";
    auto gw2 = in<Host>(prefix + "-gw2", [] { return Host::open(&Places::gw2); });
    auto hb = in<Host>(prefix + "-hb", [] { return Host::open(&Places::host); });
    auto gw1 = in<Host>(one, [] { return Host::open(&Places::gw1); });
    for (const auto *host : {&gw1, &gw2, &hb})
        if (!*host)
            return host->error();
    auto ha = tap_in(two, "eth0"), hb_lan = tap_in(prefix + "-hb", "eth0");
    auto g1 = tap_in(wire, "g1"), g2 = tap_in(wire, "g2");
    for (const auto *tap : {&ha, &hb_lan, &g1, &g2})
        if (!*tap)
            return tap->error();
    auto module = in<CounterFile>(one, module_counters);
    if (!module)
        return module.error();
    auto fast_path = in<Switch>(one, Switch::open);
    if (!fast_path)
        return fast_path.error();
    if (const Status kept = in<Done>(wire, [&] { return fast_path->keep_fast(); }); !kept)
        return kept.error();
    if (const Status kept = in<Done>(two, [&] { return fast_path->keep_slow(); }); !kept)
        return kept.error();
    return Lab{*std::move(gw1),    *std::move(gw2),    *std::move(hb),
               *std::move(module), *std::move(ha),     *std::move(g1),
               *std::move(g2),     *std::move(hb_lan), *std::move(fast_path)};
}

} // namespace xfrm_xdp::oracle
