// SPDX-License-Identifier: GPL-2.0-or-later
#include "flow_json.hpp"
#include "flows.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace xfrm_xdp {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t second = 1'000'000'000;

std::string device(unsigned ifindex)
{
    return ifindex == 3 ? "lan0" : ifindex == 4 ? "wan0" : "gone#" + std::to_string(ifindex);
}

FlowEntry ipv4(unsigned protocol, const char *source, const char *destination)
{
    FlowEntry entry{};
    entry.first.ifindex = 3;
    entry.first.family = AF_INET;
    entry.first.proto = static_cast<__u8>(protocol);
    EXPECT_EQ(::inet_pton(AF_INET, source, entry.first.saddr), 1);
    EXPECT_EQ(::inet_pton(AF_INET, destination, entry.first.daddr), 1);
    entry.second.kind = XFRM_XDP_FLOW_FORWARD;
    entry.second.out_ifindex = 4;
    entry.second.learned_ns = 10 * second;
    return entry;
}

FlowEntry ipv6(unsigned protocol, const char *source, const char *destination)
{
    auto entry = ipv4(protocol, "0.0.0.0", "0.0.0.0");
    entry.first.family = AF_INET6;
    EXPECT_EQ(::inet_pton(AF_INET6, source, entry.first.saddr), 1);
    EXPECT_EQ(::inet_pton(AF_INET6, destination, entry.first.daddr), 1);
    return entry;
}

FlowEntry udp_encrypted()
{
    auto entry = ipv4(IPPROTO_UDP, "10.1.0.2", "10.2.0.2");
    entry.first.sport = htons(40000);
    entry.first.dport = htons(53);
    entry.second.out_spi = htonl(0xc0ffee01);
    entry.second.packets = 1999;
    entry.second.bytes = 2798600;
    return entry;
}

TEST(Flow, PortsSpisAndDevicesAreReadable)
{
    auto flow = describe_flow(udp_encrypted(), 13 * second + second / 2, device);

    EXPECT_FALSE(flow.is_sa);
    EXPECT_EQ(flow.family, "ipv4");
    EXPECT_EQ(flow.protocol, "udp");
    EXPECT_EQ(flow.source, "10.1.0.2:40000");
    EXPECT_EQ(flow.destination, "10.2.0.2:53");
    EXPECT_EQ(flow.in_device, "lan0");
    EXPECT_EQ(flow.out_device, "wan0");
    EXPECT_EQ(flow.out_spi, 0xc0ffee01U);
    EXPECT_EQ(flow.in_spi, 0U);
    EXPECT_EQ(flow.packets, 1999U);
    EXPECT_EQ(flow.bytes, 2798600U);
    EXPECT_DOUBLE_EQ(flow.age_seconds, 3.5);
}

TEST(Flow, Ipv6HasItsPortsOutsideBrackets)
{
    auto entry = ipv6(IPPROTO_TCP, "2001:db8:1::2", "2001:db8:2::2");
    entry.first.sport = htons(1024);
    entry.first.dport = htons(443);
    auto flow = describe_flow(entry, 10 * second, device);

    EXPECT_EQ(flow.family, "ipv6");
    EXPECT_EQ(flow.source, "[2001:db8:1::2]:1024");
    EXPECT_EQ(flow.destination, "[2001:db8:2::2]:443");
}

TEST(Flow, IcmpHasTypeCodeAndIdentifierForPorts)
{
    auto entry = ipv4(IPPROTO_ICMP, "10.1.0.2", "10.2.0.2");
    entry.first.sport = htons(77);
    entry.first.dport = htons(8 << 8 | 1);
    auto flow = describe_flow(entry, 10 * second, device);

    EXPECT_EQ(flow.source, "10.1.0.2");
    EXPECT_EQ(flow.detail, "type 8 code 1 id 77");
}

TEST(Flow, OfEspInUdpHasThePortsAroundIt)
{
    auto entry = ipv4(IPPROTO_ESP, "192.0.2.2", "192.0.2.1");
    entry.first.spi = htonl(0x12345678);
    entry.first.encap = htonl(61234U << 16 | 4500);
    entry.second.kind = XFRM_XDP_FLOW_SA;
    auto flow = describe_flow(entry, 10 * second, device);

    EXPECT_EQ(flow.protocol, "esp-in-udp");
    EXPECT_EQ(flow.source, "192.0.2.2:61234");
    EXPECT_EQ(flow.destination, "192.0.2.1:4500");
    EXPECT_EQ(flow.in_spi, 0x12345678U);
}

TEST(Flow, AnSaIsItsSpi)
{
    auto entry = ipv4(IPPROTO_ESP, "192.0.2.2", "192.0.2.1");
    entry.first.spi = htonl(0x12345678);
    entry.second.kind = XFRM_XDP_FLOW_SA;
    entry.second.out_ifindex = 0;
    auto flow = describe_flow(entry, 10 * second, device);

    EXPECT_TRUE(flow.is_sa);
    EXPECT_EQ(flow.protocol, "esp");
    EXPECT_EQ(flow.source, "192.0.2.2");
    EXPECT_EQ(flow.in_spi, 0x12345678U);
    EXPECT_EQ(flow.out_device, "");
}

TEST(Flow, AClockBehindItsBirthIsNoAge)
{
    EXPECT_DOUBLE_EQ(describe_flow(udp_encrypted(), 9 * second, device).age_seconds, 0);
}

TEST(Flow, AnUnknownProtocolAndAGoneDeviceHaveNumbers)
{
    auto entry = ipv4(89, "10.1.0.2", "10.2.0.2");
    entry.first.ifindex = 9;
    auto flow = describe_flow(entry, 10 * second, device);

    EXPECT_EQ(flow.protocol, "proto-89");
    EXPECT_EQ(flow.source, "10.1.0.2");
    EXPECT_EQ(flow.in_device, "gone#9");
}

TEST(FlowTable, TheBusiestComesFirst)
{
    auto sa = ipv4(IPPROTO_ESP, "192.0.2.2", "192.0.2.1");
    sa.first.spi = htonl(0x12345678);
    sa.second.kind = XFRM_XDP_FLOW_SA;
    sa.second.out_ifindex = 0;
    sa.second.packets = 7;

    std::vector<Flow> flows;
    flows.push_back(describe_flow(sa, 10 * second + second / 10, device));
    flows.push_back(describe_flow(udp_encrypted(), 80 * second, device));

    EXPECT_EQ(render_flows(flows),
              "PROTO  SOURCE          DESTINATION  IN    OUT   ESP                 PACKETS    BYTES"
              "         AGE\n"
              "udp    10.1.0.2:40000  10.2.0.2:53  lan0  wan0  encrypt 0xc0ffee01     1999  2798600"
              "  1 min 10 s\n"
              "esp    192.0.2.2       192.0.2.1    lan0  -     decrypt 0x12345678        7        0"
              "       0.1 s\n");
}

TEST(FlowTable, SaysWhichSaAFlowCameBy)
{
    auto entry = udp_encrypted();
    entry.second.in_spi = htonl(0xaabbccdd);
    auto both = describe_flow(entry, 10 * second, device);
    entry.second.out_spi = 0;
    auto from = describe_flow(entry, 10 * second, device);
    entry.second.in_spi = 0;
    auto plain = describe_flow(entry, 10 * second, device);

    EXPECT_THAT(render_flows({both}), HasSubstr("from 0xaabbccdd, encrypt 0xc0ffee01"));
    EXPECT_THAT(render_flows({from}), HasSubstr("  from 0xaabbccdd  "));
    EXPECT_THAT(render_flows({plain}), HasSubstr("  none  "));
}

TEST(FlowTable, SaysSoWhenThereIsNone)
{
    EXPECT_THAT(render_flows({}), HasSubstr("No flows are known"));
}

// However many there are, what was printed is not kept, and columns stay where they are.
TEST(FlowPrinter, PrintsWhatIsTooMuchToKeepAsItComes)
{
    constexpr std::size_t many = 2 * FlowPrinter::kept + 10;
    FlowPrinter printer;
    std::vector<std::string> parts;
    std::string all;

    for (std::size_t i = 0; i < many; i++) {
        auto entry = udp_encrypted();
        entry.second.packets = i;
        auto part = printer.add(describe_flow(entry, 10 * second, device));
        if (!part.empty())
            parts.push_back(part);
    }
    parts.push_back(printer.finish());
    ASSERT_EQ(parts.size(), 3U);
    for (const auto &part : parts)
        all += part;
    EXPECT_EQ(static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')), many + 1);
    EXPECT_EQ(all.find("PROTO"), 0U);
    EXPECT_EQ(all.find("PROTO", 1), all.npos);
    // Not sorted: the first come first.
    EXPECT_LT(all.find("  0  2798600"), all.find("  1  2798600"));
}

TEST(FlowJson, HasEveryFieldWithItsType)
{
    auto json = flow_json(describe_flow(udp_encrypted(), 13 * second, device));

    EXPECT_EQ(json.at("kind"), "forward");
    EXPECT_EQ(json.at("family"), "ipv4");
    EXPECT_EQ(json.at("protocol"), "udp");
    EXPECT_EQ(json.at("source"), "10.1.0.2:40000");
    EXPECT_EQ(json.at("in_device"), "lan0");
    EXPECT_EQ(json.at("out_device"), "wan0");
    EXPECT_EQ(json.at("out_spi"), 0xc0ffee01U);
    EXPECT_TRUE(json.at("packets").is_number_unsigned());
    EXPECT_EQ(json.at("bytes"), 2798600);
    EXPECT_DOUBLE_EQ(json.at("age_seconds"), 3.0);
    EXPECT_EQ(json.size(), 14U);
}

} // namespace
} // namespace xfrm_xdp
