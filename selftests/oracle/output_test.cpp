// SPDX-License-Identifier: GPL-2.0-or-later
// What GW1 encrypts, packet for packet: by the stack, from the same state by the fast
// path; and what the kernel at the other end makes of it.
#include "fixture.hpp"

namespace xfrm_xdp::oracle {
namespace {

class Output : public testing::TestWithParam<Cell> {};

// One packet by the stack, one fast, without setting anything back.
void interleave(const Course &course)
{
    const std::vector<Bytes> frames(1, marker(course.path));
    ASSERT_TRUE(reset(course));
    std::uint32_t expected = 1;
    for (int i = 0; i < 6; i++) {
        const auto seen = observe(course, i % 2 ? Lane::fast : Lane::slow, frames);
        ASSERT_TRUE(seen) << seen.error().cause;
        ASSERT_TRUE(seen->complete) << "packet " << i;
        ASSERT_EQ(seen->wire.size(), 1U);
        EXPECT_EQ(sequence_of(seen->wire[0]), expected++) << "packet " << i;
    }
}

TEST_P(Output, IsTheSameByBothPaths)
{
    const Cell &cell = GetParam();
    const auto course = install(cell, Direction::output);
    ASSERT_TRUE(course) << course.error().cause;
    for (const Burst &burst :
         {plain_burst(course->path), mtu_burst(course->path), stack_burst(course->path)})
        expect_none(judge_output(*course, cell, burst), burst.name);
    interleave(*course);
}

// Where the cells have a covering set: everything.
class OutputProduct : public testing::TestWithParam<Cell> {};

TEST_P(OutputProduct, IsTheSameByBothPaths)
{
    const Cell &cell = GetParam();
    const auto course = install(cell, Direction::output);
    ASSERT_TRUE(course) << course.error().cause;
    for (const Burst &burst : {full_burst(course->path), size_burst(course->path)})
        expect_none(judge_output(*course, cell, burst), burst.name);
}

INSTANTIATE_TEST_SUITE_P(Cells, OutputProduct, testing::ValuesIn(product_cells()),
                         [](const auto &cell) { return cell.param.name; });
INSTANTIATE_TEST_SUITE_P(Cells, Output, testing::ValuesIn(cells(Direction::output)),
                         [](const auto &cell) { return cell.param.name; });

} // namespace

void expect_none(const Differences &differences, const std::string &what)
{
    for (const std::string &difference : differences)
        ADD_FAILURE() << what << ": " << difference;
}

} // namespace xfrm_xdp::oracle
