// SPDX-License-Identifier: GPL-2.0-or-later
// A burst through the slow path and through the fast path, and what is not the same.
#pragma once

#include <string>
#include <vector>

#include "cells.hpp"
#include "counters.hpp"
#include "lab.hpp"
#include "packets.hpp"

namespace xfrm_xdp::oracle {

// Everything that can be seen of one burst.
struct Observation {
    bool complete = false;   // the marker arrived
    std::vector<Bytes> wire; // what GW1 sent to GW2
    std::vector<Bytes> sink; // what came out at the far end
    std::vector<Bytes> back; // what GW1 told the sender
    std::vector<test::SaState> states;
    test::Counters mib, far_mib, module;
};

// Where a burst goes in and comes out, and the SAs that it passes.
struct Course {
    Lab *lab = nullptr;
    Path path;                 // of the inner packets
    std::vector<Sa> near, far; // of GW1, and of the other end
    SaTable *far_table = nullptr;
    Tap *source = nullptr, *sink = nullptr, *wire = nullptr, *back = nullptr;
    const CounterFile *far_mib = nullptr;
};

enum class Lane { slow, fast };

// All SAs as they were when they were added.
Status reset(const Course &course);
// @frames, the last of which is the marker.
Result<Observation> observe(const Course &course, Lane lane, const std::vector<Bytes> &frames);

// One line each, the first few.
using Differences = std::vector<std::string>;
Differences compare(const Observation &slow, const Observation &fast);

// How many of a list are ESP packets: all of them, and those that are no fragments.
std::size_t all_esp(const std::vector<Bytes> &frames);
std::size_t whole_esp(const std::vector<Bytes> &frames);
// Of an ESP frame, over IP or UDP.
std::uint32_t sequence_of(View frame);
bool is_esp(View frame);

std::int64_t count(const test::Counters &counters, const std::string &name);
std::string show(const test::Counters &counters);

} // namespace xfrm_xdp::oracle
