// SPDX-License-Identifier: GPL-2.0-or-later
// A device seen from outside: what arrives on it, and a way to send from it.
#pragma once

#include <functional>
#include <vector>

#include "fd.hpp"
#include "packet.hpp"
#include "result.hpp"
#include "sa.hpp"

namespace xfrm_xdp::oracle {

using packet::Bytes;
using packet::View;

class Tap {
public:
    // In the current namespace. Sees what comes in, not what goes out.
    static Result<Tap> open(const std::string &device);
    // Datagrams that are delivered to this host: with their header (IPv4), without (IPv6).
    static Result<Tap> open_local(const test::Address &at, std::uint16_t but_port);
    const Fd &socket() const { return socket_; }
    Status send(const std::vector<Bytes> &frames);
    // All that has come in since the last call.
    std::vector<Bytes> take();
    // Until @last matches a frame that came in and there are @at_least so many, or five
    // seconds: all up to then. Says whether it came.
    bool take_until(std::vector<Bytes> &frames, const std::function<bool(View)> &last,
                    std::size_t at_least = 0);

private:
    explicit Tap(Fd socket) : socket_(std::move(socket)) {}
    Fd socket_;
};

} // namespace xfrm_xdp::oracle
