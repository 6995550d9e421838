// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

namespace xfrm_xdp::packet {
namespace {

void put8(Bytes &out, std::uint8_t value)
{
    out.push_back(value);
}

void put16(Bytes &out, std::uint16_t value)
{
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes &out, std::uint32_t value)
{
    put16(out, static_cast<std::uint16_t>(value >> 16));
    put16(out, static_cast<std::uint16_t>(value));
}

void put(Bytes &out, View bytes)
{
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void set16(Bytes &out, std::size_t offset, std::uint16_t value)
{
    out[offset] = static_cast<std::uint8_t>(value >> 8);
    out[offset + 1] = static_cast<std::uint8_t>(value);
}

std::uint16_t get16(View bytes, std::size_t offset)
{
    return static_cast<std::uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

std::uint32_t get32(View bytes, std::size_t offset)
{
    return static_cast<std::uint32_t>(get16(bytes, offset)) << 16 | get16(bytes, offset + 2);
}

std::uint32_t pseudo_header(const Network &network, std::uint8_t protocol, std::size_t length)
{
    Bytes pseudo;
    std::visit(
        [&](const auto &header) {
            put(pseudo, header.source.octets);
            put(pseudo, header.destination.octets);
        },
        network);
    put32(pseudo, static_cast<std::uint32_t>(length));
    put32(pseudo, protocol);
    return checksum_add(0, pseudo);
}

std::uint8_t icmp_protocol(const Network &network)
{
    return std::holds_alternative<Ipv4>(network) ? proto_icmp : proto_icmpv6;
}

std::uint8_t protocol_of(const Transport &transport, const Network &network)
{
    if (std::holds_alternative<Udp>(transport))
        return proto_udp;
    if (std::holds_alternative<Tcp>(transport))
        return proto_tcp;
    if (std::holds_alternative<Icmp>(transport))
        return icmp_protocol(network);
    return std::get<Raw>(transport).protocol;
}

// The transport's sum with the checksum field as it stands in @segment.
std::uint16_t transport_sum(View segment, const Network &network, std::uint8_t protocol)
{
    std::uint32_t sum =
        protocol == proto_icmp ? 0 : pseudo_header(network, protocol, segment.size());
    return checksum_fold(checksum_add(sum, segment));
}

std::uint16_t udp_sum(View segment, const Network &network)
{
    std::uint16_t sum = transport_sum(segment, network, proto_udp);
    return sum ? sum : 0xffff; // zero on the wire means that there is none
}

Bytes build_transport(const Udp &udp, const Network &network, View payload)
{
    Bytes out;
    put16(out, udp.source);
    put16(out, udp.destination);
    put16(out, udp.length.value_or(static_cast<std::uint16_t>(8 + payload.size())));
    put16(out, 0);
    put(out, payload);
    set16(out, 6, udp.checksum.value_or(udp_sum(out, network)));
    return out;
}

Bytes build_transport(const Tcp &tcp, const Network &network, View payload)
{
    Bytes out;
    put16(out, tcp.source);
    put16(out, tcp.destination);
    put32(out, tcp.sequence);
    put32(out, tcp.acknowledgement);
    put8(out, static_cast<std::uint8_t>((20 + tcp.options.size()) / 4 << 4));
    put8(out, tcp.flags);
    put16(out, tcp.window);
    put16(out, 0);
    put16(out, tcp.urgent);
    put(out, tcp.options);
    put(out, payload);
    set16(out, 16, tcp.checksum.value_or(transport_sum(out, network, proto_tcp)));
    return out;
}

Bytes build_transport(const Icmp &icmp, const Network &network, View payload)
{
    Bytes out;
    put8(out, icmp.type);
    put8(out, icmp.code);
    put16(out, 0);
    put16(out, icmp.id);
    put16(out, icmp.sequence);
    put(out, payload);
    set16(out, 2, icmp.checksum.value_or(transport_sum(out, network, icmp_protocol(network))));
    return out;
}

Bytes build_transport(const Raw &, const Network &, View payload)
{
    return {payload.begin(), payload.end()};
}

Bytes build_ipv4(const Ipv4 &ip, std::uint8_t protocol, std::size_t payload_length)
{
    const std::size_t header = ipv4_length + ip.options.size();
    Bytes out;
    put8(out,
         static_cast<std::uint8_t>(
             ip.version << 4 | ip.header_words.value_or(static_cast<std::uint8_t>(header / 4))));
    put8(out, ip.tos);
    put16(out, ip.total_length.value_or(static_cast<std::uint16_t>(header + payload_length)));
    put16(out, ip.id);
    put16(out, ip.fragment);
    put8(out, ip.ttl);
    put8(out, ip.protocol.value_or(protocol));
    put16(out, 0);
    put(out, ip.source.octets);
    put(out, ip.destination.octets);
    put(out, ip.options);
    set16(out, 10, ip.checksum.value_or(checksum_fold(checksum_add(0, out))));
    return out;
}

Bytes build_ipv6(const Ipv6 &ip, std::uint8_t protocol, std::size_t payload_length)
{
    Bytes out;
    put32(out, static_cast<std::uint32_t>(ip.version) << 28 |
                   static_cast<std::uint32_t>(ip.traffic_class) << 20 | (ip.flow_label & 0xfffff));
    put16(out, ip.payload_length.value_or(static_cast<std::uint16_t>(payload_length)));
    put8(out, ip.next_header.value_or(protocol));
    put8(out, ip.hop_limit);
    put(out, ip.source.octets);
    put(out, ip.destination.octets);
    return out;
}

// What parsing leaves to do after the network header.
struct NetworkPart {
    Network network;
    std::uint8_t protocol;
    View body;
    Bytes trailer;
    bool checksum_good;
    bool fragment;
};

using NetworkResult = std::variant<NetworkPart, ParseError>;

NetworkResult parse_ipv4(View bytes)
{
    if (bytes.size() < ipv4_length)
        return ParseError::truncated_network;
    const std::size_t header = static_cast<std::size_t>(bytes[0] & 0xf) * 4;
    const std::size_t total = get16(bytes, 2);
    if (header < ipv4_length || total < header)
        return ParseError::bad_network_header;
    if (bytes.size() < total)
        return ParseError::truncated_network;

    Ipv4 ip;
    ip.tos = bytes[1];
    ip.id = get16(bytes, 4);
    ip.fragment = get16(bytes, 6);
    ip.ttl = bytes[8];
    std::copy_n(bytes.begin() + 12, 4, ip.source.octets.begin());
    std::copy_n(bytes.begin() + 16, 4, ip.destination.octets.begin());
    ip.options.assign(bytes.begin() + ipv4_length, bytes.begin() + static_cast<long>(header));
    const bool good = checksum_fold(checksum_add(0, bytes.first(header))) == 0;
    if (!good)
        ip.checksum = get16(bytes, 10);
    const bool fragment = (ip.fragment & ~ipv4_dont_fragment & 0xffff) != 0;
    return NetworkPart{ip,
                       bytes[9],
                       bytes.subspan(header, total - header),
                       Bytes(bytes.begin() + static_cast<long>(total), bytes.end()),
                       good,
                       fragment};
}

NetworkResult parse_ipv6(View bytes)
{
    if (bytes.size() < ipv6_length)
        return ParseError::truncated_network;
    const std::size_t length = get16(bytes, 4);
    if (bytes.size() < ipv6_length + length)
        return ParseError::truncated_network;

    Ipv6 ip;
    const std::uint32_t word = get32(bytes, 0);
    ip.traffic_class = static_cast<std::uint8_t>(word >> 20);
    ip.flow_label = word & 0xfffff;
    ip.hop_limit = bytes[7];
    std::copy_n(bytes.begin() + 8, 16, ip.source.octets.begin());
    std::copy_n(bytes.begin() + 24, 16, ip.destination.octets.begin());
    return NetworkPart{ip,
                       bytes[6],
                       bytes.subspan(ipv6_length, length),
                       Bytes(bytes.begin() + static_cast<long>(ipv6_length + length), bytes.end()),
                       true,
                       false};
}

std::optional<ParseError> parse_udp(const NetworkPart &part, Parsed &out)
{
    if (part.body.size() < 8)
        return ParseError::truncated_transport;
    Udp udp;
    udp.source = get16(part.body, 0);
    udp.destination = get16(part.body, 2);
    if (get16(part.body, 4) != part.body.size())
        udp.length = get16(part.body, 4);
    const std::uint16_t sum = get16(part.body, 6);
    Bytes clear(part.body.begin(), part.body.end());
    set16(clear, 6, 0);
    if (sum != udp_sum(clear, part.network)) {
        udp.checksum = sum;
        out.transport_checksum_good = sum == 0 && std::holds_alternative<Ipv4>(part.network);
    }
    out.packet.transport = udp;
    out.packet.payload.assign(part.body.begin() + 8, part.body.end());
    return std::nullopt;
}

std::optional<ParseError> parse_tcp(const NetworkPart &part, Parsed &out)
{
    if (part.body.size() < 20)
        return ParseError::truncated_transport;
    const std::size_t header = static_cast<std::size_t>(part.body[12] >> 4) * 4;
    if (header < 20 || header > part.body.size())
        return ParseError::bad_transport_header;
    Tcp tcp;
    tcp.source = get16(part.body, 0);
    tcp.destination = get16(part.body, 2);
    tcp.sequence = get32(part.body, 4);
    tcp.acknowledgement = get32(part.body, 8);
    tcp.flags = part.body[13];
    tcp.window = get16(part.body, 14);
    tcp.urgent = get16(part.body, 18);
    tcp.options.assign(part.body.begin() + 20, part.body.begin() + static_cast<long>(header));
    out.transport_checksum_good = transport_sum(part.body, part.network, proto_tcp) == 0;
    if (!out.transport_checksum_good)
        tcp.checksum = get16(part.body, 16);
    out.packet.transport = tcp;
    out.packet.payload.assign(part.body.begin() + static_cast<long>(header), part.body.end());
    return std::nullopt;
}

std::optional<ParseError> parse_icmp(const NetworkPart &part, Parsed &out)
{
    if (part.body.size() < 8)
        return ParseError::truncated_transport;
    Icmp icmp;
    icmp.type = part.body[0];
    icmp.code = part.body[1];
    icmp.id = get16(part.body, 4);
    icmp.sequence = get16(part.body, 6);
    out.transport_checksum_good = transport_sum(part.body, part.network, part.protocol) == 0;
    if (!out.transport_checksum_good)
        icmp.checksum = get16(part.body, 2);
    out.packet.transport = icmp;
    out.packet.payload.assign(part.body.begin() + 8, part.body.end());
    return std::nullopt;
}

std::optional<ParseError> parse_transport(const NetworkPart &part, Parsed &out)
{
    if (!part.fragment && part.protocol == proto_udp)
        return parse_udp(part, out);
    if (!part.fragment && part.protocol == proto_tcp)
        return parse_tcp(part, out);
    if (!part.fragment && part.protocol == icmp_protocol(part.network))
        return parse_icmp(part, out);
    out.packet.transport = Raw{part.protocol};
    out.packet.payload.assign(part.body.begin(), part.body.end());
    return std::nullopt;
}

template <typename Address>
std::optional<Address> parse_address(int family, const std::string &text)
{
    Address address;
    if (inet_pton(family, text.c_str(), address.octets.data()) != 1)
        return std::nullopt;
    return address;
}

std::optional<std::uint8_t> nibble(char c)
{
    if (c >= '0' && c <= '9')
        return static_cast<std::uint8_t>(c - '0');
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c >= 'a' && c <= 'f')
        return static_cast<std::uint8_t>(c - 'a' + 10);
    return std::nullopt;
}

} // namespace

std::optional<Ipv4Address> Ipv4Address::parse(const std::string &text)
{
    return parse_address<Ipv4Address>(AF_INET, text);
}

std::optional<Ipv6Address> Ipv6Address::parse(const std::string &text)
{
    return parse_address<Ipv6Address>(AF_INET6, text);
}

std::uint32_t checksum_add(std::uint32_t sum, View bytes)
{
    for (std::size_t i = 0; i < bytes.size(); i++) {
        sum += i % 2 ? bytes[i] : static_cast<std::uint32_t>(bytes[i]) << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

std::uint16_t checksum_fold(std::uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::uint16_t ethertype(const Network &network)
{
    return std::holds_alternative<Ipv4>(network) ? ethertype_ipv4 : ethertype_ipv6;
}

Bytes build_network(const Network &network, std::uint8_t protocol, std::size_t payload_length)
{
    if (const auto *ip = std::get_if<Ipv4>(&network))
        return build_ipv4(*ip, protocol, payload_length);
    return build_ipv6(std::get<Ipv6>(network), protocol, payload_length);
}

Bytes Packet::build() const
{
    Bytes out;
    if (ethernet) {
        put(out, ethernet->destination.octets);
        put(out, ethernet->source.octets);
        put16(out, ethernet->type.value_or(ethertype(network)));
    }
    const Bytes segment = std::visit(
        [&](const auto &header) { return build_transport(header, network, payload); }, transport);
    put(out, build_network(network, protocol_of(transport, network), segment.size()));
    put(out, segment);
    return out;
}

ParseResult parse_ip(View bytes)
{
    if (bytes.empty())
        return ParseError::truncated_network;
    NetworkResult result = ParseError::not_ip;
    if (bytes[0] >> 4 == 4)
        result = parse_ipv4(bytes);
    else if (bytes[0] >> 4 == 6)
        result = parse_ipv6(bytes);
    if (const auto *error = std::get_if<ParseError>(&result))
        return *error;

    auto &part = std::get<NetworkPart>(result);
    Parsed out;
    out.packet.network = part.network;
    out.network_checksum_good = part.checksum_good;
    out.trailer = std::move(part.trailer);
    if (const auto error = parse_transport(part, out))
        return *error;
    return out;
}

ParseResult parse_frame(View frame)
{
    if (frame.size() < ethernet_length)
        return ParseError::truncated_ethernet;
    const std::uint16_t type = get16(frame, 12);
    if (type != ethertype_ipv4 && type != ethertype_ipv6)
        return ParseError::not_ip;
    ParseResult result = parse_ip(frame.subspan(ethernet_length));
    auto *parsed = std::get_if<Parsed>(&result);
    if (!parsed)
        return result;
    if (type != ethertype(parsed->packet.network))
        return ParseError::bad_network_header;
    Ethernet ethernet;
    std::copy_n(frame.begin(), 6, ethernet.destination.octets.begin());
    std::copy_n(frame.begin() + 6, 6, ethernet.source.octets.begin());
    parsed->packet.ethernet = ethernet;
    return result;
}

const char *describe(ParseError error)
{
    switch (error) {
    case ParseError::truncated_ethernet:
        return "frame ends in the Ethernet header";
    case ParseError::not_ip:
        return "neither IPv4 nor IPv6";
    case ParseError::truncated_network:
        return "frame ends before the IP packet does";
    case ParseError::bad_network_header:
        return "IP header contradicts itself";
    case ParseError::truncated_transport:
        return "IP packet ends in the transport header";
    case ParseError::bad_transport_header:
        return "transport header contradicts itself";
    }
    return "unknown error";
}

std::optional<Bytes> from_hex(std::string_view text)
{
    Bytes out;
    std::optional<std::uint8_t> high;
    for (const char c : text) {
        if (std::isspace(static_cast<unsigned char>(c)))
            continue;
        const auto value = nibble(c);
        if (!value)
            return std::nullopt;
        if (high)
            out.push_back(static_cast<std::uint8_t>(*high << 4 | *value));
        high = high ? std::nullopt : value;
    }
    if (high)
        return std::nullopt;
    return out;
}

std::string to_hex(View bytes)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const std::uint8_t byte : bytes) {
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 0xf]);
    }
    return out;
}

Bytes pattern(std::size_t size, std::uint8_t seed)
{
    Bytes out(size);
    std::uint32_t state = 0x9e3779b9U ^ seed;
    for (auto &byte : out) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return out;
}

} // namespace xfrm_xdp::packet
