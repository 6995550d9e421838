// SPDX-License-Identifier: GPL-2.0-or-later
// Bursts, judged: the same by both paths, and by the path that the cell says.
#include "fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace xfrm_xdp::oracle {
namespace {

std::int64_t encrypted(const Observation &seen)
{
    return count(seen.module, "OutputDone") + count(seen.module, "OutputTaken");
}

std::int64_t decrypted(const Observation &seen)
{
    return count(seen.module, "InputDone") + count(seen.module, "InputTaken");
}

void expect_count(Differences &out, const std::string &what, const Observation &seen,
                  std::int64_t got, std::int64_t wanted)
{
    if (got != wanted)
        out.push_back(fmt::format("{}: {}, expected {}; the module counted {}", what, got, wanted,
                                  show(seen.module)));
}

// In a cell that is punted: nothing fast, and the reason counted, by the programs for
// each packet, by the learner as often as without programs.
void expect_punted(Differences &out, const Expectation &expected, const Observation &slow,
                   const Observation &fast, std::int64_t carried)
{
    expect_count(out, "packets on the fast path", fast, carried, 0);
    const std::int64_t punted = count(fast.module, expected.punt);
    const bool learning = expected.punt.starts_with("Learn");
    expect_count(out, "packets punted for " + expected.punt, fast, punted,
                 learning ? count(slow.module, expected.punt)
                          : static_cast<std::int64_t>(slow.sink.size()));
    if (!punted)
        out.push_back("nothing was punted for " + expected.punt);
}

// The kernel's MTU of IPv4 in BEET mode leaves room for options, and an IPv6 header where
// there is one. Without DF the stack does not ask it, and sends whole what is as large.
std::int64_t beyond_beet_mtu(const Cell &cell, const Observation &slow, const Observation &fast)
{
    if (cell.mode() != Mode::beet || cell.inner != Family::v4)
        return 0;
    constexpr std::size_t options = 8, header = 20, block = 16;
    constexpr std::size_t most = packet::ethernet_length + 1500 - options - header - block;
    const auto large = std::count_if(slow.wire.begin(), slow.wire.end(), [](const Bytes &frame) {
        return frame.size() > most && whole_esp({frame});
    });
    return std::min<std::int64_t>(large, count(fast.module, "PuntMtu"));
}

// What the stack made whole ESP packets of has to be fast; the rest does not fit.
void expect_encrypted(Differences &out, const Cell &cell, const Burst &burst,
                      const Observation &slow, const Observation &fast)
{
    const auto all = static_cast<std::int64_t>(burst.frames.size()) + 1;
    const auto whole = burst.stack ? 1 : static_cast<std::int64_t>(whole_esp(slow.wire));
    // A veth cuts its buffers to size: the padding may not fit.
    const std::int64_t no_room = cell.tfc_padding ? count(fast.module, "PuntRoom") : 0;
    const std::int64_t missing = whole - encrypted(fast) - no_room;
    const std::int64_t excused =
        std::clamp<std::int64_t>(missing, 0, beyond_beet_mtu(cell, slow, fast));
    expect_count(out, "packets encrypted fast", fast, encrypted(fast) + no_room + excused, whole);
    if (!burst.stack && burst.one_flow)
        expect_count(out, "packets that do not fit", fast, count(fast.module, "PuntMtu"),
                     all - whole);
}

// Both, one after the other; empty where it cannot be done.
struct Pair {
    Observation slow, fast;
};

Result<Pair> run_both(const Course &course, const std::vector<Bytes> &frames)
{
    Pair pair;
    for (const Lane lane : {Lane::slow, Lane::fast}) {
        if (const Status done = reset(course); !done)
            return done.error();
        auto seen = observe(course, lane, frames, pair.slow.sink.size());
        if (!seen)
            return seen.error();
        if (lane == Lane::slow && !seen->complete)
            return Error{"what is sent does not arrive by the stack", {}, 0};
        (lane == Lane::slow ? pair.slow : pair.fast) = *std::move(seen);
    }
    return pair;
}

} // namespace

Lab &lab()
{
    extern std::unique_ptr<Lab> the_lab;
    return *the_lab;
}

namespace {

Differences judge_output_once(const Course &course, const Cell &cell, const Burst &burst)
{
    std::vector<Bytes> frames = burst.frames;
    frames.push_back(marker(course.path));
    const auto both = run_both(course, frames);
    if (!both)
        return {both.error().cause};
    Differences out = compare(both->slow, both->fast);
    expect_count(out, "packets encrypted fast in the slow run", both->slow, encrypted(both->slow),
                 0);
    // A tap of datagrams is refused those that ESP came in.
    if (!both->slow.far_mib.empty() && !course.path.datagrams)
        out.push_back("the far end refuses what the stack sends: " + show(both->slow.far_mib));
    if (cell.output.fast())
        expect_encrypted(out, cell, burst, both->slow, both->fast);
    else
        expect_punted(out, cell.output, both->slow, both->fast, encrypted(both->fast));
    return out;
}

Differences judge_input_once(const Course &course, const Cell &cell, const std::vector<Bytes> &esp)
{
    const auto both = run_both(course, esp);
    if (!both)
        return {both.error().cause};
    Differences out = compare(both->slow, both->fast);
    expect_count(out, "packets decrypted fast in the slow run", both->slow, decrypted(both->slow),
                 0);
    // What is refused is refused by the programs, or handed to the stack for that. In UDP
    // over IPv6 that takes ESP of less than an IPv6 header for too small.
    const bool least = cell.encapsulation_port && cell.outer == Family::v6;
    const std::int64_t refused = count(both->fast.module, "PuntSaReplay") +
                                 count(both->fast.module, "DropIcv") +
                                 (least ? count(both->fast.module, "PuntEspShort") : 0);
    if (cell.input.fast())
        expect_count(out, "packets decrypted fast, or refused", both->fast,
                     decrypted(both->fast) + refused, static_cast<std::int64_t>(whole_esp(esp)));
    else
        expect_punted(out, cell.input, both->slow, both->fast, decrypted(both->fast));
    return out;
}

// On a busy machine a packet may overtake another in a queue of the stack, and get its
// number: then the burst is sent once more. Seldom, see the environment in main().
Differences twice(const std::function<Differences()> &judge)
{
    tally().bursts++;
    const Differences first = judge();
    if (first.empty())
        return first;
    const Differences second = judge();
    if (!second.empty())
        return second;
    tally().repeated++;
    return {};
}

} // namespace

Tally &tally()
{
    static Tally tally;
    return tally;
}

Differences judge_output(const Course &course, const Cell &cell, const Burst &burst)
{
    return twice([&] { return judge_output_once(course, cell, burst); });
}

Differences judge_input(const Course &course, const Cell &cell, const std::vector<Bytes> &esp)
{
    return twice([&] { return judge_input_once(course, cell, esp); });
}

Result<std::vector<Bytes>> record_esp(const Course &course, const std::vector<Bytes> &inner)
{
    Lab &l = lab();
    if (const Status set = l.fast_path.slow(); !set)
        return set.error();
    l.g2.take();
    course.sink->take();
    std::vector<Bytes> frames = inner, arrived;
    frames.push_back(marker(course.path));
    if (const Status sent = l.hb_lan.send(frames); !sent)
        return sent.error();
    if (!course.sink->take_until(arrived, is_marker))
        return Error{"what GW2 encrypted does not get through GW1's stack", {}, 0};
    std::vector<Bytes> esp;
    for (Bytes &frame : l.g2.take())
        if (is_part_of_esp(frame))
            esp.push_back(std::move(frame));
    return esp;
}

Result<Bytes> record_number(const Course &course, const Bytes &inner, std::uint64_t number)
{
    Lab &l = lab();
    Sa sa = course.sender.front();
    sa.replay.oseq = static_cast<std::uint32_t>(number - 1);
    sa.replay.oseq_hi = sa.association.esn ? static_cast<std::uint32_t>((number - 1) >> 32) : 0;
    if (const Status set = l.gw2.states.reset(sa); !set)
        return set.error();
    l.g2.take();
    if (const Status sent = l.hb_lan.send({inner}); !sent)
        return sent.error();
    std::vector<Bytes> frames;
    if (!l.g2.take_until(frames, is_esp))
        return Error{"GW2 sends no ESP", {}, 0};
    // Not the last one: what a neighbour or an error of long ago says may be behind it.
    return *std::find_if(frames.begin(), frames.end(), is_esp);
}

} // namespace xfrm_xdp::oracle
