// SPDX-License-Identifier: GPL-2.0-or-later
// An inbound SA that was learned from the stack: what its handle does to the
// frames that are of it, and to those that are not; and the metadata that follow.
#include "learned.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace xfrm_xdp::test {
namespace {

// Not in the C library's copy of the kernel's header yet.
constexpr auto attach_tcx_ingress = static_cast<bpf_attach_type>(46);

class LearnedFlow : public LearnedSa {
protected:
    void expect_flow_punt(View frame, const char *reason, bool forget = false)
    {
        const Snapshot before = snapshot(sa_);
        const Outcome outcome = run("probe_flow", frame);
        EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
        EXPECT_EQ(reason_name(outcome.result.opts.reason), reason);
        EXPECT_EQ(outcome.result.opts.flags, forget ? XFRM_XDP_OPTS_FORGET : 0U);
        EXPECT_EQ(hex(outcome.frame), hex(frame));
        EXPECT_EQ(hex(snapshot(sa_).raw), hex(before.raw));
    }
};

TEST_F(LearnedFlow, EntryIsReadable)
{
    EXPECT_NE(entry_.val.handle, 0U);
    EXPECT_EQ(entry_.val.kind, static_cast<unsigned>(XFRM_XDP_FLOW_SA));
    EXPECT_EQ(ntohl(entry_.val.in_spi), test_spi);
    EXPECT_EQ(entry_.val.out_spi, 0U);
    EXPECT_EQ(entry_.val.out_ifindex, 0U);
    EXPECT_EQ(entry_.key.ifindex, static_cast<unsigned>(sandbox().ifindex()));
    EXPECT_EQ(entry_.key.family, AF_INET);
    EXPECT_EQ(entry_.key.proto, packet::proto_esp);
    EXPECT_EQ(ntohl(entry_.key.spi), test_spi);
    EXPECT_EQ(entry_.key.sa, 0U);
    EXPECT_EQ(ntohl(entry_.key.saddr[0]), 0xc0000202U);
    EXPECT_EQ(ntohl(entry_.key.daddr[0]), 0xc0000201U);
}

TEST_F(LearnedFlow, DecryptsItsPackets)
{
    for (int packet = 0; packet < 3; packet++) {
        const Outcome outcome = run("probe_flow", esp());
        EXPECT_EQ(outcome.result.verdict, XFRM_XDP_DONE);
        EXPECT_EQ(outcome.result.opts.sa, entry_.val.handle);
        EXPECT_EQ(outcome.result.opts.seq, sequence_);
        EXPECT_EQ(outcome.result.opts.flags, 0U);
        EXPECT_EQ(hex(outcome.frame), hex(plain()));
    }
    EXPECT_EQ(snapshot(sa_).state.packets, 4U);
}

TEST_F(LearnedFlow, LeavesOtherFramesToTheStack)
{
    using packet::Ipv4;
    using packet::Mac;
    const auto ethernet = [](const Mac &mac) {
        return [mac](esp::TunnelFrame &frame) { frame.ethernet.destination = mac; };
    };
    expect_flow_punt(esp(ethernet(peer_mac)), "PuntNotHost");
    expect_flow_punt(esp(ethernet(Mac{{255, 255, 255, 255, 255, 255}})), "PuntNotHost");
    expect_flow_punt(esp(ethernet(Mac{{1, 0, 0x5e, 0, 0, 1}})), "PuntNotHost");
    expect_flow_punt(
        esp([](esp::TunnelFrame &frame) { std::get<Ipv4>(frame.outer).source.octets[3]++; }),
        "PuntFlowMismatch");
    expect_flow_punt(
        esp([](esp::TunnelFrame &frame) { std::get<Ipv4>(frame.outer).destination.octets[3]++; }),
        "PuntFlowMismatch");
    Bytes other = esp();
    other[packet::ethernet_length + packet::ipv4_length] ^= 1; // SPI
    expect_flow_punt(other, "PuntFlowMismatch");
    expect_flow_punt(plain(), "PuntFlowMismatch");
    Bytes cut = esp();
    cut.pop_back();
    expect_flow_punt(cut, "PuntIpHeader");
}

TEST_F(LearnedFlow, BelongsToItsDevice)
{
    ProbeRun run;
    run.ifindex = 1; // lo: another device, with another address
    run.request.handle = entry_.val.handle;
    const Bytes frame = esp([](esp::TunnelFrame &tunnel) { tunnel.ethernet.destination = {}; });
    const auto outcome = probe("probe_flow").run(frame, run);
    ASSERT_TRUE(outcome) << outcome.error().cause;
    EXPECT_EQ(outcome->result.verdict, XFRM_XDP_PUNT);
    EXPECT_EQ(reason_name(outcome->result.opts.reason), "PuntFlowMismatch");
}

TEST_F(LearnedFlow, BelongsToItsNamespace)
{
    Sandbox &other = shared_sandbox(1);
    ASSERT_TRUE(other.reset());
    ASSERT_EQ(other.ifindex(), sandbox().ifindex()) << "they differ in nothing else";
    ASSERT_TRUE(other.table().add(sa_));
    const Outcome outcome = run("probe_flow", esp());
    EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
    EXPECT_EQ(reason_name(outcome.result.opts.reason), "PuntNoFlow");
}

// bpf_xdp_xfrm_forward() compares with the flow of the CPU's last packet before all others:
// that of this SA, time and again. What is decrypted is for this host, and has no flow.
TEST_F(LearnedFlow, IsFoundByItsPacketsOnly)
{
    const auto forward = [&](View frame, int ifindex) {
        ProbeRun run;
        run.program = "probe_forward";
        run.ifindex = ifindex;
        auto outcome = probe("probe_flow").run(frame, run);
        EXPECT_TRUE(outcome) << outcome.error().cause;
        return outcome ? *std::move(outcome) : Outcome{};
    };
    const auto decrypted = [&](View frame, int ifindex) {
        const Outcome outcome = forward(frame, ifindex);
        EXPECT_EQ(outcome.result.calls, 1U);
        EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
        EXPECT_EQ(reason_name(outcome.result.opts.reason), "PuntNotLearned");
        return outcome.result.opts.sa == entry_.val.handle && hex(outcome.frame) == hex(plain());
    };
    const auto other = [&](const std::function<void(esp::TunnelFrame &)> &change) {
        EXPECT_TRUE(decrypted(esp(), sandbox().ifindex()));
        EXPECT_FALSE(decrypted(esp(change), sandbox().ifindex()));
    };
    using packet::Ipv4;
    other([](auto &frame) { std::get<Ipv4>(frame.outer).source.octets[3]++; });
    other([](auto &frame) { std::get<Ipv4>(frame.outer).destination.octets[3]++; });
    Bytes spi = esp();
    spi[packet::ethernet_length + packet::ipv4_length] ^= 1;
    EXPECT_FALSE(decrypted(spi, sandbox().ifindex()));
    EXPECT_TRUE(decrypted(esp(), sandbox().ifindex()));
    EXPECT_FALSE(decrypted(esp(), 1)) << "by lo";
    EXPECT_TRUE(decrypted(esp(), sandbox().ifindex()));
    const Bytes own = esp();
    Sandbox &neighbour = shared_sandbox(1);
    ASSERT_TRUE(neighbour.reset());
    ASSERT_EQ(neighbour.ifindex(), sandbox().ifindex()) << "they differ in nothing else";
    EXPECT_FALSE(decrypted(own, neighbour.ifindex())) << "in another namespace";
}

TEST_F(LearnedFlow, EndsWithTheSa)
{
    remove(sa_);
    const Bytes frame = esp();
    const Outcome outcome = run("probe_flow", frame);
    EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
    EXPECT_EQ(outcome.result.opts.flags, XFRM_XDP_OPTS_FORGET);
    EXPECT_EQ(hex(outcome.frame), hex(frame));
    // And the handle does not come back with an SA that looks the same.
    ASSERT_NO_FATAL_FAILURE(add(sa_));
    expect_flow_punt(esp(), "PuntNoFlow", true);
}

// The packet that is to renew its SA waits in the stack's receive batch, while those
// behind it are decrypted: none of them may move the replay window past it.
TEST_F(LearnedFlow, KeepsTheRenewingPacketInItsWindow)
{
    // Half of it goes by, and the test has the other half.
    renew_within("6000");
    Bytes renewing;
    ASSERT_TRUE(wait_until([&] {
        renewing = esp();
        return run("probe_flow", renewing).result.verdict == XFRM_XDP_PUNT;
    }));
    const std::uint64_t at = sequence_;
    const auto number = [&](std::uint64_t sequence) {
        sequence_ = sequence - 1;
        return esp();
    };
    ASSERT_EQ(sa_.window, 32U);
    EXPECT_EQ(run("probe_flow", number(at + 15)).result.verdict, XFRM_XDP_DONE);
    const Bytes ahead = number(at + 16);
    expect_flow_punt(ahead, "PuntRevalidate");
    ASSERT_NO_FATAL_FAILURE(teach(renewing, "FlowRenewed"));
    EXPECT_EQ(snapshot(sa_).state.replay_window_errors, 0U);
    EXPECT_EQ(run("probe_flow", ahead).result.verdict, XFRM_XDP_DONE);
}

// What manages the flows calls programs of its own, in process context.
class Syscall : public LearnedFlow {
protected:
    // What the program returned; it may write to what it is given.
    template <class T>
    int call(T &argument, const char *program)
    {
        const auto fd = probe("probe_syscall").program_fd(program);
        EXPECT_TRUE(fd) << fd.error().cause;
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.ctx_in = &argument;
        options.ctx_size_in = sizeof(argument);
        EXPECT_EQ(fd ? bpf_prog_test_run_opts(*fd, &options) : -1, 0);
        return static_cast<int>(options.retval);
    }
};

TEST_F(Syscall, CountsWhatTheFastPathFinished)
{
    bpf_xfrm_flow_counts counts{};
    counts.error = 1;
    counts.nr = 3;
    counts.flow[0].handle = entry_.val.handle;
    counts.flow[1].handle = ~0ULL;
    counts.flow[2].handle = entry_.val.handle;
    counts.flow[3].handle = entry_.val.handle;
    ASSERT_EQ(run("probe_flow", esp()).result.verdict, XFRM_XDP_DONE);
    const Bytes last = esp();
    ASSERT_EQ(run("probe_flow", last).result.verdict, XFRM_XDP_DONE);
    EXPECT_EQ(call(counts, "probe"), 0);
    EXPECT_EQ(counts.error, 0);
    for (const int i : {0, 2}) {
        EXPECT_EQ(counts.flow[i].handle, entry_.val.handle);
        EXPECT_EQ(counts.flow[i].packets, 2U);
        EXPECT_EQ(counts.flow[i].bytes, 2 * last.size());
    }
    EXPECT_EQ(counts.flow[1].handle, 0U);
    EXPECT_EQ(counts.flow[1].packets, 0U);
    // Beyond those that were asked for.
    EXPECT_EQ(counts.flow[3].packets, 0U);
}

TEST_F(Syscall, RefusesWhatDoesNotFit)
{
    bpf_xfrm_flow_counts counts{};
    counts.flow[0].handle = entry_.val.handle;
    for (const std::uint32_t nr : {XFRM_XDP_COUNTS_MAX + 1U, ~0U}) {
        counts.nr = nr;
        counts.error = 0;
        EXPECT_EQ(call(counts, "probe"), -EINVAL);
        EXPECT_EQ(counts.error, -EINVAL);
        EXPECT_EQ(counts.flow[0].handle, entry_.val.handle);
    }
    counts.nr = 1;
    counts.error = 0;
    EXPECT_EQ(call(counts, "probe_short"), -EINVAL);
    EXPECT_EQ(counts.error, -EINVAL);
    for (std::uint32_t flags : {1U, ~0U})
        EXPECT_EQ(call(flags, "probe_forget"), -EINVAL);
    EXPECT_EQ(run("probe_flow", esp()).result.verdict, XFRM_XDP_DONE);
}

TEST_F(Syscall, ForgetsTheFlowsOfTheNamespace)
{
    std::uint32_t flags = 0;
    EXPECT_EQ(call(flags, "probe_forget"), 0);
    expect_flow_punt(esp(), "PuntNoFlow", true);
}

// The first namespace has no flows here; that the callback is refused is what it is spared by.
TEST_F(Syscall, ForgetsNothingInAKernelThread)
{
    Probe &prober = probe("probe_syscall");
    probe_result result{};
    ASSERT_TRUE(prober.set_map("result", &result));
    std::uint32_t none = 0;
    ASSERT_EQ(call(none, "probe_forget_later"), 0);
    ASSERT_TRUE(wait_until([&] {
        EXPECT_TRUE(prober.get_map("result", &result));
        return result.calls > 0;
    }));
    EXPECT_EQ(result.verdict, -EPERM);
}

TEST_F(Syscall, KnowsNoFlowsOfOtherNamespaces)
{
    bpf_xfrm_flow_counts counts{};
    counts.nr = 1;
    counts.flow[0].handle = entry_.val.handle;
    ASSERT_EQ(run("probe_flow", esp()).result.verdict, XFRM_XDP_DONE);
    ASSERT_TRUE(shared_sandbox(1).enter());
    EXPECT_EQ(call(counts, "probe"), 0);
    EXPECT_EQ(counts.flow[0].handle, 0U);
    EXPECT_EQ(counts.flow[0].packets, 0U);
    std::uint32_t flags = 0;
    EXPECT_EQ(call(flags, "probe_forget"), 0);
    ASSERT_TRUE(sandbox().enter());
    EXPECT_EQ(run("probe_flow", esp()).result.verdict, XFRM_XDP_DONE) << "another's was forgotten";
}

// Whoever is given the program may run it, and needs no capability for that.
TEST_F(Syscall, AreForWhoAdministersTheNamespace)
{
    bpf_xfrm_flow_counts counts{};
    counts.nr = 1;
    counts.flow[0].handle = entry_.val.handle;
    std::uint32_t flags = 0;
    // Of this thread only, and for good: another does it.
    std::thread([&] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
        ASSERT_EQ(syscall(SYS_capget, &header, data), 0);
        data[0].effective &= ~(1U << CAP_NET_ADMIN);
        ASSERT_EQ(syscall(SYS_capset, &header, data), 0);
        EXPECT_EQ(call(counts, "probe"), -EPERM);
        EXPECT_EQ(call(flags, "probe_forget"), -EPERM);
    }).join();
    EXPECT_EQ(counts.error, -EPERM);
    EXPECT_EQ(counts.flow[0].handle, entry_.val.handle);
    EXPECT_EQ(run("probe_flow", esp()).result.verdict, XFRM_XDP_DONE);
}

class Metadata : public LearnedSa {
protected:
    // A plain frame with @meta in front of it at the tc hook.
    probe_result deliver(View frame, const xfrm_xdp_meta &meta)
    {
        Probe &restore = probe("probe_restore");
        const auto fd = restore.program_fd("probe");
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

TEST_F(Metadata, NamesTheSaAndIsTheSameForAFlow)
{
    const xfrm_xdp_meta first = proven(), second = proven();
    EXPECT_EQ(first.magic, XFRM_XDP_META_MAGIC);
    EXPECT_EQ(first.pad, 0U);
    EXPECT_EQ(first.sa, entry_.val.handle);
    EXPECT_NE(first.proof, 0U);
    EXPECT_EQ(first.room, 0U);
    EXPECT_EQ(std::memcmp(&first, &second, sizeof(first)), 0);
    std::get<packet::Udp>(inner_.transport).source++;
    EXPECT_NE(proven().proof, first.proof);
}

TEST_F(Metadata, RestoresTheSecPath)
{
    const probe_result result = deliver(plain(), proven());
    EXPECT_EQ(result.verdict, 1);
    EXPECT_EQ(reason_name(result.opts.reason), "Restored");
    EXPECT_EQ(result.opts.sa, entry_.val.handle);
    EXPECT_EQ(ntohl(result.opts.spi), test_spi);
}

TEST_F(Metadata, ProvesNothingOfAnotherPacket)
{
    const xfrm_xdp_meta meta = proven();
    const auto refused = [&](const std::function<void(packet::Packet &)> &change) {
        packet::Packet other = inner_;
        other.ethernet = ethernet_header();
        change(other);
        const probe_result result = deliver(other.build(), meta);
        EXPECT_EQ(result.verdict, -EPERM);
        EXPECT_EQ(reason_name(result.opts.reason), "RestoreForged");
    };
    refused([](auto &other) { std::get<packet::Udp>(other.transport).source++; });
    refused([](auto &other) { std::get<packet::Udp>(other.transport).destination++; });
    refused([](auto &other) { std::get<packet::Ipv4>(other.network).source.octets[3]++; });
    refused([](auto &other) { other.transport = packet::Tcp{}; });
    refused([](auto &other) { other.network = inner_header(Family::v6); });
}

// A program that forgets bpf_xdp_xfrm_metadata(): what the frame has in front of
// it by then is no proof, and the packet must not pass for plaintext.
TEST_F(Metadata, ThatWasNotProvenDropsThePacket)
{
    const Outcome outcome = run("probe_flow", esp());
    ASSERT_EQ(outcome.result.verdict, XFRM_XDP_DONE);
    xfrm_xdp_meta meta{};
    ASSERT_EQ(outcome.metadata.size(), sizeof(meta));
    std::memcpy(&meta, outcome.metadata.data(), sizeof(meta));
    const probe_result result = deliver(plain(), meta);
    EXPECT_EQ(result.verdict, -EPERM);
    EXPECT_EQ(reason_name(result.opts.reason), "RestoreForged");
}

TEST_F(Metadata, WithoutTheSaDropsThePacket)
{
    const xfrm_xdp_meta meta = proven();
    remove(sa_);
    // The flow goes with its SA, at the latest when it is asked for.
    run("probe_flow", esp());
    const probe_result result = deliver(plain(), meta);
    EXPECT_EQ(result.verdict, -ESTALE);
    EXPECT_EQ(reason_name(result.opts.reason), "RestoreSaGone");
}

TEST_F(Metadata, IsForTheFrameThatWasDecrypted)
{
    const Outcome twice = run("probe_metadata", esp(), "probe_twice");
    EXPECT_EQ(twice.result.metadata[0], 0);
    EXPECT_EQ(twice.result.metadata[1], -ENOENT);
    const Outcome moved = run("probe_metadata", esp(), "probe_moved");
    EXPECT_EQ(moved.result.verdict, XFRM_XDP_DONE);
    EXPECT_EQ(moved.result.metadata[0], -ENOENT);
    const Outcome never = run("probe_metadata", plain(), "probe_only");
    EXPECT_EQ(never.result.metadata[0], -ENOENT);
    const Outcome brief = run("probe_metadata", plain(), "probe_short");
    EXPECT_EQ(brief.result.metadata[0], -EINVAL);
    EXPECT_EQ(brief.result.opts.error, -EINVAL);
}

// Its policy has not been checked: it must not take a flow of plaintext that looks like it.
TEST_F(Metadata, MayNotPassForPlaintext)
{
    for (const char *again : {"probe", "probe_proven", "probe_proven_flow"}) {
        SCOPED_TRACE(again);
        const Outcome outcome = run("probe_again", esp(), again);
        ASSERT_EQ(outcome.result.calls, 1U);
        EXPECT_EQ(outcome.result.verdict, XFRM_XDP_PUNT);
        EXPECT_EQ(reason_name(outcome.result.opts.reason), "PuntNoProof");
        EXPECT_EQ(outcome.result.opts.sa, 0U);
        EXPECT_EQ(outcome.result.opts.flags, 0U);
        EXPECT_EQ(hex(outcome.frame), hex(plain()));
        ASSERT_EQ(outcome.metadata.size(), sizeof(xfrm_xdp_meta));
        if (std::string(again) == "probe")
            continue;
        const xfrm_xdp_meta meta = proven();
        EXPECT_EQ(std::memcmp(outcome.metadata.data(), &meta, sizeof(meta)), 0);
    }
}

// A program may drop what it decrypted, and drivers use their buffers again: a
// frame that comes to lie at the same place later was not decrypted.
TEST_F(Metadata, IsNotForTheNextFrameAtTheSamePlace)
{
    const std::size_t outer = packet::ipv4_length + esp::header_length + 8;
    for (int attempt = 0; attempt < 50; attempt++) {
        const Outcome decrypted = run("probe_flow", esp());
        ASSERT_EQ(decrypted.result.verdict, XFRM_XDP_DONE);
        Bytes later(outer, 0);
        const Bytes frame = plain();
        later.insert(later.end(), frame.begin(), frame.end());
        const Outcome outcome =
            run("probe_metadata", later, "probe_only", static_cast<std::uint32_t>(outer));
        ASSERT_EQ(outcome.result.calls, 1U);
        ASSERT_EQ(outcome.result.metadata[0], -ENOENT) << "attempt " << attempt;
    }
}

} // namespace
} // namespace xfrm_xdp::test
