// SPDX-License-Identifier: GPL-2.0-or-later
// Programs that keep packet pointers and slices over a kfunc, which the verifier of 6.12 lets them
// do: what they write by these stays within the frame's buffer, and changes nothing that the
// kernel has decided. And what they write to a decrypted packet before its flow or its metadata
// are asked for.
#include "learned.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <cstring>

namespace xfrm_xdp::test {
namespace {

// Not in the C library's copy of the kernel's header yet.
constexpr auto attach_tcx_ingress = static_cast<bpf_attach_type>(46);

class StalePointers : public LearnedSa {
protected:
    xfrm_xdp_meta meta_of(const Outcome &outcome)
    {
        xfrm_xdp_meta meta{};
        EXPECT_EQ(outcome.metadata.size(), sizeof(meta));
        if (outcome.metadata.size() == sizeof(meta))
            std::memcpy(&meta, outcome.metadata.data(), sizeof(meta));
        return meta;
    }

    // What tc says of the frame that a program has left.
    void expect_refused(const char *program)
    {
        SCOPED_TRACE(program);
        const Outcome outcome = run("probe_stale", esp(), program);
        EXPECT_EQ(outcome.action, 2U); // XDP_PASS
        EXPECT_EQ(outcome.result.verdict, XFRM_XDP_DONE);
        EXPECT_EQ(outcome.result.metadata[0], 0);
        const probe_result result = restore(outcome.frame, meta_of(outcome));
        EXPECT_EQ(result.verdict, -EPERM);
        EXPECT_EQ(reason_name(result.opts.reason), "RestoreForged");
    }

    probe_result restore(View frame, const xfrm_xdp_meta &meta, const char *program = "probe")
    {
        Probe &restore = probe("probe_restore");
        const auto fd = restore.program_fd(program);
        EXPECT_TRUE(fd) << fd.error().cause;
        const Fd link(bpf_link_create(*fd, sandbox().ifindex(), attach_tcx_ingress, nullptr));
        EXPECT_TRUE(link) << std::strerror(errno);
        probe_result result{};
        EXPECT_TRUE(restore.set_map("result", &result));
        EXPECT_TRUE(restore.set_map("meta", &meta));
        const Status injected = restore.inject(frame, sandbox().ifindex(), "probe_forge");
        EXPECT_TRUE(injected) << injected.error().cause;
        EXPECT_TRUE(wait_until([&] {
            EXPECT_TRUE(restore.get_map("result", &result));
            return result.calls > 0;
        }));
        return result;
    }
};

TEST_F(StalePointers, AreOutsideOfWhatWasDecrypted)
{
    const xfrm_xdp_meta meta = proven();
    const Outcome outcome = run("probe_stale", esp(), "probe_decrypted");
    EXPECT_EQ(outcome.action, 2U);
    EXPECT_EQ(outcome.result.verdict, XFRM_XDP_DONE);
    EXPECT_EQ(outcome.result.opts.sa, entry_.val.handle);
    EXPECT_EQ(hex(outcome.frame), hex(plain()));
    const xfrm_xdp_meta made = meta_of(outcome);
    EXPECT_EQ(std::memcmp(&made, &meta, sizeof(meta)), 0);
}

TEST_F(StalePointers, ReachTheFrameOfForwardOnly)
{
    const Outcome outcome = run("probe_stale", esp(), "probe_forwarded");
    EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
    EXPECT_EQ(outcome.result.opts.sa, entry_.val.handle);
    EXPECT_EQ(hex(outcome.frame), hex(plain()));
}

class StaleRoom : public XfrmTest {
protected:
    // Of what is behind the frame and before it the debug kernel would tell.
    void expect_done_by(const char *program, View frame, const Sa &sa, ProbeRun run)
    {
        run.program = program;
        run.ifindex = sandbox().ifindex();
        std::memcpy(run.request.daddr, std::get<packet::Ipv4Address>(sa.destination).octets.data(),
                    4);
        run.request.spi = htonl(test_spi);
        run.request.family = AF_INET;
        run.request.proto = packet::proto_esp;
        const auto outcome = probe("probe_stale").run(frame, run);
        ASSERT_TRUE(outcome) << outcome.error().cause;
        EXPECT_EQ(outcome->result.calls, 1U);
        EXPECT_TRUE(outcome->result.verdict == XFRM_XDP_DONE ||
                    outcome->result.verdict == XFRM_XDP_TAKEN)
            << reason_name(outcome->result.opts.reason);
    }
};

// No tailroom, no headroom: the old and the new frame are next to what is not theirs.
TEST_F(StaleRoom, HasNothingNextToIt)
{
    constexpr std::size_t headroom = 256, kept = 40, longest = 4096 - 320 - headroom;
    for (const Way way : {Way::output, Way::input}) {
        const Sa sa = make_sa(way);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        packet::Packet inner = inner_packet(Family::v4, 1000);
        inner.ethernet = ethernet_header();
        const Bytes frame =
            way == Way::output ? inner.build() : encode(sa, esp_frame(sa, Family::v4, 1, 1000));
        ProbeRun run;
        const char *program = way == Way::output ? "probe_output" : "probe_input";
        // At the end of the buffer.
        run.request.strip = static_cast<std::uint32_t>(longest - frame.size());
        Bytes behind(run.request.strip, 0xdd);
        behind.insert(behind.end(), frame.begin(), frame.end());
        expect_done_by(program, behind, sa, run);
        // At its start.
        run.request.strip = 0;
        run.request.take = headroom - kept;
        expect_done_by(program,
                       way == Way::output ? frame : encode(sa, esp_frame(sa, Family::v4, 2, 1000)),
                       sa, run);
    }
}

TEST_F(StalePointers, DoNotMakeOthersOfWhatWasDecrypted)
{
    for (const char *program : {"probe_rewritten", "probe_rewritten_later", "probe_other_sa"})
        expect_refused(program);
}

// The verifier would let the kfunc write into a packet that is shared with a tap.
TEST_F(StalePointers, MayNotBeTheOptionsOfRestore)
{
    const probe_result result = restore(plain(), proven(), "probe_in_packet");
    EXPECT_EQ(result.verdict, -EINVAL);
    EXPECT_EQ(result.lookup_error, 0) << "the packet was written to";
}

} // namespace
} // namespace xfrm_xdp::test
