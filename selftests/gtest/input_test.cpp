// SPDX-License-Identifier: GPL-2.0-or-later
// bpf_xdp_xfrm_input(): packets that the ESP reference made come out as they
// went in, for every algorithm and mix of families.
#include "fixture.hpp"

#include <linux/xfrm.h>

namespace xfrm_xdp::test {
namespace {

// One block of payload sizes, and some that packets really have.
std::vector<std::size_t> sizes(const esp::Algorithm &algorithm)
{
    std::vector<std::size_t> sizes;
    for (std::size_t size = 48; size <= 48 + algorithm.block_size(); size++)
        sizes.push_back(size);
    for (const std::size_t size : {576U, 1280U, 1400U, 1500U, 3400U})
        sizes.push_back(size);
    return sizes;
}

Bytes expected_frame(const packet::Packet &inner)
{
    packet::Packet framed = inner;
    framed.ethernet = ethernet_header();
    return framed.build();
}

void check_inner(const Call &call, const packet::Packet &inner)
{
    expect_done(call, XFRM_XDP_R_INPUT_DONE);
    if (call.verdict == XFRM_XDP_DONE) {
        EXPECT_EQ(hex(call.outcome.frame), hex(expected_frame(inner)));
    }
}

// The SA has accounted for one packet with @bytes in it.
void check_accounting(const Call &call, std::size_t bytes)
{
    const SaState &before = call.before.state, &after = call.after.state;
    EXPECT_EQ(after.bytes, before.bytes + bytes);
    EXPECT_EQ(after.packets, before.packets + 1);
    EXPECT_TRUE(after.used);
    EXPECT_EQ(after.replay_errors, before.replay_errors);
    EXPECT_EQ(after.replay_window_errors, before.replay_window_errors);
    EXPECT_EQ(after.integrity_errors, before.integrity_errors);
    EXPECT_EQ(after.replay.oseq, before.replay.oseq);
}

class Input : public XfrmTest, public testing::WithParamInterface<Tunnel> {};

TEST_P(Input, EveryByteAtEverySize)
{
    const Sa sa = make_sa(GetParam(), Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    std::uint32_t sequence = 0;
    for (const std::size_t size : sizes(sa.association.algorithm)) {
        SCOPED_TRACE("inner packet of " + std::to_string(size) + " bytes");
        const auto frame = esp_frame(sa, GetParam().inner, ++sequence, size);
        const Call call = input(encode(sa, frame), sa);
        check_inner(call, inner_packet(GetParam().inner, size));
        check_accounting(call, size);
        EXPECT_EQ(call.outcome.result.opts.seq, sequence);
        EXPECT_EQ(call.after.state.replay.seq, sequence);
        if (HasFailure())
            return;
    }
}

TEST_P(Input, ForeignPaddingIsTaken)
{
    const Sa sa = make_sa(GetParam(), Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    const auto &algorithm = sa.association.algorithm;
    std::uint64_t sequence = 0;
    // RFC 4303 section 2.4: up to 255 bytes, any content where the cipher says.
    const std::size_t least = esp::padding_length(algorithm, 100);
    const std::size_t block = algorithm.block_size();
    const std::size_t most = (255 - least) / block * block;
    for (const std::size_t extra : {std::size_t{0}, block, most / 2 / block * block, most}) {
        auto frame = esp_frame(sa, GetParam().inner, ++sequence);
        frame.esp.padding = Bytes(least + extra, 0x5a);
        check_inner(input(encode(sa, frame), sa), inner_packet(GetParam().inner, 100));
        if (HasFailure())
            return;
    }
}

// RFC 4303 section 2.7: bytes behind the inner packet that belong to nothing.
TEST_P(Input, TrafficFlowConfidentialityPadding)
{
    const Sa sa = make_sa(GetParam(), Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    auto frame = esp_frame(sa, GetParam().inner, 1);
    frame.esp.payload.insert(frame.esp.payload.end(), 200, 0xcc);
    const Call call = input(encode(sa, frame), sa);
    expect_done(call, XFRM_XDP_R_INPUT_DONE);
    check_accounting(call, 300); // as the stack counts
    // What remains of it is trailer to whoever reads the inner length.
    const Bytes expected = expected_frame(inner_packet(GetParam().inner, 100));
    const View start =
        View(call.outcome.frame).first(std::min(expected.size(), call.outcome.frame.size()));
    EXPECT_EQ(hex(start), hex(expected));
}

TEST_P(Input, EthernetPaddingIsTrimmed)
{
    const Sa sa = make_sa(GetParam(), Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    Bytes frame = encode(sa, esp_frame(sa, GetParam().inner, 1));
    frame.insert(frame.end(), 60, 0xee);
    const Call call = input(frame, sa);
    check_inner(call, inner_packet(GetParam().inner, 100));
    check_accounting(call, 100);
}

// A tag stays before the inner packet, priority and all.
TEST_P(Input, TagStays)
{
    const Sa sa = make_sa(GetParam(), Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    const Call call = input(tagged(encode(sa, esp_frame(sa, GetParam().inner, 1)), 0x6005), sa);
    expect_done(call, XFRM_XDP_R_INPUT_DONE);
    EXPECT_EQ(hex(call.outcome.frame),
              hex(tagged(expected_frame(inner_packet(GetParam().inner, 100)), 0x6005)));
    check_accounting(call, 100);
}

// The frame's own metadata is of the packet that is no more.
TEST_P(Input, MetadataIsGone)
{
    const Sa sa = make_sa(GetParam(), Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    ProbeRun run;
    run.metadata = packet::pattern(32);
    const Call call = input(encode(sa, esp_frame(sa, GetParam().inner, 1)), sa, run);
    check_inner(call, inner_packet(GetParam().inner, 100));
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

INSTANTIATE_TEST_SUITE_P(Tunnels, Input, testing::ValuesIn(all_tunnels()),
                         [](const auto &test) { return test.param.name(); });

struct TosCase {
    const char *name;
    std::uint8_t outer, inner, flags, expected;
};

void PrintTo(const TosCase &test, std::ostream *out)
{
    *out << test.name;
}

// RFC 6040 as Linux has it: CE outside marks an inner packet that is ECN-capable;
// NOECN and DECAP_DSCP change what is taken from outside.
const TosCase tos_cases[] = {
    {"plain", 0x00, 0x00, 0, 0x00},
    {"outer_dscp_stays_outside", 0xb8, 0x28, 0, 0x28},
    {"ce_marks_ect0", 0x03, 0x02, 0, 0x03},
    {"ce_marks_ect1", 0x03, 0x01, 0, 0x03},
    {"ce_marks_ce", 0x03, 0x03, 0, 0x03},
    {"ce_leaves_not_ect", 0x03, 0x00, 0, 0x00},
    {"ect_outside_changes_nothing", 0x02, 0x01, 0, 0x01},
    {"noecn", 0x03, 0x02, XFRM_STATE_NOECN, 0x02},
    {"decap_dscp", 0xb8, 0x28, XFRM_STATE_DECAP_DSCP, 0xb8},
    {"decap_dscp_keeps_ecn", 0xb8, 0x29, XFRM_STATE_DECAP_DSCP, 0xb9},
    {"decap_dscp_and_ce", 0xbb, 0x2a, XFRM_STATE_DECAP_DSCP, 0xbb},
    {"decap_dscp_noecn", 0xbb, 0x2a, XFRM_STATE_DECAP_DSCP | XFRM_STATE_NOECN, 0xba},
};

void set_tos(packet::Network &network, std::uint8_t tos)
{
    if (auto *ip = std::get_if<packet::Ipv4>(&network))
        ip->tos = tos;
    else
        std::get<packet::Ipv6>(network).traffic_class = tos;
}

class InputTos : public XfrmTest, public testing::WithParamInterface<TosCase> {};

TEST_P(InputTos, InEveryMixOfFamilies)
{
    for (const Tunnel &tunnel : family_mixes("cbc128_sha256_128")) {
        SCOPED_TRACE(tunnel.name());
        Sa sa = make_sa(tunnel, Way::input);
        sa.flags = GetParam().flags;
        ASSERT_NO_FATAL_FAILURE(add(sa));
        packet::Packet inner = inner_packet(tunnel.inner, 100);
        set_tos(inner.network, GetParam().inner);
        auto frame = esp_frame(sa, tunnel.inner, 1);
        frame.esp.payload = inner.build();
        set_tos(frame.outer, GetParam().outer);
        const Call call = input(encode(sa, frame), sa);
        set_tos(inner.network, GetParam().expected);
        check_inner(call, inner);
        remove(sa);
    }
}

INSTANTIATE_TEST_SUITE_P(Table, InputTos, testing::ValuesIn(tos_cases),
                         [](const auto &test) { return std::string(test.param.name); });

class InputLimits : public XfrmTest {
protected:
    Bytes frame(const Sa &sa, std::uint64_t sequence)
    {
        return encode(sa, esp_frame(sa, Family::v4, sequence));
    }
};

TEST_F(InputLimits, HardPacketLimit)
{
    Sa sa = make_sa(Way::input);
    sa.hard_packets = 2;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    expect_done(input(frame(sa, 1), sa), XFRM_XDP_R_INPUT_DONE);
    expect_done(input(frame(sa, 2), sa), XFRM_XDP_R_INPUT_DONE);
    expect_punt(input(frame(sa, 3), sa), frame(sa, 3), XFRM_XDP_R_PUNT_SA_EXPIRED);
}

TEST_F(InputLimits, HardByteLimitCountsInnerBytes)
{
    Sa sa = make_sa(Way::input);
    sa.hard_bytes = 200;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    expect_done(input(frame(sa, 1), sa), XFRM_XDP_R_INPUT_DONE);
    expect_done(input(frame(sa, 2), sa), XFRM_XDP_R_INPUT_DONE);
    expect_punt(input(frame(sa, 3), sa), frame(sa, 3), XFRM_XDP_R_PUNT_SA_EXPIRED);
}

TEST_F(InputLimits, SoftLimitIsToldToTheKeyingDaemonOnce)
{
    Sa sa = make_sa(Way::input);
    sa.soft_bytes = 150;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    auto events = XfrmEvents::open();
    ASSERT_TRUE(events) << events.error().cause;
    std::vector<XfrmEvent> seen;
    for (std::uint64_t packet = 1; packet <= 5; packet++) {
        expect_done(input(frame(sa, packet), sa), XFRM_XDP_R_INPUT_DONE);
        for (const auto &event : drained(*events))
            if (event.kind != XfrmEvent::Kind::replay)
                seen.push_back(event);
        EXPECT_EQ(seen.empty(), packet < 3) << "after packet " << packet;
    }
    EXPECT_EQ(seen, (std::vector<XfrmEvent>{{XfrmEvent::Kind::soft_expiry, test_spi, 0}}));
}

TEST_F(InputLimits, ReplayThresholdSendsEvents)
{
    for (const bool esn : {false, true}) {
        Sa sa = make_sa({algorithm("gcm128"), esn, Family::v4, Family::v4}, Way::input);
        sa.replay_threshold = 2;
        ASSERT_NO_FATAL_FAILURE(add(sa));
        auto events = XfrmEvents::open();
        ASSERT_TRUE(events) << events.error().cause;
        std::vector<std::uint64_t> after;
        for (std::uint64_t packet = 1; packet <= 6; packet++) {
            expect_done(input(frame(sa, packet), sa), XFRM_XDP_R_INPUT_DONE);
            for (const auto &event : drained(*events)) {
                EXPECT_EQ(event.kind, XfrmEvent::Kind::replay);
                after.push_back(packet);
            }
        }
        EXPECT_EQ(after, (std::vector<std::uint64_t>{2, 4, 6})) << "ESN " << esn;
        remove(sa);
    }
}

TEST_F(InputLimits, DirectionOfTheSaIsHonoured)
{
    Sa sa = make_sa(Way::input);
    sa.direction = Direction::in;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    expect_done(input(frame(sa, 1), sa), XFRM_XDP_R_INPUT_DONE);
    remove(sa);
    sa.direction = Direction::out;
    sa.window = 0;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    expect_punt(input(frame(sa, 1), sa), frame(sa, 1), XFRM_XDP_R_PUNT_SA_STATE);
}

} // namespace
} // namespace xfrm_xdp::test
