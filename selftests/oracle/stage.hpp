// SPDX-License-Identifier: GPL-2.0-or-later
// Where faults are played, twice each: GW1 with its SAs and policies, frames that come
// in from one side, and everything that can be noticed of what becomes of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "audit.hpp"
#include "compare.hpp"
#include "counters.hpp"
#include "events.hpp"
#include "lab.hpp"

namespace xfrm_xdp::oracle {

using packet::Bytes;
using packet::View;
using test::Counters;
using test::CounterText;

enum class Travel { inbound, outbound };

/*
 * The other end of all SAs is a peer that does not exist:
 *
 *   from -- HA ---- GW1 ==== wire ==== peer -- to
 *                                      roaming: its neighbour, and where it is later
 */
struct Peers {
    Address peer, roaming;
    Address local; // GW1 itself, as HA knows it
    Address other; // another host behind the peer
};

const Peers &peers(Family family);

inline constexpr packet::Mac peer_mac{{2, 0, 0, 0, 0x0f, 0x66}};
packet::Ethernet from_peer();

// That GW1 answers whatever its policies for others are: what was sent before it is through.
Bytes make_ping(Travel travel, std::uint16_t number);
bool is_pong(View frame);

// What can be seen of one burst.
struct Record {
    std::vector<Bytes> out;  // what came out at the other side
    std::vector<Bytes> back; // what GW1 told the sender
    std::vector<Event> states, events;
    std::vector<std::string> audit;
    Counters mib, module;
};

// When there is no more to come.
struct Outcome {
    std::size_t out = 0, back = 0;
    std::size_t events = 0;
    std::size_t states = 0;
    Counters mib;
    Counters module; // in the fast lane; "A+B" is the sum of two
};

// "A+B" of the counters A and B.
std::int64_t sum_of(const Counters &counters, const std::string &names);

// Of one GW1; listens from its making to its end.
class Stage {
public:
    // Of each play; nobody learns them.
    static constexpr int pings = 2;

    static Result<std::unique_ptr<Stage>> open(Lab &lab, const std::string &name);
    ~Stage();

    // As if nothing had ever been.
    Status clear();
    Status lane(Lane lane);
    // Sends, and waits until every one of @frames has come out or been answered.
    Status teach(Travel travel, const std::vector<Bytes> &frames);
    // Sends, then waits for @expected, with a bound, and tells what there was.
    Result<Record> play(Travel travel, const std::vector<Bytes> &frames, Lane lane,
                        const Outcome &expected);
    // The cable of GW1's wire: a device that is up, without carrier.
    Status plug(bool in);

    SaTable states;
    PolicyTable policies;
    Monitor monitor;
    AuditLog audit;

private:
    struct Parts;
    Stage(Lab &lab, Parts parts);
    Tap &source(Travel travel) { return travel == Travel::inbound ? lab_.g1 : lab_.ha; }
    Tap &sink(Travel travel) { return travel == Travel::inbound ? lab_.ha : lab_.g1; }
    // Everything that was seen before is forgotten.
    Status forget();
    // Sends, and waits until the host is through with it, but for what it defers.
    Status send(Travel travel, const std::vector<Bytes> &frames);
    Status ping(Travel travel);
    void collect(Travel travel);
    Status look(Travel travel);
    bool settled(const Outcome &expected, Lane lane);

    Lab &lab_;
    CounterFile mib_, module_;
    Fd wire_, gateway_;     // sockets, to reach devices
    std::vector<Fd> ports_; // where ESP in UDP arrives
    CounterText mib_before_, module_before_;
    Record seen_;
    std::uint16_t pings_ = 0;
};

} // namespace xfrm_xdp::oracle
