// SPDX-License-Identifier: GPL-2.0-or-later
// GoogleTest over the topology of oracle.sh:
//
//   xfrm_xdp_oracle --lab PREFIX [--seed N] [--pairs N] [--pair N]
//   xfrm_xdp_oracle --matrix        Documentation/matrix.rst, of the table of cells
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "fixture.hpp"
#include "lab.hpp"
#include "matrix.hpp"
#include "random.hpp"
#include "spared.hpp"

namespace xfrm_xdp::oracle {
std::unique_ptr<Lab> the_lab;
std::string lab_name;
} // namespace xfrm_xdp::oracle

namespace {

// One CPU for sender, gateways and receiver: a packet is through before the next is
// sent, and nothing overtakes anything.
void stay_on_one_cpu()
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

// A difference that comes and goes is no better than one that stays, if it is frequent.
class RepeatedEnvironment : public testing::Environment {
public:
    void TearDown() override
    {
        const auto &tally = xfrm_xdp::oracle::tally();
        std::printf("bursts: %lu, of which %lu were sent twice\n", tally.bursts, tally.repeated);
        EXPECT_LE(tally.repeated * 100, tally.bursts + 99);
    }
};

} // namespace

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    if (testing::GTEST_FLAG(list_tests))
        return RUN_ALL_TESTS();
    if (argc == 2 && !std::strcmp(argv[1], "--matrix")) {
        std::fputs(xfrm_xdp::oracle::matrix().c_str(), stdout);
        return 0;
    }
    std::string prefix;
    for (int i = 1; i + 1 < argc; i++)
        if (!std::strcmp(argv[i], "--lab"))
            prefix = argv[i + 1];
    if (!xfrm_xdp::oracle::parse_random_run(argc, argv)) {
        std::fprintf(stderr, "%s: --seed, --pairs and --pair take whole numbers\n", argv[0]);
        return 2;
    }
    if (prefix.empty()) {
        std::fprintf(stderr, "%s: --lab PREFIX is missing; selftests/oracle.sh knows it\n",
                     argv[0]);
        return 2;
    }
    stay_on_one_cpu();
    xfrm_xdp::oracle::lab_name = prefix;
    auto lab = [&] {
        const xfrm_xdp::oracle::Spared set_up;
        return xfrm_xdp::oracle::Lab::open(prefix);
    }();
    if (!lab) {
        std::fprintf(stderr, "%s: %s\n", argv[0], lab.error().cause.c_str());
        return 2;
    }
    xfrm_xdp::oracle::the_lab = std::make_unique<xfrm_xdp::oracle::Lab>(*std::move(lab));
    testing::AddGlobalTestEnvironment(new RepeatedEnvironment);
    const int result = RUN_ALL_TESTS();
    xfrm_xdp::oracle::the_lab.reset();
    return result;
}
