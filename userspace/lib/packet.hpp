// SPDX-License-Identifier: GPL-2.0-or-later
// Ethernet, IP and transport headers as plain values: built into bytes and
// parsed back. Lengths and checksums are computed unless a value is given, so
// that a test can lie about each of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xfrm_xdp::packet {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

inline constexpr std::uint8_t proto_icmp = 1;
inline constexpr std::uint8_t proto_ipip = 4;
inline constexpr std::uint8_t proto_tcp = 6;
inline constexpr std::uint8_t proto_udp = 17;
inline constexpr std::uint8_t proto_ipv6 = 41;
inline constexpr std::uint8_t proto_esp = 50;
inline constexpr std::uint8_t proto_icmpv6 = 58;

inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_ipv6 = 0x86dd;

inline constexpr std::uint16_t ipv4_dont_fragment = 0x4000;
inline constexpr std::uint16_t ipv4_more_fragments = 0x2000;

inline constexpr std::size_t ethernet_length = 14;
inline constexpr std::size_t ipv4_length = 20;
inline constexpr std::size_t ipv6_length = 40;

struct Mac {
    std::array<std::uint8_t, 6> octets{};
    bool operator==(const Mac &) const = default;
};

struct Ipv4Address {
    std::array<std::uint8_t, 4> octets{};
    bool operator==(const Ipv4Address &) const = default;
    static std::optional<Ipv4Address> parse(const std::string &text);
};

struct Ipv6Address {
    std::array<std::uint8_t, 16> octets{};
    bool operator==(const Ipv6Address &) const = default;
    static std::optional<Ipv6Address> parse(const std::string &text);
};

struct Ethernet {
    Mac destination;
    Mac source;
    // Unset: what the network layer calls for.
    std::optional<std::uint16_t> type;
    bool operator==(const Ethernet &) const = default;
};

struct Ipv4 {
    Ipv4Address source;
    Ipv4Address destination;
    std::uint8_t tos = 0;
    std::uint16_t id = 0;
    // Flags and offset as on the wire.
    std::uint16_t fragment = 0;
    std::uint8_t ttl = 64;
    Bytes options; // a multiple of four bytes
    std::optional<std::uint8_t> protocol;
    std::optional<std::uint16_t> total_length;
    std::optional<std::uint16_t> checksum;
    std::uint8_t version = 4;
    std::optional<std::uint8_t> header_words;
    bool operator==(const Ipv4 &) const = default;
};

struct Ipv6 {
    Ipv6Address source;
    Ipv6Address destination;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;
    std::uint8_t hop_limit = 64;
    std::optional<std::uint8_t> next_header;
    std::optional<std::uint16_t> payload_length;
    std::uint8_t version = 6;
    bool operator==(const Ipv6 &) const = default;
};

struct Udp {
    std::uint16_t source = 0;
    std::uint16_t destination = 0;
    std::optional<std::uint16_t> length;
    std::optional<std::uint16_t> checksum;
    bool operator==(const Udp &) const = default;
};

inline constexpr std::uint8_t tcp_fin = 0x01;
inline constexpr std::uint8_t tcp_syn = 0x02;
inline constexpr std::uint8_t tcp_rst = 0x04;
inline constexpr std::uint8_t tcp_psh = 0x08;
inline constexpr std::uint8_t tcp_ack = 0x10;

struct Tcp {
    std::uint16_t source = 0;
    std::uint16_t destination = 0;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgement = 0;
    std::uint8_t flags = tcp_ack;
    std::uint16_t window = 65535;
    std::uint16_t urgent = 0;
    Bytes options; // a multiple of four bytes
    std::optional<std::uint16_t> checksum;
    bool operator==(const Tcp &) const = default;
};

// ICMP over IPv4, ICMPv6 over IPv6: the header is the same, the sum is not.
struct Icmp {
    std::uint8_t type = 8;
    std::uint8_t code = 0;
    std::uint16_t id = 0;
    std::uint16_t sequence = 0;
    std::optional<std::uint16_t> checksum;
    bool operator==(const Icmp &) const = default;
};

// Any other protocol: the payload follows the network header as it is.
struct Raw {
    std::uint8_t protocol = 255;
    bool operator==(const Raw &) const = default;
};

using Network = std::variant<Ipv4, Ipv6>;
using Transport = std::variant<Udp, Tcp, Icmp, Raw>;

struct Packet {
    std::optional<Ethernet> ethernet;
    Network network;
    Transport transport;
    Bytes payload;

    Bytes build() const;
    bool operator==(const Packet &) const = default;
};

enum class ParseError {
    truncated_ethernet,
    not_ip,
    truncated_network,
    bad_network_header,
    truncated_transport,
    bad_transport_header,
};

const char *describe(ParseError error);

struct Parsed {
    Packet packet;
    bool network_checksum_good = true;
    // True as well where there is none, or a fragment hides it.
    bool transport_checksum_good = true;
    Bytes trailer; // what follows the IP packet: Ethernet padding
};

using ParseResult = std::variant<Parsed, ParseError>;

// The packet that comes back builds to the same bytes, less the trailer;
// checksums and lengths are set only where they are not the computed ones.
ParseResult parse_frame(View frame);
ParseResult parse_ip(View bytes);

// RFC 1071; @sum is the unfolded sum of what came before.
std::uint32_t checksum_add(std::uint32_t sum, View bytes);
std::uint16_t checksum_fold(std::uint32_t sum);

Bytes build_network(const Network &network, std::uint8_t protocol, std::size_t payload_length);
std::uint16_t ethertype(const Network &network);

// Whitespace in @text is skipped; nothing for anything else that is not hex.
std::optional<Bytes> from_hex(std::string_view text);
std::string to_hex(View bytes);

// @size bytes that differ from each other and from another @seed's.
Bytes pattern(std::size_t size, std::uint8_t seed = 0);

} // namespace xfrm_xdp::packet
