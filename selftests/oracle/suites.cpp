// SPDX-License-Identifier: GPL-2.0-or-later
// Every AEAD and every pair of cipher and hash that ESP takes on a stock kernel.
#include <algorithm>

#include "cells.hpp"

namespace xfrm_xdp::oracle {
namespace {

using packet::pattern;

struct Aead {
    const char *name, *title, *kernel;
    std::size_t key; // with salt
    std::vector<std::size_t> icvs;
};

const std::vector<Aead> aeads = {
    {"gcm128", "AES-GCM-128", "rfc4106(gcm(aes))", 20, {16, 12, 8}},
    {"gcm192", "AES-GCM-192", "rfc4106(gcm(aes))", 28, {16}},
    {"gcm256", "AES-GCM-256", "rfc4106(gcm(aes))", 36, {16, 12, 8}},
    {"ccm128", "AES-CCM-128", "rfc4309(ccm(aes))", 19, {16, 12, 8}},
    {"ccm256", "AES-CCM-256", "rfc4309(ccm(aes))", 35, {16, 12, 8}},
    {"gmac128", "AES-GMAC-128", "rfc4543(gcm(aes))", 20, {16}},
    {"gmac256", "AES-GMAC-256", "rfc4543(gcm(aes))", 36, {16}},
    {"chacha", "ChaCha20-Poly1305", "rfc7539esp(chacha20,poly1305)", 36, {16}},
};

struct Cipher {
    const char *name, *title, *kernel;
    std::size_t key;
};

const std::vector<Cipher> ciphers = {
    {"cbc128", "AES-CBC-128", "cbc(aes)", 16},
    {"cbc192", "AES-CBC-192", "cbc(aes)", 24},
    {"cbc256", "AES-CBC-256", "cbc(aes)", 32},
    {"ctr128", "AES-CTR-128", "rfc3686(ctr(aes))", 20},
    {"ctr256", "AES-CTR-256", "rfc3686(ctr(aes))", 36},
    {"null", "NULL", "ecb(cipher_null)", 0},
};

struct Hash {
    const char *name, *title, *kernel;
    std::size_t key, icv;
};

const std::vector<Hash> hashes = {
    {"sha1_96", "HMAC-SHA-1-96", "hmac(sha1)", 20, 12},
    {"sha256_96", "HMAC-SHA-256-96", "hmac(sha256)", 32, 12},
    {"sha256_128", "HMAC-SHA-256-128", "hmac(sha256)", 32, 16},
    {"sha384_192", "HMAC-SHA-384-192", "hmac(sha384)", 48, 24},
    {"sha512_256", "HMAC-SHA-512-256", "hmac(sha512)", 64, 32},
};

constexpr Cipher cbc = {"cbc128", "AES-CBC-128", "cbc(aes)", 16};
constexpr Hash sha1 = {"sha1_96", "HMAC-SHA-1-96", "hmac(sha1)", 20, 12};

// The rest of xfrm_algo.c, each once. Debian's kernel is built without SM3 and SM4.
const std::vector<std::pair<Cipher, Hash>> rare = {
    {cbc, {"md5_96", "HMAC-MD5-96", "hmac(md5)", 16, 12}},
    {cbc, {"rmd160_96", "HMAC-RIPEMD-160-96", "hmac(rmd160)", 20, 12}},
    {cbc, {"xcbc_96", "AES-XCBC-96", "xcbc(aes)", 16, 12}},
    {cbc, {"cmac_96", "AES-CMAC-96", "cmac(aes)", 16, 12}},
    {cbc, {"none", "no authentication", "digest_null", 0, 0}},
    {{"des", "DES-CBC", "cbc(des)", 8}, sha1},
    {{"des3", "3DES-CBC", "cbc(des3_ede)", 24}, sha1},
    {{"cast5", "CAST5-CBC", "cbc(cast5)", 16}, sha1},
    {{"blowfish", "Blowfish-CBC", "cbc(blowfish)", 16}, sha1},
    {{"serpent", "Serpent-CBC", "cbc(serpent)", 16}, sha1},
    {{"camellia", "Camellia-CBC", "cbc(camellia)", 16}, sha1},
    {{"twofish", "Twofish-CBC", "cbc(twofish)", 16}, sha1},
};

Suite aead(const Aead &used, std::size_t icv)
{
    return {used.name + ("_" + std::to_string(icv)),
            used.title + (", ICV of " + std::to_string(icv) + " bytes"),
            {esp::Cipher::aes_gcm, pattern(used.key, 1), {}, icv},
            used.kernel,
            {},
            {}};
}

Suite authenc(const Cipher &cipher, const Hash &hash)
{
    return {
        std::string(cipher.name) + "_" + hash.name,
        std::string(cipher.title) + ", " + hash.title,
        {esp::Cipher::aes_cbc_hmac_sha256, pattern(cipher.key, 2), pattern(hash.key, 3), hash.icv},
        {},
        cipher.kernel,
        hash.kernel};
}

std::vector<Suite> make_suites()
{
    std::vector<Suite> all;
    for (const Aead &used : aeads)
        for (const std::size_t icv : used.icvs)
            all.push_back(aead(used, icv));
    for (const Cipher &cipher : ciphers)
        for (const Hash &hash : hashes)
            all.push_back(authenc(cipher, hash));
    for (const auto &[cipher, hash] : rare)
        all.push_back(authenc(cipher, hash));
    return all;
}

} // namespace

std::vector<Suite> suites()
{
    return make_suites();
}

const Suite &suite(const std::string &name)
{
    static const auto all = make_suites();
    return *std::find_if(all.begin(), all.end(), [&](const Suite &s) { return s.name == name; });
}

} // namespace xfrm_xdp::oracle
