// SPDX-License-Identifier: GPL-2.0-or-later
// What GW1 decrypts, frame for frame, of what an unmodified kernel has encrypted.
#include "fixture.hpp"

namespace xfrm_xdp::oracle {
namespace {

class Input : public testing::TestWithParam<Cell> {};

TEST_P(Input, IsTheSameByBothPaths)
{
    const Cell &cell = GetParam();
    const auto course = install(cell, Direction::input);
    ASSERT_TRUE(course) << course.error().cause;
    for (const Burst &burst : {plain_burst(course->path), stack_burst(course->path)}) {
        const auto esp = record_esp(*course, burst.frames);
        ASSERT_TRUE(esp) << esp.error().cause;
        expect_none(judge_input(*course, cell, *esp), burst.name);
    }
}

INSTANTIATE_TEST_SUITE_P(Cells, Input, testing::ValuesIn(cells(Direction::input)),
                         [](const auto &cell) { return cell.param.name; });

} // namespace
} // namespace xfrm_xdp::oracle
