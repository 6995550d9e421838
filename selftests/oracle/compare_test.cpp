// SPDX-License-Identifier: GPL-2.0-or-later
// The comparison itself: it has to see what is not the same, and nothing else.
#include "fixture.hpp"

#include <functional>

namespace xfrm_xdp::oracle {
namespace {

const Path path{towards_gw1(), places(Family::v4).from, places(Family::v4).to, false};

Observation seen(bool df)
{
    Observation all;
    all.complete = true;
    all.wire = all.sink = all.back = {make_frame(path, {.df = df, .id = 7})};
    all.states.resize(1);
    all.states[0].replay.bitmap = {1};
    return all;
}

struct Change {
    const char *name;
    bool df;
    std::function<void(Observation &)> make;
    bool different;
};

void PrintTo(const Change &change, std::ostream *out)
{
    *out << change.name;
}

std::vector<Change> changes()
{
    return {
        {"nothing", true, [](Observation &) {}, false},
        {"marker", true, [](Observation &o) { o.complete = false; }, true},
        {"last_byte_on_the_wire", true, [](Observation &o) { o.wire[0].back() ^= 1; }, true},
        {"mac", true, [](Observation &o) { o.wire[0][0] ^= 1; }, true},
        {"ttl", false, [](Observation &o) { o.wire[0][22] ^= 1; }, true},
        {"tos", false, [](Observation &o) { o.sink[0][15] ^= 1; }, true},
        {"number_without_df", false, [](Observation &o) { o.wire[0][19] ^= 1; }, false},
        {"checksum_without_df", false, [](Observation &o) { o.wire[0][24] ^= 1; }, false},
        {"number_with_df", true, [](Observation &o) { o.wire[0][19] ^= 1; }, true},
        {"checksum_with_df", true, [](Observation &o) { o.wire[0][24] ^= 1; }, true},
        {"longer", true, [](Observation &o) { o.sink[0].push_back(0); }, true},
        {"one_more", true, [](Observation &o) { o.sink.push_back(o.sink[0]); }, true},
        {"one_less", true, [](Observation &o) { o.back.clear(); }, true},
        {"packets", true, [](Observation &o) { o.states[0].packets++; }, true},
        {"bytes", true, [](Observation &o) { o.states[0].bytes++; }, true},
        {"bitmap", true, [](Observation &o) { o.states[0].replay.bitmap[0]++; }, true},
        {"oseq", true, [](Observation &o) { o.states[0].replay.oseq++; }, true},
        {"errors", true, [](Observation &o) { o.states[0].replay_errors++; }, true},
        {"mib", true, [](Observation &o) { o.mib["XfrmInError"] = 1; }, true},
        {"far_mib", true, [](Observation &o) { o.far_mib["XfrmInError"] = 1; }, true},
    };
}

class Compare : public testing::TestWithParam<Change> {};

TEST_P(Compare, SeesIt)
{
    const Change &change = GetParam();
    Observation fast = seen(change.df);
    change.make(fast);
    EXPECT_EQ(!compare(seen(change.df), fast).empty(), change.different);
}

INSTANTIATE_TEST_SUITE_P(Changes, Compare, testing::ValuesIn(changes()),
                         [](const auto &change) { return change.param.name; });

} // namespace
} // namespace xfrm_xdp::oracle
