// SPDX-License-Identifier: GPL-2.0-or-later
// Replay windows: numbers in the window, left of it, twice, far ahead, across the wrap
// of 32 bits. Both paths have to decide the same and to end in the same state.
#include "fixture.hpp"

#include <ostream>

namespace xfrm_xdp::oracle {
namespace {

struct Window {
    std::string name;
    std::uint32_t size;
    bool bitmap, esn;
    std::uint64_t top; // highest number received before
};

void PrintTo(const Window &window, std::ostream *out)
{
    *out << window.name;
}

constexpr std::uint64_t wrap = 1ULL << 32;

std::vector<Window> windows()
{
    std::vector<Window> all = {
        {"none", 0, false, false, 0},
        {"none_bitmap", 0, true, false, 0},
        {"legacy_32", 32, false, false, 0},
        {"legacy_7", 7, false, false, 100},
        {"legacy_32_end", 32, false, false, wrap - 400},
    };
    all.push_back({"bitmap_33_middle", 33, true, false, 99});
    all.push_back({"bitmap_1", 1, true, false, 99});
    // The odd ones do not divide 2^32: from zero on and across the wrap the kernel loses
    // track there of what it has seen. Both paths have to lose the same.
    for (const std::uint32_t size : {32U, 33U, 64U, 100U, 4096U}) {
        const std::string number = std::to_string(size);
        all.push_back({"bitmap_" + number, size, true, false, 0});
        all.push_back({"bitmap_" + number + "_end", size, true, false, wrap - 6 * size - 300});
        all.push_back({"esn_" + number, size, true, true, 0});
        all.push_back({"esn_" + number + "_wrap", size, true, true, wrap - size / 2 - 2});
        all.push_back({"esn_" + number + "_wrapped", size, true, true, wrap + size / 2});
        all.push_back({"esn_" + number + "_again", size, true, true, 7 * wrap - 3});
    }
    return all;
}

// In order of arrival, the last is new.
std::vector<std::uint64_t> numbers(const Window &window)
{
    const std::uint64_t size = window.size ? window.size : 8;
    std::vector<std::uint64_t> all;
    if (window.size == 1)
        return {window.top + 1};
    const auto add = [&](std::uint64_t ahead) { all.push_back(window.top + ahead); };
    for (const std::uint64_t ahead : {1, 1, 3, 2, 2, 3})
        add(ahead);
    if (!window.esn)
        all.push_back(0);
    add(size + 3);
    for (const std::uint64_t ahead : {4, 3, 4, 5}) // the left edge, and what is left of it
        add(ahead);
    add(size + 3);
    add(size + 4);
    add(2 * size + 3); // all but one of the window uncovered
    add(size + 5);
    add(size + 4);
    add(3 * size + 3); // the whole window
    add(3 * size + 2);
    add(2 * size + 4);
    add(4 * size + 104); // more than that
    add(4 * size + 103);
    add(3 * size + 104);
    if (window.top > size) {
        all.push_back(window.top); // before all of it
        all.push_back(window.top - size + 1);
    }
    if (!window.esn) {
        add(4 * size + 105);
        return all;
    }
    add(2 * wrap + 5); // nobody can guess that upper half
    add(wrap + 1);     // but this one, far ahead
    add(wrap + 1);
    add(4 * size + 104);
    add(wrap + 2);
    return all;
}

class ReplayVector : public testing::TestWithParam<Window> {};

TEST_P(ReplayVector, EndsTheSameByBothPaths)
{
    const Window &window = GetParam();
    Cell cell;
    cell.layers = {{Mode::tunnel, "gcm128_16"}};
    cell.esn = window.esn;
    cell.window = window.size;
    cell.bitmap = window.bitmap;
    cell.input = expected_input(cell);
    auto course = install(cell, Direction::input);
    ASSERT_TRUE(course) << course.error().cause;
    ASSERT_TRUE(lab().fast_path.slow());

    const auto sequence = numbers(window);
    std::vector<Bytes> esp;
    for (std::size_t i = 0; i < sequence.size(); i++) {
        const bool last = i + 1 == sequence.size();
        const Bytes inner =
            last ? marker(course->path)
                 : make_frame(course->path, {.id = static_cast<std::uint16_t>(i + 1)});
        auto frame = record_number(*course, inner, sequence[i]);
        ASSERT_TRUE(frame) << frame.error().cause;
        ASSERT_EQ(sequence_of(*frame), static_cast<std::uint32_t>(sequence[i]));
        esp.push_back(*std::move(frame));
    }
    course->near[0].replay.seq = static_cast<std::uint32_t>(window.top);
    course->near[0].replay.seq_hi = static_cast<std::uint32_t>(window.top >> 32);
    // Its next number moves it by all of it: what is set beyond it is cleared, too.
    if (window.size == 1)
        course->near[0].replay.bitmap.assign(1, ~0U);
    expect_none(judge_input(*course, cell, esp), "replayed");
}

INSTANTIATE_TEST_SUITE_P(Windows, ReplayVector, testing::ValuesIn(windows()),
                         [](const auto &window) { return window.param.name; });

} // namespace
} // namespace xfrm_xdp::oracle
