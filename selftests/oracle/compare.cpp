// SPDX-License-Identifier: GPL-2.0-or-later
#include "compare.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xfrm_xdp::oracle {
namespace {

using packet::ethernet_length;
using packet::ipv4_length;
using packet::ipv6_length;
using test::Counters;
using test::CounterText;
using test::SaState;

constexpr std::size_t reported = 4;
constexpr std::uint16_t nat_port = 4500;

std::uint16_t get16(View bytes, std::size_t at)
{
    return at + 2 <= bytes.size() ? static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]) : 0;
}

bool is_ipv4(View frame)
{
    return get16(frame, 12) == packet::ethertype_ipv4 &&
           frame.size() >= ethernet_length + ipv4_length;
}

bool is_fragment(View frame)
{
    if (is_ipv4(frame))
        return get16(frame, 20) & 0x3fff;
    return frame.size() > 20 && frame[20] == 44;
}

// Has it the header of what was fragmented?
bool is_later_fragment(View frame)
{
    if (is_ipv4(frame))
        return get16(frame, 20) & 0x1fff;
    return is_fragment(frame) && get16(frame, 56) & 0xfff8;
}

// Where ESP begins, or nothing.
std::size_t esp_offset(View frame)
{
    const bool v4 = is_ipv4(frame);
    std::size_t l4 = ethernet_length + (v4 ? (frame[14] & 15U) * std::size_t{4} : ipv6_length);
    if (frame.size() < l4 + 24)
        return 0;
    std::uint8_t protocol = frame[v4 ? 23 : 20];
    if (!v4 && is_fragment(frame)) {
        protocol = frame[l4];
        l4 += 8;
    }
    if (protocol == packet::proto_esp)
        return l4;
    if (protocol == packet::proto_udp && get16(frame, l4 + 2) == nat_port)
        return l4 + 8;
    return 0;
}

// The kernel numbers what may be fragmented from a counter of its own.
Bytes masked(const Bytes &frame)
{
    Bytes copy = frame;
    if (is_ipv4(copy) && !(copy[20] & 0x40))
        for (const std::size_t at : {18, 19, 24, 25})
            copy[at] = 0;
    return copy;
}

void differ_frames(Differences &out, const char *what, const std::vector<Bytes> &slow,
                   const std::vector<Bytes> &fast)
{
    if (slow.size() != fast.size())
        out.push_back(fmt::format("{}: {} by the stack, {} fast", what, slow.size(), fast.size()));
    for (std::size_t i = 0; i < std::min(slow.size(), fast.size()) && out.size() < reported; i++) {
        const Bytes a = masked(slow[i]), b = masked(fast[i]);
        if (a == b)
            continue;
        const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
        out.push_back(fmt::format(
            "{}: number {} of {} differs from byte {} on:\n  stack {}\n  fast  {}", what, i + 1,
            slow.size(), at, packet::to_hex(slow[i]), packet::to_hex(fast[i])));
    }
}

std::string describe(const SaState &state)
{
    std::string text = fmt::format(
        "packets {} bytes {} used {} seq {:x}:{:x} oseq {:x}:{:x} errors {}/{}/{} bitmap",
        state.packets, state.bytes, state.used, state.replay.seq_hi, state.replay.seq,
        state.replay.oseq_hi, state.replay.oseq, state.replay_window_errors, state.replay_errors,
        state.integrity_errors);
    for (const std::uint32_t word : state.replay.bitmap)
        text += fmt::format(" {:x}", word);
    return text;
}

void differ_states(Differences &out, const std::vector<SaState> &slow,
                   const std::vector<SaState> &fast)
{
    for (std::size_t i = 0; i < std::min(slow.size(), fast.size()); i++)
        if (!(slow[i] == fast[i]))
            out.push_back(fmt::format("SA {}:\n  stack {}\n  fast  {}", i, describe(slow[i]),
                                      describe(fast[i])));
}

void differ_counters(Differences &out, const char *what, const Counters &slow, const Counters &fast)
{
    if (slow != fast)
        out.push_back(fmt::format("{}: by the stack {}, fast {}", what, show(slow), show(fast)));
}

// What an SA counts as errors is not reset: only the growth can be compared.
void subtract_errors(SaState &state, const SaState &before)
{
    state.replay_window_errors -= before.replay_window_errors;
    state.replay_errors -= before.replay_errors;
    state.integrity_errors -= before.integrity_errors;
}

Result<std::vector<SaState>> states(const Course &course)
{
    std::vector<SaState> all;
    for (const Sa &sa : course.near) {
        const auto got = course.lab->gw1.states.get(sa);
        if (!got)
            return got.error();
        all.push_back(got->state);
    }
    for (const Sa &sa : course.far) {
        const auto got = course.far_table->get(sa);
        if (!got)
            return got.error();
        all.push_back(got->state);
    }
    return all;
}

} // namespace

Status reset(const Course &course)
{
    for (const Sa &sa : course.near)
        if (const Status done = course.lab->gw1.states.reset(sa); !done)
            return done.error();
    for (const Sa &sa : course.far)
        if (const Status done = course.far_table->reset(sa); !done)
            return done.error();
    return Done{};
}

Result<Observation> observe(const Course &course, Lane lane, const std::vector<Bytes> &frames)
{
    Lab &lab = *course.lab;
    if (const Status set = lane == Lane::fast ? lab.fast_path.fast() : lab.fast_path.slow(); !set)
        return set.error();
    const auto before = states(course);
    if (!before)
        return before.error();
    const CounterText mib = lab.gw1_mib.read(), module = lab.module.read();
    const CounterText far_mib = course.far_mib ? course.far_mib->read() : CounterText();

    for (Tap *tap : {course.sink, course.wire, course.back})
        if (tap)
            tap->take();
    if (const Status sent = course.source->send(frames); !sent)
        return sent.error();

    Observation seen;
    seen.complete = course.sink->take_until(seen.sink, is_marker);
    if (course.wire)
        seen.wire = course.wire->take();
    if (course.back)
        seen.back = course.back->take();
    auto after = states(course);
    if (!after)
        return after.error();
    seen.states = *std::move(after);
    for (std::size_t i = 0; i < seen.states.size(); i++)
        subtract_errors(seen.states[i], (*before)[i]);
    seen.mib = test::difference(mib, lab.gw1_mib.read());
    seen.module = test::packet_difference(module, lab.module.read());
    if (course.far_mib)
        seen.far_mib = test::difference(far_mib, course.far_mib->read());
    return seen;
}

Differences compare(const Observation &slow, const Observation &fast)
{
    Differences out;
    if (!slow.complete || !fast.complete)
        out.push_back(fmt::format("the last packet of the burst is lost: {}",
                                  slow.complete ? "fast" : "by the stack"));
    differ_frames(out, "frames on the wire", slow.wire, fast.wire);
    differ_frames(out, "packets at the far end", slow.sink, fast.sink);
    differ_frames(out, "answers to the sender", slow.back, fast.back);
    differ_states(out, slow.states, fast.states);
    differ_counters(out, "xfrm_stat", slow.mib, fast.mib);
    differ_counters(out, "xfrm_stat of the far end", slow.far_mib, fast.far_mib);
    return out;
}

bool is_esp(View frame)
{
    return esp_offset(frame) != 0;
}

std::uint32_t sequence_of(View frame)
{
    const std::size_t at = esp_offset(frame);
    return at ? static_cast<std::uint32_t>(get16(frame, at + 4)) << 16 | get16(frame, at + 6) : 0;
}

std::size_t all_esp(const std::vector<Bytes> &frames)
{
    return static_cast<std::size_t>(
        std::count_if(frames.begin(), frames.end(), [](const Bytes &frame) {
            return is_esp(frame) && !is_later_fragment(frame);
        }));
}

std::size_t whole_esp(const std::vector<Bytes> &frames)
{
    return static_cast<std::size_t>(
        std::count_if(frames.begin(), frames.end(),
                      [](const Bytes &frame) { return is_esp(frame) && !is_fragment(frame); }));
}

std::int64_t count(const Counters &counters, const std::string &name)
{
    const auto found = counters.find(name);
    return found == counters.end() ? 0 : found->second;
}

std::string show(const Counters &counters)
{
    std::string text;
    for (const auto &[name, value] : counters)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
    return text.empty() ? "nothing" : text;
}

} // namespace xfrm_xdp::oracle
