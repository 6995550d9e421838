// SPDX-License-Identifier: GPL-2.0-or-later
// What attaching changed of a device, what of it is in force, and what detach restores.
#include "device_state.hpp"
#include "remembered.hpp"
#include "status_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xfrm_xdp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const FeatureNames names{"zero", "rx-lro", "tx-tcp-segmentation"};
constexpr unsigned lro = 1, tso = 2, other = 3;

DeviceState state(std::initializer_list<unsigned> on)
{
    DeviceState made;
    for (unsigned bit : {lro, tso, other})
        made.available.set(bit, true);
    for (unsigned bit : on) {
        made.active.set(bit, true);
        made.wanted.set(bit, true);
    }
    made.max_mtu = 65535;
    return made;
}

// "what: before -> now"
std::vector<std::string> texts(const std::vector<Change> &changes)
{
    std::vector<std::string> texts;
    for (const auto &change : changes)
        texts.push_back(change.what + ": " + change.before + " -> " + change.now);
    return texts;
}

TEST(ChangesInForce, OfFeaturesMtuAndQueuesAsEthtoolSaysThem)
{
    auto before = state({tso});
    auto after = before;
    after.active.set(tso, false);
    after.available.set(tso, false);
    after.available.set(other, false);
    after.max_mtu = 3506;
    after.channels[3] = 4;

    EXPECT_THAT(texts(changes_in_force(before, after, after, names)),
                ElementsAre("tx-tcp-segmentation: on -> off [fixed]",
                            "feature 3: off -> off [fixed]", "max_mtu: 65535 -> 3506",
                            "combined queues: 0 -> 4"));
}

TEST(ChangesInForce, WhatIsAskedForAndNotThere)
{
    auto before = state({});
    before.wanted.set(lro, true);

    EXPECT_THAT(texts(changes_in_force(before, state({}), state({}), names)),
                ElementsAre("rx-lro: off [requested on] -> off"));
}

TEST(ChangesInForce, WhatSomebodyChangedSinceIsHis)
{
    // LRO is on again, TSO he has turned off.
    EXPECT_THAT(changes_in_force(state({lro, tso}), state({tso}), state({lro}), names), IsEmpty());
}

TEST(WantedWithout, WhatAttachingTookIsGivenBack)
{
    EXPECT_EQ(wanted_without(state({lro, tso}), state({tso}), state({tso})),
              state({lro, tso}).wanted);
    EXPECT_EQ(wanted_without(state({}), state({other}), state({other})), state({}).wanted);
}

TEST(WantedWithout, WhatSomebodyChangedSinceStays)
{
    EXPECT_EQ(wanted_without(state({lro, tso}), state({tso}), state({other})),
              state({lro, other}).wanted);
    EXPECT_EQ(wanted_without(state({lro}), state({}), state({lro})), state({lro}).wanted);
}

TEST(ChangesText, SaysOfWhichDeviceAndUntilWhen)
{
    EXPECT_EQ(render_changes("lan0",
                             {{Relation::self, "lan0", "", {{"rx-lro", "on", "off"}}},
                              {Relation::peer,
                               "eth0",
                               "box",
                               {{"a", "on", "off [fixed]"},
                                {"b", "on", "off [fixed]"},
                                {"max_mtu", "65535", "3506"}}},
                              {Relation::below, "eth1", "", {{"rx-lro", "on", "off"}}}},
                             "  "),
              "  attaching lan0 changed it, until it is detached:\n"
              "    off, was on: rx-lro\n"
              "  attaching lan0 changed eth0, the other end of a veth, in network namespace 'box', "
              "until it is detached:\n"
              "    its MTU can be 3506 at most, was 65535\n"
              "    off [fixed], was on: a, b\n"
              "  attaching lan0 changed eth1, which is below it, until it is detached:\n"
              "    off, was on: rx-lro\n");
}

TEST(ChangesJson, IsFlat)
{
    EXPECT_EQ(
        changes_json({{Relation::peer, "eth0", "box", {{"max_mtu", "65535", "3506"}}}}).dump(),
        R"([{"device":"eth0","netns":"box","relation":"peer","what":"max_mtu",)"
        R"("before":"65535","now":"3506"}])");
}

} // namespace
} // namespace xfrm_xdp
