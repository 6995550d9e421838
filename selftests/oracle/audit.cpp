// SPDX-License-Identifier: GPL-2.0-or-later
#include "audit.hpp"

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "netns.hpp"

namespace xfrm_xdp::oracle {
namespace {

constexpr int receive_buffer = 1 << 20;
constexpr std::uint32_t backlog = 4096, usual_backlog = 64;
constexpr auto patience = std::chrono::seconds(5);

} // namespace

Result<AuditLog> AuditLog::open()
{
    // There is one log, the initial namespace's.
    const auto initial = open_netns("/proc/1/ns/net");
    if (!initial)
        return initial.error();
    const auto scope = NetnsScope::enter(*initial);
    if (!scope)
        return scope.error();
    Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT));
    if (!fd)
        return errno_error(errno, "audit socket");
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
    if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)) ||
        bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)))
        return errno_error(errno, "audit log");
    AuditLog log(std::move(fd));
    if (const Status on = log.enable(true); !on)
        return on.error();
    if (const auto works = log.take(); !works)
        return works.error();
    return log;
}

AuditLog::~AuditLog()
{
    if (socket_)
        (void)enable(false);
}

Status AuditLog::request(std::uint16_t type, const void *data, std::size_t size)
{
    std::vector<std::uint8_t> buffer(NLMSG_SPACE(size));
    auto *message = reinterpret_cast<nlmsghdr *>(buffer.data());
    message->nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(size));
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST;
    std::memcpy(NLMSG_DATA(message), data, size);
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (sendto(socket_.get(), buffer.data(), buffer.size(), 0,
               reinterpret_cast<sockaddr *>(&kernel), sizeof(kernel)) < 0)
        return errno_error(errno, "audit request");
    return Done{};
}

// The log is written later, by a thread: in one burst there is more than the usual.
Status AuditLog::enable(bool on)
{
    audit_status status{};
    status.mask = AUDIT_STATUS_ENABLED | AUDIT_STATUS_BACKLOG_LIMIT;
    status.enabled = on;
    status.backlog_limit = on ? backlog : usual_backlog;
    return request(AUDIT_SET, &status, sizeof(status));
}

// All that was audited before a record of ours has arrived when that has.
Result<std::vector<std::string>> AuditLog::take()
{
    const std::string mark = fmt::format("xfrm_xdp_oracle {};", ++marks_);
    if (const Status sent = request(AUDIT_USER, mark.c_str(), mark.size() + 1); !sent)
        return sent.error();
    std::vector<std::string> records;
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
        alignas(nlmsghdr) char buffer[16384];
        const ssize_t size = recv(socket_.get(), buffer, sizeof(buffer), 0);
        if (size < 0) {
            if (errno != EAGAIN)
                return errno_error(errno, "audit log");
            pollfd wait{socket_.get(), POLLIN, 0};
            poll(&wait, 1, 100);
            continue;
        }
        // The length in the header is not to be trusted: it leaves the header out.
        if (size < static_cast<ssize_t>(NLMSG_HDRLEN))
            continue;
        const auto *message = reinterpret_cast<const nlmsghdr *>(buffer);
        std::string text(buffer + NLMSG_HDRLEN, static_cast<std::size_t>(size) - NLMSG_HDRLEN);
        text = text.substr(0, text.find('\0'));
        if (message->nlmsg_type == AUDIT_USER && text.find(mark) != std::string::npos)
            return records;
        if (message->nlmsg_type == AUDIT_MAC_IPSEC_EVENT)
            records.push_back(text.substr(std::min(text.find("op="), text.size())));
    }
    return Error{"what was audited does not arrive", "is the kernel built with CONFIG_AUDIT?", 0};
}

std::string operation(const std::string &record)
{
    const std::size_t begin = record.find('=') + 1;
    return record.substr(begin, record.find(' ', begin) - begin);
}

} // namespace xfrm_xdp::oracle
