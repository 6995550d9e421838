// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink.hpp"

#include <libmnl/libmnl.h>

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace xfrm_xdp::test {
namespace {

constexpr std::size_t buffer_size = 16384;

int collect(const nlmsghdr *message, void *data)
{
    const auto &handler = *static_cast<const MessageHandler *>(data);
    if (handler)
        handler(message);
    return MNL_CB_OK;
}

} // namespace

Message::Message(std::uint16_t type, std::uint16_t flags)
    : buffer_(buffer_size), message_(mnl_nlmsg_put_header(buffer_.data()))
{
    message_->nlmsg_type = type;
    message_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

void *Message::extra_header(std::size_t size)
{
    return mnl_nlmsg_put_extra_header(message_, size);
}

void Message::attribute(std::uint16_t type, const void *data, std::size_t size)
{
    mnl_attr_put(message_, type, size, data);
}

void Netlink::Closer::operator()(mnl_socket *socket) const
{
    mnl_socket_close(socket);
}

Result<Netlink> Netlink::open(int bus, unsigned groups)
{
    mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
    if (!socket)
        return errno_error(errno, "netlink socket");
    Netlink opened(socket);
    if (mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0)
        return errno_error(errno, "netlink bind");
    return opened;
}

Status Netlink::request(Message &message, const MessageHandler &handler)
{
    nlmsghdr *out = message.get();
    out->nlmsg_seq = sequence_++;
    if (!handler)
        out->nlmsg_flags |= NLM_F_ACK;
    if (mnl_socket_sendto(socket_.get(), out, out->nlmsg_len) < 0)
        return errno_error(errno, "netlink send");

    std::vector<std::uint8_t> buffer(buffer_size);
    const unsigned port = mnl_socket_get_portid(socket_.get());
    for (;;) {
        const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
        if (size < 0)
            return errno_error(errno, "netlink receive");
        MessageHandler copy = handler;
        const int more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), out->nlmsg_seq,
                                    port, collect, &copy);
        if (more < 0)
            return errno_error(errno, "netlink request");
        // A single answer is not followed by anything; a dump ends in DONE.
        if (more == MNL_CB_STOP || !(out->nlmsg_flags & (NLM_F_DUMP | NLM_F_ACK)))
            return Done{};
    }
}

Status Netlink::drain(const MessageHandler &handler)
{
    std::vector<std::uint8_t> buffer(buffer_size);
    for (;;) {
        const ssize_t size =
            recv(mnl_socket_get_fd(socket_.get()), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return Done{};
        if (size < 0)
            return errno_error(errno, "netlink events");
        MessageHandler copy = handler;
        mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), 0, 0, collect, &copy);
    }
}

} // namespace xfrm_xdp::test
