// SPDX-License-Identifier: GPL-2.0-or-later
// What the fast path is expected to take, in one place: for the cells of the matrix
// and for those that the random run makes up. Whoever teaches it something new
// changes it here, and the tests say whether it is so.
#include <linux/xfrm.h>

#include "cells.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr std::uint8_t fast_flags = XFRM_STATE_NOECN | XFRM_STATE_DECAP_DSCP |
                                    XFRM_STATE_NOPMTUDISC | XFRM_STATE_ICMP | XFRM_STATE_AF_UNSPEC;
constexpr std::uint32_t fast_extra_flags =
    XFRM_SA_XFLAG_DONT_ENCAP_DSCP | XFRM_SA_XFLAG_OSEQ_MAY_WRAP;

bool suite_is_fast(const Suite &suite)
{
    return suite.aead == "rfc4106(gcm(aes))" ||
           (suite.encryption == "cbc(aes)" && suite.authentication == "hmac(sha256)");
}

bool sa_is_fast(const Cell &cell)
{
    const Layer &layer = cell.layers.front();
    return layer.mode == Mode::tunnel && layer.protocol == packet::proto_esp &&
           suite_is_fast(suite(layer.suite)) && !(cell.flags & ~fast_flags) &&
           !(cell.extra_flags & ~fast_extra_flags) && !cell.encapsulation_port &&
           !cell.tfc_padding && !(cell.mark && cell.mark->mask) && !cell.output_mark &&
           !cell.interface_id && !cell.cpu;
}

} // namespace

Expectation expected_output(const Cell &cell)
{
    // The stack routes to the interface, and learns nothing of what that does.
    if (cell.interface_id)
        return {"LearnRoute"};
    if (cell.layers.size() > 1)
        return {"LearnRoute"};
    return {sa_is_fast(cell) ? "" : "LearnSaKind"};
}

Expectation expected_input(const Cell &cell)
{
    if (cell.layers.size() == 1 && sa_is_fast(cell))
        return {};
    // Of what is delivered here only what becomes a flow is counted.
    if (cell.mode() == Mode::transport)
        return {uncounted};
    if (cell.interface_id)
        return {"LearnNotForwarded"};
    return {"LearnSaKind"};
}

} // namespace xfrm_xdp::oracle
