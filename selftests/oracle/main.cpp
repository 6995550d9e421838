// SPDX-License-Identifier: GPL-2.0-or-later
// GoogleTest over the topology of oracle.sh: xfrm_xdp_oracle --lab PREFIX
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "lab.hpp"

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

} // namespace

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    if (testing::GTEST_FLAG(list_tests))
        return RUN_ALL_TESTS();
    std::string prefix;
    for (int i = 1; i + 1 < argc; i++)
        if (!std::strcmp(argv[i], "--lab"))
            prefix = argv[i + 1];
    if (prefix.empty()) {
        std::fprintf(stderr, "%s: --lab PREFIX is missing; selftests/oracle.sh knows it\n",
                     argv[0]);
        return 2;
    }
    stay_on_one_cpu();
    xfrm_xdp::oracle::lab_name = prefix;
    auto lab = xfrm_xdp::oracle::Lab::open(prefix);
    if (!lab) {
        std::fprintf(stderr, "%s: %s\n", argv[0], lab.error().cause.c_str());
        return 2;
    }
    xfrm_xdp::oracle::the_lab = *std::move(lab);
    const int result = RUN_ALL_TESTS();
    xfrm_xdp::oracle::the_lab.reset();
    return result;
}
