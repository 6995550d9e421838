// SPDX-License-Identifier: GPL-2.0-or-later
// What the fast path is expected to take, in one place: for the cells of the matrix
// and for those that the random run makes up. Whoever teaches it something new
// changes it here, and the tests say whether it is so.
#include <linux/xfrm.h>

#include "cells.hpp"

namespace xfrm_xdp::oracle {
namespace {

// ESP with one SA; with more the stack has a bundle of its own.
bool is_plain_esp(const Cell &cell)
{
    return cell.layers.size() == 1 && cell.layers.front().protocol == packet::proto_esp;
}

} // namespace

Expectation expected_output(const Cell &cell)
{
    if (cell.layers.size() > 1)
        return {"LearnRoute"};
    return {is_plain_esp(cell) ? "" : "LearnSaKind"};
}

Expectation expected_input(const Cell &cell)
{
    // The packets of this test are not worth compressing: ESP is all there is on the
    // wire, and IPComp would be the stack's.
    if (cell.name == "ipcomp")
        return {};
    // Rules that set a mark come after XDP.
    if (is_plain_esp(cell) && !(cell.mark && cell.mark->mask))
        return {};
    return {"LearnSaKind"};
}

} // namespace xfrm_xdp::oracle
