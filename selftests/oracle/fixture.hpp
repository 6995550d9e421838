// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of output and input share: a cell set up on all hosts, and bursts
// that are judged by what the cell says.
#pragma once

#include <gtest/gtest.h>

#include "cells.hpp"
#include "compare.hpp"

namespace xfrm_xdp::oracle {

Lab &lab(); // opened once; by the name that main() was given

// SAs and policies of a cell for one direction, on all hosts, nothing else.
Result<Course> install(const Cell &cell, Direction direction);

// What is sent in every cell; of an algorithm's second cell, that with ESN, less.
std::vector<Burst> cell_bursts(const Cell &cell, const Path &path);

// The burst both ways, from the same state of the SAs; nothing to say if it is the
// same, and if the fast path carried what the cell says.
Differences judge_output(const Course &course, const Cell &cell, const Burst &burst);

// The ESP packets that GW2 makes of @inner and a marker.
Result<std::vector<Bytes>> record_esp(const Course &course, const std::vector<Bytes> &inner);
// One ESP packet of GW2 that has a given number.
Result<Bytes> record_number(const Course &course, const Bytes &inner, std::uint64_t number);
// The same of ESP packets, the last of which is the marker's.
Differences judge_input(const Course &course, const Cell &cell, const std::vector<Bytes> &esp);

// How many bursts there were, and how many of them were the same at the second try only.
struct Tally {
    unsigned long bursts = 0, repeated = 0;
};
Tally &tally();

// As failures of the current test.
void expect_none(const Differences &differences, const std::string &what);

} // namespace xfrm_xdp::oracle
