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
    for (const Burst &burst : cell_bursts(cell, course->path)) {
        const auto esp = record_esp(*course, burst.frames);
        ASSERT_TRUE(esp) << esp.error().cause;
        expect_none(judge_input(*course, cell, *esp), burst.name);
    }
}

// RFC 6040: all 16 pairs of ECN codepoints, and the DSCP of both headers.
class InputEcn : public testing::TestWithParam<Cell> {};

TEST_P(InputEcn, IsTheSameByBothPaths)
{
    const Cell &cell = GetParam();
    const auto course = install(cell, Direction::input);
    ASSERT_TRUE(course) << course.error().cause;
    const Burst burst = ecn_burst(course->path);
    auto esp = record_esp(*course, burst.frames);
    ASSERT_TRUE(esp) << esp.error().cause;
    for (std::size_t i = 0; i + 1 < esp->size(); i++)
        set_tos((*esp)[i], static_cast<std::uint8_t>(0x2e << 2 | i % 4));
    expect_none(judge_input(*course, cell, *esp), burst.name);
}

INSTANTIATE_TEST_SUITE_P(Cells, InputEcn, testing::ValuesIn(ecn_cells()),
                         [](const auto &cell) { return cell.param.name; });

class InputProduct : public testing::TestWithParam<Cell> {};

TEST_P(InputProduct, IsTheSameByBothPaths)
{
    const Cell &cell = GetParam();
    const auto course = install(cell, Direction::input);
    ASSERT_TRUE(course) << course.error().cause;
    for (const Burst &burst : {full_burst(course->path), size_burst(course->path)}) {
        const auto esp = record_esp(*course, burst.frames);
        ASSERT_TRUE(esp) << esp.error().cause;
        expect_none(judge_input(*course, cell, *esp), burst.name);
    }
}

INSTANTIATE_TEST_SUITE_P(Cells, InputProduct, testing::ValuesIn(product_cells()),
                         [](const auto &cell) { return cell.param.name; });
INSTANTIATE_TEST_SUITE_P(Cells, Input, testing::ValuesIn(cells(Direction::input)),
                         [](const auto &cell) { return cell.param.name; });

} // namespace
} // namespace xfrm_xdp::oracle
