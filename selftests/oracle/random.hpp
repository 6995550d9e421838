// SPDX-License-Identifier: GPL-2.0-or-later
// A seeded generator of SAs and packets, through both paths.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace xfrm_xdp::oracle {

struct RandomRun {
    std::uint64_t seed = 1;
    std::uint64_t pairs = 2000;        // of SA and packet, of set of policies and packet
    std::optional<std::uint64_t> only; // this one alone
};

// Of the command line: --seed N --pairs N --pair N. False for a number that is none.
bool parse_random_run(int argc, char **argv);
const RandomRun &random_run();

// The same for the same seed and number.
class Generator {
public:
    explicit Generator(std::uint64_t number)
        : engine_(random_run().seed * 0x9e3779b97f4a7c15ULL + number)
    {
    }

    // Not by a standard distribution: those differ from library to library.
    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    template <class T>
    const T &of(const std::vector<T> &all)
    {
        return all[below(all.size())];
    }

private:
    std::mt19937_64 engine_;
};

} // namespace xfrm_xdp::oracle
