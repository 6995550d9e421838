// SPDX-License-Identifier: GPL-2.0-or-later
// What XFRM tells its listeners, and the SAs as it dumps them, without what is of the
// moment: times of day, numbers of requests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netlink.hpp"
#include "sa.hpp"

namespace xfrm_xdp::oracle {

struct Event {
    std::string kind; // "soft expiry", "acquire": as people say
    std::uint32_t spi = 0;
    std::string text; // all the rest, for comparison
    bool operator==(const Event &) const = default;
};

std::string show(const Event &event);
std::vector<std::string> kinds(const std::vector<Event> &events);

// Of the namespace that it was opened in.
class Monitor {
public:
    static Result<Monitor> open();
    // The messages of all groups since the last call, in their order.
    Result<std::vector<Event>> take();
    // All SAs, those that are being negotiated included, in the order of their text.
    Result<std::vector<Event>> states();
    // An SA that has an SPI, @sa's, and nothing else yet.
    Status reserve(const test::Sa &sa);

private:
    Monitor(test::Netlink groups, test::Netlink requests)
        : groups_(std::move(groups)), requests_(std::move(requests))
    {
    }
    test::Netlink groups_, requests_;
};

} // namespace xfrm_xdp::oracle
