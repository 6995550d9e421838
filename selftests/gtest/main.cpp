// SPDX-License-Identifier: GPL-2.0-or-later
// GoogleTest over BPF_PROG_TEST_RUN, as root on a machine with the module loaded.
#include "fixture.hpp"

#include <unistd.h>

#include <cstdio>

namespace {

using namespace xfrm_xdp::test;

// With one packet in twenty taken by the crypto layer the tests would no longer
// show much: they compare the bytes of those that are not.
class TakenEnvironment : public testing::Environment {
public:
    void TearDown() override
    {
        std::printf("calls of the primitives: %lu, of which the crypto layer took %lu\n",
                    tally().calls, tally().taken);
        EXPECT_LE(tally().taken * 20, tally().calls);
    }
};

const char *missing()
{
    if (geteuid() != 0)
        return "BPF and network namespaces want root; run in the test machine: "
               "selftests/vm/run.sh -- build/selftests/xfrm_xdp_gtest";
    if (access("/proc/net/xfrm_xdp_stat", R_OK) != 0)
        return "the module is not loaded; modprobe xfrm_xdp";
    return nullptr;
}

} // namespace

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    if (testing::GTEST_FLAG(list_tests))
        return RUN_ALL_TESTS();
    if (const char *reason = missing()) {
        std::fprintf(stderr, "%s: %s\n", argv[0], reason);
        return 2;
    }
    testing::AddGlobalTestEnvironment(new TakenEnvironment);
    return RUN_ALL_TESTS();
}
