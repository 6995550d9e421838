// SPDX-License-Identifier: GPL-2.0-or-later
#include "learned.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/netfilter.h>

#include <cstring>

namespace xfrm_xdp::test {
namespace {

// Not in the C library's copy of the kernel's header yet.
constexpr auto attach_netfilter = static_cast<bpf_attach_type>(45);
constexpr const char *revalidate = "/sys/module/xfrm_xdp/parameters/revalidate_ms";

} // namespace

// Also that packets of earlier tests went up with metadata and never arrived there.
void LearnedSa::forget()
{
    std::uint32_t flags = 0;
    const auto fd = probe("probe_syscall").program_fd("probe_forget");
    ASSERT_TRUE(fd) << fd.error().cause;
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.ctx_in = &flags;
    options.ctx_size_in = sizeof(flags);
    ASSERT_EQ(bpf_prog_test_run_opts(*fd, &options), 0);
    ASSERT_EQ(options.retval, 0U);
}

void LearnedSa::SetUp()
{
    XfrmTest::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_NO_FATAL_FAILURE(forget());
    // No packet has to renew anything while the test runs.
    renew_within("86400000");
    // So that decrypted packets reach LOCAL_IN.
    sa_ = make_sa(Way::input);
    inner_ = inner_packet(Family::v4, 100);
    std::get<packet::Ipv4>(inner_.network).destination =
        std::get<packet::Ipv4Address>(sa_.destination);
    ASSERT_NO_FATAL_FAILURE(add(sa_));
    teach(esp(), "FlowLearned");
}

void LearnedSa::renew_within(const char *milliseconds)
{
    revalidate_.reset();
    auto set = Sysctl::set(revalidate, milliseconds);
    ASSERT_TRUE(set) << set.error().cause;
    revalidate_.emplace(*std::move(set));
}

void LearnedSa::teach(View frame, const char *reason)
{
    Probe &learner = probe("probe_learn");
    const auto fd = learner.program_fd("probe");
    ASSERT_TRUE(fd) << fd.error().cause;
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.netfilter.pf = NFPROTO_IPV4;
    options.netfilter.hooknum = NF_INET_LOCAL_IN;
    options.netfilter.priority = 0x7ffffffe;
    const Fd link(bpf_link_create(*fd, 0, attach_netfilter, &options));
    ASSERT_TRUE(link) << std::strerror(errno);

    probe_result result{};
    ASSERT_TRUE(learner.set_map("result", &result));
    const Status injected = probe("pass").inject(frame, sandbox().ifindex(), "pass");
    ASSERT_TRUE(injected) << injected.error().cause;
    // The outer packet passes LOCAL_IN, too; the inner one comes last.
    ASSERT_TRUE(wait_until([&] {
        EXPECT_TRUE(learner.get_map("result", &result));
        return result.learn.nr > 0;
    })) << reason_name(result.learn.reason);
    ASSERT_EQ(reason_name(result.learn.reason), reason);
    ASSERT_EQ(result.learn.nr, 1U);
    entry_ = result.learn.flow[0];
}

Bytes LearnedSa::esp(const std::function<void(esp::TunnelFrame &)> &change)
{
    esp::TunnelFrame frame = esp_frame(sa_, Family::v4, ++sequence_);
    frame.esp.payload = inner_.build();
    if (change)
        change(frame);
    return encode(sa_, frame);
}

Bytes LearnedSa::plain() const
{
    packet::Packet framed = inner_;
    framed.ethernet = ethernet_header();
    return framed.build();
}

Outcome LearnedSa::run(const char *object, View frame, const char *program, std::uint32_t strip)
{
    ProbeRun run;
    run.program = program;
    run.ifindex = sandbox().ifindex();
    run.request.handle = entry_.val.handle;
    run.request.strip = strip;
    auto outcome = probe(object).run(frame, run);
    EXPECT_TRUE(outcome) << outcome.error().cause;
    return outcome ? *std::move(outcome) : Outcome{};
}

xfrm_xdp_meta LearnedSa::proven()
{
    const Outcome outcome = run("probe_metadata", esp());
    EXPECT_EQ(outcome.result.verdict, XFRM_XDP_DONE);
    EXPECT_EQ(outcome.result.metadata[0], 0);
    EXPECT_EQ(outcome.result.opts.sa, entry_.val.handle);
    EXPECT_EQ(hex(outcome.frame), hex(plain()));
    xfrm_xdp_meta meta{};
    EXPECT_EQ(outcome.metadata.size(), sizeof(meta));
    if (outcome.metadata.size() == sizeof(meta))
        std::memcpy(&meta, outcome.metadata.data(), sizeof(meta));
    return meta;
}

} // namespace xfrm_xdp::test
