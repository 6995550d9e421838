// SPDX-License-Identifier: GPL-2.0-or-later
// Which entries of the flow map an option of 'flows' picks, and what is no such option.
#include "flow_filter.hpp"
#include "options.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace xfrm_xdp {
namespace {

using testing::HasSubstr;

FlowEntry entry(int family, const char *source, const char *destination)
{
    FlowEntry made{};
    made.first.ifindex = 3;
    made.first.family = static_cast<__u8>(family);
    made.first.proto = IPPROTO_UDP;
    EXPECT_EQ(::inet_pton(family, source, made.first.saddr), 1);
    EXPECT_EQ(::inet_pton(family, destination, made.first.daddr), 1);
    made.second.kind = XFRM_XDP_FLOW_FORWARD;
    made.second.out_ifindex = 4;
    made.second.in_spi = htonl(0x2001);
    made.second.out_spi = htonl(0x1001);
    return made;
}

FlowEntry forward()
{
    return entry(AF_INET, "10.1.200.2", "10.2.0.2");
}

FlowEntry sa()
{
    auto made = entry(AF_INET, "192.0.2.2", "192.0.2.1");
    made.first.proto = IPPROTO_ESP;
    made.first.spi = htonl(0x2001);
    made.second = {};
    made.second.kind = XFRM_XDP_FLOW_SA;
    return made;
}

// The filter of a command line.
FlowFilter filter(const std::vector<std::string> &arguments)
{
    std::vector<std::string> all = {"flows"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    auto parsed = parse_options(all);
    if (auto *leave = std::get_if<Leave>(&parsed)) {
        ADD_FAILURE() << "refused: " << leave->text;
        return {};
    }
    return std::get<Options>(parsed).filter;
}

std::string refusal(const std::vector<std::string> &arguments)
{
    auto parsed = parse_options(arguments);
    auto *leave = std::get_if<Leave>(&parsed);
    EXPECT_TRUE(leave) << "accepted";
    return leave && leave->status == status_usage ? leave->text : "";
}

TEST(FlowFilter, NoneTakesAll)
{
    EXPECT_TRUE(filter({}).matches(forward()));
    EXPECT_TRUE(filter({}).matches(sa()));
}

TEST(FlowFilter, AnSaIsFoundInEitherDirectionAndByItself)
{
    EXPECT_TRUE(filter({"--sa", "0x1001"}).matches(forward()));
    EXPECT_TRUE(filter({"--sa", "8193"}).matches(forward())); // 0x2001
    EXPECT_TRUE(filter({"--sa", "0x2001"}).matches(sa()));
    EXPECT_FALSE(filter({"--sa", "0x1001"}).matches(sa()));
    EXPECT_FALSE(filter({"--sa", "0x1002"}).matches(forward()));
}

TEST(FlowFilter, ThePortsOfAFlowAreNoSpi)
{
    auto flow = forward();
    flow.first.spi = htonl(0xc0ffee01);
    EXPECT_FALSE(filter({"--sa", "0xc0ffee01"}).matches(flow));
}

struct PrefixCase {
    const char *prefix;
    bool source; // of forward()
};

TEST(FlowFilter, PrefixesOfAnyLength)
{
    for (const auto &[prefix, wanted] : {
             PrefixCase{"10.1.200.2", true},
             {"10.1.200.3", false},
             {"10.1.0.0/16", true},
             {"10.2.0.0/16", false},
             {"10.1.192.0/18", true},
             {"10.1.128.0/18", false},
             {"10.1.200.2/31", true},
             {"10.1.200.0/31", false},
             {"0.0.0.0/0", true},
             {"::/0", false},
         })
        EXPECT_EQ(filter({"--src", prefix}).matches(forward()), wanted) << prefix;
}

TEST(FlowFilter, Ipv6Prefixes)
{
    auto flow = entry(AF_INET6, "2001:db8:1::2", "2001:db8:2::2");

    EXPECT_TRUE(filter({"--dst", "2001:db8:2::/48"}).matches(flow));
    EXPECT_TRUE(filter({"--dst", "2001:db8:2::2"}).matches(flow));
    EXPECT_FALSE(filter({"--dst", "2001:db8:2::3/128"}).matches(flow));
    EXPECT_FALSE(filter({"--dst", "2001:db8:1::/48"}).matches(flow));
    EXPECT_FALSE(filter({"--dst", "0.0.0.0/0"}).matches(flow));
}

TEST(FlowFilter, ProtocolsByNameAndNumber)
{
    EXPECT_TRUE(filter({"--proto", "udp"}).matches(forward()));
    EXPECT_TRUE(filter({"--proto", "17"}).matches(forward()));
    EXPECT_FALSE(filter({"--proto", "tcp"}).matches(forward()));
    EXPECT_TRUE(filter({"--proto", "esp"}).matches(sa()));
}

TEST(FlowFilter, KindsAndDevices)
{
    EXPECT_TRUE(filter({"--kind", "forward"}).matches(forward()));
    EXPECT_FALSE(filter({"--kind", "forward"}).matches(sa()));
    EXPECT_TRUE(filter({"--kind", "sa"}).matches(sa()));

    FlowFilter by_device;
    for (unsigned ifindex : {3U, 4U}) {
        by_device.ifindex = ifindex;
        EXPECT_TRUE(by_device.matches(forward()));
    }
    by_device.ifindex = 5;
    EXPECT_FALSE(by_device.matches(forward()));
}

TEST(FlowFilter, AllOfThemHaveToMatch)
{
    EXPECT_TRUE(filter({"--src", "10.1.0.0/16", "--proto", "udp"}).matches(forward()));
    EXPECT_FALSE(filter({"--src", "10.1.0.0/16", "--proto", "tcp"}).matches(forward()));
}

TEST(FlowFilter, WhatIsWrongIsNamed)
{
    for (const char *prefix : {"10.1.0.0/33", "10.1/16", "10.1.0.0/", "2001:db8::/129", "lan0"})
        EXPECT_THAT(refusal({"flows", "--src", prefix}), HasSubstr(prefix));
    for (const char *spi : {"0", "0x", "0x100000000", "-1", "spi"})
        EXPECT_THAT(refusal({"flows", "--sa", spi}), HasSubstr(spi));
    for (const char *protocol : {"256", "frob"})
        EXPECT_THAT(refusal({"flows", "--proto", protocol}), HasSubstr(protocol));
    EXPECT_NE(refusal({"flows", "--kind", "any"}), "");
    EXPECT_NE(refusal({"flows", "--limit", "0"}), "");
    EXPECT_NE(refusal({"attach", "lan0", "--flows", "0"}), "");
    EXPECT_NE(refusal({"attach", "lan0", "--flows", "4194305"}), "");
}

} // namespace
} // namespace xfrm_xdp
