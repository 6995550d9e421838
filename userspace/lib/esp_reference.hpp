// SPDX-License-Identifier: GPL-2.0-or-later
// ESP (RFC 4303) on libcrypto: what the tests hold the kernel against. AES-GCM
// (RFC 4106) and AES-CBC with HMAC-SHA-256 (RFC 3602, RFC 4868), extended
// sequence numbers, tunnel mode. Every field can be set wrong on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "packet.hpp"

namespace xfrm_xdp::esp {

using packet::Bytes;
using packet::View;

enum class Cipher {
    aes_gcm,
    aes_cbc_hmac_sha256,
};

struct Algorithm {
    Cipher cipher = Cipher::aes_gcm;
    Bytes encryption_key; // GCM: the AES key, then four bytes of salt
    Bytes authentication_key;
    std::size_t icv_length = 16; // CBC: 0 for no authentication

    std::size_t iv_length() const { return cipher == Cipher::aes_gcm ? 8 : 16; }
    std::size_t block_size() const { return cipher == Cipher::aes_gcm ? 4 : 16; }
    bool operator==(const Algorithm &) const = default;
};

struct Association {
    Algorithm algorithm;
    std::uint32_t spi = 0;
    bool esn = false;
    bool operator==(const Association &) const = default;
};

inline constexpr std::size_t header_length = 8;
inline constexpr std::size_t trailer_length = 2;

// What to put around a payload; unset members get the value a correct sender
// would choose.
struct Outgoing {
    Bytes payload;
    std::uint64_t sequence = 1;
    std::uint8_t next_header = packet::proto_ipip;
    Bytes iv; // iv_length() bytes
    std::optional<Bytes> padding;
    std::optional<std::uint8_t> pad_length; // to contradict the padding
};

struct Incoming {
    Bytes payload; // without trailer
    std::uint32_t spi = 0;
    std::uint32_t sequence_low = 0;
    Bytes iv;
    Bytes padding;
    std::uint8_t next_header = 0;
    bool padding_is_default = false; // 1, 2, 3, … as RFC 4303 2.4 has it
    bool operator==(const Incoming &) const = default;
};

enum class Error {
    bad_key,
    bad_iv,
    too_short,
    not_block_aligned,
    wrong_spi,
    bad_icv,
    bad_pad_length,
    not_tunnel,
    not_esp,
    crypto,
};

const char *describe(Error error);

using EncodeResult = std::variant<Bytes, Error>;
using DecodeResult = std::variant<Incoming, Error>;

// ESP header to ICV. CBC rejects a plaintext that is not whole blocks.
EncodeResult encode(const Association &sa, const Outgoing &out);

// @sequence_high is what a receiver with ESN infers; not on the wire.
DecodeResult decode(const Association &sa, View esp, std::uint32_t sequence_high = 0);

Bytes default_padding(std::size_t length);
// How much of it a correct sender needs after @payload bytes.
std::size_t padding_length(const Algorithm &algorithm, std::size_t payload);

// A whole tunnel-mode frame: @outer's lengths and protocol are filled in.
struct TunnelFrame {
    packet::Ethernet ethernet;
    packet::Network outer;
    Outgoing esp;
};

EncodeResult encode_frame(const Association &sa, const TunnelFrame &frame);

struct DecodedFrame {
    packet::Ethernet ethernet;
    packet::Network outer;
    bool outer_checksum_good = false;
    Bytes trailer;
    Incoming esp;
};

using DecodeFrameResult = std::variant<DecodedFrame, Error>;

DecodeFrameResult decode_frame(const Association &sa, View frame, std::uint32_t sequence_high = 0);

// The keyed hash alone, for the published vectors; empty where libcrypto fails.
Bytes hmac_sha256(View key, View data);

} // namespace xfrm_xdp::esp
