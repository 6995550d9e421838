// SPDX-License-Identifier: GPL-2.0-or-later
// Frames with little room before or behind the packet, and of several buffers.
// BPF_PROG_TEST_RUN gives every frame a page, with 256 bytes of headroom.
#include "fixture.hpp"

namespace xfrm_xdp::test {
namespace {

constexpr std::size_t headroom = 256;
constexpr std::size_t xdp_frame_size = 40;    // that every driver keeps for itself
constexpr std::size_t shared_info_size = 320; // behind the hard end
constexpr std::size_t frame_end = 4096 - shared_info_size;
constexpr std::size_t longest = frame_end - headroom; // frame of one buffer

Bytes inner_frame(std::size_t size, Family family = Family::v4)
{
    packet::Packet inner = inner_packet(family, size);
    inner.ethernet = ethernet_header();
    return inner.build();
}

// @frame where the program finds it after it has cut @strip bytes off.
Bytes behind(std::size_t strip, const Bytes &frame)
{
    Bytes whole(strip, 0xdd);
    whole.insert(whole.end(), frame.begin(), frame.end());
    return whole;
}

class Room : public XfrmTest {
protected:
    void encrypts(const Call &call, const Sa &sa, std::size_t size, Family family = Family::v4)
    {
        expect_done(call, XFRM_XDP_R_OUTPUT_DONE);
        const auto result = esp::decode_frame(sa.association, call.outcome.frame);
        ASSERT_TRUE(std::holds_alternative<esp::DecodedFrame>(result));
        const auto &decoded = std::get<esp::DecodedFrame>(result);
        EXPECT_EQ(decoded.ethernet, ethernet_header());
        EXPECT_TRUE(decoded.trailer.empty());
        EXPECT_EQ(hex(decoded.esp.payload), hex(inner_packet(family, size).build()));
    }
};

TEST_F(Room, TailroomIsWhatIsLeftOfTheFrame)
{
    const Sa sa = make_sa(Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    for (const std::size_t size : {60U, 100U, 1400U, 3000U}) {
        const Call call = output(inner_frame(size), sa);
        EXPECT_EQ(call.outcome.result.tailroom, static_cast<int>(frame_end - headroom - 14 - size));
    }
}

// Every amount of tailroom from none on: the packet moves into the headroom.
TEST_F(Room, OutputMakesTailroomOutOfHeadroom)
{
    for (const char *name : {"gcm128", "cbc128_sha256_128"}) {
        const Sa sa = make_sa({algorithm(name), false, Family::v4, Family::v4}, Way::output);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        for (std::size_t tailroom = 0; tailroom <= 48; tailroom++) {
            SCOPED_TRACE(tailroom);
            const Bytes frame = inner_frame(201);
            ProbeRun run;
            run.request.strip = static_cast<std::uint32_t>(longest - frame.size() - tailroom);
            const Call call = output(behind(run.request.strip, frame), sa, run);
            EXPECT_EQ(call.outcome.result.tailroom, static_cast<int>(tailroom));
            encrypts(call, sa, 201);
            if (HasFailure())
                return;
        }
        remove(sa);
    }
}

// Every amount of headroom down to none: the packet moves towards the end.
TEST_F(Room, OutputMakesHeadroomOutOfTailroom)
{
    for (const Tunnel &tunnel : family_mixes("gcm128")) {
        SCOPED_TRACE(tunnel.name());
        const Sa sa = make_sa(tunnel, Way::output);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        for (std::size_t left = 0; left <= 80; left += left < 8 ? 1 : 7) {
            SCOPED_TRACE(left);
            ProbeRun run;
            run.request.take = static_cast<std::uint32_t>(headroom - xdp_frame_size - left);
            const Call call = output(inner_frame(201, tunnel.inner), sa, run);
            encrypts(call, sa, 201, tunnel.inner);
            if (HasFailure())
                return;
        }
        remove(sa);
    }
}

TEST_F(Room, OutputWithoutRoomAnywhereIsPunted)
{
    const Sa sa = make_sa(Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    const Bytes frame = inner_frame(longest - 14);
    ASSERT_EQ(frame.size(), longest);
    const Call call = output(frame, sa);
    EXPECT_EQ(call.outcome.result.tailroom, 0);
    expect_punt(call, frame, XFRM_XDP_R_PUNT_ROOM);
}

// From the smallest packet that does not fit to the largest frame: always
// either a right packet or a punt.
TEST_F(Room, OutputNearTheLimitIsRightOrPunted)
{
    const Sa sa =
        make_sa({algorithm("cbc128_sha256_128"), true, Family::v4, Family::v6}, Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    int done = 0, punted = 0;
    for (std::size_t size = longest - 14 - 150; size <= longest - 14; size += 3) {
        SCOPED_TRACE(size);
        const Bytes frame = inner_frame(size);
        const Call call = output(frame, sa);
        if (call.verdict == XFRM_XDP_PUNT) {
            expect_punt(call, frame, XFRM_XDP_R_PUNT_ROOM);
            punted++;
        } else {
            encrypts(call, sa, size);
            EXPECT_EQ(punted, 0) << "a larger one fits where a smaller did not";
            done++;
        }
        if (HasFailure())
            return;
    }
    EXPECT_GT(done, 0);
    EXPECT_GT(punted, 0);
}

TEST_F(Room, InputNeedsNone)
{
    const Sa sa = make_sa(Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    std::uint64_t sequence = 0;
    for (const std::size_t size : {48U, 200U, 3000U}) {
        // No tailroom.
        Bytes frame = encode(sa, esp_frame(sa, Family::v4, ++sequence, size));
        ProbeRun run;
        run.request.strip = static_cast<std::uint32_t>(longest - frame.size());
        Call call = input(behind(run.request.strip, frame), sa, run);
        expect_done(call, XFRM_XDP_R_INPUT_DONE);
        EXPECT_EQ(call.outcome.result.tailroom, 0);
        EXPECT_EQ(hex(call.outcome.frame), hex(inner_frame(size)));
        // No headroom.
        frame = encode(sa, esp_frame(sa, Family::v4, ++sequence, size));
        run.request.strip = 0;
        run.request.take = headroom - xdp_frame_size;
        call = input(frame, sa, run);
        expect_done(call, XFRM_XDP_R_INPUT_DONE);
        EXPECT_EQ(hex(call.outcome.frame), hex(inner_frame(size)));
    }
}

// A tunnel's header, and that of ESP without an IV, are four bytes less than the metadata that
// may go in front of the inner packet.
TEST_F(Room, InputWithoutAnIvNeedsFourBytes)
{
    Sa sa = make_sa(Way::input);
    sa.association.algorithm = {esp::Cipher::aes_cbc_hmac_sha256, {}, {}, 0};
    sa.encryption_name = "ecb(cipher_null)";
    sa.authentication_name = "digest_null";
    ASSERT_NO_FATAL_FAILURE(add(sa));
    std::uint8_t sequence = 0;
    for (const std::size_t left : {0U, 3U, 4U, 5U, 100U}) {
        SCOPED_TRACE(left);
        const Bytes inner = inner_packet(Family::v4, 202).build();
        packet::Packet outer{ethernet_header(),
                             outer_header(sa),
                             packet::Raw{packet::proto_esp},
                             {test_spi >> 24, 0xff & test_spi >> 16, 0xff & test_spi >> 8,
                              0xff & test_spi, 0, 0, 0, ++sequence}};
        outer.payload.insert(outer.payload.end(), inner.begin(), inner.end());
        outer.payload.insert(outer.payload.end(), {0, packet::proto_ipip});
        ProbeRun run;
        run.request.take = static_cast<std::uint32_t>(headroom - xdp_frame_size - left);
        const Call call = input(outer.build(), sa, run);
        if (left < sizeof(xfrm_xdp_meta) - packet::ipv4_length - esp::header_length) {
            expect_punt(call, outer.build(), XFRM_XDP_R_PUNT_ROOM);
        } else {
            expect_done(call, XFRM_XDP_R_INPUT_DONE);
            EXPECT_EQ(hex(call.outcome.frame), hex(inner_frame(202)));
        }
    }
}

TEST_F(Room, InputOfTheLargestFrame)
{
    const Sa sa = make_sa(Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    std::uint64_t sequence = 0;
    for (std::size_t size = longest - 14 - 60; size <= longest - 14 - 54; size++) {
        SCOPED_TRACE(size);
        const Bytes frame = encode(sa, esp_frame(sa, Family::v4, ++sequence, size));
        if (frame.size() > longest)
            break;
        const Call call = input(frame, sa);
        expect_done(call, XFRM_XDP_R_INPUT_DONE);
        EXPECT_EQ(hex(call.outcome.frame), hex(inner_frame(size)));
    }
    EXPECT_GE(sequence, 2U);
}

TEST_F(Room, OutputLeavesNoMetadata)
{
    const Sa sa = make_sa(Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    ProbeRun run;
    run.metadata = packet::pattern(64);
    encrypts(output(inner_frame(100), sa, run), sa, 100);
}

TEST_F(Room, PuntLeavesMetadata)
{
    Sa sa = make_sa(Way::output);
    sa.interface_id = 7;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    ProbeRun run;
    run.metadata = packet::pattern(64);
    const Call call = output(inner_frame(100), sa, run);
    expect_punt(call, inner_frame(100), XFRM_XDP_R_PUNT_SA_KIND);
    EXPECT_EQ(hex(call.outcome.metadata), hex(run.metadata));
}

TEST_F(Room, SeveralBuffersArePunted)
{
    for (const Way way : {Way::input, Way::output}) {
        const Sa sa = make_sa(way);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        ProbeRun run;
        run.program = "probe_frags";
        for (const std::size_t size : {longest, longest + 100, std::size_t{9000}}) {
            const Bytes frame = way == Way::output ? inner_frame(size)
                                                   : encode(sa, esp_frame(sa, Family::v4, 1, size));
            ASSERT_GT(frame.size(), longest);
            const Call call = this->call(way, frame, sa, run);
            expect_punt(call, frame, XFRM_XDP_R_PUNT_MULTIBUF);
            EXPECT_EQ(call.outcome.result.tailroom, 0);
        }
        // The same program takes frames of one buffer.
        const Bytes small =
            way == Way::output ? inner_frame(100) : encode(sa, esp_frame(sa, Family::v4, 1));
        expect_done(call(way, small, sa, run),
                    way == Way::output ? XFRM_XDP_R_OUTPUT_DONE : XFRM_XDP_R_INPUT_DONE);
        remove(sa);
    }
}

} // namespace
} // namespace xfrm_xdp::test
