// SPDX-License-Identifier: GPL-2.0-or-later
#include "cells.hpp"

#include <linux/xfrm.h>

#include <ostream>

namespace xfrm_xdp::oracle {
namespace {

// Those whose kind of SA matters here, not their algorithm.
const char *const aead = "gcm128_16";
const char *const pair = "cbc128_sha256_128";
const char *const bare = "null_sha1_96"; // has no IV, so that headers are closest

constexpr std::uint16_t nat_port = 4500;

std::string mix(Family inner, Family outer)
{
    return std::string(inner == Family::v4 ? "4" : "6") + "in" + (outer == Family::v4 ? "4" : "6");
}

class Matrix {
public:
    std::vector<Cell> take() { return std::move(all_); }

    void algorithms()
    {
        group_ = "Algorithms";
        for (const Suite &used : suites())
            for (const bool esn : {false, true})
                add({.name = used.name + (esn ? "_esn" : ""),
                     .title = used.title + (esn ? ", ESN" : ""),
                     .layers = {{Mode::tunnel, used.name}},
                     .esn = esn});
    }

    void modes()
    {
        group_ = "Modes and address families";
        for (const Mode mode : {Mode::tunnel, Mode::beet, Mode::transport})
            for (const Family inner : {Family::v4, Family::v6})
                for (const Family outer : {Family::v4, Family::v6})
                    for (const char *used : {aead, pair, bare})
                        if (mode != Mode::transport || inner == outer)
                            add({.name = std::string(oracle::name(mode)) + "_" + mix(inner, outer) +
                                         "_" + used,
                                 .title = suite(used).title,
                                 .inner = inner,
                                 .outer = outer,
                                 .layers = {{mode, used}}});
    }

    void windows()
    {
        group_ = "Replay windows";
        add({.name = "window_0", .title = "none", .window = 0});
        add({.name = "window_32", .title = "32", .window = 32});
        add({.name = "window_0_bitmap", .title = "none, as a bitmap", .window = 0, .bitmap = true});
        for (const std::uint32_t window : {32U, 64U, 4096U})
            for (const bool esn : {false, true})
                add({.name = "window_" + std::to_string(window) + (esn ? "_esn" : "_bitmap"),
                     .title = std::to_string(window) + (esn ? ", ESN" : ", as a bitmap"),
                     .esn = esn,
                     .window = window,
                     .bitmap = true});
    }

    void flags()
    {
        group_ = "Flags";
        const std::pair<const char *, std::uint8_t> flags[] = {
            {"noecn", XFRM_STATE_NOECN},
            {"decap_dscp", XFRM_STATE_DECAP_DSCP},
            {"nopmtudisc", XFRM_STATE_NOPMTUDISC},
            {"wildrecv", XFRM_STATE_WILDRECV},
            {"icmp", XFRM_STATE_ICMP},
            {"af_unspec", XFRM_STATE_AF_UNSPEC},
            {"align4", XFRM_STATE_ALIGN4},
        };
        const std::pair<const char *, std::uint32_t> extra[] = {
            {"dont_encap_dscp", XFRM_SA_XFLAG_DONT_ENCAP_DSCP},
            {"oseq_may_wrap", XFRM_SA_XFLAG_OSEQ_MAY_WRAP},
        };
        for (const Family family : {Family::v4, Family::v6}) {
            for (const auto &[name, flag] : flags)
                add(same_family({.name = name, .title = name, .flags = flag}, family));
            for (const auto &[name, flag] : extra)
                add(same_family({.name = name, .title = name, .extra_flags = flag}, family));
        }
        add({.name = "decap_dscp_noecn_6in4",
             .title = "decap_dscp and noecn",
             .inner = Family::v6,
             .flags = XFRM_STATE_DECAP_DSCP | XFRM_STATE_NOECN});
        add({.name = "dont_encap_dscp_4in6",
             .title = "dont_encap_dscp",
             .outer = Family::v6,
             .extra_flags = XFRM_SA_XFLAG_DONT_ENCAP_DSCP});
        add({.name = "direction", .title = "direction attribute", .direction = true});
        add({.name = "direction_esn",
             .title = "direction attribute, ESN",
             .esn = true,
             .direction = true});
    }

    void padding()
    {
        group_ = "Traffic flow confidentiality";
        for (const char *used : {aead, pair})
            for (const std::uint32_t length : {64U, 300U, 9000U})
                add({.name = std::string("tfc_") + std::to_string(length) + "_" + used,
                     .title = "padded to " + std::to_string(length) + ", " + suite(used).title,
                     .layers = {{Mode::tunnel, used}},
                     .tfc_padding = length});
        add(same_family({.name = "tfc_300", .title = "padded to 300", .tfc_padding = 300},
                        Family::v6));
    }

    void encapsulation()
    {
        group_ = "ESP in UDP";
        for (const Mode mode : {Mode::tunnel, Mode::transport, Mode::beet})
            for (const Family family : {Family::v4, Family::v6})
                for (const char *used : {aead, pair})
                    add(same_family({.name = std::string("natt_") + oracle::name(mode) + "_" + used,
                                     .title = suite(used).title,
                                     .layers = {{mode, used}},
                                     .encapsulation_port = nat_port},
                                    family));
        add({.name = "natt_6in4",
             .title = suite(aead).title,
             .inner = Family::v6,
             .encapsulation_port = nat_port});
    }

    void selection()
    {
        group_ = "Marks, interfaces, CPUs";
        for (const Family family : {Family::v4, Family::v6}) {
            add(same_family(
                {.name = "mark_0_ff", .title = "mark 0 mask 0xff", .mark = Mark{0, 0xff}}, family));
            add(same_family({.name = "output_mark", .title = "output mark", .output_mark = 0x17},
                            family));
            add(same_family({.name = "interface", .title = "xfrm interface", .interface_id = 7},
                            family));
        }
        add({.name = "cpu", .title = "SA of a CPU", .direction = true, .cpu = 0});
    }

    void bundles()
    {
        group_ = "Bundles and other protocols";
        const Layer ah{Mode::transport, "null_sha256_128", proto_ah};
        add({.name = "nested_esp",
             .title = "ESP in ESP",
             .layers = {{Mode::tunnel, aead}, {Mode::transport, pair}}});
        add({.name = "nested_ah", .title = "ESP in AH", .layers = {{Mode::tunnel, aead}, ah}});
        add({.name = "ah_tunnel",
             .title = "AH",
             .layers = {{Mode::tunnel, "null_sha256_128", proto_ah}}});
        add({.name = "ipcomp",
             .title = "IPComp in ESP",
             .layers = {{Mode::tunnel, aead, proto_ipcomp, true}, {Mode::transport, aead}}});
        add({.name = "optional_tunnel",
             .title = "optional template of the inbound policy",
             .layers = {{Mode::tunnel, aead, packet::proto_esp, true}}});
        add({.name = "optional_transport",
             .title = "optional template",
             .layers = {{Mode::transport, aead, packet::proto_esp, true}}});
    }

private:
    static constexpr std::uint8_t proto_ah = 51, proto_ipcomp = 108;

    static Cell same_family(Cell cell, Family family)
    {
        cell.inner = cell.outer = family;
        cell.name += family == Family::v4 ? "_v4" : "_v6";
        return cell;
    }

    void add(Cell cell)
    {
        cell.group = group_;
        // For Mobile IPv6: the kernel never sends by such an SA.
        if (cell.flags & XFRM_STATE_WILDRECV)
            cell.only = Direction::input;
        if (cell.layers.empty())
            cell.layers = {{Mode::tunnel, aead}};
        cell.output = expected_output(cell);
        cell.input = expected_input(cell);
        all_.push_back(std::move(cell));
    }

    std::vector<Cell> all_;
    std::string group_;
};

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
        return "beet";
    }
    return "?";
}

std::vector<Cell> cells()
{
    Matrix matrix;
    matrix.modes();
    matrix.algorithms();
    matrix.windows();
    matrix.flags();
    matrix.padding();
    matrix.encapsulation();
    matrix.selection();
    matrix.bundles();
    return matrix.take();
}

std::vector<Cell> cells(Direction direction)
{
    std::vector<Cell> all = cells();
    std::erase_if(all, [&](const Cell &cell) { return cell.only && *cell.only != direction; });
    return all;
}

std::vector<Cell> ecn_cells()
{
    std::vector<Cell> all = cells(Direction::input);
    std::erase_if(all, [](const Cell &cell) {
        return cell.group == "Algorithms" || cell.group == "Replay windows";
    });
    return all;
}

std::vector<Cell> product_cells()
{
    std::vector<Cell> all = cells();
    std::erase_if(all, [](const Cell &cell) {
        return cell.name != std::string("tunnel_4in4_") + aead &&
               cell.name != std::string("tunnel_6in6_") + pair;
    });
    return all;
}

} // namespace xfrm_xdp::oracle
