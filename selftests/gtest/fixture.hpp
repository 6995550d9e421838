// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of the primitives share: tunnels, packets, one call of a kfunc
// with everything that can be seen of it, and the three ways it may end.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "counters.hpp"
#include "device.hpp"
#include "esp_reference.hpp"
#include "packet.hpp"
#include "probe.hpp"
#include "sa.hpp"

namespace xfrm_xdp::test {

enum class Family { v4, v6 };
enum class Way { input, output };

struct NamedAlgorithm {
    std::string name;
    esp::Algorithm algorithm;
};

// Every algorithm that the fast path takes, in every length of key and ICV.
std::vector<NamedAlgorithm> algorithms();
const NamedAlgorithm &algorithm(const std::string &name);

struct Tunnel {
    NamedAlgorithm algorithm;
    bool esn = false;
    Family inner = Family::v4;
    Family outer = Family::v4;
    std::string name() const; // fit for the name of a test
};

// How gtest shows the parameters and values of failed tests.
void PrintTo(const Tunnel &tunnel, std::ostream *out);
void PrintTo(const Replay &replay, std::ostream *out);
void PrintTo(const XfrmEvent &event, std::ostream *out);

// All four mixes of families.
std::vector<Tunnel> family_mixes(const std::string &algorithm, bool esn = false);

inline constexpr std::uint32_t test_spi = 0x1234abcd;

// The gateway's SA of a tunnel: to the peer, or from it.
Sa make_sa(const Tunnel &tunnel, Way way);
Sa make_sa(Way way); // IPv4 in IPv4, AES-GCM-128

packet::Ethernet ethernet_header();
packet::Network inner_header(Family family);
// An IP packet with UDP in it that is @size bytes long in all (at least 48).
packet::Packet inner_packet(Family family, std::size_t size);
// Between the ends of @sa, with nothing special in it.
packet::Network outer_header(const Sa &sa);
// @sa's packet number @sequence, with an inner packet of @family.
esp::TunnelFrame esp_frame(const Sa &sa, Family family, std::uint64_t sequence,
                           std::size_t size = 100);
Bytes encode(const Sa &sa, const esp::TunnelFrame &frame);
// The frame with an 802.1Q tag in front of what it has.
Bytes tagged(Bytes frame, std::uint16_t tci);

// One call of a kfunc.
struct Call {
    Outcome outcome;
    std::uint32_t verdict = 0;
    std::uint32_t reason = 0;
    Counters mib, module; // changes of the kernel's and of the module's counters
    Snapshot before, after;
};

// Namespaces that all tests use, one after the other: making one takes longer than
// most tests. There are two, for those that compare.
Sandbox &shared_sandbox(std::size_t index);
// Another, whose device is one end of a veth.
Sandbox &veth_sandbox();

class XfrmTest : public testing::Test {
protected:
    void SetUp() override;
    virtual Sandbox &place() { return shared_sandbox(0); }
    Sandbox &sandbox() { return *sandbox_; }
    SaTable &table() { return sandbox_->table(); }
    void add(const Sa &sa);
    void remove(const Sa &sa);
    Snapshot snapshot(const Sa &sa);

    // Calls the primitive on @frame; output is repeated where it was taken.
    Call call(Way way, View frame, const Sa &sa, ProbeRun run = {});
    Call input(View frame, const Sa &sa, ProbeRun run = {});
    Call output(View frame, const Sa &sa, ProbeRun run = {});
    // The module has the packet: waits until the SA has accounted for it.
    void wait_taken(Call &call, const Sa &sa);

private:
    Sandbox *sandbox_ = nullptr;
};

Probe &probe(const std::string &name); // loaded once
Probe &probe(Way way);

// The three results. Each checks verdict, reason, the program's return value,
// both sets of counters, and what must not have changed.
void expect_done(const Call &call, std::uint32_t reason);
void expect_punt(const Call &call, View frame, std::uint32_t reason);
void expect_drop(const Call &call, std::uint32_t reason, const std::string &mib);

// How many calls there were, and how many of them the crypto layer took.
struct Tally {
    unsigned long calls = 0, taken = 0;
};
Tally &tally();

// What has arrived by now.
std::vector<XfrmEvent> drained(XfrmEvents &events);

std::string hex(View bytes);

} // namespace xfrm_xdp::test
