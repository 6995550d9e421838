// SPDX-License-Identifier: GPL-2.0-or-later
// Options in memory that everybody writes at the same time: the kfunc on two CPUs, and
// userspace. Nothing beside them may change, and neither a count nor a decision may
// depend on what is read back from there.
#include "learned.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/netfilter.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

namespace xfrm_xdp::test {
namespace {

// Not in the C library's copy of the kernel's header yet.
constexpr auto attach_netfilter = static_cast<bpf_attach_type>(45);
constexpr auto attach_tcx_ingress = static_cast<bpf_attach_type>(46);
constexpr int runs = 10000; // on each of two CPUs
constexpr std::uint8_t canary = 0xa5;

// A map that is mapped: @first bytes for the options, and a canary behind them.
class Shared {
public:
    Shared(int fd, std::size_t first, std::size_t size)
        : first_(first), size_(size),
          place_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0))
    {
        if (*this) {
            std::memset(place_, 0, first);
            std::memset(bytes() + first, canary, size - first);
        }
    }
    ~Shared()
    {
        if (*this)
            munmap(place_, size_);
    }
    Shared(const Shared &) = delete;
    Shared &operator=(const Shared &) = delete;
    explicit operator bool() const { return place_ != MAP_FAILED; }
    volatile std::uint32_t *words() const { return static_cast<std::uint32_t *>(place_); }
    std::size_t overwritten() const
    {
        return static_cast<std::size_t>(std::count_if(
            bytes() + first_, bytes() + size_, [](std::uint8_t byte) { return byte != canary; }));
    }

private:
    std::uint8_t *bytes() const { return static_cast<std::uint8_t *>(place_); }
    std::size_t first_, size_;
    void *place_;
};

Bytes broken_frame(Bytes frame)
{
    frame[packet::ethernet_length] = 0x55; // no IP version
    return frame;
}

class SharedOptions : public LearnedSa {
protected:
    void SetUp() override
    {
        if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
            GTEST_SKIP() << "wants two CPUs: run gtest-inplace, which has them";
        LearnedSa::SetUp();
    }

    // @run on two CPUs, while this thread writes to the words of the options from @from to @to.
    void meddle(const Shared &shared, std::size_t from, std::size_t to,
                const std::function<Status()> &run)
    {
        std::atomic<int> running{2};
        const auto runner = [&](unsigned cpu) {
            cpu_set_t set;
            CPU_ZERO(&set);
            CPU_SET(cpu, &set);
            EXPECT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
            const Status ran = run();
            EXPECT_TRUE(ran) << ran.error().cause;
            running--;
        };
        std::thread one(runner, 0), two(runner, 1);
        for (std::uint32_t value = 0; running; value++)
            for (std::size_t word = from; word < to; word++)
                shared.words()[word] = 2 + value % 14;
        one.join();
        two.join();
    }

    // @reason is counted once for each call, and nothing else is.
    void expect_calls(std::uint32_t calls, const char *reason, const CounterText &before)
    {
        probe_result result{};
        EXPECT_TRUE(probe("probe_shared").get_map("result", &result));
        EXPECT_EQ(result.lookup_error, 0) << "other results than expected";
        EXPECT_EQ(result.calls, calls);
        const auto after = read_module_counters();
        ASSERT_TRUE(after) << after.error().cause;
        const Counters expected =
            reason ? Counters{{reason, static_cast<std::int64_t>(calls)}} : Counters{};
        EXPECT_EQ(packet_difference(before, *after), expected);
    }

    CounterText begin()
    {
        const probe_result none{};
        EXPECT_TRUE(probe("probe_shared").set_map("result", &none));
        const auto before = read_module_counters();
        EXPECT_TRUE(before) << before.error().cause;
        return before ? *before : CounterText{};
    }

    int fd_of(const char *map)
    {
        const auto fd = probe("probe_shared").map_fd(map);
        EXPECT_TRUE(fd) << fd.error().cause;
        return fd ? *fd : -1;
    }

    Fd attach(const char *program)
    {
        const auto fd = probe("probe_shared").program_fd(program);
        EXPECT_TRUE(fd) << fd.error().cause;
        Fd link(bpf_link_create(*fd, sandbox().ifindex(), attach_tcx_ingress, nullptr));
        EXPECT_TRUE(link) << std::strerror(errno);
        return link;
    }

    Status deliver(View frame)
    {
        return probe("probe_shared").inject(frame, sandbox().ifindex(), "probe_decrypted", runs);
    }
};

constexpr std::size_t learn_size = sizeof(bpf_xfrm_learn_opts);
constexpr std::size_t packet_words = sizeof(bpf_xfrm_xdp_opts) / 4;

TEST_F(SharedOptions, OfAllThatTakeFrames)
{
    const Shared shared(fd_of("shared"), learn_size, 8 * learn_size);
    ASSERT_TRUE(shared);
    Probe &prober = probe("probe_shared");
    const Sa out = make_sa(Way::output);
    ASSERT_NO_FATAL_FAILURE(add(out));
    struct Case {
        const char *program, *reason;
        Bytes frame;
        const Sa &sa;
    };
    for (const Case &c : {
             Case{"probe_output", "PuntIpHeader", broken_frame(plain()), out},
             Case{"probe_input", "PuntIpHeader", broken_frame(esp()), sa_},
             Case{"probe_flow", "PuntNoFlow", plain(), sa_},
             Case{"probe_forward", "PuntNotLearned", plain(), sa_},
             Case{"probe_metadata", nullptr, plain(), sa_},
         }) {
        SCOPED_TRACE(c.program);
        probe_request request{};
        std::memcpy(request.daddr, std::get<packet::Ipv4Address>(c.sa.destination).octets.data(),
                    4);
        request.spi = htonl(test_spi);
        request.family = AF_INET;
        request.proto = packet::proto_esp;
        ASSERT_TRUE(prober.set_map("request", &request));
        const CounterText before = begin();
        meddle(shared, 0, packet_words,
               [&] { return prober.repeat(c.frame, sandbox().ifindex(), c.program, runs); });
        expect_calls(2 * runs, c.reason, before);
        EXPECT_EQ(shared.overwritten(), 0U);
    }
}

TEST_F(SharedOptions, OfRestore)
{
    const Shared shared(fd_of("shared"), learn_size, 8 * learn_size);
    ASSERT_TRUE(shared);
    const xfrm_xdp_meta meta = proven();
    ASSERT_TRUE(probe("probe_shared").set_map("meta", &meta));
    const Fd link = attach("probe_restore");
    const CounterText before = begin();
    meddle(shared, 0, packet_words, [&] { return deliver(plain()); });
    expect_calls(2 * runs, "Restored", before);
    EXPECT_EQ(shared.overwritten(), 0U);
}

TEST_F(SharedOptions, OfLearn)
{
    const Shared shared(fd_of("shared"), learn_size, 8 * learn_size);
    ASSERT_TRUE(shared);
    const xfrm_xdp_meta meta = proven();
    ASSERT_TRUE(probe("probe_shared").set_map("meta", &meta));
    const Fd restore = attach("probe_restore_quietly");
    const auto fd = probe("probe_shared").program_fd("probe_learn");
    ASSERT_TRUE(fd) << fd.error().cause;
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.netfilter.pf = NFPROTO_IPV4;
    options.netfilter.hooknum = NF_INET_LOCAL_IN;
    options.netfilter.priority = 0x7ffffffe;
    const Fd learner(bpf_link_create(*fd, 0, attach_netfilter, &options));
    ASSERT_TRUE(learner) << std::strerror(errno);
    begin();
    // Flags are the caller's; the number of entries is not.
    static_assert(offsetof(bpf_xfrm_learn_opts, nr) == 8);
    static_assert(offsetof(bpf_xfrm_learn_opts, flags) == 12);
    meddle(shared, 0, 3, [&] { return deliver(plain()); });
    probe_result result{};
    EXPECT_TRUE(probe("probe_shared").get_map("result", &result));
    EXPECT_EQ(result.lookup_error, 0) << "another number of entries than one";
    EXPECT_EQ(result.calls, 2U * runs);
    EXPECT_EQ(shared.overwritten(), 0U);
}

TEST_F(SharedOptions, OfCounts)
{
    constexpr std::size_t size = sizeof(bpf_xfrm_flow_counts);
    const Shared shared(fd_of("counted"), size, 2 * size);
    ASSERT_TRUE(shared);
    const auto fd = probe("probe_shared").program_fd("probe_counts");
    ASSERT_TRUE(fd) << fd.error().cause;
    const CounterText before = begin();
    shared.words()[1] = XFRM_XDP_COUNTS_MAX;
    std::atomic<bool> stop{false};
    // Too many, and as many as may be.
    std::thread meddler([&] {
        for (std::uint32_t turn = 0; !stop; turn++)
            shared.words()[1] = turn % 2 ? XFRM_XDP_COUNTS_MAX : 40000;
    });
    meddle(shared, 2, 8, [&]() -> Status {
        LIBBPF_OPTS(bpf_test_run_opts, options);
        for (int i = 0; i < 500; i++)
            if (const int error = bpf_prog_test_run_opts(*fd, &options))
                return errno_error(-error, "probe_counts");
        return Done{};
    });
    stop = true;
    meddler.join();
    expect_calls(1000, nullptr, before);
    EXPECT_EQ(shared.overwritten(), 0U);
}

} // namespace
} // namespace xfrm_xdp::test
