// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <libmnl/libmnl.h>

namespace xfrm_xdp {

namespace {

struct DumpState {
    const std::function<Status(const nlmsghdr *)> &each;
    Status status{Done{}};
};

int on_message(const nlmsghdr *message, void *data)
{
    auto *state = static_cast<DumpState *>(data);

    state->status = state->each(message);
    return state->status ? MNL_CB_OK : MNL_CB_ERROR;
}

} // namespace

Attributes::Attributes(const nlmsghdr *message, std::size_t header_size, unsigned highest)
    : table_(highest + 1)
{
    if (::mnl_nlmsg_get_payload_len(message) >= header_size)
        collect(::mnl_nlmsg_get_payload_offset(message, header_size),
                ::mnl_nlmsg_get_payload_tail(message));
}

Attributes::Attributes(const nlattr *nest, unsigned highest) : table_(highest + 1)
{
    if (nest) {
        auto *payload = static_cast<const char *>(::mnl_attr_get_payload(nest));
        collect(payload, payload + ::mnl_attr_get_payload_len(nest));
    }
}

void Attributes::collect(const void *from, const void *end)
{
    auto *attribute = static_cast<const nlattr *>(from);
    auto left = [&] {
        return static_cast<int>(static_cast<const char *>(end) -
                                reinterpret_cast<const char *>(attribute));
    };

    for (; ::mnl_attr_ok(attribute, left()); attribute = ::mnl_attr_next(attribute)) {
        unsigned number = ::mnl_attr_get_type(attribute);
        if (number < table_.size())
            table_[number] = attribute;
    }
}

const nlattr *Attributes::operator[](unsigned number) const
{
    return number < table_.size() ? table_[number] : nullptr;
}

const void *Attributes::payload(unsigned number, std::size_t least) const
{
    const nlattr *attribute = (*this)[number];

    if (!attribute || ::mnl_attr_get_payload_len(attribute) < least)
        return nullptr;
    return ::mnl_attr_get_payload(attribute);
}

std::uint32_t Attributes::u32(unsigned number) const
{
    std::uint32_t value = 0;

    if (const void *from = payload(number, sizeof(value)))
        std::memcpy(&value, from, sizeof(value));
    return value;
}

std::string Attributes::text(unsigned number) const
{
    const nlattr *attribute = (*this)[number];

    if (!attribute)
        return {};
    auto *from = static_cast<const char *>(::mnl_attr_get_payload(attribute));
    return {from, ::strnlen(from, ::mnl_attr_get_payload_len(attribute))};
}

void NetlinkSocket::Closer::operator()(mnl_socket *socket) const
{
    ::mnl_socket_close(socket);
}

Result<NetlinkSocket> NetlinkSocket::open(int bus)
{
    NetlinkSocket opened(::mnl_socket_open2(bus, SOCK_CLOEXEC));

    if (!opened.socket_ || ::mnl_socket_bind(opened.socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0)
        return errno_error(errno, "cannot open a netlink socket");
    return opened;
}

Status NetlinkSocket::dump(std::uint16_t type, std::span<const std::byte> payload,
                           const std::function<Status(const nlmsghdr *)> &each)
{
    return ask(type, NLM_F_DUMP, payload, each);
}

Status NetlinkSocket::get(std::uint16_t type, std::span<const std::byte> payload,
                          const std::function<Status(const nlmsghdr *)> &each)
{
    return ask(type, NLM_F_ACK, payload, each);
}

Status NetlinkSocket::ask(std::uint16_t type, std::uint16_t flags,
                          std::span<const std::byte> payload,
                          const std::function<Status(const nlmsghdr *)> &each)
{
    std::vector<char> buffer(32 * 1024);
    DumpState state{each};

    auto *request = ::mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = type;
    request->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    request->nlmsg_seq = static_cast<std::uint32_t>(std::time(nullptr));
    auto sequence = request->nlmsg_seq;
    if (!payload.empty())
        std::memcpy(::mnl_nlmsg_put_extra_header(request, payload.size()), payload.data(),
                    payload.size());
    if (::mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0)
        return errno_error(errno, "cannot ask the kernel over netlink");

    unsigned port = ::mnl_socket_get_portid(socket_.get());
    for (;;) {
        ssize_t length = ::mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
        if (length < 0)
            return errno_error(errno, "cannot read the kernel's answer over netlink");
        int more = ::mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), sequence, port,
                                on_message, &state);
        if (!state.status)
            return state.status;
        if (more < 0)
            return errno_error(errno, "the kernel refused a netlink request",
                               errno == EPERM ? "run as root" : "");
        if (more == MNL_CB_STOP)
            return Done{};
    }
}

} // namespace xfrm_xdp
