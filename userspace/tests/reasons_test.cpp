// SPDX-License-Identifier: GPL-2.0-or-later
#include "reasons.hpp"

#include <gtest/gtest.h>
#include <linux/types.h>
#include <set>
#include <string>
#include <xfrm_xdp_kfunc.h>

namespace xfrm_xdp {
namespace {

TEST(Reasons, OneRowPerReasonOfTheKernel)
{
    ASSERT_EQ(reasons().size(), static_cast<std::size_t>(XFRM_XDP_R_MAX));
    for (std::size_t i = 0; i < reasons().size(); i++)
        EXPECT_EQ(reasons()[i].id, static_cast<int>(i)) << reasons()[i].name;
}

TEST(Reasons, NamesAndMeaningsAreDistinctAndThere)
{
    std::set<std::string_view> names;

    for (const auto &reason : reasons()) {
        EXPECT_TRUE(names.insert(reason.name).second) << reason.name;
        EXPECT_FALSE(reason.text.empty()) << reason.name;
        EXPECT_EQ(reason.name.find_first_of(" \t\n"), std::string_view::npos) << reason.name;
    }
}

TEST(Reasons, AreFoundByTheNameOfTheirCounter)
{
    const Reason *reason = find_reason("PuntTtl");

    ASSERT_NE(reason, nullptr);
    EXPECT_EQ(reason->id, XFRM_XDP_R_PUNT_TTL);
    EXPECT_EQ(reason->group, ReasonGroup::punt);
    EXPECT_EQ(find_reason("punttl"), nullptr);
    EXPECT_EQ(find_reason(""), nullptr);
}

TEST(Reasons, GroupsFollowTheNames)
{
    for (const auto &reason : reasons()) {
        if (reason.name.starts_with("Punt"))
            EXPECT_EQ(reason.group, ReasonGroup::punt) << reason.name;
        else if (reason.name.starts_with("Drop"))
            EXPECT_EQ(reason.group, ReasonGroup::drop) << reason.name;
        else
            EXPECT_NE(reason.group, ReasonGroup::punt) << reason.name;
    }
    EXPECT_EQ(find_reason("OutputDone")->group, ReasonGroup::done);
    EXPECT_EQ(find_reason("FlowLearned")->group, ReasonGroup::flow);
}

} // namespace
} // namespace xfrm_xdp
