// SPDX-License-Identifier: GPL-2.0-or-later
#include "esp_reference.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

namespace xfrm_xdp::esp {
namespace {

using packet::from_hex;
using packet::pattern;
using packet::to_hex;

Bytes hex(std::string_view text)
{
    const auto bytes = from_hex(text);
    EXPECT_TRUE(bytes.has_value()) << text;
    return bytes.value_or(Bytes{});
}

Bytes encoded(const EncodeResult &result)
{
    if (const auto *error = std::get_if<Error>(&result)) {
        ADD_FAILURE() << describe(*error);
        return {};
    }
    return std::get<Bytes>(result);
}

Incoming decoded(const DecodeResult &result)
{
    if (const auto *error = std::get_if<Error>(&result)) {
        ADD_FAILURE() << describe(*error);
        return {};
    }
    return std::get<Incoming>(result);
}

// The payload of a published plaintext that has its trailer in it.
Outgoing from_plaintext(const Bytes &plain)
{
    Outgoing out;
    const std::size_t pad = plain[plain.size() - 2];
    const auto end = plain.end() - 2;
    out.next_header = plain.back();
    out.padding = Bytes(end - static_cast<long>(pad), end);
    out.payload.assign(plain.begin(), end - static_cast<long>(pad));
    return out;
}

struct GcmVector {
    std::string_view key, salt;
    std::uint32_t spi;
    std::uint64_t sequence;
    bool esn;
    std::string_view iv, plaintext, sealed;
};

// draft-mcgrew-gcm-test-01 section 4, "Test Cases", in the draft's order: AES-GCM
// in ESP with 16 bytes of ICV. The draft's plaintexts end in the ESP trailer.
const GcmVector gcm_vectors[] = {
    {"4c80cdefbb5d10da906ac73c3613a634", "2e443b68", 0x00004321, 0x8765432100000000, true,
     "4956ed7e3b244cfe",
     "45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000"
     "00000000045f736970045f756470037369700963796265726369747902646b00"
     "0021000101020201",
     "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34"
     "cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce"
     "61bc17d768fd9732459018148f6cbe722fd04796562dfdb4"},
    {"feffe9928665731c6d6a8f9467308308", "cafebabe", 0x0000a5f8, 0x0000000a, false,
     "facedbaddecaf888",
     "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100"
     "0001000000000000037369700963796265726369747902646b00000100010001",
     "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c"
     "3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1"
     "83b70d3aa8bc6ee4c309e9d85a41ad4a"},
    {"abbccddef00112233445566778899aababbccddef00112233445566778899aab", "11223344", 0x4a2cbfe3,
     0x00000002, false, "0102030405060708",
     "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000"
     "7002400020bf0000020405b40101040201020201",
     "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763"
     "748a637985771d347f0545659f14e99def842d8eb335f4eecfdbf831824b4c49"
     "15956c96"},
    {"00000000000000000000000000000000", "00000000", 0x00000000, 0x00000001, false,
     "0000000000000000",
     "4500003c99c500008001cb7a40679318010101010800075c0200440061626364"
     "65666768696a6b6c6d6e6f707172737475767761626364656667686901020201",
     "4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284"
     "456476492719ffb64de7d9dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3"
     "f821d496eeb096e98ad2b69e4799c71d"},
    {"3de09874b388e6491988d0c3607eae1f", "57690e43", 0x42f67e3f, 0x1010101010101010, true,
     "4e280000a2fca1a3",
     "4500003c99c300008001cb7c40679318010101010800085c0200430061626364"
     "65666768696a6b6c6d6e6f707172737475767761626364656667686901020201",
     "fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c357917"
     "65acbd8701ad79845bf9fe3fba487bc91755e6662b4c8d0d1f5e22739530320a"
     "e0d731cc978ecafaeae88f00e80d6e48"},
    {"3de09874b388e6491988d0c3607eae1f", "57690e43", 0x42f67e3f, 0x1010101010101010, true,
     "4e280000a2fca1a3", "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
     "fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed369f071f"
     "35e034be95f112e4e7d05d35"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c", "cafebabe", 0x0000a5f8, 0x0000000a, false,
     "facedbaddecaf888",
     "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e"
     "501016d075680001",
     "a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfbdbd0"
     "315b27452144cc7795457b9652037f5318027b5b4cd7a636"},
    {"abbccddef00112233445566778899aab", "decaf888", 0x00000100, 0x0000000000000001, true,
     "cafedebaceface74",
     "4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d5"
     "00004e20001e8c18d75b81dc91baa0476b91b924b280389d92c963bac046ec95"
     "9b6266c04722b14923010101",
     "18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f"
     "9190feebaf2cb01984e65863965d7472b79da345e0e780191f0d2f0e0f496c22"
     "6f2127b27db35724e7845d68651f57e65f354f75ff17015769623436"},
    {"abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74", 0x17405e67,
     0x156f3126dd0db99b, true, "616e640169766563",
     "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb712602"
     "50101f646d540001",
     "f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57f"
     "f4d3a31ce673119e451626c2415771e3b7eebca614c89b35"},
    {"3de09874b388e6491988d0c3607eae1f", "57690e43", 0x42f67e3f, 0x1010101010101010, true,
     "4e280000a2fca1a3",
     "45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b"
     "000001e0001e8c18d65759d52284a0352c71475c8880391c764d6e5ee0496b32"
     "5ae270c03899493915010101",
     "fba2cad12fc1f9f00d3cebf305410db83d7784b607323d220f24b0a97d541828"
     "00cadb0f68d99ef0e0c0c89ae9bea8884e52d65bc1afd0740f742444747b5b39"
     "ab533163aad4550ee5160975cdb608c5769189609763b8e18caa81e2"},
    {"abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74", 0x17405e67,
     0x156f3126dd0db99b, true, "616e640169766563",
     "636973636f0172756c657301746865016e6574776501646566696e6501746865"
     "746563686e6f6c6f67696573017468617477696c6c01646566696e65746f6d6f"
     "72726f7701020201",
     "d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18"
     "d0a6df10e5487df074113e14c641024e3e6773d91a62ee429b043a10e3efe6b0"
     "12a49363412364f8c0cac587f249e56b11e24f30e44ccc76"},
    {"7d773d00c144c525ac619d18c84a3f47", "d9664267", 0x335467ae, 0xffffffff, false,
     "43457e9182443bc6", "01020201", "437f866bcb3f699fe9b0822bac961c4504bef270"},
    {"abbccddef00112233445566778899aab", "decaf888", 0x00000100, 0x0000000000000001, true,
     "cafedebaceface74", "746f016265016f72016e6f7401746f0162650001",
     "29c9fc69a197d038ccdd14e2ddfcaa0543332164412503524303ed3c6c5f2838"
     "43af8c3e"},
    {"6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961", "7475726e", 0x796b6963,
     0xffffffffffffffff, true, "333021696765746d",
     "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364"
     "65666768696a6b6c6d6e6f707172737401020201",
     "f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a86"
     "4cd3d78ca4ae68a32b42458fb57dbe821dcc63b9d0937ba2945f669368661a32"
     "9fb4c053"},
};

class McGrewGcm : public testing::TestWithParam<GcmVector> {
protected:
    Association sa() const
    {
        Association sa;
        sa.algorithm.encryption_key =
            hex(std::string(GetParam().key) + std::string(GetParam().salt));
        sa.spi = GetParam().spi;
        sa.esn = GetParam().esn;
        return sa;
    }
    Outgoing outgoing() const
    {
        Outgoing out = from_plaintext(hex(GetParam().plaintext));
        out.sequence = GetParam().sequence;
        out.iv = hex(GetParam().iv);
        return out;
    }
    // The draft's packets: SPI, the low half of the sequence number, IV, sealed.
    std::string packet() const
    {
        Bytes head;
        for (const std::uint32_t word :
             {GetParam().spi, static_cast<std::uint32_t>(GetParam().sequence)})
            for (int shift = 24; shift >= 0; shift -= 8)
                head.push_back(static_cast<std::uint8_t>(word >> shift));
        return to_hex(head) + std::string(GetParam().iv) + std::string(GetParam().sealed);
    }
};

TEST_P(McGrewGcm, Encodes)
{
    EXPECT_EQ(to_hex(encoded(encode(sa(), outgoing()))), packet());
}

TEST_P(McGrewGcm, Decodes)
{
    const Incoming in =
        decoded(decode(sa(), hex(packet()), static_cast<std::uint32_t>(GetParam().sequence >> 32)));
    const Outgoing out = outgoing();
    EXPECT_EQ(in.payload, out.payload);
    EXPECT_EQ(in.padding, *out.padding);
    EXPECT_TRUE(in.padding_is_default);
    EXPECT_EQ(in.next_header, out.next_header);
    EXPECT_EQ(in.iv, out.iv);
    EXPECT_EQ(in.spi, GetParam().spi);
    EXPECT_EQ(in.sequence_low, static_cast<std::uint32_t>(GetParam().sequence));
}

INSTANTIATE_TEST_SUITE_P(Draft01, McGrewGcm, testing::ValuesIn(gcm_vectors));

struct CbcVector {
    std::string_view key;
    std::uint32_t spi, sequence;
    std::string_view payload;
    std::uint8_t next_header;
    std::string_view packet;
};

// RFC 3602 section 4, cases 5 to 8: sample transport-mode (5, 6) and tunnel-mode
// (7, 8) ESP packets. They have no ICV.
const CbcVector cbc_vectors[] = {
    {"90d382b410eeba7ad938c46cec1a82bf", 0x4321, 1,
     "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f1011121314151617"
     "18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
     1,
     "0000432100000001e96e8c08ab465763fd098d45dd3ff893"
     "f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856"
     "a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874a"
     "a269add047ad2d5913ac19b7cfbad4a6"},
    {"90d382b410eeba7ad938c46cec1a82bf", 0x4321, 8,
     "0800b5e8a80a0500a69c083d0b660e00777777777777777777777777", 1,
     "000043210000000869d08df7d203329db093fc4924e5bd80"
     "f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75"},
    {"0123456789abcdef0123456789abcdef", 0x8765, 2,
     "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d"
     "02a2040008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
     "2425262728292a2b2c2d2e2f3031323334353637",
     4,
     "0000876500000002f4e765244f6407adf13dc1380f673f37"
     "773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8"
     "e4ecaec78ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5"
     "c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d"},
    {"0123456789abcdef0123456789abcdef", 0x8765, 5,
     "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083d"
     "a3de0300ffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ffffffff",
     4,
     "000087650000000585d47224b5f3dd5d2101d4ea8dffab22"
     "15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb5"
     "0f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3"
     "d2726d9b5ef6affc6d17a0decbb13892"},
};

class Rfc3602 : public testing::TestWithParam<CbcVector> {
protected:
    Association sa() const
    {
        Association sa;
        sa.algorithm = {Cipher::aes_cbc_hmac_sha256, hex(GetParam().key), {}, 0};
        sa.spi = GetParam().spi;
        return sa;
    }
};

TEST_P(Rfc3602, Encodes)
{
    Outgoing out;
    out.payload = hex(GetParam().payload);
    out.sequence = GetParam().sequence;
    out.next_header = GetParam().next_header;
    out.iv = hex(GetParam().packet.substr(16, 32));
    EXPECT_EQ(to_hex(encoded(encode(sa(), out))), GetParam().packet);
}

TEST_P(Rfc3602, Decodes)
{
    const Incoming in = decoded(decode(sa(), hex(GetParam().packet)));
    EXPECT_EQ(to_hex(in.payload), GetParam().payload);
    EXPECT_EQ(in.next_header, GetParam().next_header);
    EXPECT_EQ(in.sequence_low, GetParam().sequence);
    EXPECT_TRUE(in.padding_is_default);
}

INSTANTIATE_TEST_SUITE_P(Section4, Rfc3602, testing::ValuesIn(cbc_vectors));

// RFC 4231 section 4, HMAC-SHA-256 of test cases 1, 2, 3 and 6.
TEST(HmacSha256, Rfc4231)
{
    const auto text = [](std::string_view words) { return Bytes(words.begin(), words.end()); };
    EXPECT_EQ(to_hex(hmac_sha256(Bytes(20, 0x0b), text("Hi There"))),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(to_hex(hmac_sha256(text("Jefe"), text("what do ya want for nothing?"))),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(to_hex(hmac_sha256(Bytes(20, 0xaa), Bytes(50, 0xdd))),
              "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    EXPECT_EQ(to_hex(hmac_sha256(Bytes(131, 0xaa),
                                 text("Test Using Larger Than Block-Size Key - Hash Key First"))),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 4868 section 2.7.2.1, test cases AUTH256-1 to AUTH256-4 (32-byte keys).
TEST(HmacSha256, Rfc4868)
{
    EXPECT_EQ(to_hex(hmac_sha256(Bytes(32, 0x0b), hex("4869205468657265"))),
              "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
    EXPECT_EQ(
        to_hex(hmac_sha256(hex("4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665"),
                           hex("7768617420646f2079612077616e7420666f72206e6f7468696e673f"))),
        "167f928588c5cc2eef8e3093caa0e87c9ff566a14794aa61648d81621a2a40c6");
    EXPECT_EQ(to_hex(hmac_sha256(Bytes(32, 0xaa), Bytes(50, 0xdd))),
              "cdcb1220d1ecccea91e53aba3092f962e549fe6ce9ed7fdc43191fbde45c30b0");
    EXPECT_EQ(
        to_hex(hmac_sha256(hex("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"),
                           Bytes(50, 0xcd))),
        "372efcf9b40b35c2115b1346903d2ef42fced46f0846e7257bb156d3d7b30d3f");
}

Association gcm(std::size_t key = 16, std::size_t icv = 16, bool esn = false)
{
    return {{Cipher::aes_gcm, pattern(key + 4, 1), {}, icv}, 0x01020304, esn};
}

Association cbc(std::size_t icv = 16, bool esn = false)
{
    return {{Cipher::aes_cbc_hmac_sha256, pattern(16, 1), pattern(32, 2), icv}, 0x01020304, esn};
}

std::vector<Association> associations()
{
    std::vector<Association> all;
    for (const bool esn : {false, true}) {
        for (const std::size_t key : {16U, 24U, 32U})
            for (const std::size_t icv : {8U, 12U, 16U})
                all.push_back(gcm(key, icv, esn));
        all.push_back(cbc(12, esn));
        all.push_back(cbc(16, esn));
    }
    return all;
}

class EveryAssociation : public testing::TestWithParam<Association> {
protected:
    Outgoing outgoing(std::size_t size) const
    {
        Outgoing out;
        out.payload = pattern(size);
        out.sequence = GetParam().esn ? 0x123456789ULL : 0x23456789ULL;
        out.iv = pattern(GetParam().algorithm.iv_length(), 3);
        return out;
    }
    static constexpr std::uint32_t high = 1;
};

TEST_P(EveryAssociation, RoundTripsAroundBlockBoundaries)
{
    const auto &algorithm = GetParam().algorithm;
    for (const std::size_t size : {0U, 1U, 13U, 14U, 15U, 16U, 17U, 20U, 1400U, 1401U}) {
        const Bytes esp = encoded(encode(GetParam(), outgoing(size)));
        const std::size_t middle =
            esp.size() - header_length - algorithm.iv_length() - algorithm.icv_length;
        EXPECT_EQ(middle % algorithm.block_size(), 0U);
        EXPECT_EQ(middle, size + padding_length(algorithm, size) + trailer_length);
        EXPECT_LT(padding_length(algorithm, size), algorithm.block_size());
        const Incoming in = decoded(decode(GetParam(), esp, high));
        EXPECT_EQ(in.payload, pattern(size));
        EXPECT_EQ(in.sequence_low, 0x23456789U);
        EXPECT_TRUE(in.padding_is_default);
    }
}

TEST_P(EveryAssociation, EveryFlippedByteIsNoticed)
{
    const Bytes esp = encoded(encode(GetParam(), outgoing(20)));
    for (std::size_t at = 0; at < esp.size(); at++) {
        Bytes changed = esp;
        changed[at] ^= 1;
        const auto result = decode(GetParam(), changed, high);
        ASSERT_TRUE(std::holds_alternative<Error>(result)) << at;
        EXPECT_EQ(std::get<Error>(result), at < 4 ? Error::wrong_spi : Error::bad_icv) << at;
    }
}

TEST_P(EveryAssociation, HighSequenceBitsCountOnlyWithEsn)
{
    const Bytes esp = encoded(encode(GetParam(), outgoing(20)));
    const auto result = decode(GetParam(), esp, high + 1);
    EXPECT_EQ(std::holds_alternative<Error>(result), GetParam().esn);
}

TEST_P(EveryAssociation, CutShortIsNeverAccepted)
{
    const Bytes esp = encoded(encode(GetParam(), outgoing(20)));
    for (std::size_t size = 0; size < esp.size(); size++)
        ASSERT_TRUE(std::holds_alternative<Error>(decode(GetParam(), View(esp).first(size), high)))
            << size;
}

TEST_P(EveryAssociation, PaddingLongerThanThePacketIsNoticed)
{
    Outgoing out = outgoing(30);
    out.pad_length = 255;
    const auto result = decode(GetParam(), encoded(encode(GetParam(), out)), high);
    ASSERT_TRUE(std::holds_alternative<Error>(result));
    EXPECT_EQ(std::get<Error>(result), Error::bad_pad_length);
}

TEST_P(EveryAssociation, ForeignPaddingIsReported)
{
    const auto &algorithm = GetParam().algorithm;
    Outgoing out = outgoing(30);
    out.padding = Bytes(padding_length(algorithm, 30) + 2 * algorithm.block_size(), 0x5a);
    const Incoming in = decoded(decode(GetParam(), encoded(encode(GetParam(), out)), high));
    EXPECT_EQ(in.padding, *out.padding);
    EXPECT_FALSE(in.padding_is_default);
    EXPECT_EQ(in.payload, out.payload);
}

INSTANTIATE_TEST_SUITE_P(Associations, EveryAssociation, testing::ValuesIn(associations()));

TEST(Encode, BadKeysAndIvsAreErrors)
{
    Outgoing out;
    out.iv = Bytes(7);
    EXPECT_EQ(encode(gcm(), out), EncodeResult(Error::bad_iv));
    out.iv = Bytes(8);
    EXPECT_EQ(encode(gcm(15), out), EncodeResult(Error::bad_key));
    Association none = gcm();
    none.algorithm.encryption_key.clear();
    EXPECT_EQ(encode(none, out), EncodeResult(Error::bad_key));
    out.iv = Bytes(16);
    out.padding = Bytes(3);
    EXPECT_EQ(encode(cbc(), out), EncodeResult(Error::not_block_aligned));
}

TEST(Padding, IsOneTwoThree)
{
    EXPECT_EQ(default_padding(4), (Bytes{1, 2, 3, 4}));
    EXPECT_TRUE(default_padding(0).empty());
    EXPECT_EQ(default_padding(255).back(), 255);
}

packet::Ipv4 outer4()
{
    packet::Ipv4 ip;
    ip.source = *packet::Ipv4Address::parse("192.0.2.1");
    ip.destination = *packet::Ipv4Address::parse("192.0.2.2");
    return ip;
}

packet::Ipv6 outer6()
{
    packet::Ipv6 ip;
    ip.source = *packet::Ipv6Address::parse("2001:db8::1");
    ip.destination = *packet::Ipv6Address::parse("2001:db8::2");
    return ip;
}

TEST(Frame, TunnelRoundTripInBothFamilies)
{
    for (const packet::Network &outer : {packet::Network(outer4()), packet::Network(outer6())}) {
        TunnelFrame frame{
            {packet::Mac{{2, 0, 0, 0, 0, 2}}, packet::Mac{{2, 0, 0, 0, 0, 1}}, {}}, outer, {}};
        frame.esp.payload = pattern(77);
        frame.esp.iv = Bytes(8, 9);
        Bytes bytes = encoded(encode_frame(gcm(), frame));
        bytes.insert(bytes.end(), 3, 0); // as a short frame is padded by Ethernet
        const auto result = decode_frame(gcm(), bytes);
        ASSERT_TRUE(std::holds_alternative<DecodedFrame>(result));
        const auto &back = std::get<DecodedFrame>(result);
        EXPECT_EQ(back.ethernet, frame.ethernet);
        EXPECT_EQ(back.outer, outer);
        EXPECT_TRUE(back.outer_checksum_good);
        EXPECT_EQ(back.trailer.size(), 3U);
        EXPECT_EQ(back.esp.payload, frame.esp.payload);
    }
}

TEST(Frame, OtherPacketsAreErrors)
{
    TunnelFrame frame{{}, outer4(), {}};
    frame.esp.iv = Bytes(8);
    frame.esp.next_header = packet::proto_udp;
    const auto not_tunnel = decode_frame(gcm(), encoded(encode_frame(gcm(), frame)));
    ASSERT_TRUE(std::holds_alternative<Error>(not_tunnel));
    EXPECT_EQ(std::get<Error>(not_tunnel), Error::not_tunnel);

    packet::Packet udp{packet::Ethernet{}, outer4(), packet::Udp{1, 2, {}, {}}, pattern(40)};
    const auto not_esp = decode_frame(gcm(), udp.build());
    ASSERT_TRUE(std::holds_alternative<Error>(not_esp));
    EXPECT_EQ(std::get<Error>(not_esp), Error::not_esp);
}

} // namespace
} // namespace xfrm_xdp::esp
