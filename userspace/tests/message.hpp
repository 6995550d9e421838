// SPDX-License-Identifier: GPL-2.0-or-later
// Netlink messages built byte by byte, with lengths that may lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <linux/netlink.h>
#include <string_view>
#include <vector>

namespace xfrm_xdp::test {

class Message {
public:
    explicit Message(std::uint16_t type)
    {
        nlmsghdr header{};
        header.nlmsg_type = type;
        header.nlmsg_flags = NLM_F_MULTI;
        raw(header);
    }

    template <class T>
    Message &raw(const T &value)
    {
        put(&value, sizeof(value));
        return *this;
    }

    template <class T>
    Message &attribute(std::uint16_t type, const T &value)
    {
        return bytes(type, &value, sizeof(value));
    }

    Message &text(std::uint16_t type, std::string_view value)
    {
        std::vector<char> ended(value.begin(), value.end());
        ended.push_back('\0');
        return bytes(type, ended.data(), ended.size());
    }

    Message &bytes(std::uint16_t type, const void *from, std::size_t length)
    {
        nlattr header{static_cast<std::uint16_t>(sizeof(nlattr) + length), type};
        put(&header, sizeof(header));
        put(from, length);
        return *this;
    }

    // What another message holds after its own header, as one attribute.
    Message &nest(std::uint16_t type, const Message &inner)
    {
        return bytes(type | NLA_F_NESTED, inner.data_.data() + sizeof(nlmsghdr),
                     inner.data_.size() - sizeof(nlmsghdr));
    }

    // An attribute whose header promises more than is there.
    Message &lying_attribute(std::uint16_t type) { return raw(nlattr{400, type}); }

    const nlmsghdr *get()
    {
        nlmsghdr header;
        std::memcpy(&header, data_.data(), sizeof(header));
        header.nlmsg_len = static_cast<std::uint32_t>(data_.size());
        std::memcpy(data_.data(), &header, sizeof(header));
        return reinterpret_cast<const nlmsghdr *>(data_.data());
    }

private:
    void put(const void *from, std::size_t length)
    {
        auto *bytes = static_cast<const std::byte *>(from);
        data_.insert(data_.end(), bytes, bytes + length);
        data_.resize((data_.size() + 3) & ~std::size_t{3});
    }

    std::vector<std::byte> data_;
};

} // namespace xfrm_xdp::test
