// SPDX-License-Identifier: GPL-2.0-or-later
// bpf_xdp_xfrm_input() and packets that something is wrong with: the verdict, the
// reason, the counters; and that nothing of a punt was changed.
#include "bad_packets.hpp"

namespace xfrm_xdp::test {
namespace {

class BadInput : public XfrmTest, public testing::WithParamInterface<BadPacket> {};

TEST_P(BadInput, EndsAsTheTableSays)
{
    const BadPacket &bad = GetParam();
    const Sa sa = make_sa(bad.tunnel, Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    // Something to lose: a window that has moved.
    expect_done(input(encode(sa, esp_frame(sa, bad.tunnel.inner, 1)), sa), XFRM_XDP_R_INPUT_DONE);

    const Bytes frame = bad.make(sa, esp_frame(sa, bad.tunnel.inner, 2));
    const Call call = input(frame, sa);
    if (bad.verdict == XFRM_XDP_PUNT) {
        expect_punt(call, frame, bad.reason);
    } else {
        expect_drop(call, bad.reason, bad.mib);
        // What is authentic has been received, whatever is wrong with it.
        const bool received = bad.reason == XFRM_XDP_R_DROP_MODE;
        EXPECT_EQ(call.after.state.packets, received ? 2U : 1U);
        EXPECT_EQ(call.after.state.replay.seq, received ? 2U : 1U);
        EXPECT_EQ(call.after.state.integrity_errors, bad.reason == XFRM_XDP_R_DROP_ICV ? 1U : 0U);
    }

    // And the SA works on.
    const Call next = input(encode(sa, esp_frame(sa, bad.tunnel.inner, 3)), sa);
    expect_done(next, XFRM_XDP_R_INPUT_DONE);
}

INSTANTIATE_TEST_SUITE_P(Table, BadInput, testing::ValuesIn(bad_packets()),
                         [](const auto &test) { return test.param.name; });

class Truncated : public XfrmTest, public testing::WithParamInterface<Tunnel> {};

// Cut anywhere, with headers that still claim all of it.
TEST_P(Truncated, InputOfEveryPrefixIsPunted)
{
    const Sa sa = make_sa(GetParam(), Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    const Bytes whole = encode(sa, esp_frame(sa, GetParam().inner, 1, 64));
    for (std::size_t size = packet::ethernet_length; size < whole.size();
         size += size < 64 || size + 4 > whole.size() ? 1 : 3) {
        SCOPED_TRACE(size);
        const View prefix = View(whole).first(size);
        expect_punt(input(prefix, sa), prefix, XFRM_XDP_R_PUNT_IP_HEADER);
        if (HasFailure())
            return;
    }
    expect_done(input(whole, sa), XFRM_XDP_R_INPUT_DONE);
}

TEST_P(Truncated, OutputOfEveryPrefixIsPunted)
{
    const Sa sa = make_sa(GetParam(), Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    packet::Packet inner = inner_packet(GetParam().inner, 64);
    inner.ethernet = ethernet_header();
    const Bytes whole = inner.build();
    for (std::size_t size = packet::ethernet_length; size < whole.size();
         size += size < 64 || size + 4 > whole.size() ? 1 : 3) {
        SCOPED_TRACE(size);
        const View prefix = View(whole).first(size);
        expect_punt(output(prefix, sa), prefix, XFRM_XDP_R_PUNT_IP_HEADER);
        if (HasFailure())
            return;
    }
    expect_done(output(whole, sa), XFRM_XDP_R_OUTPUT_DONE);
}

INSTANTIATE_TEST_SUITE_P(Families, Truncated, testing::ValuesIn(family_mixes("gcm128")),
                         [](const auto &test) { return test.param.name(); });

struct BadInner {
    std::string name;
    Family family;
    std::function<void(packet::Packet &)> change;
    std::uint32_t reason;
};

void PrintTo(const BadInner &test, std::ostream *out)
{
    *out << test.name;
}

std::vector<BadInner> bad_inners()
{
    using packet::Ipv4;
    using packet::Ipv6;
    using packet::Packet;
    const auto v4 = [](std::function<void(Ipv4 &)> change) {
        return [change](Packet &packet) { change(std::get<Ipv4>(packet.network)); };
    };
    const auto v6 = [](std::function<void(Ipv6 &)> change) {
        return [change](Packet &packet) { change(std::get<Ipv6>(packet.network)); };
    };
    constexpr auto header = XFRM_XDP_R_PUNT_IP_HEADER;
    constexpr auto options = XFRM_XDP_R_PUNT_IP_OPTIONS;
    constexpr auto fragment = XFRM_XDP_R_PUNT_FRAGMENT;
    return {
        {"version", Family::v4, v4([](Ipv4 &ip) { ip.version = 6; }), header},
        {"ihl", Family::v4, v4([](Ipv4 &ip) { ip.header_words = 3; }), header},
        {"options", Family::v4, v4([](Ipv4 &ip) { ip.options = Bytes(8, 1); }), options},
        {"total_length", Family::v4, v4([](Ipv4 &ip) { ip.total_length = 101; }), header},
        {"total_length_small", Family::v4, v4([](Ipv4 &ip) { ip.total_length = 12; }), header},
        {"checksum", Family::v4, v4([](Ipv4 &ip) { ip.checksum = 1; }), header},
        {"fragment", Family::v4, v4([](Ipv4 &ip) { ip.fragment = packet::ipv4_more_fragments; }),
         fragment},
        {"last_fragment", Family::v4, v4([](Ipv4 &ip) { ip.fragment = 5; }), fragment},
        {"udp_header_cut", Family::v4, v4([](Ipv4 &ip) { ip.total_length = 27; }), header},
        {"version6", Family::v6, v6([](Ipv6 &ip) { ip.version = 4; }), header},
        {"payload_length", Family::v6, v6([](Ipv6 &ip) { ip.payload_length = 61; }), header},
        {"hop_by_hop", Family::v6, v6([](Ipv6 &ip) { ip.next_header = 0; }), options},
        {"fragment_header", Family::v6, v6([](Ipv6 &ip) { ip.next_header = 44; }), fragment},
        {"udp_header_cut6", Family::v6, v6([](Ipv6 &ip) { ip.payload_length = 7; }), header},
        {"arp", Family::v4, [](Packet &packet) { packet.ethernet->type = 0x0806; },
         XFRM_XDP_R_PUNT_NOT_IP},
        {"vlan", Family::v4, [](Packet &packet) { packet.ethernet->type = 0x8100; },
         XFRM_XDP_R_PUNT_NOT_IP},
    };
}

class BadOutput : public XfrmTest, public testing::WithParamInterface<BadInner> {};

TEST_P(BadOutput, IsPunted)
{
    for (const Family outer : {Family::v4, Family::v6}) {
        const Sa sa = make_sa({algorithm("gcm128"), false, GetParam().family, outer}, Way::output);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        packet::Packet inner = inner_packet(GetParam().family, 100);
        inner.ethernet = ethernet_header();
        GetParam().change(inner);
        const Bytes frame = inner.build();
        expect_punt(output(frame, sa), frame, GetParam().reason);
        remove(sa);
    }
}

// Of 802.1Q tags one is taken, whole and with a VLAN id.
TEST_F(XfrmTest, BadTagIsPunted)
{
    const Sa sa = make_sa(Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    packet::Packet inner = inner_packet(Family::v4, 100);
    inner.ethernet = ethernet_header();
    Bytes frame = tagged(inner.build(), 0xe000);
    expect_punt(output(frame, sa), frame, XFRM_XDP_R_PUNT_VLAN);
    frame = tagged(tagged(inner.build(), 5), 5);
    expect_punt(output(frame, sa), frame, XFRM_XDP_R_PUNT_NOT_IP);
    frame.resize(17);
    expect_punt(output(frame, sa), frame, XFRM_XDP_R_PUNT_NOT_IP);
}

INSTANTIATE_TEST_SUITE_P(Table, BadOutput, testing::ValuesIn(bad_inners()),
                         [](const auto &test) { return test.param.name; });

} // namespace
} // namespace xfrm_xdp::test
