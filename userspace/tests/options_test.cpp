// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/types.h>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Options accepted(const std::vector<std::string> &arguments)
{
    auto parsed = parse_options(arguments);
    if (auto *leave = std::get_if<Leave>(&parsed)) {
        ADD_FAILURE() << "refused: " << leave->text;
        return {};
    }
    return std::get<Options>(parsed);
}

Leave refused(const std::vector<std::string> &arguments)
{
    auto parsed = parse_options(arguments);
    if (auto *leave = std::get_if<Leave>(&parsed))
        return *leave;
    ADD_FAILURE() << "accepted";
    return {};
}

TEST(Options, AttachTakesDevices)
{
    auto options = accepted({"attach", "lan0", "wan0"});

    EXPECT_EQ(options.command, Command::attach);
    EXPECT_THAT(options.devices, ElementsAre("lan0", "wan0"));
    EXPECT_EQ(options.attach.mode, XdpMode::native);
    EXPECT_THAT(options.netns, IsEmpty());
    EXPECT_FALSE(options.json);
    EXPECT_FALSE(options.verbose);
}

TEST(Options, AMistypedCommandIsNamed)
{
    EXPECT_THAT(refused({"nonsense"}).text, HasSubstr("'nonsense'"));
    EXPECT_THAT(refused({"-j", "-n", "gw1", "atach", "lan0"}).text, HasSubstr("'atach'"));
    EXPECT_THAT(refused({"-j"}).text, HasSubstr("required"));
}

TEST(Options, AttachTakesTheMode)
{
    EXPECT_EQ(accepted({"attach", "lan0", "--mode", "generic"}).attach.mode, XdpMode::generic);
    EXPECT_EQ(accepted({"attach", "--mode=native", "lan0"}).attach.mode, XdpMode::native);
}

TEST(Options, PlainFlowsAreAskedFor)
{
    EXPECT_FALSE(accepted({"attach", "lan0"}).attach.learning.plain);
    EXPECT_TRUE(accepted({"attach", "lan0", "--plain"}).attach.learning.plain);
    EXPECT_THAT(refused({"detach", "--plain"}).text, HasSubstr("--plain"));
}

TEST(Options, GlobalOptionsStandBeforeOrAfterTheCommand)
{
    for (const auto &arguments : std::vector<std::vector<std::string>>{
             {"--netns", "gw1", "-j", "-v", "attach", "lan0", "wan0"},
             {"attach", "lan0", "wan0", "-n", "gw1", "--json", "--verbose"},
             {"-n", "gw1", "attach", "-j", "lan0", "wan0", "-v"}}) {
        auto options = accepted(arguments);
        EXPECT_EQ(options.netns, "gw1");
        EXPECT_TRUE(options.json);
        EXPECT_TRUE(options.verbose);
        EXPECT_THAT(options.devices, ElementsAre("lan0", "wan0"));
    }
}

TEST(Options, EveryCommandIsKnown)
{
    EXPECT_EQ(accepted({"detach"}).command, Command::detach);
    EXPECT_EQ(accepted({"status"}).command, Command::status);
    EXPECT_EQ(accepted({"flows"}).command, Command::flows);
    EXPECT_EQ(accepted({"stats"}).command, Command::stats);
    EXPECT_EQ(accepted({"doctor"}).command, Command::doctor);
}

TEST(Options, DevicesAreOptionalWhereAllAreMeant)
{
    EXPECT_THAT(accepted({"detach"}).devices, IsEmpty());
    EXPECT_THAT(accepted({"detach", "wan0"}).devices, ElementsAre("wan0"));
    EXPECT_THAT(accepted({"doctor", "wan0"}).devices, ElementsAre("wan0"));
}

TEST(Options, FlagsOfOneCommand)
{
    EXPECT_FALSE(accepted({"stats"}).all);
    EXPECT_TRUE(accepted({"stats", "--all"}).all);
    EXPECT_TRUE(accepted({"stats", "-a"}).all);
    EXPECT_TRUE(accepted({"detach", "--orphaned"}).orphaned);
}

TEST(Options, WrongUsageHasItsOwnStatus)
{
    for (const auto &arguments :
         std::vector<std::vector<std::string>>{{},
                                               {"atach", "lan0"},
                                               {"attach"},
                                               {"attach", "lan0", "--mode", "fast"},
                                               {"attach", "lan0", "--mode"},
                                               {"attach", "lan0", "--all"},
                                               {"status", "lan0"},
                                               {"status", "flows"},
                                               {"detach", "--orphaned", "lan0"},
                                               {"--netns"},
                                               {"--no-such-option", "status"}}) {
        auto leave = refused(arguments);
        EXPECT_EQ(leave.status, status_usage) << testing::PrintToString(arguments);
        EXPECT_FALSE(leave.text.empty());
    }
}

TEST(Options, AWrongModeNamesTheRightOnes)
{
    EXPECT_EQ(refused({"attach", "lan0", "--mode", "fast"}).text,
              "--mode: fast not in {native,generic}");
}

TEST(Options, HelpNamesCommandsAndExamples)
{
    auto leave = refused({"--help"});

    EXPECT_EQ(leave.status, 0);
    for (const char *word : {"attach", "detach", "status", "flows", "stats", "doctor", "--netns",
                             "--json", "Examples:", "xfrm-xdp attach lan0 wan0"})
        EXPECT_THAT(leave.text, HasSubstr(word));
}

TEST(Options, HelpOfACommandIsItsOwn)
{
    auto leave = refused({"attach", "--help"});

    EXPECT_EQ(leave.status, 0);
    EXPECT_THAT(leave.text, HasSubstr("--mode"));
    EXPECT_THAT(leave.text, HasSubstr("Example: xfrm-xdp attach"));
}

TEST(Options, VersionNamesTheProgram)
{
    auto leave = refused({"--version"});

    EXPECT_EQ(leave.status, 0);
    EXPECT_EQ(leave.text, "xfrm-xdp " XFRM_XDP_VERSION "\n");
}

} // namespace
} // namespace xfrm_xdp
