// SPDX-License-Identifier: GPL-2.0-or-later
// What policies decide: by the stack, by the fast path once it has learned that, and by
// the first packets after a change.
#include <fmt/format.h>

#include <unistd.h>

#include <set>

#include "fixture.hpp"
#include "policies.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr int changes_each = 2;

// Of each probe: where it went, and how.
using Decisions = std::vector<std::string>;

struct Total {
    std::uint64_t decisions = 0; // of the fast lane, compared
    std::uint64_t left = 0;      // of these in sets that had been learned, those that left
    std::int64_t carried = 0;    // of these, by XDP
    std::int64_t outdated = 0;   // punted, for the policy was another one by then
};

class Policies : public testing::Test {
protected:
    void SetUp() override
    {
        // Not what other tests have left.
        ASSERT_TRUE(lab().fast_path.slow());
        ASSERT_TRUE(lab().gw1.flush());
        for (const auto &sas : {outbound_sas(), inbound_sas()})
            for (const Sa &sa : sas)
                ASSERT_TRUE(lab().gw1.states.add(sa));
    }
    void TearDown() override
    {
        EXPECT_TRUE(lab().gw1.policies.block_by_default({}));
        EXPECT_TRUE(lab().gw1.flush());
        EXPECT_TRUE(lab().fast_path.slow());
    }

    Result<Decisions> pass(const PolicySet &set, Lane lane);
    void compare(const PolicySet &set, const Decisions &slow, const Decisions &fast,
                 const std::string &when);
    void run(std::uint64_t number);
    std::string change(Generator &random, PolicySet &set);
    void learned(const PolicySet &set, const Decisions &slow, const std::string &when);

    Sequences sequences_;
    Total total_;
    std::uint64_t number_ = 0;
    std::uint16_t pings_ = 0;
};

// Sends one of each, and waits until GW1 is through with them.
Result<Decisions> Policies::pass(const PolicySet &set, Lane lane)
{
    const bool out = set.travel == Travel::outbound;
    Tap &source = out ? lab().ha : lab().g1;
    std::vector<Bytes> frames, seen;
    for (const Probe &probe : set.probes)
        frames.push_back(frame_of(probe, set, sequences_));
    if (const Status set_lane =
            lane == Lane::fast ? lab().fast_path.fast() : lab().fast_path.slow();
        !set_lane)
        return set_lane.error();
    lab().ha.take();
    lab().g1.take();
    if (const Status sent = source.send(frames); !sent)
        return sent.error();
    std::vector<std::set<std::string>> how(set.probes.size());
    const auto look = [&](std::vector<Bytes> found, const char *where) {
        for (const Bytes &frame : found)
            if (const auto sighting = recognise(frame, set))
                if (!how[sighting->probe].insert(sighting->how + " by " + where).second)
                    how[sighting->probe].insert("twice");
        return !found.empty();
    };
    // What was decrypted waits for its turn once more: behind it the second one.
    for (int i = 0; i < 2; i++) {
        if (const Status sent = source.send({make_ping(set.travel, ++pings_)}); !sent)
            return sent.error();
        seen.clear();
        if (!source.take_until(seen, is_pong))
            return Error{"GW1 does not answer", {}, 0};
        look(seen, out ? "lan" : "wire");
    }
    while (look(lab().ha.take(), "lan") | look(lab().g1.take(), "wire"))
        usleep(300);
    Decisions decisions;
    for (const auto &ways : how)
        decisions.push_back(ways.empty() ? "nothing" : fmt::format("{}", fmt::join(ways, " and ")));
    return decisions;
}

void Policies::compare(const PolicySet &set, const Decisions &slow, const Decisions &fast,
                       const std::string &when)
{
    total_.decisions += fast.size();
    for (std::size_t i = 0; i < fast.size(); i++) {
        if (fast[i] == slow[i])
            continue;
        std::string policies;
        for (const Policy &policy : set.policies)
            policies += "  " + show(policy) + "\n";
        ADD_FAILURE() << when << ", " << show(set.probes[i]) << ": the stack " << slow[i]
                      << ", the fast path " << fast[i] << "\n"
                      << policies << "to repeat:\n  selftests/vm/run.sh -- selftests/policies.sh"
                      << " --seed " << random_run().seed << " --pair " << number_;
    }
}

// Once more by what has been learned, and by XDP.
void Policies::learned(const PolicySet &set, const Decisions &slow, const std::string &when)
{
    const auto before = lab().module.read();
    const auto fast = pass(set, Lane::fast);
    ASSERT_TRUE(fast) << fast.error().cause;
    const auto counters = test::packet_difference(before, lab().module.read());
    compare(set, slow, *fast, when);
    for (const std::string &how : *fast)
        total_.left += how != "nothing";
    total_.carried += sum_of(counters, "OutputDone+OutputTaken+ForwardDone");
}

// Something about the policies; says what.
std::string Policies::change(Generator &random, PolicySet &set)
{
    PolicyTable &table = lab().gw1.policies;
    const std::uint64_t kind = set.policies.empty() ? 0 : random.below(8);
    if (kind == 7) {
        EXPECT_TRUE(table.flush());
        set.policies.clear();
        return "flush";
    }
    if (kind == 6) {
        const bool block = random.one_in(2);
        EXPECT_TRUE(table.block_by_default(block ? std::optional(Way::forward) : std::nullopt));
        return block ? "blocked by default" : "accepted by default";
    }
    if (kind >= 4) {
        const std::size_t at = random.below(set.policies.size());
        const Policy gone = set.policies[at];
        EXPECT_TRUE(table.remove(gone));
        set.policies.erase(set.policies.begin() + static_cast<long>(at));
        return "deleted " + show(gone);
    }
    Policy policy = random_policy(random, set);
    if (kind >= 2) {
        Policy &old = set.policies[random.below(set.policies.size())];
        old.block = policy.way == old.way ? policy.block : !old.block;
        old.priority = policy.priority;
        old.templates = policy.way == old.way && policy.interface_id == old.interface_id
                            ? policy.templates
                            : old.templates;
        const Status done = table.update(old);
        EXPECT_TRUE(done) << show(old) << ": " << done.error().cause;
        return "updated " + show(old);
    }
    // What comes first now, more often than not.
    policy.priority = 0;
    if (!table.add(policy))
        return "nothing changed";
    set.policies.push_back(policy);
    return "added " + show(policy);
}

void Policies::run(std::uint64_t number)
{
    number_ = number;
    Generator random(number);
    PolicySet set = random_policy_set(random);
    ASSERT_TRUE(lab().gw1.policies.flush());
    ASSERT_TRUE(lab().gw1.policies.block_by_default({}));
    // Two of a set may have the same selector: the first is it.
    std::erase_if(set.policies,
                  [](const Policy &policy) { return !lab().gw1.policies.add(policy); });
    auto slow = pass(set, Lane::slow);
    ASSERT_TRUE(slow) << slow.error().cause;
    learned(set, *slow, "learned");
    for (int i = 0; i < changes_each; i++) {
        const std::string what = change(random, set);
        const auto before = lab().module.read();
        const auto fast = pass(set, Lane::fast);
        ASSERT_TRUE(fast) << fast.error().cause;
        total_.outdated +=
            sum_of(test::packet_difference(before, lab().module.read()), "PuntPolicy+PuntDst");
        slow = pass(set, Lane::slow);
        ASSERT_TRUE(slow) << slow.error().cause;
        compare(set, *slow, *fast, "next after: " + what);
        learned(set, *slow, "learned after: " + what);
    }
}

TEST_F(Policies, DecideByBothPathsTheSame)
{
    const RandomRun &wanted = random_run();
    if (wanted.only) {
        run(*wanted.only);
        return;
    }
    std::printf("seed %llu\n", static_cast<unsigned long long>(wanted.seed));
    for (std::uint64_t number = 0; total_.decisions < wanted.pairs && !HasFailure(); number++)
        run(number);
    std::printf("%llu decisions; of sets that had been learned %llu packets left, %lld by XDP; "
                "%lld punted for a change\n",
                static_cast<unsigned long long>(total_.decisions),
                static_cast<unsigned long long>(total_.left),
                static_cast<long long>(total_.carried), static_cast<long long>(total_.outdated));
    // Marks of rules, and what optional templates let through, are the stack's.
    EXPECT_GE(total_.carried * 100, static_cast<std::int64_t>(total_.left) * 70);
    EXPECT_GE(total_.outdated * 100, static_cast<std::int64_t>(total_.decisions) * 5);
}

} // namespace
} // namespace xfrm_xdp::oracle
