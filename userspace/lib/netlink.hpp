// SPDX-License-Identifier: GPL-2.0-or-later
// Netlink dumps over libmnl.
#pragma once

#include "result.hpp"

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

struct mnl_socket;
struct nlattr;
struct nlmsghdr;

namespace xfrm_xdp {

// Attributes by number; null where there is none.
class Attributes {
public:
    // Of a message whose own header is @header_size long.
    Attributes(const nlmsghdr *message, std::size_t header_size, unsigned highest);
    // Nested in an attribute.
    Attributes(const nlattr *nest, unsigned highest);

    const nlattr *operator[](unsigned number) const;

    // Null or zero where the attribute is missing or too short.
    template <class T>
    const T *as(unsigned number) const
    {
        return static_cast<const T *>(payload(number, sizeof(T)));
    }
    std::uint32_t u32(unsigned number) const;
    std::string text(unsigned number) const;

private:
    const void *payload(unsigned number, std::size_t least) const;
    void collect(const void *from, const void *end);
    std::vector<const nlattr *> table_;
};

class NetlinkSocket {
public:
    // In the network namespace of the calling thread. @bus: NETLINK_*
    static Result<NetlinkSocket> open(int bus);

    // Sends a dump request with @payload (a family header) and calls @each for every answer.
    Status dump(std::uint16_t type, std::span<const std::byte> payload,
                const std::function<Status(const nlmsghdr *)> &each);
    // The same for one object, whose answer ends with an acknowledgement.
    Status get(std::uint16_t type, std::span<const std::byte> payload,
               const std::function<Status(const nlmsghdr *)> &each);

private:
    struct Closer {
        void operator()(mnl_socket *socket) const;
    };
    explicit NetlinkSocket(mnl_socket *socket) : socket_(socket) {}
    Status ask(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> payload,
               const std::function<Status(const nlmsghdr *)> &each);
    std::unique_ptr<mnl_socket, Closer> socket_;
};

// All that a dump answers, each message parsed by @parse, which leaves out what it returns empty
// for. Asks again where the dump met a change half-way.
template <class T>
Result<std::vector<T>> collect(int bus, std::uint16_t type, std::span<const std::byte> payload,
                               Result<std::optional<T>> (*parse)(const nlmsghdr *))
{
    for (int tries = 10;; tries--) {
        std::vector<T> found;
        auto socket = NetlinkSocket::open(bus);
        if (!socket)
            return socket.error();
        auto status = socket->dump(type, payload, [&](const nlmsghdr *message) -> Status {
            auto parsed = parse(message);
            if (!parsed)
                return parsed.error();
            if (*parsed)
                found.push_back(**std::move(parsed));
            return Done{};
        });
        if (status)
            return found;
        if (status.error().code != EINTR || tries == 0)
            return status.error();
    }
}

} // namespace xfrm_xdp
