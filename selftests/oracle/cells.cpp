// SPDX-License-Identifier: GPL-2.0-or-later
#include "cells.hpp"

#include <linux/xfrm.h>

#include <ostream>

namespace xfrm_xdp::oracle {
namespace {

const Expectation fast{};
const Expectation sa_kind{"LearnSaKind"};

constexpr const char *any_aead = "gcm128_16";
constexpr const char *any_pair = "cbc128_sha256_128";

// What today's fast path takes, in one place.
bool suite_is_fast(const Suite &suite)
{
    return suite.aead == "rfc4106(gcm(aes))" ||
           (suite.encryption == "cbc(aes)" && suite.authentication == "hmac(sha256)");
}

Cell make(const std::string &group, const std::string &name, const std::string &title,
          const std::string &used, Mode mode = Mode::tunnel)
{
    Cell cell;
    cell.group = group;
    cell.name = name;
    cell.title = title;
    cell.layers = {{mode, used}};
    cell.output = cell.input = suite_is_fast(suite(used)) && mode == Mode::tunnel ? fast : sa_kind;
    return cell;
}

void algorithms(std::vector<Cell> &all)
{
    for (const Suite &used : suites()) {
        for (const bool esn : {false, true}) {
            Cell cell = make("Algorithms", used.name + (esn ? "_esn" : ""),
                             used.title + (esn ? ", ESN" : ""), used.name);
            cell.esn = esn;
            all.push_back(cell);
        }
    }
}

} // namespace

void PrintTo(const Cell &cell, std::ostream *out)
{
    *out << cell.name;
}

const char *name(Family family)
{
    return family == Family::v4 ? "IPv4" : "IPv6";
}

const char *name(Mode mode)
{
    switch (mode) {
    case Mode::transport:
        return "transport";
    case Mode::tunnel:
        return "tunnel";
    case Mode::beet:
        return "BEET";
    }
    return "?";
}

std::vector<Cell> cells()
{
    std::vector<Cell> all;
    algorithms(all);
    return all;
}

} // namespace xfrm_xdp::oracle
