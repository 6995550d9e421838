// SPDX-License-Identifier: GPL-2.0-or-later
// The same packets through the module and through the stack alone: SA, replay
// state and MIB counters have to end the same. What the module punts goes up the
// stack, as after XDP_PASS.
#include "bad_packets.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <map>

namespace xfrm_xdp::test {
namespace {

// Two namespaces that differ in nothing but who handles ESP.
class SlowPath : public testing::Test {
protected:
    void SetUp() override
    {
        for (Sandbox *sandbox : {&fast_, &slow_}) {
            const Status reset = sandbox->reset();
            ASSERT_TRUE(reset) << reset.error().cause;
            const auto mib = read_kernel_mib();
            ASSERT_TRUE(mib) << mib.error().cause;
            mib_[sandbox] = *mib;
        }
    }

    void add(const Sa &sa)
    {
        for (Sandbox *sandbox : {&fast_, &slow_}) {
            const Status added = sandbox->table().add(sa);
            ASSERT_TRUE(added) << added.error().cause;
        }
    }

    void stack(Sandbox &sandbox, View frame)
    {
        const Status injected = probe("pass").inject(frame, sandbox.ifindex(), "pass");
        ASSERT_TRUE(injected) << injected.error().cause;
    }

    // Returns the module's verdict.
    int deliver(const Sa &sa, View frame)
    {
        EXPECT_TRUE(fast_.enter());
        ProbeRun run;
        run.ifindex = fast_.ifindex();
        run.request.spi = htonl(sa.association.spi);
        run.request.family = family_of(sa.destination);
        run.request.proto = packet::proto_esp;
        std::visit(
            [&](const auto &address) {
                std::copy(address.octets.begin(), address.octets.end(),
                          reinterpret_cast<std::uint8_t *>(run.request.daddr));
            },
            sa.destination);
        const auto outcome = probe(Way::input).run(frame, run);
        EXPECT_TRUE(outcome) << outcome.error().cause;
        const int verdict = outcome ? outcome->result.verdict : PROBE_NOT_CALLED;
        tally().calls++;
        tally().taken += verdict == XFRM_XDP_TAKEN;
        if (verdict == XFRM_XDP_PUNT)
            stack(fast_, frame);
        EXPECT_TRUE(slow_.enter());
        stack(slow_, frame);
        return verdict;
    }

    struct Ledger {
        SaState sa;
        Counters mib;
        bool operator==(const Ledger &) const = default;
    };

    Ledger ledger(Sandbox &sandbox, const Sa &sa)
    {
        EXPECT_TRUE(sandbox.enter());
        Ledger ledger;
        const auto snapshot = sandbox.table().get(sa);
        EXPECT_TRUE(snapshot) << snapshot.error().cause;
        ledger.sa = snapshot ? snapshot->state : SaState{};
        const auto mib = read_kernel_mib();
        EXPECT_TRUE(mib) << mib.error().cause;
        ledger.mib = difference(mib_[&sandbox], mib ? *mib : CounterText{});
        return ledger;
    }

    // The crypto layer may still hold one of the packets.
    void expect_same(const Sa &sa)
    {
        wait_until([&] { return ledger(fast_, sa) == ledger(slow_, sa); });
        const Ledger fast = ledger(fast_, sa), slow = ledger(slow_, sa);
        EXPECT_EQ(fast.mib, slow.mib);
        EXPECT_EQ(fast.sa.bytes, slow.sa.bytes);
        EXPECT_EQ(fast.sa.packets, slow.sa.packets);
        EXPECT_EQ(fast.sa.replay_errors, slow.sa.replay_errors);
        EXPECT_EQ(fast.sa.replay_window_errors, slow.sa.replay_window_errors);
        EXPECT_EQ(fast.sa.integrity_errors, slow.sa.integrity_errors);
        EXPECT_EQ(fast.sa.replay, slow.sa.replay);
        EXPECT_EQ(fast.sa.used, slow.sa.used);
    }

    Sandbox &fast_ = shared_sandbox(0), &slow_ = shared_sandbox(1);
    std::map<const Sandbox *, CounterText> mib_; // at the start of the test
};

class SlowPathBad : public SlowPath, public testing::WithParamInterface<BadPacket> {};

TEST_P(SlowPathBad, EndsAsWithTheStackAlone)
{
    const BadPacket &bad = GetParam();
    const Sa sa = make_sa(bad.tunnel, Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    deliver(sa, encode(sa, esp_frame(sa, bad.tunnel.inner, 1)));
    EXPECT_EQ(deliver(sa, bad.make(sa, esp_frame(sa, bad.tunnel.inner, 2))),
              static_cast<int>(bad.verdict));
    deliver(sa, encode(sa, esp_frame(sa, bad.tunnel.inner, 3)));
    expect_same(sa);
}

INSTANTIATE_TEST_SUITE_P(Table, SlowPathBad, testing::ValuesIn(bad_packets()),
                         [](const auto &test) { return test.param.name; });

class SlowPathTunnel : public SlowPath, public testing::WithParamInterface<Tunnel> {
protected:
    // Forwards, backwards, twice, far ahead: the same for every window.
    static std::vector<std::uint64_t> numbers(std::uint64_t start)
    {
        std::vector<std::uint64_t> all;
        std::uint32_t state = 12345;
        std::uint64_t top = start;
        for (int i = 0; i < 40; i++) {
            state = state * 1664525U + 1013904223U;
            const std::uint32_t choice = state >> 28, distance = (state >> 8) % 70;
            if (choice < 8)
                top += 1 + distance % 5;
            else if (choice == 8)
                top += 5000;
            else if (choice == 9)
                top += distance;
            all.push_back(choice < 10 || distance > top ? top : top - distance);
        }
        return all;
    }
};

TEST_P(SlowPathTunnel, ReplayStateMovesAlike)
{
    struct Window {
        std::uint32_t size;
        bool bitmap;
        std::uint64_t start;
    };
    const std::uint64_t near_wrap = 0xffffffd0;
    std::uint32_t spi = test_spi;
    for (const Window window :
         {Window{0, false, 0}, Window{32, false, 0}, Window{32, true, 0}, Window{64, true, 0},
          Window{4096, true, 0}, Window{64, true, near_wrap}, Window{4096, true, near_wrap}}) {
        if (GetParam().esn && !window.size)
            continue; // there is no such SA
        if (!GetParam().esn && window.start)
            continue; // numbers end there
        SCOPED_TRACE("window " + std::to_string(window.size) + " from " +
                     std::to_string(window.start));
        Sa sa = make_sa(GetParam(), Way::input);
        sa.association.spi = spi++;
        sa.window = window.size;
        sa.bitmap = window.bitmap;
        sa.replay.seq = static_cast<std::uint32_t>(window.start);
        ASSERT_NO_FATAL_FAILURE(add(sa));
        int done = 0, punted = 0;
        for (const std::uint64_t number : numbers(window.start)) {
            const int verdict =
                deliver(sa, encode(sa, esp_frame(sa, GetParam().inner, number, 60)));
            done += verdict == XFRM_XDP_DONE || verdict == XFRM_XDP_TAKEN;
            punted += verdict == XFRM_XDP_PUNT;
        }
        EXPECT_GT(done, 10);
        if (window.size) {
            EXPECT_GT(punted, 0);
        }
        expect_same(sa);
        if (HasFailure())
            return;
    }
}

// The SA goes from one to the other and back: one window, one account.
TEST_P(SlowPathTunnel, StackAndModuleShareOneSa)
{
    Sa sa = make_sa(GetParam(), Way::input);
    ASSERT_NO_FATAL_FAILURE(add(sa));
    std::uint64_t sequence = 0;
    for (int round = 0; round < 6; round++) {
        deliver(sa, encode(sa, esp_frame(sa, GetParam().inner, ++sequence)));
        // Received by the stack in both namespaces, then replayed to both.
        const Bytes frame = encode(sa, esp_frame(sa, GetParam().inner, ++sequence));
        EXPECT_TRUE(fast_.enter());
        stack(fast_, frame);
        EXPECT_TRUE(slow_.enter());
        stack(slow_, frame);
        expect_same(sa);
        EXPECT_EQ(deliver(sa, frame), XFRM_XDP_PUNT);
    }
    expect_same(sa);
    EXPECT_EQ(ledger(fast_, sa).sa.packets, 12U);
    EXPECT_EQ(ledger(fast_, sa).sa.replay_errors, 6U);
}

TEST_P(SlowPathTunnel, LifetimeEndsAlike)
{
    Sa sa = make_sa(GetParam(), Way::input);
    sa.hard_bytes = 250;
    ASSERT_NO_FATAL_FAILURE(add(sa));
    for (std::uint64_t sequence = 1; sequence <= 3; sequence++)
        deliver(sa, encode(sa, esp_frame(sa, GetParam().inner, sequence)));
    expect_same(sa);
    // This one finds the limit reached; then the SA is gone in both.
    EXPECT_EQ(deliver(sa, encode(sa, esp_frame(sa, GetParam().inner, 4))), XFRM_XDP_PUNT);
    for (Sandbox *sandbox : {&fast_, &slow_}) {
        ASSERT_TRUE(sandbox->enter());
        EXPECT_TRUE(wait_until([&] { return !sandbox->table().get(sa); }))
            << "the SA did not expire";
        const auto mib = read_kernel_mib();
        ASSERT_TRUE(mib);
        EXPECT_EQ(difference(mib_[sandbox], *mib), (Counters{{"XfrmInStateExpired", 1}}));
    }
}

std::vector<Tunnel> tunnels()
{
    std::vector<Tunnel> all;
    for (const bool esn : {false, true}) {
        all.push_back({algorithm("gcm128"), esn, Family::v4, Family::v4});
        all.push_back({algorithm("cbc128_sha256_128"), esn, Family::v4, Family::v6});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Tunnels, SlowPathTunnel, testing::ValuesIn(tunnels()),
                         [](const auto &test) { return test.param.name(); });

} // namespace
} // namespace xfrm_xdp::test
