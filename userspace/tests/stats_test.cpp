// SPDX-License-Identifier: GPL-2.0-or-later
#include "stats.hpp"
#include "stats_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xfrm_xdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

Counters parsed(std::string_view text)
{
    auto counters = parse_counters(text);
    if (!counters) {
        ADD_FAILURE() << counters.error().cause;
        return {};
    }
    return *counters;
}

TEST(Counters, AreReadAsTheKernelPrintsThem)
{
    EXPECT_THAT(parsed("InputDone               \t7\nPuntTtl                 \t0\n"),
                ElementsAre(Pair("InputDone", 7), Pair("PuntTtl", 0)));
}

TEST(Counters, KeepTheWholeRange)
{
    EXPECT_THAT(parsed("InputDone 18446744073709551615\n"),
                ElementsAre(Pair("InputDone", 18446744073709551615ULL)));
}

TEST(Counters, NeedNoNewlineAtTheEnd)
{
    EXPECT_THAT(parsed("InputDone 7"), ElementsAre(Pair("InputDone", 7)));
    EXPECT_TRUE(parsed("").empty());
    EXPECT_TRUE(parsed("\n").empty());
}

TEST(Counters, RefuseWhatIsNotACounter)
{
    for (const char *text :
         {"InputDone\n", "InputDone \n", "InputDone x\n", "InputDone -1\n", "InputDone 7 8\n",
          " InputDone 7\n", "InputDone 18446744073709551616\n", "A 1\nInputDone\n"})
        EXPECT_FALSE(parse_counters(text)) << text;
}

TEST(CountersText, HidesZeroesAndGroups)
{
    auto text =
        render_counters(parsed("OutputDone 12\nInputDone 0\nPuntTtl 3\nDropIcv 1\n"), false);

    EXPECT_EQ(text, "Done in XDP:\n"
                    "  OutputDone  12  encrypted in XDP\n"
                    "\n"
                    "Left to the stack:\n"
                    "  PuntTtl  3  TTL or hop limit would reach zero\n"
                    "\n"
                    "Dropped, as the stack would have:\n"
                    "  DropIcv  1  integrity check failed\n");
}

TEST(CountersText, ShowsZeroesWhenAsked)
{
    auto text = render_counters(parsed("OutputDone 12\nInputDone 0\n"), true);

    EXPECT_THAT(text, HasSubstr("InputDone    0  decrypted in XDP\n"));
}

TEST(CountersText, SaysSoWhenThereIsNothing)
{
    EXPECT_THAT(render_counters(parsed("InputDone 0\n"), false),
                HasSubstr("All counters are zero"));
}

TEST(CountersText, ShowsACounterItDoesNotKnow)
{
    auto text = render_counters(parsed("NewerThanTheTool 5\n"), false);

    EXPECT_THAT(text, HasSubstr("NewerThanTheTool  5  (unknown to this tool)"));
    EXPECT_THAT(text, Not(HasSubstr("All counters are zero")));
}

TEST(CountersJson, HasEveryCounterAndItsMeaning)
{
    auto json = counters_json(parsed("OutputDone 12\nPuntTtl 0\nNewer 1\n"));

    EXPECT_EQ(json.at("counters").at("OutputDone"), 12);
    EXPECT_EQ(json.at("counters").at("PuntTtl"), 0);
    EXPECT_EQ(json.at("counters").at("Newer"), 1);
    EXPECT_EQ(json.at("meaning").at("done").at("OutputDone"), "encrypted in XDP");
    EXPECT_TRUE(json.at("meaning").at("punt").contains("PuntTtl"));
}

} // namespace
} // namespace xfrm_xdp
