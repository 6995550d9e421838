// SPDX-License-Identifier: GPL-2.0-or-later
// Netlink requests and events; a socket stays in the network namespace that it
// was opened in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "packet.hpp"
#include "result.hpp"

struct mnl_socket;
struct nlmsghdr;

namespace xfrm_xdp::test {

// A request that is put together in a buffer of its own.
class Message {
public:
    Message(std::uint16_t type, std::uint16_t flags);
    template <class T>
    T &header()
    {
        return *static_cast<T *>(extra_header(sizeof(T)));
    }
    void attribute(std::uint16_t type, const void *data, std::size_t size);
    template <class T>
    void attribute(std::uint16_t type, const T &value)
    {
        attribute(type, &value, sizeof(value));
    }
    nlmsghdr *get() { return message_; }

private:
    void *extra_header(std::size_t size);
    std::vector<std::uint8_t> buffer_;
    nlmsghdr *message_;
};

using MessageHandler = std::function<void(const nlmsghdr *)>;

class Netlink {
public:
    static Result<Netlink> open(int bus, unsigned groups = 0);
    // The request is acknowledged, or its answers are handed to @handler.
    Status request(Message &message, const MessageHandler &handler = {});
    // What has arrived already; does not wait.
    Status drain(const MessageHandler &handler);

private:
    struct Closer {
        void operator()(mnl_socket *socket) const;
    };
    explicit Netlink(mnl_socket *socket) : socket_(socket) {}
    std::unique_ptr<mnl_socket, Closer> socket_;
    std::uint32_t sequence_ = 1;
};

} // namespace xfrm_xdp::test
