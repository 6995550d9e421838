// SPDX-License-Identifier: GPL-2.0-or-later
#include "policies.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/xfrm.h>

#include <algorithm>

namespace xfrm_xdp::oracle {
namespace {

constexpr std::uint32_t outbound_spi = 0x71000000, inbound_spi = 0x72000000;
constexpr std::uint32_t interface_id = 7; // and the request id of its SAs
constexpr std::size_t probes_each = 12, shortest = 200, step = 16;
// Around a packet of a multiple of four bytes: IPv4, ESP, IV, trailer, ICV.
constexpr std::size_t esp_overhead = 20 + 8 + 8 + 4 + 16;

// Four hosts on either side, whom policies know alone, in pairs, and all.
Address host(Family family, bool far, std::uint64_t number)
{
    if (family == Family::v4) {
        packet::Ipv4Address address =
            std::get<packet::Ipv4Address>(far ? places(family).to : places(family).from);
        address.octets[3] = static_cast<std::uint8_t>(130 + number);
        return address;
    }
    packet::Ipv6Address address =
        std::get<packet::Ipv6Address>(far ? places(family).to : places(family).from);
    address.octets[14] = 1;
    address.octets[15] = static_cast<std::uint8_t>(0x30 + number);
    return address;
}

Sa base(std::uint32_t spi, std::uint32_t request_id, bool out)
{
    const Address &gateway = places(Family::v4).gw1, &peer = peers(Family::v4).peer;
    Sa sa;
    sa.source = out ? gateway : peer;
    sa.destination = out ? peer : gateway;
    sa.association = {
        {esp::Cipher::aes_gcm, packet::pattern(20, static_cast<std::uint8_t>(request_id)), {}, 16},
        spi + request_id,
        false};
    sa.flags = XFRM_STATE_AF_UNSPEC;
    sa.window = 64;
    sa.replay_threshold = 1U << 30;
    sa.request_id = request_id;
    if (request_id == interface_id)
        sa.interface_id = interface_id;
    return sa;
}

std::vector<Sa> sas(std::uint32_t spi, bool out)
{
    std::vector<Sa> all;
    for (const std::uint32_t request_id : {1U, 2U, 3U, interface_id})
        all.push_back(base(spi, request_id, out));
    return all;
}

std::vector<std::uint8_t> prefixes(Family family)
{
    return family == Family::v4 ? std::vector<std::uint8_t>{25, 30, 31, 32}
                                : std::vector<std::uint8_t>{120, 126, 127, 128};
}

std::vector<std::uint16_t> icmp_types(Family family)
{
    return family == Family::v4 ? std::vector<std::uint16_t>{0, 8}
                                : std::vector<std::uint16_t>{129, 128};
}

const std::vector<std::uint16_t> source_ports{4000, 4001};
const std::vector<std::uint16_t> destination_ports{4791, 4792, marked_port};

std::uint8_t icmp_of(Family family)
{
    return family == Family::v4 ? packet::proto_icmp : packet::proto_icmpv6;
}

void random_selector(Generator &random, const PolicySet &set, Policy &policy)
{
    const auto lengths = prefixes(set.family);
    policy.source_prefix = random.of(lengths);
    policy.destination_prefix = random.of(lengths);
    const std::vector<std::uint8_t> protocols{0, packet::proto_udp, packet::proto_tcp,
                                              icmp_of(set.family)};
    policy.protocol = random.of(protocols);
    if (policy.protocol == icmp_of(set.family)) {
        if (random.one_in(2))
            policy.source_port = random.of(icmp_types(set.family));
        if (policy.source_port && random.one_in(2))
            policy.destination_port = 0;
    } else if (policy.protocol) {
        if (random.one_in(3))
            policy.source_port = random.of(source_ports);
        if (random.one_in(3))
            policy.destination_port = random.of(destination_ports);
    }
}

void random_templates(Generator &random, const PolicySet &set, Policy &policy)
{
    const bool in = policy.way == Way::forward;
    const auto all = in ? inbound_sas() : outbound_sas();
    const Sa &sa = policy.interface_id ? all.back() : all[random.below(3)];
    // What came in the clear is seldom asked for ESP, and what came by it seldom sent by it.
    if ((in != (set.travel == Travel::inbound)) && !random.one_in(6))
        return;
    if (random.one_in(4))
        return;
    // In an outbound policy a template that makes an outer header may not be optional.
    policy.templates = {
        {sa.source, sa.destination, sa.mode, sa.protocol, sa.request_id, in && random.one_in(8)}};
}

Probe random_probe(Generator &random, const PolicySet &set)
{
    const bool out = set.travel == Travel::outbound;
    const std::vector<std::uint8_t> protocols{packet::proto_udp, packet::proto_tcp,
                                              icmp_of(set.family)};
    const bool by_interface = random.one_in(5);
    const Address far =
        by_interface ? places(set.family).by_interface : host(set.family, true, random.below(4));
    const Address near = host(set.family, false, random.below(4));
    Probe probe;
    probe.from = out ? near : far;
    probe.to = out ? far : near;
    probe.protocol = random.of(protocols);
    const bool icmp = probe.protocol == icmp_of(set.family);
    probe.source_port = random.of(icmp ? icmp_types(set.family) : source_ports);
    probe.destination_port = random.of(destination_ports);
    probe.length = shortest + step * set.probes.size();
    if (!out && !random.one_in(5))
        probe.request_id =
            by_interface ? interface_id : static_cast<std::uint32_t>(1 + random.below(3));
    return probe;
}

packet::Transport transport(const Probe &probe)
{
    if (probe.protocol == packet::proto_udp)
        return packet::Udp{probe.source_port, probe.destination_port, std::nullopt, std::nullopt};
    if (probe.protocol == packet::proto_tcp) {
        packet::Tcp tcp;
        tcp.source = probe.source_port;
        tcp.destination = probe.destination_port;
        return tcp;
    }
    packet::Icmp icmp;
    icmp.type = static_cast<std::uint8_t>(probe.source_port);
    icmp.id = probe.destination_port;
    return icmp;
}

std::size_t header_length(Family family)
{
    return family == Family::v4 ? packet::ipv4_length : packet::ipv6_length;
}

std::uint32_t big_endian(View bytes, std::size_t at, std::size_t size)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; i++)
        value = value << 8 | bytes[at + i];
    return value;
}

// Errors have another sender.
bool is_from(View ip, const Address &from, Family family)
{
    return std::visit(
        [&](const auto &address) {
            return std::equal(address.octets.begin(), address.octets.end(),
                              ip.begin() + (family == Family::v4 ? 12 : 8));
        },
        from);
}

std::string show(const Address &address)
{
    char text[INET6_ADDRSTRLEN] = "";
    std::visit(
        [&](const auto &a) {
            inet_ntop(a.octets.size() == 4 ? AF_INET : AF_INET6, a.octets.data(), text,
                      sizeof(text));
        },
        address);
    return text;
}

} // namespace

std::vector<Sa> outbound_sas()
{
    return sas(outbound_spi, true);
}

std::vector<Sa> inbound_sas()
{
    return sas(inbound_spi, false);
}

Policy random_policy(Generator &random, const PolicySet &set)
{
    const bool out = set.travel == Travel::outbound;
    const Address near = host(set.family, false, random.below(4));
    Address far = host(set.family, true, random.below(4));
    Policy policy;
    // What decides is more often that which ESP is about.
    policy.way = random.one_in(4) == out ? Way::forward : Way::out;
    if (random.one_in(5)) {
        policy.interface_id = interface_id;
        far = places(set.family).by_interface;
    }
    policy.source = out ? near : far;
    policy.destination = out ? far : near;
    random_selector(random, set, policy);
    if (random.one_in(8)) {
        policy.mark = mark_of_port;
        policy.mark_mask = 0xff;
    }
    policy.priority = static_cast<std::uint32_t>(random.below(4));
    policy.block = random.one_in(5);
    if (!policy.block)
        random_templates(random, set, policy);
    return policy;
}

PolicySet random_policy_set(Generator &random)
{
    PolicySet set;
    set.travel = random.one_in(2) ? Travel::inbound : Travel::outbound;
    set.family = random.one_in(2) ? Family::v6 : Family::v4;
    const std::uint64_t size = 3 + random.below(8);
    for (std::uint64_t i = 0; i < size; i++)
        set.policies.push_back(random_policy(random, set));
    while (set.probes.size() < probes_each)
        set.probes.push_back(random_probe(random, set));
    return set;
}

Bytes frame_of(const Probe &probe, const PolicySet &set, Sequences &sequences)
{
    packet::Packet inner;
    inner.ethernet = set.travel == Travel::outbound ? towards_gw1() : from_peer();
    inner.network = network(probe.from, probe.to);
    inner.transport = transport(probe);
    const std::size_t headers =
        header_length(set.family) + (probe.protocol == packet::proto_tcp ? 20U : 8U);
    inner.payload = packet::pattern(probe.length - headers);
    if (!probe.request_id)
        return inner.build();

    const auto all = inbound_sas();
    const Sa &sa = probe.request_id == interface_id ? all.back() : all[probe.request_id - 1];
    esp::TunnelFrame frame;
    frame.ethernet = from_peer();
    frame.outer = network(sa.source, sa.destination);
    inner.ethernet = std::nullopt;
    frame.esp.payload = inner.build();
    frame.esp.next_header = set.family == Family::v4 ? packet::proto_ipip : packet::proto_ipv6;
    frame.esp.sequence = ++sequences[probe.request_id];
    frame.esp.iv = packet::pattern(8, static_cast<std::uint8_t>(frame.esp.sequence));
    auto encoded = esp::encode_frame(sa.association, frame);
    return std::get<Bytes>(encoded);
}

std::optional<Sighting> recognise(View frame, const PolicySet &set)
{
    if (frame.size() < packet::ethernet_length + packet::ipv6_length)
        return {};
    const std::uint32_t type = big_endian(frame, 12, 2);
    const View ip = frame.subspan(packet::ethernet_length);
    std::size_t length = type == 0x0800   ? big_endian(ip, 2, 2)
                         : type == 0x86dd ? big_endian(ip, 4, 2) + packet::ipv6_length
                                          : 0;
    std::string how = "clear";
    const bool esp = type == 0x0800 && ip[9] == packet::proto_esp;
    if (esp) {
        how = fmt::format("ESP {:08x}", big_endian(ip, packet::ipv4_length, 4));
        length = length > esp_overhead ? length - esp_overhead : 0;
    }
    if (length < shortest || (length - shortest) % step ||
        (length - shortest) / step >= set.probes.size())
        return {};
    const std::size_t number = (length - shortest) / step;
    const bool ours = esp || ((type == 0x0800) == (set.family == Family::v4) &&
                              is_from(ip, set.probes[number].from, set.family));
    return ours ? std::optional(Sighting{number, how}) : std::nullopt;
}

std::string show(const Policy &policy)
{
    const auto port = [](const std::optional<std::uint16_t> &value) {
        return value ? fmt::format(":{}", *value) : "";
    };
    std::string what = policy.block ? "block" : "allow";
    for (const Template &t : policy.templates)
        what += fmt::format(" ESP {}{}", t.request_id, t.optional ? " if it is" : "");
    return fmt::format("{} {} {}/{}{} {}/{}{} protocol {}{}{}: {}", policy.priority,
                       policy.way == Way::out ? "out" : "fwd", show(policy.source),
                       policy.source_prefix.value_or(0), port(policy.source_port),
                       show(policy.destination), policy.destination_prefix.value_or(0),
                       port(policy.destination_port), policy.protocol, policy.mark ? " mark" : "",
                       policy.interface_id ? " interface" : "", what);
}

std::string show(const Probe &probe)
{
    return fmt::format("{}:{} {}:{} protocol {}{}", show(probe.from), probe.source_port,
                       show(probe.to), probe.destination_port, probe.protocol,
                       probe.request_id ? fmt::format(" by ESP {}", probe.request_id) : "");
}

} // namespace xfrm_xdp::oracle
