// SPDX-License-Identifier: GPL-2.0-or-later
#include "esp_reference.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <memory>

namespace xfrm_xdp::esp {
namespace {

constexpr std::size_t salt_length = 4;
constexpr std::size_t hmac_length = 32;

struct ContextDeleter {
    void operator()(EVP_CIPHER_CTX *context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

const EVP_CIPHER *select_cipher(Cipher cipher, std::size_t key_length)
{
    const bool gcm = cipher == Cipher::aes_gcm;
    switch (key_length) {
    case 16:
        return gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
    case 24:
        return gcm ? EVP_aes_192_gcm() : EVP_aes_192_cbc();
    case 32:
        return gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
    default:
        return nullptr;
    }
}

int int_size(View bytes)
{
    return static_cast<int>(bytes.size());
}

void append(Bytes &out, View bytes)
{
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void append32(Bytes &out, std::uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t get32(View bytes)
{
    return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
           static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

// RFC 4106 section 5: SPI and the whole sequence number.
Bytes additional_data(const Association &sa, std::uint64_t sequence)
{
    Bytes out;
    append32(out, sa.spi);
    if (sa.esn)
        append32(out, static_cast<std::uint32_t>(sequence >> 32));
    append32(out, static_cast<std::uint32_t>(sequence));
    return out;
}

struct GcmParts {
    View key;
    Bytes nonce;
    const EVP_CIPHER *cipher;
};

std::variant<GcmParts, Error> gcm_parts(const Algorithm &algorithm, View iv)
{
    const View key = algorithm.encryption_key;
    if (key.size() <= salt_length)
        return Error::bad_key;
    GcmParts parts{key.first(key.size() - salt_length), {}, nullptr};
    parts.cipher = select_cipher(Cipher::aes_gcm, parts.key.size());
    if (!parts.cipher)
        return Error::bad_key;
    append(parts.nonce, key.last(salt_length));
    append(parts.nonce, iv);
    return parts;
}

std::variant<Bytes, Error> gcm_seal(const Algorithm &algorithm, View aad, View iv, View plain)
{
    const auto selected = gcm_parts(algorithm, iv);
    if (const auto *error = std::get_if<Error>(&selected))
        return *error;
    const auto &parts = std::get<GcmParts>(selected);
    Bytes out(plain.size() + algorithm.icv_length);
    const Context context(EVP_CIPHER_CTX_new());
    int length = 0;
    if (!context ||
        EVP_EncryptInit_ex(context.get(), parts.cipher, nullptr, parts.key.data(),
                           parts.nonce.data()) != 1 ||
        EVP_EncryptUpdate(context.get(), nullptr, &length, aad.data(), int_size(aad)) != 1 ||
        EVP_EncryptUpdate(context.get(), out.data(), &length, plain.data(), int_size(plain)) != 1 ||
        EVP_EncryptFinal_ex(context.get(), out.data() + length, &length) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG,
                            static_cast<int>(algorithm.icv_length), out.data() + plain.size()) != 1)
        return Error::crypto;
    return out;
}

std::variant<Bytes, Error> gcm_open(const Algorithm &algorithm, View aad, View iv, View sealed)
{
    const auto selected = gcm_parts(algorithm, iv);
    if (const auto *error = std::get_if<Error>(&selected))
        return *error;
    const auto &parts = std::get<GcmParts>(selected);
    const View secret = sealed.first(sealed.size() - algorithm.icv_length);
    const View received = sealed.last(algorithm.icv_length);
    Bytes tag(received.begin(), received.end());
    Bytes out(secret.size());
    const Context context(EVP_CIPHER_CTX_new());
    int length = 0;
    if (!context ||
        EVP_DecryptInit_ex(context.get(), parts.cipher, nullptr, parts.key.data(),
                           parts.nonce.data()) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, int_size(tag), tag.data()) != 1 ||
        EVP_DecryptUpdate(context.get(), nullptr, &length, aad.data(), int_size(aad)) != 1 ||
        EVP_DecryptUpdate(context.get(), out.data(), &length, secret.data(), int_size(secret)) != 1)
        return Error::crypto;
    if (EVP_DecryptFinal_ex(context.get(), out.data() + length, &length) != 1)
        return Error::bad_icv;
    return out;
}

std::variant<Bytes, Error> cbc(const Algorithm &algorithm, View iv, View in, bool encrypt)
{
    const EVP_CIPHER *cipher =
        select_cipher(Cipher::aes_cbc_hmac_sha256, algorithm.encryption_key.size());
    if (!cipher)
        return Error::bad_key;
    if (in.size() % algorithm.block_size() != 0)
        return Error::not_block_aligned;
    Bytes out(in.size());
    const Context context(EVP_CIPHER_CTX_new());
    int length = 0;
    if (!context ||
        EVP_CipherInit_ex(context.get(), cipher, nullptr, algorithm.encryption_key.data(),
                          iv.data(), encrypt) != 1 ||
        EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
        EVP_CipherUpdate(context.get(), out.data(), &length, in.data(), int_size(in)) != 1 ||
        EVP_CipherFinal_ex(context.get(), out.data() + length, &length) != 1)
        return Error::crypto;
    return out;
}

// RFC 4303 section 2.2.1: the high bits are hashed after the packet, not sent.
Bytes hmac_icv(const Association &sa, View authenticated, std::uint32_t sequence_high)
{
    Bytes data(authenticated.begin(), authenticated.end());
    if (sa.esn)
        append32(data, sequence_high);
    Bytes icv = hmac_sha256(sa.algorithm.authentication_key, data);
    icv.resize(std::min(icv.size(), sa.algorithm.icv_length));
    return icv;
}

Bytes plaintext(const Association &sa, const Outgoing &out)
{
    Bytes plain = out.payload;
    const Bytes padding =
        out.padding.value_or(default_padding(padding_length(sa.algorithm, out.payload.size())));
    append(plain, padding);
    plain.push_back(out.pad_length.value_or(static_cast<std::uint8_t>(padding.size())));
    plain.push_back(out.next_header);
    return plain;
}

DecodeResult strip_trailer(Incoming in, Bytes plain)
{
    if (plain.size() < trailer_length)
        return Error::too_short;
    const std::size_t pad = plain[plain.size() - 2];
    if (pad + trailer_length > plain.size())
        return Error::bad_pad_length;
    in.next_header = plain.back();
    const auto end = plain.end() - static_cast<long>(trailer_length);
    in.padding.assign(end - static_cast<long>(pad), end);
    in.padding_is_default = in.padding == default_padding(pad);
    plain.resize(plain.size() - pad - trailer_length);
    in.payload = std::move(plain);
    return in;
}

} // namespace

Bytes hmac_sha256(View key, View data)
{
    Bytes out(hmac_length);
    unsigned int length = 0;
    if (!HMAC(EVP_sha256(), key.data(), int_size(key), data.data(), data.size(), out.data(),
              &length) ||
        length != out.size())
        return {};
    return out;
}

Bytes default_padding(std::size_t length)
{
    Bytes padding(length);
    std::uint8_t next = 1;
    for (auto &byte : padding)
        byte = next++;
    return padding;
}

std::size_t padding_length(const Algorithm &algorithm, std::size_t payload)
{
    const std::size_t block = algorithm.block_size();
    return (block - (payload + trailer_length) % block) % block;
}

EncodeResult encode(const Association &sa, const Outgoing &out)
{
    if (out.iv.size() != sa.algorithm.iv_length())
        return Error::bad_iv;
    const Bytes plain = plaintext(sa, out);
    Bytes esp;
    append32(esp, sa.spi);
    append32(esp, static_cast<std::uint32_t>(out.sequence));
    append(esp, out.iv);

    if (sa.algorithm.cipher == Cipher::aes_gcm) {
        const auto sealed =
            gcm_seal(sa.algorithm, additional_data(sa, out.sequence), out.iv, plain);
        if (const auto *error = std::get_if<Error>(&sealed))
            return *error;
        append(esp, std::get<Bytes>(sealed));
        return esp;
    }

    const auto secret = cbc(sa.algorithm, out.iv, plain, true);
    if (const auto *error = std::get_if<Error>(&secret))
        return *error;
    append(esp, std::get<Bytes>(secret));
    const Bytes icv = hmac_icv(sa, esp, static_cast<std::uint32_t>(out.sequence >> 32));
    if (icv.size() != sa.algorithm.icv_length)
        return Error::crypto;
    append(esp, icv);
    return esp;
}

DecodeResult decode(const Association &sa, View esp, std::uint32_t sequence_high)
{
    const Algorithm &algorithm = sa.algorithm;
    const std::size_t front = header_length + algorithm.iv_length();
    if (esp.size() < front + trailer_length + algorithm.icv_length)
        return Error::too_short;

    Incoming in;
    in.spi = get32(esp);
    if (in.spi != sa.spi)
        return Error::wrong_spi;
    in.sequence_low = get32(esp.subspan(4));
    in.iv.assign(esp.begin() + header_length, esp.begin() + static_cast<long>(front));
    const std::uint64_t sequence =
        static_cast<std::uint64_t>(sequence_high) << 32 | in.sequence_low;

    std::variant<Bytes, Error> plain = Error::crypto;
    if (algorithm.cipher == Cipher::aes_gcm) {
        plain = gcm_open(algorithm, additional_data(sa, sequence), in.iv, esp.subspan(front));
    } else {
        const View covered = esp.first(esp.size() - algorithm.icv_length);
        const View icv = esp.last(algorithm.icv_length);
        const Bytes expected = hmac_icv(sa, covered, sequence_high);
        if (expected.size() != icv.size())
            return Error::crypto;
        if (CRYPTO_memcmp(expected.data(), icv.data(), icv.size()) != 0)
            return Error::bad_icv;
        plain = cbc(algorithm, in.iv, covered.subspan(front), false);
    }
    if (const auto *error = std::get_if<Error>(&plain))
        return *error;
    return strip_trailer(std::move(in), std::get<Bytes>(std::move(plain)));
}

EncodeResult encode_frame(const Association &sa, const TunnelFrame &frame)
{
    EncodeResult result = encode(sa, frame.esp);
    if (const auto *esp = std::get_if<Bytes>(&result)) {
        packet::Packet whole;
        whole.ethernet = frame.ethernet;
        whole.network = frame.outer;
        whole.transport = packet::Raw{packet::proto_esp};
        whole.payload = *esp;
        return whole.build();
    }
    return result;
}

DecodeFrameResult decode_frame(const Association &sa, View frame, std::uint32_t sequence_high)
{
    const auto result = packet::parse_frame(frame);
    const auto *parsed = std::get_if<packet::Parsed>(&result);
    if (!parsed)
        return Error::not_esp;
    const auto *raw = std::get_if<packet::Raw>(&parsed->packet.transport);
    if (!raw || raw->protocol != packet::proto_esp)
        return Error::not_esp;
    auto decoded = decode(sa, parsed->packet.payload, sequence_high);
    if (const auto *error = std::get_if<Error>(&decoded))
        return *error;
    auto &inner = std::get<Incoming>(decoded);
    if (inner.next_header != packet::proto_ipip && inner.next_header != packet::proto_ipv6)
        return Error::not_tunnel;
    return DecodedFrame{*parsed->packet.ethernet, parsed->packet.network,
                        parsed->network_checksum_good, parsed->trailer, std::move(inner)};
}

const char *describe(Error error)
{
    switch (error) {
    case Error::bad_key:
        return "key length does not fit the cipher";
    case Error::bad_iv:
        return "IV length does not fit the cipher";
    case Error::too_short:
        return "too short for ESP";
    case Error::not_block_aligned:
        return "ciphertext is not whole blocks";
    case Error::wrong_spi:
        return "SPI of another SA";
    case Error::bad_icv:
        return "integrity check failed";
    case Error::bad_pad_length:
        return "padding is longer than the packet";
    case Error::not_tunnel:
        return "next header is not an IP packet";
    case Error::not_esp:
        return "not an ESP packet";
    case Error::crypto:
        return "libcrypto refused";
    }
    return "unknown error";
}

} // namespace xfrm_xdp::esp
