// SPDX-License-Identifier: GPL-2.0-or-later
// Every fault twice, from the same state: with the fast path out of the way, and with
// everything learned. Counters, SAs, events, audit records and packets are the same.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>

#include "parity.hpp"

namespace xfrm_xdp::oracle {

extern std::string lab_name;
Lab &lab();

namespace {

struct Play {
    Row row;
    Family family = Family::v4;
};

void PrintTo(const Play &play, std::ostream *out)
{
    *out << (play.row.travel == Travel::inbound ? "inbound, " : "outbound, ") << name(play.family)
         << " outside";
}

class Parity : public testing::TestWithParam<Play> {
protected:
    static void SetUpTestSuite()
    {
        auto opened = Stage::open(lab(), lab_name);
        ASSERT_TRUE(opened) << opened.error().cause;
        stage_ = *std::move(opened);
    }
    static void TearDownTestSuite() { stage_.reset(); }
    static inline std::unique_ptr<Stage> stage_;
};

std::vector<Bytes> frames(const std::vector<Shot> &shots, const Scene &scene)
{
    std::vector<Bytes> all;
    for (const Shot &shot : shots)
        all.push_back(shot(scene));
    return all;
}

Status install(Stage &stage, const Scene &scene)
{
    if (const Status cleared = stage.clear(); !cleared)
        return cleared.error();
    if (const Status added = stage.states.add(scene.sa); !added)
        return added.error();
    for (const Sa &sa : scene.more)
        if (const Status added = stage.states.add(sa); !added)
            return added.error();
    for (const Policy &policy : scene.policies)
        if (const Status added = stage.policies.add(policy); !added)
            return added.error();
    return Done{};
}

// From nothing to what was seen.
Result<Record> run(Stage &stage, const Row &row, const Scene &scene, Lane lane)
{
    if (const Status installed = install(stage, scene); !installed)
        return installed.error();
    if (const Status learned = stage.teach(scene.travel, frames(row.learn, scene)); !learned)
        return learned.error();
    if (row.change)
        if (const Status changed = row.change(stage, scene); !changed)
            return changed.error();
    const std::size_t states =
        static_cast<std::size_t>(1 + static_cast<int>(scene.more.size()) + row.expected.states);
    const Outcome outcome{row.expected.out, row.expected.back, row.expected.events.size(),
                          states,           row.expected.mib,  row.expected.module};
    auto record = stage.play(scene.travel, frames(row.shots, scene), lane, outcome);
    if (row.restore)
        if (const Status restored = row.restore(stage, scene); !restored)
            return restored.error();
    return record;
}

// What differs in @what.
void expect_same(const char *what, const std::vector<Event> &slow, const std::vector<Event> &fast)
{
    if (slow == fast)
        return;
    std::string text;
    for (const auto &[path, events] : {std::pair{"stack", &slow}, std::pair{"fast", &fast}})
        for (const Event &event : *events)
            text += fmt::format("\n  {:5} {}", path, show(event));
    ADD_FAILURE() << what << " differ:" << text;
}

void expect_same(const char *what, const std::vector<std::string> &slow,
                 const std::vector<std::string> &fast)
{
    EXPECT_EQ(slow, fast) << what << ": by the stack, fast";
}

void expect_same(const char *what, const Counters &slow, const Counters &fast)
{
    EXPECT_EQ(show(slow), show(fast)) << what << ": by the stack, fast";
}

void expect_alike(const Record &slow, const Record &fast, const Scene &scene)
{
    expect_same("xfrm_stat", slow.mib, fast.mib);
    expect_same("SAs", slow.states, fast.states);
    expect_same("events", slow.events, fast.events);
    expect_same("audit records", slow.audit, fast.audit);
    expect_same("what came out", readable(slow.out, scene), readable(fast.out, scene));
    expect_same("what came back", readable(slow.back, scene), readable(fast.back, scene));
}

// That the row is what it is called.
void expect_fault(const Record &seen, const Row &row)
{
    EXPECT_EQ(show(seen.mib), show(row.expected.mib));
    EXPECT_EQ(seen.out.size(), row.expected.out);
    EXPECT_EQ(seen.back.size(), row.expected.back);
    EXPECT_EQ(kinds(seen.events), row.expected.events);
    std::vector<std::string> operations;
    for (const std::string &record : seen.audit)
        operations.push_back(operation(record));
    EXPECT_EQ(operations, row.expected.audit);
}

// What packets met in XDP, under the names of the row.
Counters met(const Counters &module, const Counters &named)
{
    constexpr const char *unknown = "PuntNotLearned";
    Counters all = module, result;
    if (const auto i = all.find(unknown); i != all.end())
        i->second -= Stage::pings;
    Counters rest = all;
    for (const auto &[names, value] : named) {
        if (const auto sum = sum_of(all, names))
            result[names] = sum;
        for (auto i = rest.begin(); i != rest.end();)
            i = ("+" + names + "+").find("+" + i->first + "+") != std::string::npos ? rest.erase(i)
                                                                                    : std::next(i);
    }
    rest.erase(unknown); // what hosts say of themselves
    for (const auto &[name, value] : rest)
        if (name.starts_with("Punt") || name.starts_with("Drop") || name.starts_with("Input") ||
            name.starts_with("Output"))
            result[name] = value;
    return result;
}

TEST_P(Parity, BothPathsEndAlike)
{
    const auto &[row, family] = GetParam();
    ASSERT_TRUE(stage_);
    Scene scene = make_scene(row.travel, family);
    if (row.setup)
        row.setup(scene);
    const auto slow = run(*stage_, row, scene, Lane::slow);
    ASSERT_TRUE(slow) << "by the stack: " << slow.error().cause;
    const auto fast = run(*stage_, row, scene, Lane::fast);
    ASSERT_TRUE(fast) << "fast: " << fast.error().cause;
    expect_alike(*slow, *fast, scene);
    {
        SCOPED_TRACE("what the row says of the stack");
        expect_fault(*slow, row);
    }
    EXPECT_EQ(show(met(slow->module, {})), "nothing") << "in XDP, by the stack";
    Counters wanted;
    for (const auto &[names, value] : row.expected.module)
        if (value)
            wanted[names] = value;
    EXPECT_EQ(show(met(fast->module, row.expected.module)), show(wanted)) << "in XDP, fast";
}

auto plays(std::vector<Row> (*rows)(Family))
{
    std::vector<Play> all;
    for (const Family family : {Family::v4, Family::v6})
        for (const Row &row : rows(family))
            all.push_back({row, family});
    return testing::ValuesIn(all);
}

std::string test_name(const testing::TestParamInfo<Play> &info)
{
    return info.param.row.name + (info.param.family == Family::v4 ? "_v4" : "_v6");
}

INSTANTIATE_TEST_SUITE_P(Inbound, Parity, plays(inbound_rows), test_name);
INSTANTIATE_TEST_SUITE_P(Nat, Parity, plays(nat_rows), test_name);
INSTANTIATE_TEST_SUITE_P(Policy, Parity, plays(policy_rows), test_name);
INSTANTIATE_TEST_SUITE_P(Outbound, Parity, plays(outbound_rows), test_name);
INSTANTIATE_TEST_SUITE_P(Mode, Parity, plays(mode_rows), test_name);
INSTANTIATE_TEST_SUITE_P(Malformed, Parity, plays(malformed_rows), test_name);

} // namespace
} // namespace xfrm_xdp::oracle
