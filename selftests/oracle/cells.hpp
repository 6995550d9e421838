// SPDX-License-Identifier: GPL-2.0-or-later
// The support matrix as data: every kind of SA that is compared, and whether the
// fast path is expected to take it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab.hpp"
#include "sa.hpp"

namespace xfrm_xdp::oracle {

using test::Mode;

// A transform as the kernel spells it. AEAD where there is an aead name.
struct Suite {
    std::string name;  // fit for the name of a test
    std::string title; // for people
    esp::Algorithm algorithm;
    std::string aead, encryption, authentication;
};

std::vector<Suite> suites();
const Suite &suite(const std::string &name);

// Either the fast path carries every packet, or the stack does and a counter of
// the module says why.
struct Expectation {
    std::string punt; // counter of the reason; empty: fast
    bool fast() const { return punt.empty(); }
};

// One transform of a bundle, the innermost first.
struct Layer {
    Mode mode = Mode::tunnel;
    std::string suite{};
    std::uint8_t protocol = packet::proto_esp;
    bool optional = false; // in inbound policies; ESP in transport mode: in all
};

enum class Direction { output, input };

struct Mark {
    std::uint32_t value = 0, mask = 0;
};

struct Cell {
    std::string name{};  // fit for the name of a test
    std::string group{}; // heading in the matrix
    std::string title{}; // what is special about it
    Family inner = Family::v4, outer = Family::v4;
    std::vector<Layer> layers{};
    bool esn = false;
    std::uint32_t window = 64;
    bool bitmap = false;
    std::uint8_t flags = 0;
    std::uint32_t extra_flags = 0;
    bool direction = false; // say which way the SA is for
    std::optional<std::uint16_t> encapsulation_port{};
    std::optional<std::uint32_t> tfc_padding{};
    std::optional<Mark> mark{};
    std::optional<std::uint32_t> output_mark{};
    std::optional<std::uint32_t> interface_id{};
    std::optional<std::uint32_t> cpu{};
    std::optional<Direction> only{}; // the other does not exist
    Expectation output{}, input{};

    Mode mode() const { return layers.front().mode; }
};

void PrintTo(const Cell &cell, std::ostream *out);

std::vector<Cell> cells();
std::vector<Cell> cells(Direction direction); // those that have it
std::vector<Cell> ecn_cells();                // those where ECN and DSCP may matter
std::vector<Cell> product_cells();            // a few, for more packets

// See support.cpp.
Expectation expected_output(const Cell &cell);
Expectation expected_input(const Cell &cell);

const char *name(Family family);
const char *name(Mode mode);

} // namespace xfrm_xdp::oracle
