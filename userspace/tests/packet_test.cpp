// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xfrm_xdp::packet {
namespace {

Bytes hex(std::string_view text)
{
    const auto bytes = from_hex(text);
    EXPECT_TRUE(bytes.has_value()) << text;
    return bytes.value_or(Bytes{});
}

Ipv4 ipv4(const std::string &source, const std::string &destination)
{
    Ipv4 ip;
    ip.source = Ipv4Address::parse(source).value();
    ip.destination = Ipv4Address::parse(destination).value();
    return ip;
}

Ipv6 ipv6(const std::string &source, const std::string &destination)
{
    Ipv6 ip;
    ip.source = Ipv6Address::parse(source).value();
    ip.destination = Ipv6Address::parse(destination).value();
    return ip;
}

Ethernet ethernet()
{
    return {Mac{{2, 0, 0, 0, 0, 2}}, Mac{{2, 0, 0, 0, 0, 1}}, std::nullopt};
}

Parsed parsed(View frame)
{
    const auto result = parse_frame(frame);
    if (const auto *error = std::get_if<ParseError>(&result)) {
        ADD_FAILURE() << describe(*error);
        return {};
    }
    return std::get<Parsed>(result);
}

ParseError parse_error(View frame)
{
    const auto result = parse_frame(frame);
    EXPECT_TRUE(std::holds_alternative<ParseError>(result));
    return std::holds_alternative<ParseError>(result) ? std::get<ParseError>(result) : ParseError{};
}

// RFC 1071 section 3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
TEST(Checksum, Rfc1071Example)
{
    EXPECT_EQ(checksum_fold(checksum_add(0, hex("0001f203f4f5f6f7"))),
              static_cast<std::uint16_t>(~0xddf2));
}

TEST(Checksum, OddLengthIsPaddedWithZero)
{
    EXPECT_EQ(checksum_fold(checksum_add(0, hex("0102 03"))),
              checksum_fold(checksum_add(0, hex("0102 0300"))));
}

TEST(Checksum, CarriesOfLongInputsAreNotLost)
{
    EXPECT_EQ(checksum_fold(checksum_add(0, Bytes(65534, 0xff))), 0);
}

// RFC 3602 section 4, case 7: the inner packet of a tunnel, an echo request.
TEST(Build, IcmpEchoOfRfc3602)
{
    Packet packet;
    Ipv4 ip = ipv4("192.168.123.3", "192.168.123.200");
    ip.id = 0x0904;
    packet.network = ip;
    packet.transport = Icmp{8, 0, 0xa90a, 0x0100, std::nullopt};
    packet.payload = hex("b49c083d02a20400 08090a0b0c0d0e0f 1011121314151617 18191a1b1c1d1e1f"
                         "2021222324252627 28292a2b2c2d2e2f 3031323334353637");
    EXPECT_EQ(to_hex(packet.build()), "45000054090400004001f988c0a87b03c0a87bc8"
                                      "08009f76a90a0100b49c083d02a20400"
                                      "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                                      "202122232425262728292a2b2c2d2e2f3031323334353637");
}

// draft-mcgrew-gcm-test-01 section 4, case 2: a DNS query over UDP.
TEST(Build, UdpOfMcgrewGcmTest)
{
    Packet packet;
    Ipv4 ip = ipv4("192.168.1.2", "192.168.1.1");
    ip.id = 0x698f;
    ip.ttl = 128;
    packet.network = ip;
    packet.transport = Udp{0x0a98, 53, std::nullopt, std::nullopt};
    packet.payload = hex("b2d0010000010000000000000373697009637962657263697479"
                         "02646b0000010001");
    EXPECT_EQ(to_hex(packet.build()),
              "4500003e698f000080114dccc0a80102c0a80101"
              "0a980035002a2343"
              "b2d001000001000000000000037369700963796265726369747902646b0000010001");
}

// draft-mcgrew-gcm-test-01 section 4, case 3: a TCP SYN with options.
TEST(Build, TcpOfMcgrewGcmTest)
{
    Packet packet;
    Ipv4 ip = ipv4("192.168.1.2", "147.137.21.94");
    ip.id = 0x69a6;
    ip.fragment = ipv4_dont_fragment;
    ip.ttl = 128;
    packet.network = ip;
    Tcp tcp;
    tcp.source = 0x0a9e;
    tcp.destination = 139;
    tcp.sequence = 0x2dc57ee0;
    tcp.flags = tcp_syn;
    tcp.window = 0x4000;
    tcp.options = hex("020405b401010402");
    packet.transport = tcp;
    EXPECT_EQ(to_hex(packet.build()), "4500003069a6400080062690c0a801029389155e"
                                      "0a9e008b2dc57ee0000000007002400020bf0000020405b401010402");
}

TEST(Build, Ipv6UdpByteForByte)
{
    Packet packet;
    packet.ethernet = ethernet();
    Ipv6 ip = ipv6("2001:db8::1", "2001:db8::2");
    ip.traffic_class = 0xb8;
    ip.flow_label = 0x12345;
    ip.hop_limit = 63;
    packet.network = ip;
    packet.transport = Udp{1000, 2000, std::nullopt, std::nullopt};
    packet.payload = hex("deadbeef");
    // By hand: addresses, length, protocol; then the UDP header and the payload.
    const std::uint32_t sum =
        2 * (0x2001 + 0x0db8) + 1 + 2 + 12 + 17 + 1000 + 2000 + 12 + 0xdead + 0xbeef;
    const auto check = static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16)));
    const Bytes frame = packet.build();
    EXPECT_EQ(to_hex(View(frame).first(62)), "020000000002020000000001"
                                             "86dd"
                                             "6b812345000c113f"
                                             "20010db8000000000000000000000001"
                                             "20010db8000000000000000000000002"
                                             "03e807d0000c" +
                                                 to_hex(Bytes{static_cast<std::uint8_t>(check >> 8),
                                                              static_cast<std::uint8_t>(check)}));
    EXPECT_EQ(frame.size(), 66U);
}

// RFC 768: a computed zero is sent as all ones, because zero means none.
TEST(Build, UdpChecksumIsNeverComputedAsZero)
{
    Packet packet;
    packet.network = ipv4("10.0.0.1", "10.0.0.2");
    packet.transport = Udp{1, 2, std::nullopt, std::nullopt};
    packet.payload = {0, 0};
    const Bytes base = packet.build();
    // Put the complement of the sum into the payload: the new sum is zero.
    packet.payload = {base[26], base[27]};
    const Bytes frame = packet.build();
    EXPECT_EQ(to_hex(View(frame).subspan(26, 2)), "ffff");
    EXPECT_TRUE(std::get<Parsed>(parse_ip(frame)).transport_checksum_good);
}

TEST(Build, EveryLieIsTold)
{
    Packet packet;
    packet.ethernet = ethernet();
    packet.ethernet->type = 0x1234;
    Ipv4 ip = ipv4("10.0.0.1", "10.0.0.2");
    ip.version = 5;
    ip.header_words = 15;
    ip.total_length = 9;
    ip.protocol = 99;
    ip.checksum = 0xabcd;
    packet.network = ip;
    packet.transport = Udp{1, 2, 7, 0x5678};
    EXPECT_EQ(to_hex(packet.build()), "0200000000020200000000011234"
                                      "5f000009000000004063abcd0a0000010a000002"
                                      "0001000200075678");

    Ipv6 ip6 = ipv6("::1", "::2");
    ip6.version = 4;
    ip6.payload_length = 3;
    ip6.next_header = 98;
    packet.network = ip6;
    packet.ethernet = std::nullopt;
    packet.transport = Raw{1};
    packet.payload = {};
    EXPECT_EQ(to_hex(packet.build()).substr(0, 16), "4000000000036240");
}

struct RoundTrip {
    const char *name;
    Packet packet;
};

std::vector<RoundTrip> round_trips()
{
    const Network v4 = ipv4("198.51.100.1", "203.0.113.7");
    Ipv4 rich = ipv4("198.51.100.1", "203.0.113.7");
    rich.tos = 0xff;
    rich.id = 0xffff;
    rich.fragment = ipv4_dont_fragment;
    rich.ttl = 1;
    rich.options = {1, 1, 1, 0};
    Ipv6 rich6 = ipv6("2001:db8:1::1", "2001:db8:2::2");
    rich6.traffic_class = 0xff;
    rich6.flow_label = 0xfffff;
    rich6.hop_limit = 255;
    Tcp tcp;
    tcp.source = 65535;
    tcp.destination = 443;
    tcp.sequence = 0xfffffff0;
    tcp.acknowledgement = 0x80000000;
    tcp.flags = tcp_ack | tcp_psh;
    tcp.urgent = 3;
    tcp.options = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    Ipv4 fragment = ipv4("198.51.100.1", "203.0.113.7");
    fragment.fragment = ipv4_more_fragments;
    return {
        {"udp4", {ethernet(), v4, Udp{1, 2, {}, {}}, pattern(100)}},
        {"udp4_empty", {ethernet(), v4, Udp{1, 2, {}, {}}, {}}},
        {"udp4_odd", {ethernet(), rich, Udp{1, 2, {}, {}}, pattern(101)}},
        {"udp6", {ethernet(), rich6, Udp{1, 2, {}, {}}, pattern(7)}},
        {"tcp4", {ethernet(), v4, tcp, pattern(1)}},
        {"tcp6", {ethernet(), rich6, tcp, pattern(1399)}},
        {"icmp4", {ethernet(), v4, Icmp{8, 0, 1, 2, {}}, pattern(56)}},
        {"icmp6", {ethernet(), rich6, Icmp{128, 0, 1, 2, {}}, pattern(56)}},
        {"esp4", {ethernet(), v4, Raw{proto_esp}, pattern(60)}},
        {"gre6", {ethernet(), rich6, Raw{47}, pattern(60)}},
        {"fragment", {ethernet(), fragment, Raw{proto_udp}, pattern(1200)}},
        {"bad_udp_sum", {ethernet(), v4, Udp{1, 2, {}, 0x1111}, pattern(10)}},
        {"bad_tcp_sum", {ethernet(), v4, Tcp{1, 2, 3, 4, tcp_ack, 5, 0, {}, 0x1111}, pattern(10)}},
        {"bad_icmp_sum", {ethernet(), rich6, Icmp{128, 0, 1, 2, 0x1111}, pattern(10)}},
    };
}

class RoundTripTest : public testing::TestWithParam<RoundTrip> {};

TEST_P(RoundTripTest, ParsesBackToTheSameValue)
{
    const Bytes frame = GetParam().packet.build();
    const Parsed back = parsed(frame);
    EXPECT_EQ(back.packet, GetParam().packet);
    EXPECT_EQ(back.packet.build(), frame);
    EXPECT_TRUE(back.trailer.empty());
    EXPECT_TRUE(back.network_checksum_good);
    const bool bad = std::string_view(GetParam().name).starts_with("bad_");
    EXPECT_EQ(back.transport_checksum_good, !bad);
}

TEST_P(RoundTripTest, EthernetPaddingIsTheTrailer)
{
    Bytes frame = GetParam().packet.build();
    frame.insert(frame.end(), {0xaa, 0xbb});
    const Parsed back = parsed(frame);
    EXPECT_EQ(back.packet, GetParam().packet);
    EXPECT_EQ(back.trailer, (Bytes{0xaa, 0xbb}));
}

TEST_P(RoundTripTest, NoPrefixIsTakenForTheWhole)
{
    const Bytes frame = GetParam().packet.build();
    for (std::size_t size = 0; size < frame.size(); size++) {
        const auto result = parse_frame(View(frame).first(size));
        ASSERT_TRUE(std::holds_alternative<ParseError>(result)) << size;
    }
}

INSTANTIATE_TEST_SUITE_P(Packets, RoundTripTest, testing::ValuesIn(round_trips()),
                         [](const auto &test) { return std::string(test.param.name); });

TEST(Parse, FlippedBitIsSeenByTheChecksum)
{
    const Packet packet = round_trips()[0].packet;
    const Bytes frame = packet.build();
    for (std::size_t at = ethernet_length + ipv4_length + 8; at < frame.size(); at++) {
        Bytes changed = frame;
        changed[at] ^= 0x10;
        EXPECT_FALSE(parsed(changed).transport_checksum_good) << at;
    }
    Bytes changed = frame;
    changed[ethernet_length + 8]--; // TTL
    EXPECT_FALSE(parsed(changed).network_checksum_good);
    EXPECT_EQ(parsed(changed).packet.build(), changed);
}

TEST(Parse, Ipv4UdpWithoutChecksumIsGoodAndIpv6IsNot)
{
    Packet packet = round_trips()[0].packet;
    packet.transport = Udp{1, 2, {}, 0};
    EXPECT_TRUE(parsed(packet.build()).transport_checksum_good);
    packet.network = ipv6("::1", "::2");
    EXPECT_FALSE(parsed(packet.build()).transport_checksum_good);
}

TEST(Parse, ErrorsNameTheLayer)
{
    Packet packet = round_trips()[0].packet;
    EXPECT_EQ(parse_error(Bytes(13)), ParseError::truncated_ethernet);
    EXPECT_EQ(parse_error(Bytes(14)), ParseError::not_ip);
    packet.ethernet->type = ethertype_ipv6;
    EXPECT_EQ(parse_error(packet.build()), ParseError::bad_network_header);
    packet.ethernet->type = std::nullopt;
    std::get<Ipv4>(packet.network).header_words = 4;
    EXPECT_EQ(parse_error(packet.build()), ParseError::bad_network_header);
    std::get<Ipv4>(packet.network).header_words = std::nullopt;
    std::get<Ipv4>(packet.network).total_length = 19;
    EXPECT_EQ(parse_error(packet.build()), ParseError::bad_network_header);
    std::get<Ipv4>(packet.network).total_length = 1500;
    EXPECT_EQ(parse_error(packet.build()), ParseError::truncated_network);
    std::get<Ipv4>(packet.network).total_length = 27;
    EXPECT_EQ(parse_error(packet.build()), ParseError::truncated_transport);
    Packet tcp = round_trips()[4].packet;
    Bytes frame = tcp.build();
    frame[ethernet_length + ipv4_length + 12] = 0xf0;
    EXPECT_EQ(parse_error(frame), ParseError::bad_transport_header);
}

TEST(Hex, RoundTripAndRejects)
{
    EXPECT_EQ(from_hex(" 00 fF\nA5 "), (Bytes{0x00, 0xff, 0xa5}));
    EXPECT_EQ(to_hex(Bytes{0x00, 0xff, 0xa5}), "00ffa5");
    EXPECT_FALSE(from_hex("0").has_value());
    EXPECT_FALSE(from_hex("0g").has_value());
    EXPECT_TRUE(from_hex("").has_value());
}

TEST(Address, ParseRejectsNonsense)
{
    EXPECT_EQ(Ipv4Address::parse("10.1.2.3")->octets, (std::array<std::uint8_t, 4>{10, 1, 2, 3}));
    EXPECT_FALSE(Ipv4Address::parse("10.1.2").has_value());
    EXPECT_FALSE(Ipv4Address::parse("::1").has_value());
    EXPECT_EQ(Ipv6Address::parse("::1")->octets[15], 1);
    EXPECT_FALSE(Ipv6Address::parse("10.1.2.3").has_value());
}

TEST(Pattern, DependsOnSeedAndIsStable)
{
    EXPECT_EQ(pattern(64, 1), pattern(64, 1));
    EXPECT_NE(pattern(64, 1), pattern(64, 2));
}

} // namespace
} // namespace xfrm_xdp::packet
