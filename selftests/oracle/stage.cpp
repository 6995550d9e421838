// SPDX-License-Identifier: GPL-2.0-or-later
#include "stage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/if.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>

#include "netns.hpp"
#include "spared.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr std::uint16_t ping_id = 0x7070;
constexpr std::uint16_t nat_port = 4500;
// How often something may be waited for in vain as long as it may take anywhere; then
// nothing will come of it, and all tests that fail have to end.
constexpr int trials = 4;
constexpr auto patience = std::chrono::milliseconds(3000), haste = std::chrono::milliseconds(100);

Address v4(const char *text)
{
    return *packet::Ipv4Address::parse(text);
}

Address v6(const char *text)
{
    return *packet::Ipv6Address::parse(text);
}

Result<NetnsScope> enter(const std::string &name)
{
    const auto netns = open_netns(name);
    if (!netns)
        return netns.error();
    return NetnsScope::enter(*netns);
}

Result<Fd> plain_socket()
{
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return errno_error(errno, "socket");
    return fd;
}

// One that takes ESP out of UDP. The lab may have one there already.
Result<Fd> encapsulation_port(int family)
{
    Fd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int on = 1, type = UDP_ENCAP_ESPINUDP;
    if (!fd ||
        (family == AF_INET6 && setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
        setsockopt(fd.get(), IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)))
        return errno_error(errno, "a socket for ESP in UDP");
    sockaddr_in6 address{}; // the port is where sockaddr_in has it
    address.sin6_family = static_cast<sa_family_t>(family);
    address.sin6_port = htons(nat_port);
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (bind(fd.get(), reinterpret_cast<sockaddr *>(&address), size) && errno != EADDRINUSE)
        return errno_error(errno, "the port of ESP in UDP");
    return fd;
}

Result<ifreq> flags_of(const Fd &socket, const char *device)
{
    ifreq request{};
    std::strncpy(request.ifr_name, device, sizeof(request.ifr_name) - 1);
    if (ioctl(socket.get(), SIOCGIFFLAGS, &request))
        return errno_error(errno, std::string("flags of ") + device);
    return request;
}

bool wait_for(const std::function<bool()> &condition)
{
    static int failed = 0;
    const auto end = std::chrono::steady_clock::now() + (failed < trials ? patience : haste);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            failed++;
            return false;
        }
        usleep(2000);
    }
    return true;
}

bool reached(const Counters &have, const Counters &wanted)
{
    for (const auto &[names, value] : wanted)
        if (sum_of(have, names) < value)
            return false;
    return true;
}

std::string listed(const char *where, const std::vector<Bytes> &frames)
{
    std::string text;
    for (const Bytes &frame : frames)
        text += fmt::format("\n  {}: {:02x}", where, fmt::join(frame, ""));
    return text;
}

} // namespace

const Peers &peers(Family family)
{
    static const Peers four{v4("192.0.2.66"), v4("192.0.2.67"), v4("198.51.100.1"),
                            v4("203.0.113.67")};
    static const Peers six{v6("2001:db8:f::66"), v6("2001:db8:f::67"), v6("2001:db8:a::1"),
                           v6("2001:db8:b::67")};
    return family == Family::v4 ? four : six;
}

packet::Ethernet from_peer()
{
    return {{{2, 0, 0, 0, 0x0f, 1}}, peer_mac, std::nullopt};
}

bool is_pong(View frame)
{
    constexpr std::size_t icmp = packet::ethernet_length + packet::ipv4_length;
    return frame.size() >= icmp + 8 && frame[12] == 8 && frame[23] == packet::proto_icmp &&
           frame[icmp] == 0 && frame[icmp + 4] == (ping_id >> 8) &&
           frame[icmp + 5] == (ping_id & 0xff);
}

Bytes make_ping(Travel travel, std::uint16_t number)
{
    const Places &four = places(Family::v4);
    packet::Ipv4 ip;
    const bool inbound = travel == Travel::inbound;
    ip.source = std::get<packet::Ipv4Address>(inbound ? peers(Family::v4).roaming : four.from);
    ip.destination = std::get<packet::Ipv4Address>(inbound ? four.gw1 : peers(Family::v4).local);
    packet::Icmp icmp;
    icmp.id = ping_id;
    icmp.sequence = number;
    return packet::Packet{inbound ? from_peer() : towards_gw1(), ip, icmp, Bytes(16, 0)}.build();
}

std::int64_t sum_of(const Counters &counters, const std::string &names)
{
    std::int64_t sum = 0;
    for (std::size_t at = 0; at <= names.size();) {
        const std::size_t end = std::min(names.find('+', at), names.size());
        const auto found = counters.find(names.substr(at, end - at));
        sum += found == counters.end() ? 0 : found->second;
        at = end + 1;
    }
    return sum;
}

struct Stage::Parts {
    SaTable states;
    PolicyTable policies;
    Monitor monitor;
    AuditLog audit;
    CounterFile mib, module;
    Fd wire, gateway;
    std::vector<Fd> ports;
};

Stage::Stage(Lab &lab, Parts parts)
    : states(std::move(parts.states)), policies(std::move(parts.policies)),
      monitor(std::move(parts.monitor)), audit(std::move(parts.audit)), lab_(lab),
      mib_(std::move(parts.mib)), module_(std::move(parts.module)), wire_(std::move(parts.wire)),
      gateway_(std::move(parts.gateway)), ports_(std::move(parts.ports))
{
}

Result<std::unique_ptr<Stage>> Stage::open(Lab &lab, const std::string &name)
{
    const Spared set_up;
    auto audit = AuditLog::open();
    if (!audit)
        return audit.error();
    Fd wire;
    {
        const auto scope = enter(name + "-wire");
        if (!scope)
            return scope.error();
        auto socket = plain_socket();
        if (!socket)
            return socket.error();
        wire = *std::move(socket);
    }
    const auto scope = enter(name + "-gw1");
    if (!scope)
        return scope.error();
    auto states = SaTable::open();
    auto policies = PolicyTable::open();
    auto monitor = Monitor::open();
    auto mib = CounterFile::open("/proc/thread-self/net/xfrm_stat");
    auto module = CounterFile::open("/proc/thread-self/net/xfrm_xdp_stat");
    auto gateway = plain_socket();
    auto four = encapsulation_port(AF_INET), six = encapsulation_port(AF_INET6);
    for (const Error *error :
         {states ? nullptr : &states.error(), policies ? nullptr : &policies.error(),
          monitor ? nullptr : &monitor.error(), mib ? nullptr : &mib.error(),
          module ? nullptr : &module.error(), gateway ? nullptr : &gateway.error(),
          four ? nullptr : &four.error(), six ? nullptr : &six.error()})
        if (error)
            return *error;
    Parts parts{*std::move(states), *std::move(policies), *std::move(monitor),
                *std::move(audit),  *std::move(mib),      *std::move(module),
                std::move(wire),    *std::move(gateway),  {}};
    parts.ports.push_back(*std::move(four));
    parts.ports.push_back(*std::move(six));
    return std::unique_ptr<Stage>(new Stage(lab, std::move(parts)));
}

Stage::~Stage()
{
    (void)clear();
}

Status Stage::clear()
{
    if (const Status slow = lane(Lane::slow); !slow)
        return slow.error();
    if (const Status done = policies.block_by_default({}); !done)
        return done.error();
    if (const Status done = policies.flush(); !done)
        return done.error();
    return states.flush();
}

Status Stage::lane(Lane lane)
{
    return lane == Lane::fast ? lab_.fast_path.fast() : lab_.fast_path.slow();
}

// To GW1 itself, behind all that was sent: it is answered when that has been received.
Status Stage::ping(Travel travel)
{
    if (const Status sent = source(travel).send({make_ping(travel, ++pings_)}); !sent)
        return sent.error();
    if (!source(travel).take_until(seen_.back, is_pong))
        return Error{"GW1 does not answer", {}, 0};
    return Done{};
}

// What was decrypted waits for its turn once more, that of the second ping is behind it.
Status Stage::send(Travel travel, const std::vector<Bytes> &frames)
{
    if (const Status sent = source(travel).send(frames); !sent)
        return sent.error();
    if (const Status answered = ping(travel); !answered)
        return answered.error();
    return ping(travel);
}

// That fragments of a test long past were given up: ICMP's time exceeded, in reassembly.
static bool is_late(View frame)
{
    constexpr std::size_t l3 = packet::ethernet_length;
    const auto told = [&](std::size_t next, std::size_t icmp, int protocol, int type) {
        return frame.size() > icmp + 1 && frame[next] == protocol && frame[icmp] == type &&
               frame[icmp + 1] == 1;
    };
    return frame[12] == 0x86 ? told(l3 + 6, l3 + packet::ipv6_length, IPPROTO_ICMPV6, 3)
                             : told(l3 + 9, l3 + packet::ipv4_length, IPPROTO_ICMP, 11);
}

// Devices that come up tell their neighbours.
void Stage::collect(Travel travel)
{
    for (Bytes &frame : sink(travel).take())
        seen_.out.push_back(std::move(frame));
    for (Bytes &frame : source(travel).take())
        seen_.back.push_back(std::move(frame));
    const auto noise = [](const Bytes &frame) {
        return (frame[0] & 1) || is_pong(frame) || is_late(frame);
    };
    std::erase_if(seen_.out, noise);
    std::erase_if(seen_.back, noise);
}

Status Stage::look(Travel travel)
{
    collect(travel);
    auto events = monitor.take();
    if (!events)
        return events.error();
    for (Event &event : *events)
        seen_.events.push_back(std::move(event));
    auto all = monitor.states();
    if (!all)
        return all.error();
    seen_.states = *std::move(all);
    seen_.mib = test::difference(mib_before_, mib_.read());
    seen_.module = test::packet_difference(module_before_, module_.read());
    return Done{};
}

bool Stage::settled(const Outcome &expected, Lane lane)
{
    return seen_.out.size() >= expected.out && seen_.back.size() >= expected.back &&
           seen_.events.size() >= expected.events && seen_.states.size() == expected.states &&
           reached(seen_.mib, expected.mib) &&
           (lane == Lane::slow || reached(seen_.module, expected.module));
}

Status Stage::forget()
{
    lab_.ha.take();
    lab_.g1.take();
    if (const auto gone = monitor.take(); !gone)
        return gone.error();
    if (const auto gone = audit.take(); !gone)
        return gone.error();
    seen_ = {};
    mib_before_ = mib_.read();
    module_before_ = module_.read();
    return Done{};
}

Status Stage::teach(Travel travel, const std::vector<Bytes> &frames)
{
    if (const Status forgotten = forget(); !forgotten)
        return forgotten.error();
    if (const Status sent = send(travel, frames); !sent)
        return sent.error();
    const bool all = wait_for([&] {
        collect(travel);
        return seen_.out.size() + seen_.back.size() == frames.size();
    });
    if (all)
        return Done{};
    return Error{fmt::format("{} and {} of {} packets to learn from came out and back{}{}",
                             seen_.out.size(), seen_.back.size(), frames.size(),
                             listed("out", seen_.out), listed("back", seen_.back)),
                 {},
                 0};
}

Result<Record> Stage::play(Travel travel, const std::vector<Bytes> &frames, Lane which,
                           const Outcome &expected)
{
    if (const Status forgotten = forget(); !forgotten)
        return forgotten.error();
    if (const Status set = lane(which); !set)
        return set.error();
    if (const Status sent = send(travel, frames); !sent)
        return sent.error();
    Status looked = Done{};
    wait_for([&] {
        looked = look(travel);
        return !looked || settled(expected, which);
    });
    if (!looked)
        return looked.error();
    auto audited = audit.take();
    if (!audited)
        return audited.error();
    seen_.audit = *std::move(audited);
    return std::move(seen_);
}

Status Stage::plug(bool in)
{
    auto flags = flags_of(wire_, "g1");
    if (!flags)
        return flags.error();
    flags->ifr_flags =
        static_cast<short>(in ? flags->ifr_flags | IFF_UP : flags->ifr_flags & ~IFF_UP);
    if (ioctl(wire_.get(), SIOCSIFFLAGS, &*flags))
        return errno_error(errno, "the cable of GW1's wire");
    // Each end is told of the other, and its queue started or stopped, a little later.
    const bool done = wait_for([&] {
        const auto now = flags_of(gateway_, "wire");
        return now && !(now->ifr_flags & IFF_RUNNING) == !in;
    });
    return done ? Status(Done{}) : Error{"the carrier of GW1's wire does not change", {}, 0};
}

} // namespace xfrm_xdp::oracle
