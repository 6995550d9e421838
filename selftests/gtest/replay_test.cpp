// SPDX-License-Identifier: GPL-2.0-or-later
// bpf_xdp_xfrm_input() and replayed packets: windows of every kind and size, as
// tables of sequence numbers and what becomes of them.
#include "fixture.hpp"

#include <algorithm>

namespace xfrm_xdp::test {
namespace {

enum class Fate { taken, replayed };

struct Step {
    std::uint64_t sequence;
    Fate fate;
};

constexpr Fate ok = Fate::taken;
constexpr Fate no = Fate::replayed;

struct WindowCase {
    const char *name;
    std::uint32_t window;
    bool esn;
    bool bitmap;
    std::uint64_t start; // highest number received before
    std::vector<Step> steps;
};

void PrintTo(const WindowCase &test, std::ostream *out)
{
    *out << test.name;
}

constexpr std::uint64_t wrap = 0x100000000ULL;

std::vector<WindowCase> cases()
{
    return {
        {"none", 0, false, false, 0, {{1, ok}, {1, ok}, {0, ok}, {1000, ok}, {2, ok}}},
        {"none_bitmap", 0, false, true, 0, {{1, ok}, {1, ok}, {0, ok}, {9, ok}, {2, ok}}},
        {"legacy32", 32, false, false, 0, {{0, no},  {1, ok},    {1, no},   {3, ok},   {2, ok},
                                           {2, no},  {35, ok},   {3, no},   {4, ok},   {4, no},
                                           {34, ok}, {66, ok},   {35, no},  {67, ok},  {36, ok},
                                           {35, no}, {1000, ok}, {969, ok}, {968, no}, {1000, no},
                                           {999, ok}}},
        {"legacy32_top",
         32,
         false,
         false,
         0xfffffff0,
         {{0xffffffff, ok}, {0xffffffff, no}, {0xffffffe0, ok}, {0xffffffdf, no}, {5, no}}},
        {"bitmap64",
         64,
         false,
         true,
         0,
         {{0, no},
          {1, ok},
          {1, no},
          {64, ok},
          {2, ok},
          {65, ok},
          {1, no},
          {2, no},
          {3, ok},
          {200, ok},
          {137, ok},
          {136, no},
          {137, no},
          {263, ok},
          {200, no},
          {264, ok},
          {200, no},
          {201, ok}}},
        {"bitmap4096",
         4096,
         false,
         true,
         0,
         {{1, ok},
          {4096, ok},
          {1, no},
          {2, ok},
          {4097, ok},
          {1, no},
          {2, no},
          {3, ok},
          {20000, ok},
          {15905, ok},
          {15904, no},
          {15905, no},
          {20000, no},
          {19999, ok}}},
        {"esn32",
         32,
         true,
         false,
         0,
         {{0, no}, {1, ok}, {1, no}, {40, ok}, {9, ok}, {9, no}, {10, ok}, {41, ok}}},
        {"esn64",
         64,
         true,
         false,
         0,
         {{1, ok}, {1, no}, {64, ok}, {2, ok}, {65, ok}, {200, ok}, {137, ok}, {137, no}}},
        {"esn4096",
         4096,
         true,
         false,
         0,
         {{1, ok}, {4096, ok}, {1, no}, {2, ok}, {9000, ok}, {4905, ok}, {4905, no}}},
        {"esn64_wrap",
         64,
         true,
         false,
         wrap - 10,
         {{wrap - 1, ok},
          {wrap - 1, no},
          {wrap, ok},
          {wrap, no},
          {wrap + 5, ok},
          {wrap - 2, ok},
          {wrap - 2, no},
          {wrap + 5, no},
          {wrap - 58, ok},
          {wrap + 63, ok},
          {wrap + 1, ok},
          {wrap + 1, no},
          {wrap + 5000, ok}}},
        {"esn4096_wrap",
         4096,
         true,
         false,
         3 * wrap - 100,
         {{3 * wrap - 99, ok},
          {3 * wrap + 200, ok},
          {3 * wrap - 98, ok},
          {3 * wrap - 98, no},
          {3 * wrap, ok},
          {3 * wrap, no},
          {3 * wrap + 4300, ok},
          {3 * wrap + 205, ok},
          {3 * wrap + 205, no}}},
        {"esn64_jump_over_wrap",
         64,
         true,
         false,
         wrap - 3,
         {{wrap + 1000000, ok}, {wrap + 1000000, no}, {wrap + 999937, ok}}},
    };
}

class ReplayWindow : public XfrmTest, public testing::WithParamInterface<WindowCase> {
protected:
    Sa sa(const char *name) const
    {
        Sa sa = make_sa({algorithm(name), GetParam().esn, Family::v4, Family::v4}, Way::input);
        sa.window = GetParam().window;
        sa.bitmap = GetParam().bitmap;
        sa.replay.seq = static_cast<std::uint32_t>(GetParam().start);
        sa.replay.seq_hi = static_cast<std::uint32_t>(GetParam().start >> 32);
        return sa;
    }

    void walk(const Sa &sa)
    {
        std::uint64_t top = GetParam().start, packets = 0;
        for (const Step &step : GetParam().steps) {
            SCOPED_TRACE("sequence number " + std::to_string(step.sequence));
            const Bytes frame = encode(sa, esp_frame(sa, Family::v4, step.sequence));
            const Call call = input(frame, sa);
            EXPECT_EQ(call.outcome.result.opts.seq, static_cast<std::uint32_t>(step.sequence));
            if (step.fate == Fate::replayed) {
                expect_punt(call, frame, XFRM_XDP_R_PUNT_SA_REPLAY);
                continue;
            }
            expect_done(call, XFRM_XDP_R_INPUT_DONE);
            EXPECT_EQ(call.after.state.packets, ++packets);
            if (!GetParam().window)
                continue;
            top = std::max(top, step.sequence);
            EXPECT_EQ(call.after.state.replay.seq, static_cast<std::uint32_t>(top));
            EXPECT_EQ(call.after.state.replay.seq_hi, static_cast<std::uint32_t>(top >> 32));
        }
    }
};

TEST_P(ReplayWindow, Gcm)
{
    const Sa used = sa("gcm128");
    ASSERT_NO_FATAL_FAILURE(add(used));
    walk(used);
}

TEST_P(ReplayWindow, Cbc)
{
    const Sa used = sa("cbc128_sha256_128");
    ASSERT_NO_FATAL_FAILURE(add(used));
    walk(used);
}

INSTANTIATE_TEST_SUITE_P(Table, ReplayWindow, testing::ValuesIn(cases()),
                         [](const auto &test) { return std::string(test.param.name); });

// A packet that fails its ICV must not move the window.
TEST_F(XfrmTest, ForgedPacketLeavesTheWindow)
{
    for (const bool esn : {false, true}) {
        const Sa sa = make_sa({algorithm("gcm128"), esn, Family::v4, Family::v4}, Way::input);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        expect_done(input(encode(sa, esp_frame(sa, Family::v4, 1)), sa), XFRM_XDP_R_INPUT_DONE);
        Bytes forged = encode(sa, esp_frame(sa, Family::v4, 500));
        forged.back() ^= 1;
        const Call call = input(forged, sa);
        expect_drop(call, XFRM_XDP_R_DROP_ICV, "XfrmInStateProtoError");
        EXPECT_EQ(call.after.state.replay, call.before.state.replay);
        expect_done(input(encode(sa, esp_frame(sa, Family::v4, 2)), sa), XFRM_XDP_R_INPUT_DONE);
        remove(sa);
    }
}

// A number far left of an ESN window is one of the next 2^32: it must fail the
// ICV, not the window.
TEST_F(XfrmTest, OldEsnPacketIsTriedInTheNextEpoch)
{
    Sa sa = make_sa({algorithm("gcm128"), true, Family::v4, Family::v4}, Way::input);
    sa.window = 64;
    sa.replay.seq = 1000;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    const Call call = input(encode(sa, esp_frame(sa, Family::v4, 900)), sa);
    expect_drop(call, XFRM_XDP_R_DROP_ICV, "XfrmInStateProtoError");
    EXPECT_EQ(call.after.state.integrity_errors, 1U);
}

} // namespace
} // namespace xfrm_xdp::test
