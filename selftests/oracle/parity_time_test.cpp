// SPDX-License-Identifier: GPL-2.0-or-later
// Lifetimes in seconds, all at once: SAs that only the stack uses beside SAs that the
// fast path uses. They expire alike, and are missing alike.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>

#include "parity.hpp"

namespace xfrm_xdp::oracle {

extern std::string lab_name;
Lab &lab();

namespace {

// From its being added, or its first use.
struct Age {
    const char *name;
    std::function<void(Sa &)> set;
    std::vector<std::string> events;
    bool ends() const { return events.back() == "hard expiry"; }
};

// In seconds; all SAs are there and have been used before the first of them is over, for
// which a debug kernel takes several times as long.
const int slower = std::filesystem::exists("/sys/kernel/debug/kmemleak") ? 4 : 1;
const int soft = 4 * slower, hard = 7 * slower;

const std::vector<Age> ages = {
    {"soft, added", [](Sa &sa) { sa.soft_age = soft; }, {"soft expiry"}},
    {"hard, added",
     [](Sa &sa) {
         sa.soft_age = soft;
         sa.hard_age = hard;
     },
     {"soft expiry", "hard expiry"}},
    {"soft, used", [](Sa &sa) { sa.soft_use = soft; }, {"soft expiry"}},
    {"hard, used",
     [](Sa &sa) {
         sa.soft_use = soft;
         sa.hard_use = hard;
     },
     {"soft expiry", "hard expiry"}},
};

struct Aging {
    Scene scene;
    const Age *age;
};

// The SAs of one lane, one way.
using Group = std::vector<Aging>;

Shot packet_of(const Scene &scene, std::uint16_t number)
{
    return scene.travel == Travel::inbound ? esp_shot(number) : plain_shot(number);
}

std::vector<Bytes> packets(const Group &group, std::uint16_t number)
{
    std::vector<Bytes> all;
    for (const Aging &one : group)
        all.push_back(packet_of(one.scene, number)(one.scene));
    return all;
}

// The inner packets of every SA that encrypts are of another host.
void move_source(Scene &scene, std::uint8_t host)
{
    std::visit([&](auto &address) { address.octets.back() = host; }, scene.from);
    scene.sa.request_id = host;
    scene.policies = {policy_of(scene, Way::out)};
}

class ParityOfTime : public testing::Test {
protected:
    void SetUp() override
    {
        auto opened = Stage::open(lab(), lab_name);
        ASSERT_TRUE(opened) << opened.error().cause;
        stage_ = *std::move(opened);
        const Status cleared = stage_->clear();
        ASSERT_TRUE(cleared) << cleared.error().cause;
    }

    void add(const Scene &scene)
    {
        const Status added = stage_->states.add(scene.sa);
        ASSERT_TRUE(added) << added.error().cause;
        for (const Policy &policy : scene.policies) {
            const Status done = stage_->policies.add(policy);
            ASSERT_TRUE(done) << done.error().cause;
        }
    }

    Group make(Travel travel, Family family, bool first)
    {
        Group group;
        for (const Age &age : ages) {
            Scene scene = make_scene(travel, family);
            age.set(scene.sa);
            // Those that decrypt share their policies.
            if (travel == Travel::outbound)
                move_source(scene, next_host_++);
            else if (!first || !group.empty())
                scene.policies.clear();
            add(scene);
            group.push_back({scene, &age});
        }
        return group;
    }

    void teach(const Group &group)
    {
        const Status taught = stage_->teach(group[0].scene.travel, packets(group, 1));
        ASSERT_TRUE(taught) << taught.error().cause;
    }

    Record play(const Group &group, std::uint16_t number, Lane lane, const Outcome &expected)
    {
        auto record = stage_->play(group[0].scene.travel, packets(group, number), lane, expected);
        EXPECT_TRUE(record) << record.error().cause;
        for (Event &event : record ? record->events : std::vector<Event>())
            events_[event.spi].push_back(event);
        return record ? *std::move(record) : Record{};
    }

    // All expiries, with a bound; by SPI.
    void wait(std::size_t expiries)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3 * hard);
        const auto count = [&] {
            std::size_t sum = 0;
            for (const auto &[spi, events] : events_)
                sum += events.size();
            return sum;
        };
        while (count() < expiries && std::chrono::steady_clock::now() < end) {
            const auto more = stage_->monitor.take();
            ASSERT_TRUE(more) << more.error().cause;
            for (const Event &event : *more)
                events_[event.spi].push_back(event);
            usleep(10000);
        }
    }

    std::unique_ptr<Stage> stage_;
    std::map<std::uint32_t, std::vector<Event>> events_;
    std::uint8_t next_host_ = 100;
};

// Without the addresses and names that tell an SA from its counterpart.
std::vector<std::string> told(const std::vector<Event> &events)
{
    std::vector<std::string> all;
    for (const Event &event : events)
        all.push_back(event.kind + ": " + event.text.substr(0, event.text.rfind(' ')));
    return all;
}

std::vector<std::string> operations(const Record &record)
{
    std::vector<std::string> all;
    for (const std::string &text : record.audit)
        all.push_back(operation(text));
    return all;
}

void expect_alike(const Record &slow, const Record &fast)
{
    EXPECT_EQ(show(slow.mib), show(fast.mib));
    EXPECT_EQ(slow.out.size(), fast.out.size());
    EXPECT_EQ(slow.back.size(), fast.back.size());
    EXPECT_EQ(operations(slow), operations(fast));
}

TEST_F(ParityOfTime, ExpiresAlike)
{
    struct Pair {
        Group slow, fast;
    };
    std::vector<Pair> pairs;
    for (const Travel travel : {Travel::inbound, Travel::outbound})
        for (const Family family : {Family::v4, Family::v6}) {
            Pair pair;
            pair.slow = make(travel, family, true);
            pair.fast = make(travel, family, false);
            ASSERT_FALSE(HasFatalFailure());
            pairs.push_back(std::move(pair));
        }
    for (const Pair &pair : pairs)
        for (const Group *group : {&pair.slow, &pair.fast}) {
            const Status slow = stage_->lane(Lane::slow);
            ASSERT_TRUE(slow) << slow.error().cause;
            ASSERT_NO_FATAL_FAILURE(teach(*group));
        }

    std::size_t count = 0, ends = 0;
    for (const Age &age : ages)
        ends += age.ends();
    const std::size_t states = 2 * pairs.size() * ages.size();
    for (const auto &[slow, fast] : pairs) {
        const bool in = slow[0].scene.travel == Travel::inbound;
        SCOPED_TRACE(in ? "young, inbound" : "young, outbound");
        const char *done = in ? decrypted : encrypted;
        const Outcome outcome{ages.size(), 0, 0, states, {}, {{done, ages.size()}}};
        const Record one = play(slow, 2, Lane::slow, outcome);
        const Record two = play(fast, 2, Lane::fast, outcome);
        expect_alike(one, two);
        EXPECT_EQ(one.out.size(), ages.size());
        EXPECT_EQ(sum_of(one.module, done), 0);
        EXPECT_EQ(sum_of(two.module, done), static_cast<std::int64_t>(ages.size()));
    }
    for (const Age &age : ages)
        count += age.events.size() * 2 * pairs.size();
    ASSERT_NO_FATAL_FAILURE(wait(count));

    for (const auto &[slow, fast] : pairs)
        for (std::size_t i = 0; i < ages.size(); i++) {
            SCOPED_TRACE(ages[i].name);
            const auto &one = events_[slow[i].scene.sa.association.spi];
            const auto &two = events_[fast[i].scene.sa.association.spi];
            EXPECT_EQ(kinds(one), ages[i].events);
            EXPECT_EQ(told(one), told(two));
        }

    std::size_t left = 2 * pairs.size() * (ages.size() - ends);
    for (const auto &[slow, fast] : pairs) {
        const bool in = slow[0].scene.travel == Travel::inbound;
        SCOPED_TRACE(in ? "expired, inbound" : "expired, outbound");
        const std::size_t acquired = in ? 0 : ends;
        const std::string gone = "PuntSaState+PuntDst+PuntNotLearned";
        Outcome outcome{ages.size() - ends, 0, acquired, left += acquired, {}, {}};
        outcome.mib = {{in ? "XfrmInNoStates" : "XfrmOutNoStates", ends}};
        const Record one = play(slow, 3, Lane::slow, outcome);
        outcome.module = {{gone, ends + Stage::pings}};
        outcome.states = left += acquired;
        const Record two = play(fast, 3, Lane::fast, outcome);
        expect_alike(one, two);
        EXPECT_EQ(show(one.mib), show(outcome.mib));
        EXPECT_EQ(kinds(one.events), kinds(two.events));
        EXPECT_GE(sum_of(two.module, gone), static_cast<std::int64_t>(ends + Stage::pings));
        // Behind a soft limit the stack is asked which SA it prefers; a packet each.
        EXPECT_EQ(sum_of(two.module, in ? decrypted : encrypted),
                  in ? static_cast<std::int64_t>(ages.size() - ends) : 0);
        EXPECT_EQ(one.out.size(), ages.size() - ends);
    }
}

} // namespace
} // namespace xfrm_xdp::oracle
