// SPDX-License-Identifier: GPL-2.0-or-later
// Faults as a table: what is set up, what goes wrong, what is sent, and what has to
// come of it, by both paths.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "esp_reference.hpp"
#include "packets.hpp"
#include "stage.hpp"

namespace xfrm_xdp::oracle {

// What is there before the first packet.
struct Scene {
    Travel travel = Travel::inbound;
    Family inner = Family::v4, outer = Family::v4;
    Sa sa;                // what the row is about
    std::vector<Sa> more; // besides
    std::vector<Policy> policies;
    Address from, to; // of the inner packets
};

Scene make_scene(Travel travel, Family family);
// For ESP that is not what the row is about.
Sa another_sa(const Scene &scene);
// Its inner packets are of another family than its outer ones.
void set_inner(Scene &scene, Family inner);
// No tunnel: from the peer to GW1 itself.
void set_transport(Scene &scene);
void set_esn(Scene &scene);
// A window that is kept as a bitmap of any size, without ESN.
void set_bitmap(Scene &scene);
// The template that the policies of @scene have.
Template template_of(const Sa &sa);
// Of the inner packets, towards where they are forwarded or delivered.
Policy policy_of(const Scene &scene, Way way);

// A frame that is sent.
using Shot = std::function<Bytes(const Scene &)>;
using Frame = esp::TunnelFrame;
using FrameChange = std::function<void(Frame &)>;
using BytesChange = std::function<void(Bytes &)>;

// The frame of an ESP packet that nothing is wrong with.
Frame make_esp(const Scene &scene, std::uint64_t sequence);
// Inbound: number @sequence of the SA; changed before, after it is encrypted.
Shot esp_shot(std::uint64_t sequence, FrameChange before = {}, BytesChange after = {});
// The same of another SA, or of the same with another key or number.
Shot esp_shot_of(std::function<Sa(const Scene &)> sa, std::uint64_t sequence);
// The same in UDP.
struct InUdp {
    std::uint16_t source = 4500, destination = 4500;
    FrameChange frame = {};
    BytesChange esp = {}, datagram = {}; // encrypted; all of it
};
Shot udp_shot(std::uint64_t sequence, InUdp how = {});
// As it is: outbound, or inbound without ESP.
Shot plain_shot(std::uint16_t number);

// What came out, as it can be compared: of outbound ESP what is in it, for every SA
// starts its IVs elsewhere.
std::vector<std::string> readable(const std::vector<Bytes> &frames, const Scene &scene);

// From the peer's later address.
void roam(Frame &frame);
// To GW1 itself, instead of through it.
FrameChange to_local(std::uint16_t number);
// With another inner source.
FrameChange from_other(std::uint16_t number);

// What the row says must be noticed.
struct Expected {
    Counters mib = {};
    // The module's, in the fast run. All of decrypted, encrypted, Punt... and Drop...
    // that are not named stay as they are. "A+B" is the sum of two.
    Counters module = {};
    std::size_t out = 0, back = 0;        // packets, to the other side and to the sender
    std::vector<std::string> events = {}; // kinds, in their order
    std::vector<std::string> audit = {};  // operations, in their order
    int states = 0;                       // how many SAs more there are
};

inline constexpr const char *decrypted = "InputDone+InputTaken";
inline constexpr const char *encrypted = "OutputDone+OutputTaken";

using Change = std::function<Status(Stage &, const Scene &)>;

struct Row {
    std::string name;
    Travel travel = Travel::inbound;
    std::function<void(Scene &)> setup = {};
    std::vector<Shot> learn = {}; // by the stack, and all of it arrives
    Change change = {};           // after that
    std::vector<Shot> shots = {};
    Expected expected = {};
    Change restore = {}; // of what is not an SA or a policy
};

// With this family outside.
std::vector<Row> inbound_rows(Family family);   // faults of SAs and of ESP packets
std::vector<Row> nat_rows(Family family);       // ESP in UDP
std::vector<Row> policy_rows(Family family);    // what decrypted packets are for, both ways
std::vector<Row> outbound_rows(Family family);  // faults of SAs that encrypt
std::vector<Row> mode_rows(Family family);      // transport and BEET mode
std::vector<Row> malformed_rows(Family family); // what an attacker may send

} // namespace xfrm_xdp::oracle
