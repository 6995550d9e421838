// SPDX-License-Identifier: GPL-2.0-or-later
// SAs of each CPU: a packet on another CPU is not for the SA that its flow was learned
// with, and the stack has it.
#include <sched.h>

#include <algorithm>
#include <chrono>

#include "fixture.hpp"

namespace xfrm_xdp::oracle {
namespace {

// Packets are received where they are sent: veth has no other CPU.
struct OnCpu {
    explicit OnCpu(int cpu) { pin(cpu); }
    ~OnCpu() { pin(0); } // where all other tests are
    OnCpu(const OnCpu &) = delete;
    OnCpu &operator=(const OnCpu &) = delete;

private:
    static void pin(int cpu)
    {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        sched_setaffinity(0, sizeof(set), &set);
    }
};

test::Counters module_since(const test::CounterText &before, const std::string &counter)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    for (;;) {
        const auto grown = test::packet_difference(before, lab().module.read());
        if (count(grown, counter) || std::chrono::steady_clock::now() > end)
            return grown;
        sched_yield();
    }
}

TEST(OutputOfCpu, PacketsOfAnotherCpuAreTheStacks)
{
    const auto all = cells(Direction::output);
    const auto cell =
        std::find_if(all.begin(), all.end(), [](const Cell &each) { return each.cpu == 0; });
    ASSERT_NE(cell, all.end());
    const auto course = install(*cell, Direction::output);
    ASSERT_TRUE(course) << course.error().cause;
    const std::vector<Bytes> frames(1, marker(course->path));
    ASSERT_TRUE(reset(*course));
    for (const Lane lane : {Lane::slow, Lane::fast}) {
        const auto seen = observe(*course, lane, frames);
        ASSERT_TRUE(seen) << seen.error().cause;
        ASSERT_TRUE(seen->complete);
    }

    const OnCpu another(1);
    const auto before = lab().module.read();
    ASSERT_TRUE(course->source->send(frames));
    const auto grown = module_since(before, "PuntSaCpu");
    EXPECT_EQ(count(grown, "PuntSaCpu"), 1) << show(grown);
    EXPECT_EQ(count(grown, "OutputDone"), 0) << show(grown);
}

} // namespace
} // namespace xfrm_xdp::oracle
