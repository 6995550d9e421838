// SPDX-License-Identifier: GPL-2.0-or-later
// bpf_xdp_xfrm_output(): every byte of what comes out, for every algorithm and
// mix of families, at sizes around block boundaries.
#include "fixture.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <set>

namespace xfrm_xdp::test {
namespace {

// One block of payload sizes, the smallest MTU of IPv6, and some that packets
// really have.
std::vector<std::size_t> sizes(const esp::Algorithm &algorithm)
{
    std::vector<std::size_t> sizes;
    for (std::size_t size = 48; size <= 48 + algorithm.block_size(); size++)
        sizes.push_back(size);
    for (const std::size_t size : {576U, 1279U, 1280U, 1281U, 1400U, 1500U, 3400U})
        sizes.push_back(size);
    return sizes;
}

// RFC 4301 section 5.1.2.1 for an inner packet with DSCP and ECN zero: DF and
// flow label are copied, and no router may fragment what came as IPv6.
packet::Network expected_outer(const Sa &sa, const packet::Packet &inner)
{
    packet::Network outer = outer_header(sa);
    const auto *inner6 = std::get_if<packet::Ipv6>(&inner.network);
    if (auto *ip = std::get_if<packet::Ipv4>(&outer)) {
        ip->fragment =
            inner6 ? packet::ipv4_dont_fragment : std::get<packet::Ipv4>(inner.network).fragment;
    } else if (inner6) {
        std::get<packet::Ipv6>(outer).flow_label = inner6->flow_label;
    }
    return outer;
}

// The identification is the kernel's to choose where the packet may be
// fragmented, and zero elsewhere (RFC 6864).
void adopt_id(packet::Network &expected, const packet::Network &actual)
{
    auto *to = std::get_if<packet::Ipv4>(&expected);
    const auto *from = std::get_if<packet::Ipv4>(&actual);
    if (to && from && !to->fragment)
        to->id = from->id;
}

class Output : public XfrmTest, public testing::WithParamInterface<Tunnel> {
protected:
    // Decodes with the reference, encodes what should have come out with the
    // IV that was found, and compares the two frames.
    Bytes check_frame(const Call &call, const Sa &sa, const packet::Packet &inner,
                      std::uint64_t sequence)
    {
        const Bytes plain = inner.build();
        const auto result = esp::decode_frame(sa.association, call.outcome.frame,
                                              static_cast<std::uint32_t>(sequence >> 32));
        if (const auto *error = std::get_if<esp::Error>(&result)) {
            ADD_FAILURE() << esp::describe(*error) << ": " << hex(call.outcome.frame);
            return {};
        }
        const auto &decoded = std::get<esp::DecodedFrame>(result);
        esp::TunnelFrame expected = esp_frame(sa, GetParam().inner, sequence);
        expected.outer = expected_outer(sa, inner);
        adopt_id(expected.outer, decoded.outer);
        expected.esp.payload = plain;
        expected.esp.iv = decoded.esp.iv;
        EXPECT_EQ(hex(call.outcome.frame), hex(encode(sa, expected)));
        return decoded.esp.iv;
    }

    void check_accounting(const Call &call, std::size_t size, std::uint64_t sequence)
    {
        SaState expected = call.before.state;
        expected.bytes += size;
        expected.packets++;
        expected.used = true;
        expected.replay.oseq = static_cast<std::uint32_t>(sequence);
        expected.replay.oseq_hi = static_cast<std::uint32_t>(sequence >> 32);
        EXPECT_EQ(call.after.state, expected);
        EXPECT_EQ(call.outcome.result.opts.seq, static_cast<std::uint32_t>(sequence));
    }
};

TEST_P(Output, EveryByteAtEverySize)
{
    const Sa sa = make_sa(GetParam(), Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    std::set<Bytes> ivs;
    for (const std::size_t size : sizes(sa.association.algorithm)) {
        SCOPED_TRACE("inner packet of " + std::to_string(size) + " bytes");
        packet::Packet inner = inner_packet(GetParam().inner, size);
        const Bytes plain = inner.build();
        ASSERT_EQ(plain.size(), size);
        inner.ethernet = ethernet_header();
        const Call call = output(inner.build(), sa);
        expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
        inner.ethernet.reset();
        const std::uint64_t sequence = call.before.state.replay.oseq + 1;
        check_accounting(call, size, sequence);
        EXPECT_TRUE(ivs.insert(check_frame(call, sa, inner, sequence)).second)
            << "the IV was used before";
        if (HasFailure())
            return;
    }
}

// A tag stays before the outer header, priority and all.
TEST_P(Output, TagStays)
{
    const Sa sa = make_sa(GetParam(), Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    const packet::Packet inner = inner_packet(GetParam().inner, 100);
    packet::Packet framed = inner;
    framed.ethernet = ethernet_header();
    Call call = output(tagged(framed.build(), 0x6005), sa);
    expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
    check_accounting(call, 100, 1);
    Bytes &frame = call.outcome.frame;
    ASSERT_GT(frame.size(), 18U);
    EXPECT_EQ(hex(View(frame).subspan(12, 4)), hex(Bytes{0x81, 0x00, 0x60, 0x05}));
    frame.erase(frame.begin() + 12, frame.begin() + 16);
    check_frame(call, sa, inner, 1);
}

TEST_P(Output, SequenceNumberGoesOnWhereTheSaIs)
{
    Sa sa = make_sa(GetParam(), Way::output);
    sa.replay.oseq = 0xfffffffe;
    sa.replay.oseq_hi = GetParam().esn ? 7 : 0;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    packet::Packet inner = inner_packet(GetParam().inner, 100);
    packet::Packet framed = inner;
    framed.ethernet = ethernet_header();
    std::uint64_t sequence = std::uint64_t{sa.replay.oseq_hi} << 32 | 0xffffffff;
    Call call = output(framed.build(), sa);
    expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
    check_accounting(call, 100, sequence);
    check_frame(call, sa, inner, sequence);

    // The next one carries into the high half, or there is none.
    call = output(framed.build(), sa);
    if (!GetParam().esn) {
        expect_punt(call, framed.build(), XFRM_XDP_R_PUNT_SA_OVERFLOW);
        return;
    }
    sequence++;
    expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
    check_accounting(call, 100, sequence);
    check_frame(call, sa, inner, sequence);
    EXPECT_EQ(call.after.state.replay.oseq_hi, 8U);
}

TEST_P(Output, EthernetPaddingIsNotEncrypted)
{
    const Sa sa = make_sa(GetParam(), Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    packet::Packet inner = inner_packet(GetParam().inner, 48);
    packet::Packet framed = inner;
    framed.ethernet = ethernet_header();
    Bytes frame = framed.build();
    frame.insert(frame.end(), 7, 0xee);
    const Call call = output(frame, sa);
    expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
    check_accounting(call, 48, 1);
    check_frame(call, sa, inner, 1);
}

std::vector<Tunnel> all_tunnels()
{
    std::vector<Tunnel> all;
    for (const bool esn : {false, true}) {
        for (const auto &algorithm : algorithms())
            all.push_back({algorithm, esn, Family::v4, Family::v4});
        for (const char *name : {"gcm128", "cbc128_sha256_128"})
            for (const Tunnel &tunnel : family_mixes(name, esn))
                if (tunnel.inner != Family::v4 || tunnel.outer != Family::v4)
                    all.push_back(tunnel);
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Tunnels, Output, testing::ValuesIn(all_tunnels()),
                         [](const auto &test) { return test.param.name(); });

class OutputLimits : public XfrmTest {
protected:
    Bytes frame(std::size_t size = 100)
    {
        packet::Packet inner = inner_packet(Family::v4, size);
        inner.ethernet = ethernet_header();
        return inner.build();
    }
};

TEST_F(OutputLimits, WrapIsAllowedWhereTheSaSaysSo)
{
    Sa sa = make_sa(Way::output);
    sa.extra_flags = 2; // XFRM_SA_XFLAG_OSEQ_MAY_WRAP
    sa.replay.oseq = 0xffffffff;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    const Call call = output(frame(), sa);
    expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
    EXPECT_EQ(call.outcome.result.opts.seq, 0U);
    EXPECT_EQ(call.after.state.replay.oseq, 0U);
}

TEST_F(OutputLimits, LastExtendedSequenceNumberIsTheLast)
{
    Sa sa = make_sa({algorithm("gcm128"), true, Family::v4, Family::v4}, Way::output);
    sa.replay.oseq = 0xfffffffe;
    sa.replay.oseq_hi = 0xffffffff;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    expect_done(output(frame(), sa), XFRM_XDP_R_OUTPUT_DONE);
    expect_punt(output(frame(), sa), frame(), XFRM_XDP_R_PUNT_SA_OVERFLOW);
}

TEST_F(OutputLimits, BitmapWithoutEsnOverflowsAt32Bits)
{
    Sa sa = make_sa(Way::output);
    sa.bitmap = true;
    sa.window = 64;
    sa.replay.oseq = 0xfffffffe;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    const Call call = output(frame(), sa);
    expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
    EXPECT_EQ(call.after.state.replay.oseq, 0xffffffffU);
    EXPECT_EQ(call.after.state.replay.oseq_hi, 0U);
    expect_punt(output(frame(), sa), frame(), XFRM_XDP_R_PUNT_SA_OVERFLOW);
}

TEST_F(OutputLimits, HardPacketLimit)
{
    Sa sa = make_sa(Way::output);
    sa.hard_packets = 2;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    expect_done(output(frame(), sa), XFRM_XDP_R_OUTPUT_DONE);
    expect_done(output(frame(), sa), XFRM_XDP_R_OUTPUT_DONE);
    expect_punt(output(frame(), sa), frame(), XFRM_XDP_R_PUNT_SA_EXPIRED);
}

TEST_F(OutputLimits, HardByteLimitCountsInnerBytes)
{
    Sa sa = make_sa(Way::output);
    sa.hard_bytes = 201;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    expect_done(output(frame(), sa), XFRM_XDP_R_OUTPUT_DONE);
    expect_done(output(frame(), sa), XFRM_XDP_R_OUTPUT_DONE);
    const Call third = output(frame(), sa);
    expect_done(third, XFRM_XDP_R_OUTPUT_DONE);
    EXPECT_EQ(third.after.state.bytes, 300U);
    expect_punt(output(frame(), sa), frame(), XFRM_XDP_R_PUNT_SA_EXPIRED);
}

TEST_F(OutputLimits, SoftLimitIsToldToTheKeyingDaemonOnce)
{
    Sa sa = make_sa(Way::output);
    sa.soft_packets = 2;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    auto events = XfrmEvents::open();
    ASSERT_TRUE(events) << events.error().cause;
    std::vector<XfrmEvent> seen;
    for (int packet = 0; packet < 5; packet++) {
        expect_done(output(frame(), sa), XFRM_XDP_R_OUTPUT_DONE);
        for (const auto &event : drained(*events))
            if (event.kind != XfrmEvent::Kind::replay)
                seen.push_back(event);
        EXPECT_EQ(seen.empty(), packet < 2) << "after packet " << packet + 1;
    }
    EXPECT_EQ(seen, (std::vector<XfrmEvent>{{XfrmEvent::Kind::soft_expiry, test_spi, 0}}));
}

TEST_F(OutputLimits, ReplayThresholdSendsEvents)
{
    Sa sa = make_sa(Way::output);
    sa.replay_threshold = 3;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    auto events = XfrmEvents::open();
    ASSERT_TRUE(events) << events.error().cause;
    std::vector<int> after;
    for (int packet = 1; packet <= 9; packet++) {
        expect_done(output(frame(), sa), XFRM_XDP_R_OUTPUT_DONE);
        for (const auto &event : drained(*events)) {
            EXPECT_EQ(event.kind, XfrmEvent::Kind::replay);
            EXPECT_EQ(event.spi, test_spi);
            after.push_back(packet);
        }
    }
    EXPECT_EQ(after, (std::vector<int>{3, 6, 9}));
}

} // namespace
} // namespace xfrm_xdp::test
