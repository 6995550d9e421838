// SPDX-License-Identifier: GPL-2.0-or-later
#include "packets.hpp"

#include <algorithm>
#include <string_view>

namespace xfrm_xdp::oracle {
namespace {

using namespace packet;

constexpr std::string_view end_of_burst = "oracle: the last of a burst";

std::size_t network_length(Family family)
{
    return family == Family::v4 ? ipv4_length : ipv6_length;
}

// Echo replies, for nobody answers them.
Transport transport(Family family, const Shape &shape)
{
    if (shape.protocol == proto_tcp) {
        Tcp tcp;
        tcp.source = shape.port;
        tcp.destination = shape.to_port;
        tcp.sequence = shape.id;
        return tcp;
    }
    if (shape.protocol == proto_icmp) {
        Icmp icmp;
        icmp.type = family == Family::v4 ? 0 : 129;
        icmp.id = shape.port;
        icmp.sequence = shape.id;
        return icmp;
    }
    return Udp{shape.port, shape.to_port, std::nullopt, std::nullopt};
}

Packet make_packet(const Path &path, const Shape &shape)
{
    const Family family = family_of(path);
    Packet packet;
    packet.ethernet = path.ethernet;
    packet.network = oracle::network(path.source, path.destination, shape);
    packet.transport = transport(family, shape);
    const std::size_t headers = network_length(family) + (shape.protocol == proto_tcp ? 20U : 8U);
    packet.payload = pattern(shape.size > headers ? shape.size - headers : 0,
                             static_cast<std::uint8_t>(shape.size));
    return packet;
}

std::size_t least(const Path &path)
{
    return network_length(family_of(path)) + 8;
}

void sizes(Burst &burst, const Path &path, std::size_t from, std::size_t to, std::size_t step)
{
    for (std::size_t size = from; size <= to; size += step)
        burst.frames.push_back(make_frame(path, {.size = size}));
}

void protocols(Burst &burst, const Path &path)
{
    for (const std::uint8_t protocol : {proto_tcp, proto_icmp})
        for (const std::size_t size : {std::size_t{100}, std::size_t{101}})
            burst.frames.push_back(make_frame(path, {.size = size, .protocol = protocol}));
}

// An IPv6 packet with one extension header of eight bytes in front of UDP.
Bytes with_extension(const Path &path, std::uint8_t type)
{
    Packet packet = make_packet(path, {});
    auto &ip = std::get<Ipv6>(packet.network);
    Bytes payload{proto_udp, 0, 1, 4, 0, 0, 0, 0}; // PadN of four
    if (type == 44)                                // atomic fragment, then the first of two
        payload = {proto_udp, 0, 0, 1, 0, 0, 0, 7};
    const Bytes udp{0x0f, 0xa0, 0x12, 0xb5, 0, 16, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8};
    payload.insert(payload.end(), udp.begin(), udp.end());
    ip.next_header = type;
    packet.transport = Raw{type};
    packet.payload = payload;
    return packet.build();
}

void ipv4_specials(Burst &burst, const Path &path)
{
    Packet packet = make_packet(path, {});
    auto &ip = std::get<Ipv4>(packet.network);
    ip.options = {1, 1, 1, 1}; // no operation
    burst.frames.push_back(packet.build());
    ip.options = {};
    // A fragment that nothing follows: forwarded as it is.
    ip.fragment = ipv4_more_fragments;
    ip.id = 77;
    burst.frames.push_back(packet.build());
    ip.fragment = 100;
    burst.frames.push_back(packet.build());
}

void ipv6_specials(Burst &burst, const Path &path)
{
    constexpr std::uint8_t destination_options = 60, fragment = 44;
    burst.frames.push_back(with_extension(path, destination_options));
    burst.frames.push_back(with_extension(path, fragment));
}

} // namespace

Network network(const Address &from, const Address &to, const Shape &shape)
{
    if (const auto *source = std::get_if<Ipv4Address>(&from)) {
        Ipv4 ip;
        ip.source = *source;
        ip.destination = std::get<Ipv4Address>(to);
        ip.tos = shape.tos;
        ip.ttl = shape.ttl;
        ip.id = shape.id;
        ip.fragment = shape.df ? ipv4_dont_fragment : 0;
        return ip;
    }
    Ipv6 ip;
    ip.source = std::get<Ipv6Address>(from);
    ip.destination = std::get<Ipv6Address>(to);
    ip.traffic_class = shape.tos;
    ip.hop_limit = shape.ttl;
    ip.flow_label = shape.flow_label;
    return ip;
}

Family family_of(const Path &path)
{
    return std::holds_alternative<Ipv4Address>(path.source) ? Family::v4 : Family::v6;
}

Bytes make_frame(const Path &path, const Shape &shape)
{
    return make_packet(path, shape).build();
}

Bytes marker(const Path &path)
{
    Packet packet = make_packet(path, {.id = 0x4d4d});
    packet.payload.assign(end_of_burst.begin(), end_of_burst.end());
    return packet.build();
}

bool is_marker(View bytes)
{
    return bytes.size() >= end_of_burst.size() &&
           std::equal(end_of_burst.rbegin(), end_of_burst.rend(), bytes.rbegin());
}

Burst plain_burst(const Path &path)
{
    Burst burst{"sizes, DSCP, ECN, TTL, DF, flow labels"};
    const std::size_t small = least(path);
    sizes(burst, path, small, small + 16, 1);
    sizes(burst, path, 1279, 1281, 1);
    for (int ecn = 0; ecn < 4; ecn++) {
        const auto tos = static_cast<std::uint8_t>((ecn * 0x2c & 0xfc) | ecn);
        burst.frames.push_back(make_frame(path, {.tos = tos, .df = ecn != 1, .id = 9}));
    }
    burst.frames.push_back(make_frame(path, {.tos = 0xfc, .ttl = 255, .flow_label = 0xfffff}));
    burst.frames.push_back(make_frame(path, {.tos = 0xb8, .ttl = 2, .flow_label = 1}));
    burst.frames.push_back(make_frame(path, {.tos = 0xff, .df = false, .flow_label = 0x12345}));
    if (!path.datagrams)
        protocols(burst, path);
    return burst;
}

Burst full_burst(const Path &path)
{
    Burst burst{"all of DSCP and ECN, with DF, TTL, flow labels"};
    for (unsigned tos = 0; tos < 256; tos++)
        for (const bool df : {true, false})
            burst.frames.push_back(
                make_frame(path, {.tos = static_cast<std::uint8_t>(tos),
                                  .ttl = static_cast<std::uint8_t>(tos % 3 == 0   ? 255
                                                                   : tos % 3 == 1 ? 64
                                                                                  : 2),
                                  .df = df,
                                  .id = static_cast<std::uint16_t>(tos * 7),
                                  .flow_label = tos * 4097}));
    return burst;
}

Burst size_burst(const Path &path)
{
    Burst burst{"every size"};
    sizes(burst, path, least(path), 1500, 1);
    // Some of the large ones without DF: fragments.
    for (std::size_t size = 1380; size <= 1500; size += 3)
        burst.frames.push_back(make_frame(path, {.size = size, .df = false, .id = 5}));
    return burst;
}

Burst mtu_burst(const Path &path)
{
    Burst burst{"sizes around the MTU"};
    // The last that fits is two less than a multiple of four, with every algorithm.
    sizes(burst, path, 1386, 1450, 4);
    sizes(burst, path, 1500, 1500, 1);
    return burst;
}

Burst ecn_burst(const Path &path)
{
    Burst burst{"ECN of the inner and of the outer header"};
    for (unsigned i = 0; i < 16; i++)
        burst.frames.push_back(
            make_frame(path, {.tos = static_cast<std::uint8_t>((i * 0x11U & 0x3fU) << 2 | i / 4)}));
    return burst;
}

void set_tos(Bytes &frame, std::uint8_t tos)
{
    constexpr std::size_t ip = ethernet_length;
    if (frame[ip] >> 4 == 6) {
        frame[ip] = static_cast<std::uint8_t>(0x60 | tos >> 4);
        frame[ip + 1] = static_cast<std::uint8_t>((frame[ip + 1] & 15) | tos << 4);
        return;
    }
    frame[ip + 1] = tos;
    frame[ip + 10] = frame[ip + 11] = 0;
    const std::uint16_t sum = checksum_fold(checksum_add(0, View(frame).subspan(ip, ipv4_length)));
    frame[ip + 10] = static_cast<std::uint8_t>(sum >> 8);
    frame[ip + 11] = static_cast<std::uint8_t>(sum);
}

Burst stack_burst(const Path &path)
{
    Burst burst{"TTL that ends, options, extension headers, fragments", {}, true, true};
    burst.frames.push_back(make_frame(path, {.ttl = 1}));
    if (family_of(path) == Family::v4)
        ipv4_specials(burst, path);
    else
        ipv6_specials(burst, path);
    return burst;
}

} // namespace xfrm_xdp::oracle
