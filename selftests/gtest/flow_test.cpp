// SPDX-License-Identifier: GPL-2.0-or-later
// The kfuncs of the flow tier where there is nothing learned: handles that never
// were, metadata that nobody proved, packets that nobody forwarded. What they do
// with real flows is tested with real traffic.
#include "fixture.hpp"

#include <bpf/bpf.h>
#include <linux/netfilter.h>
#include <sys/socket.h>

#include <cstring>

namespace xfrm_xdp::test {
namespace {

// Not in the C library's copy of the kernel's header yet.
constexpr auto attach_tcx_ingress = static_cast<bpf_attach_type>(46);

Bytes udp_frame(Family family, std::size_t size = 100)
{
    packet::Packet inner = inner_packet(family, size);
    inner.ethernet = ethernet_header();
    return inner.build();
}

CounterText module_counters()
{
    const auto counters = read_module_counters();
    EXPECT_TRUE(counters) << counters.error().cause;
    return counters ? *counters : CounterText{};
}

class Flow : public XfrmTest {
protected:
    Outcome run(View frame, std::uint64_t handle, const char *program = "probe")
    {
        ProbeRun run;
        run.program = program;
        run.ifindex = sandbox().ifindex();
        run.request.handle = handle;
        run.request.fill = 0xa5;
        auto outcome = probe("probe_flow").run(frame, run);
        EXPECT_TRUE(outcome) << outcome.error().cause;
        return outcome ? *std::move(outcome) : Outcome{};
    }
};

TEST_F(Flow, HandlesThatNeverWereArePuntedAndForgotten)
{
    const Bytes frame = udp_frame(Family::v4);
    const std::uint64_t handles[] = {0,          1,         0xffff,         0x10000,
                                     0xffffff,   0x1000000, 1ULL << 24 | 5, 1ULL << 32,
                                     1ULL << 63, ~0ULL,     ~0ULL << 24};
    for (const std::uint64_t handle : handles) {
        SCOPED_TRACE(handle);
        const CounterText before = module_counters();
        const Outcome outcome = run(frame, handle);
        EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
        EXPECT_EQ(reason_name(outcome.result.opts.reason), "PuntNoFlow");
        EXPECT_EQ(outcome.result.opts.flags, XFRM_XDP_OPTS_FORGET);
        EXPECT_EQ(outcome.result.opts.error, 0);
        EXPECT_EQ(outcome.result.opts.ifindex, 0U);
        EXPECT_EQ(hex(outcome.frame), hex(frame));
        EXPECT_EQ(packet_difference(before, module_counters()), (Counters{{"PuntNoFlow", 1}}));
    }
}

TEST_F(Flow, AnyFrameMayCome)
{
    for (const std::size_t size : {14U, 15U, 33U, 34U, 60U, 1514U, 9000U}) {
        const Bytes frame = packet::pattern(size);
        const Outcome outcome = run(frame, 7);
        EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
        EXPECT_EQ(hex(outcome.frame), hex(frame));
    }
}

TEST_F(Flow, WrongSizeOfOptions)
{
    const CounterText before = module_counters();
    const Outcome outcome = run(udp_frame(Family::v6), 7, "probe_short");
    EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
    EXPECT_EQ(outcome.result.opts.error, -EINVAL);
    EXPECT_EQ(outcome.result.opts.reason, 0xa5a5a5a5U);
    EXPECT_EQ(packet_difference(before, module_counters()), (Counters{{"PuntOpts", 1}}));
}

TEST_F(Flow, TailroomOfFrames)
{
    struct Case {
        std::size_t size, strip, take;
        int tailroom;
    };
    // 256 bytes of headroom, 320 behind the hard end, of a page.
    for (const Case &c : {Case{60, 0, 0, 3460}, Case{1514, 0, 0, 2006}, Case{3520, 0, 0, 0},
                          Case{3519, 0, 0, 1}, Case{3520, 100, 0, 0}, Case{1514, 0, 200, 2206},
                          Case{3521, 0, 0, 0}, Case{9000, 0, 0, 0}}) {
        SCOPED_TRACE(c.size);
        ProbeRun run;
        run.ifindex = sandbox().ifindex();
        run.request.strip = static_cast<std::uint32_t>(c.strip);
        run.request.take = static_cast<std::uint32_t>(c.take);
        const auto outcome = probe("probe_tailroom").run(Bytes(c.size, 1), run);
        ASSERT_TRUE(outcome) << outcome.error().cause;
        EXPECT_EQ(outcome->result.calls, 1U);
        EXPECT_EQ(outcome->result.tailroom, c.tailroom);
    }
}

class Restore : public XfrmTest {
protected:
    // The program at the device's tc ingress, from now on.
    void attach(const char *program)
    {
        const auto fd = probe("probe_restore").program_fd(program);
        ASSERT_TRUE(fd) << fd.error().cause;
        // A link of the kernel's, so that it goes with the file descriptor.
        link_ = Fd(bpf_link_create(*fd, sandbox().ifindex(), attach_tcx_ingress, nullptr));
        ASSERT_TRUE(link_) << std::strerror(errno);
    }

    // A packet up the stack, with @meta in front of it.
    probe_result deliver(View frame, const xfrm_xdp_meta &meta, const char *program = "probe_forge")
    {
        Probe &restore = probe("probe_restore");
        const probe_result none{};
        EXPECT_TRUE(restore.set_map("result", &none));
        EXPECT_TRUE(restore.set_map("meta", &meta));
        const Status injected = restore.inject(frame, sandbox().ifindex(), program);
        EXPECT_TRUE(injected) << injected.error().cause;
        probe_result result{};
        wait_until([&] {
            EXPECT_TRUE(restore.get_map("result", &result));
            return result.calls > 0;
        });
        EXPECT_EQ(result.calls, 1U);
        return result;
    }

    Fd link_;
};

TEST_F(Restore, MetadataWithoutProofIsRefused)
{
    ASSERT_NO_FATAL_FAILURE(attach("probe"));
    for (const Family family : {Family::v4, Family::v6}) {
        for (const std::uint64_t proof : {0ULL, 1ULL, ~0ULL, 0x123456789abcdefULL}) {
            const CounterText before = module_counters();
            const xfrm_xdp_meta forged{XFRM_XDP_META_MAGIC, 0, 1ULL << 24, proof, 0};
            const probe_result result = deliver(udp_frame(family), forged);
            EXPECT_EQ(result.verdict, -EPERM);
            EXPECT_EQ(reason_name(result.opts.reason), "RestoreForged");
            EXPECT_EQ(result.opts.sa, 0U);
            EXPECT_EQ(packet_difference(before, module_counters()),
                      (Counters{{"RestoreForged", 1}}));
        }
    }
}

TEST_F(Restore, PacketsWithoutOurMetadataAreLeftAlone)
{
    ASSERT_NO_FATAL_FAILURE(attach("probe"));
    const CounterText before = module_counters();
    const xfrm_xdp_meta foreign{XFRM_XDP_META_MAGIC + 1, 0, 5, 6, 0};
    EXPECT_EQ(deliver(udp_frame(Family::v4), foreign).verdict, 0);
    EXPECT_EQ(deliver(udp_frame(Family::v4), {}).verdict, 0);
    EXPECT_EQ(deliver(udp_frame(Family::v6), {}, "probe_plain").verdict, 0);
    EXPECT_EQ(packet_difference(before, module_counters()), Counters{});
}

TEST_F(Restore, WrongSizeOfOptions)
{
    ASSERT_NO_FATAL_FAILURE(attach("probe_short"));
    const probe_result result = deliver(udp_frame(Family::v4), {});
    EXPECT_EQ(result.verdict, -EINVAL);
    EXPECT_EQ(result.opts.error, -EINVAL);
}

class Learn : public XfrmTest {
protected:
    // struct nf_hook_state as a test run takes it: hook and family, no pointers.
    struct HookState {
        std::uint8_t hook = 0, family = 0;
        std::uint64_t pointers[5] = {};
    };

    probe_result run(Family family, std::uint8_t hook, const char *program)
    {
        HookState state;
        state.hook = hook;
        state.family = family == Family::v4 ? AF_INET : AF_INET6;
        Bytes context(sizeof(state));
        std::memcpy(context.data(), &state, sizeof(state));
        const auto outcome = probe("probe_learn").run_other(udp_frame(family), program, context);
        EXPECT_TRUE(outcome) << outcome.error().cause;
        return outcome ? outcome->result : probe_result{};
    }
};

// Test runs give a packet that came from nowhere, to no namespace. The program
// may be called at any hook; that must do no harm.
TEST_F(Learn, WhatWasNotForwardedIsNotLearned)
{
    const std::uint8_t hooks[] = {NF_INET_PRE_ROUTING, NF_INET_LOCAL_IN, NF_INET_FORWARD,
                                  NF_INET_POST_ROUTING};
    for (const Family family : {Family::v4, Family::v6}) {
        for (const std::uint8_t hook : hooks) {
            SCOPED_TRACE(static_cast<int>(hook));
            const probe_result result = run(family, hook, "probe");
            EXPECT_EQ(result.calls, 1U);
            EXPECT_EQ(result.verdict, 0);
            EXPECT_EQ(result.learn.error, 0);
            EXPECT_EQ(result.learn.nr, 0U);
            EXPECT_EQ(reason_name(result.learn.reason), "LearnNotForwarded");
        }
    }
}

TEST_F(Learn, WrongSizeOfOptions)
{
    const probe_result result = run(Family::v4, NF_INET_LOCAL_IN, "probe_short");
    EXPECT_EQ(result.verdict, -EINVAL);
    EXPECT_EQ(result.learn.error, -EINVAL);
}

TEST_F(Learn, FlagsThatNobodyKnows)
{
    const probe_result result = run(Family::v4, NF_INET_POST_ROUTING, "probe_flags");
    EXPECT_EQ(result.calls, 1U);
    EXPECT_EQ(result.verdict, -EINVAL);
    EXPECT_EQ(result.learn.error, -EINVAL);
    EXPECT_EQ(result.learn.nr, 0U);
}

} // namespace
} // namespace xfrm_xdp::test
