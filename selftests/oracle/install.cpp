// SPDX-License-Identifier: GPL-2.0-or-later
// From a cell to SAs and policies.
#include "fixture.hpp"

#include <linux/xfrm.h>

namespace xfrm_xdp::oracle {
namespace {

constexpr std::uint32_t first_spi = 0x10000;
constexpr std::uint8_t proto_ipcomp = 108;

// No two cells have an SPI in common: what is captured tells which one it is of.
std::uint32_t next_spi()
{
    static std::uint32_t spi = first_spi;
    return spi++;
}

std::uint32_t next_cpi()
{
    static std::uint32_t cpi = 0x100;
    return cpi++;
}

struct Ends {
    Address from, to;          // of the inner packets
    Address near_end, far_end; // of the SAs: sender and receiver
};

Ends ends(const Cell &cell, Direction direction)
{
    const Places &inner = places(cell.inner), &outer = places(cell.outer);
    if (cell.mode() == Mode::transport) {
        if (direction == Direction::output)
            return {inner.from, inner.host, inner.from, inner.host};
        return {inner.to, inner.gw1, inner.to, inner.gw1};
    }
    const Address &there = cell.interface_id ? inner.by_interface : inner.to;
    if (direction == Direction::output)
        return {inner.from, there, outer.gw1, outer.gw2};
    return {there, inner.from, outer.gw2, outer.gw1};
}

// What both ends have to agree on.
Sa common_sa(const Cell &cell, const Layer &layer, std::uint32_t request_id, const Ends &ends)
{
    const Suite &used = suite(layer.suite);
    Sa sa;
    sa.source = ends.near_end;
    sa.destination = ends.far_end;
    const bool compresses = layer.protocol == proto_ipcomp;
    sa.association = {used.algorithm, compresses ? next_cpi() : next_spi(),
                      cell.esn && !compresses};
    sa.mode = layer.mode;
    sa.protocol = layer.protocol;
    sa.request_id = request_id;
    sa.window = cell.window;
    sa.bitmap = cell.bitmap || cell.window > 32;
    if (compresses)
        sa.window = 0, sa.bitmap = false;
    if (!used.aead.empty())
        sa.aead_name = used.aead;
    sa.encryption_name = used.encryption;
    sa.authentication_name = used.authentication;
    sa.encapsulation_port = cell.encapsulation_port;
    if (cell.inner != cell.outer && layer.mode == Mode::tunnel)
        sa.flags |= XFRM_STATE_AF_UNSPEC;
    if (layer.mode == Mode::beet) {
        sa.inner_source = ends.from;
        sa.inner_destination = ends.to;
    }
    return sa;
}

// GW1's end, which is what the cell is about.
Sa near_sa(const Cell &cell, Sa sa, Direction direction)
{
    sa.flags |= cell.flags;
    sa.extra_flags = cell.extra_flags;
    sa.tfc_padding = cell.tfc_padding;
    sa.output_mark = cell.output_mark;
    sa.interface_id = cell.interface_id;
    sa.cpu = cell.cpu;
    if (cell.mark) {
        sa.mark = cell.mark->value;
        sa.mark_mask = cell.mark->mask;
    }
    if (cell.direction) {
        sa.direction = direction == Direction::output ? test::Direction::out : test::Direction::in;
        if (direction == Direction::output)
            sa.window = 0;
    }
    return sa;
}

Sa far_sa(const Cell &cell, Sa sa, Direction direction)
{
    if (direction == Direction::input) {
        // What GW2 sends has to be there to be taken off.
        sa.tfc_padding = cell.tfc_padding;
        // So that number zero can be sent, which must not be taken.
        sa.extra_flags = XFRM_SA_XFLAG_OSEQ_MAY_WRAP;
    }
    return sa;
}

// In an outbound policy a template that makes an outer header may not be optional.
std::vector<Template> templates(const Cell &cell, const std::vector<Sa> &sas, bool outbound)
{
    std::vector<Template> all;
    for (std::size_t i = 0; i < sas.size(); i++)
        all.push_back({sas[i].source, sas[i].destination, sas[i].mode, sas[i].protocol,
                       sas[i].request_id,
                       cell.layers[i].optional && !(outbound && sas[i].mode != Mode::transport)});
    return all;
}

Status add(Host &host, const std::vector<Sa> &sas)
{
    for (const Sa &sa : sas)
        if (const Status added = host.states.add(sa); !added)
            return added.error();
    return Done{};
}

Status add(Host &host, Policy policy, std::initializer_list<Way> ways)
{
    for (const Way way : ways) {
        policy.way = way;
        if (const Status added = host.policies.add(policy); !added)
            return added.error();
    }
    return Done{};
}

Status clear()
{
    for (Host *host : {&lab().gw1, &lab().gw2, &lab().hb})
        if (const Status done = host->flush(); !done)
            return done.error();
    return Done{};
}

// Where the packets of transport mode end: HB by itself, or GW1.
Course output_course(const Cell &cell, const Ends &ends)
{
    Lab &l = lab();
    const bool transport = cell.mode() == Mode::transport;
    Host &far = transport ? l.hb : l.gw2;
    Course course;
    course.lab = &l;
    course.path = {towards_gw1(), ends.from, ends.to, transport};
    course.source = course.back = &l.ha;
    course.wire = &l.g1;
    course.sink = transport ? &far.local(cell.inner) : &l.hb_lan;
    course.far_table = &far.states;
    course.far_mib = &far.mib;
    return course;
}

// The far end is not compared: it has made the frames, once.
Course input_course(const Cell &cell, const Ends &ends)
{
    Lab &l = lab();
    const bool transport = cell.mode() == Mode::transport;
    Course course;
    course.lab = &l;
    course.path = {towards_gw2(), ends.from, ends.to, transport};
    course.source = course.back = &l.g1;
    course.sink = transport ? &l.gw1.local(cell.inner) : &l.ha;
    return course;
}

} // namespace

Result<Course> install(const Cell &cell, Direction direction)
{
    if (const Status cleared = clear(); !cleared)
        return cleared.error();
    const Ends where = ends(cell, direction);
    Course course =
        direction == Direction::output ? output_course(cell, where) : input_course(cell, where);
    std::vector<Sa> near, far;
    for (std::size_t i = 0; i < cell.layers.size(); i++) {
        const Sa sa = common_sa(cell, cell.layers[i], static_cast<std::uint32_t>(i + 1), where);
        near.push_back(near_sa(cell, sa, direction));
        far.push_back(far_sa(cell, sa, direction));
    }
    const bool ends_at_host = direction == Direction::output && cell.mode() == Mode::transport;
    Host &other = ends_at_host ? lab().hb : lab().gw2;
    if (const Status added = add(lab().gw1, near); !added)
        return added.error();
    if (const Status added = add(other, far); !added)
        return added.error();

    Policy out{where.from, where.to, Way::out, templates(cell, near, true), {}, {}};
    Policy in{where.from, where.to, Way::in, templates(cell, near, false), {}, {}};
    const bool output = direction == Direction::output;
    (output ? out : in).interface_id = cell.interface_id;
    if (const Status added = add(output ? lab().gw1 : other, out, {Way::out}); !added)
        return added.error();
    if (const Status added = add(output ? other : lab().gw1, in, {Way::in, Way::forward}); !added)
        return added.error();
    course.near = near;
    (output ? course.far : course.sender) = far;
    return course;
}

std::vector<Burst> cell_bursts(const Cell &cell, const Path &path)
{
    std::vector<Burst> all{plain_burst(path)};
    if (cell.group == "Algorithms" && cell.esn)
        return all;
    // What GW2 has to send in fragments is for the product.
    if (path.ethernet == towards_gw1())
        all.push_back(mtu_burst(path));
    all.push_back(stack_burst(path));
    return all;
}

} // namespace xfrm_xdp::oracle
