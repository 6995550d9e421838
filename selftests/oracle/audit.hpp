// SPDX-License-Identifier: GPL-2.0-or-later
// What XFRM has audited, in all namespaces: auditing is on as long as this is open.
#pragma once

#include <string>
#include <vector>

#include "fd.hpp"
#include "result.hpp"

namespace xfrm_xdp::oracle {

class AuditLog {
public:
    static Result<AuditLog> open();
    AuditLog(AuditLog &&) = default;
    AuditLog &operator=(AuditLog &&) = delete;
    ~AuditLog();
    // The records of IPsec since the last call, in their order, without number and time.
    Result<std::vector<std::string>> take();

private:
    explicit AuditLog(Fd socket) : socket_(std::move(socket)) {}
    Status request(std::uint16_t type, const void *data, std::size_t size);
    Status enable(bool on);
    Fd socket_;
    unsigned marks_ = 0;
};

// "SA-icv-failure" of "op=SA-icv-failure src=...".
std::string operation(const std::string &record);

} // namespace xfrm_xdp::oracle
