// SPDX-License-Identifier: GPL-2.0-or-later
// Security associations as values, and the kernel's through XFRM netlink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "esp_reference.hpp"
#include "netlink.hpp"
#include "packet.hpp"

namespace xfrm_xdp::test {

using packet::Bytes;
using Address = std::variant<packet::Ipv4Address, packet::Ipv6Address>;

std::uint16_t family_of(const Address &address);

inline constexpr std::uint64_t no_limit = ~0ULL;

enum class Mode : std::uint8_t { transport = 0, tunnel = 1, beet = 4 };
enum class Direction : std::uint8_t { in = 1, out = 2 };

// Numbers that the kernel keeps for an SA.
struct Replay {
    std::uint32_t seq = 0, seq_hi = 0, oseq = 0, oseq_hi = 0;
    std::uint32_t window = 0;
    std::vector<std::uint32_t> bitmap;
    bool operator==(const Replay &) const = default;
};

struct Sa {
    Address source;
    Address destination;
    esp::Association association;
    Mode mode = Mode::tunnel;
    std::uint32_t window = 32;
    bool bitmap = false; // keep the window as a bitmap, as with ESN, without ESN
    std::uint8_t flags = 0;
    std::uint32_t extra_flags = 0;
    std::optional<Direction> direction;
    Replay replay; // its numbers to start at
    std::uint64_t soft_packets = no_limit, hard_packets = no_limit;
    std::uint64_t soft_bytes = no_limit, hard_bytes = no_limit;
    // Seconds since it was added, since it was first used; 0: for ever.
    std::uint64_t soft_age = 0, hard_age = 0, soft_use = 0, hard_use = 0;
    std::optional<std::uint32_t> replay_threshold;

    // Set to make an SA that the fast path does not take.
    std::string aead_name = "rfc4106(gcm(aes))";
    std::string encryption_name = "cbc(aes)";
    std::string authentication_name = "hmac(sha256)";
    std::optional<std::uint16_t> encapsulation_port;
    std::optional<std::uint32_t> mark;
    std::uint32_t mark_mask = 0xffffffff;
    std::optional<std::uint32_t> output_mark;
    std::optional<std::uint32_t> interface_id;
    std::optional<std::uint32_t> tfc_padding;
    std::optional<std::uint32_t> cpu;
    std::uint8_t protocol = packet::proto_esp; // AH: authentication only; IPComp: deflate
    std::uint32_t request_id = 0;
    // The whole addresses of a selector, which are a BEET SA's inner ones.
    std::optional<Address> inner_source, inner_destination;
};

struct SaState {
    std::uint64_t bytes = 0, packets = 0;
    std::uint32_t replay_window_errors = 0, replay_errors = 0, integrity_errors = 0;
    Replay replay;
    bool used = false;
    bool operator==(const SaState &) const = default;
};

struct Snapshot {
    SaState state;
    Bytes raw; // all of the kernel's answer
};

struct XfrmEvent {
    enum class Kind { soft_expiry, hard_expiry, replay, other };
    Kind kind = Kind::other;
    std::uint32_t spi = 0;
    std::uint32_t detail = 0; // replay: XFRM_AE_*
    bool operator==(const XfrmEvent &) const = default;
};

class SaTable {
public:
    static Result<SaTable> open();
    Status add(const Sa &sa);
    Status remove(const Sa &sa);
    Status flush();
    Result<Snapshot> get(const Sa &sa);
    // As if it had just been added: numbers, lifetime; what it counted as errors stays.
    Status reset(const Sa &sa);

private:
    explicit SaTable(Netlink netlink) : netlink_(std::move(netlink)) {}
    Netlink netlink_;
};

class XfrmEvents {
public:
    // Expiries and replay events from now on.
    static Result<XfrmEvents> open();
    Result<std::vector<XfrmEvent>> drain();

private:
    explicit XfrmEvents(Netlink netlink) : netlink_(std::move(netlink)) {}
    Netlink netlink_;
};

} // namespace xfrm_xdp::test
