// SPDX-License-Identifier: GPL-2.0-or-later
// The options of the primitives: sizes that do not fit, and what is written
// where.
#include "fixture.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstring>

namespace xfrm_xdp::test {
namespace {

struct SizeCase {
    const char *program;
    bool error_fits;
};

void PrintTo(const SizeCase &test, std::ostream *out)
{
    *out << test.program;
}

const SizeCase size_cases[] = {
    {"probe_tiny", false},
    {"probe_error_only", true},
    {"probe_short", true},
    {"probe_long", true},
};

class OptionSize : public XfrmTest, public testing::WithParamInterface<SizeCase> {};

TEST_P(OptionSize, IsPuntedAndSaidInError)
{
    constexpr std::uint8_t fill = 0xa5;
    for (const Way way : {Way::input, Way::output}) {
        const Sa sa = make_sa(way);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        packet::Packet inner = inner_packet(Family::v4, 100);
        inner.ethernet = ethernet_header();
        const Bytes frame =
            way == Way::output ? inner.build() : encode(sa, esp_frame(sa, Family::v4, 1));
        ProbeRun run;
        run.program = GetParam().program;
        run.request.fill = fill;
        const Call call = this->call(way, frame, sa, run);

        EXPECT_EQ(call.verdict, XFRM_XDP_PUNT);
        EXPECT_EQ(call.outcome.action, 2U); // XDP_PASS
        EXPECT_EQ(call.module, (Counters{{"PuntOpts", 1}}));
        EXPECT_EQ(call.mib, Counters{});
        EXPECT_EQ(hex(call.outcome.frame), hex(frame));
        EXPECT_EQ(hex(call.after.raw), hex(call.before.raw));

        // Nothing but the error, and that only if it fits.
        bpf_xfrm_xdp_opts expected;
        std::memset(&expected, fill, sizeof(expected));
        if (GetParam().error_fits)
            expected.error = -EINVAL;
        EXPECT_EQ(std::memcmp(&call.outcome.result.opts, &expected, sizeof(expected)), 0);
        remove(sa);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, OptionSize, testing::ValuesIn(size_cases),
                         [](const auto &test) { return std::string(test.param.program); });

// Rubbish in the options is no input: every result overwrites all of them.
TEST_F(XfrmTest, ResultsOverwriteTheOptions)
{
    const Sa sa = make_sa(Way::output);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    packet::Packet inner = inner_packet(Family::v4, 100);
    inner.ethernet = ethernet_header();
    ProbeRun run;
    run.request.fill = 0xa5;
    const Call done = output(inner.build(), sa, run);
    expect_done(done, XFRM_XDP_R_OUTPUT_DONE);
    EXPECT_EQ(done.outcome.result.opts.seq, done.after.state.replay.oseq);

    std::get<packet::Ipv4>(inner.network).version = 5;
    const Call punt = output(inner.build(), sa, run);
    expect_punt(punt, inner.build(), XFRM_XDP_R_PUNT_IP_HEADER);
    EXPECT_EQ(punt.outcome.result.opts.spi, 0U);
    EXPECT_EQ(punt.outcome.result.opts.seq, 0U);
}

// Options in the packet, which overwrites them: inside is
// what looks like another reason after decryption.
TEST_F(XfrmTest, OptionsInThePacketAreNotBelieved)
{
    const Sa sa = make_sa(Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    auto frame = esp_frame(sa, Family::v4, 1, 200);
    const std::size_t behind = packet::ethernet_length + packet::ipv4_length + esp::header_length +
                               sa.association.algorithm.iv_length();
    const auto inside = frame.esp.payload.begin() + (PROBE_OPTS_OFFSET - behind);

    // Such a plaintext that the ciphertext is what the kfunc itself writes there
    // before it decrypts: nothing, the SPI and the sequence number.
    bpf_xfrm_xdp_opts there{};
    there.spi = htonl(test_spi);
    there.seq = 1;
    std::array<std::uint8_t, sizeof(there)> wanted;
    std::memcpy(wanted.data(), &there, sizeof(there));
    const Bytes first = encode(sa, frame);
    for (std::size_t at = 0; at < wanted.size(); at++) {
        const auto offset = static_cast<long>(at);
        inside[offset] =
            static_cast<std::uint8_t>(inside[offset] ^ first[PROBE_OPTS_OFFSET + at] ^ wanted[at]);
    }
    const Bytes bytes = encode(sa, frame);
    ASSERT_EQ(std::memcmp(&bytes[PROBE_OPTS_OFFSET], wanted.data(), wanted.size()), 0);

    ProbeRun run;
    run.program = "probe_in_packet";
    const Call call = input(bytes, sa, run);
    EXPECT_EQ(call.verdict, XFRM_XDP_DONE);
    EXPECT_EQ(call.module, (Counters{{"InputDone", 1}}));
}

} // namespace
} // namespace xfrm_xdp::test
