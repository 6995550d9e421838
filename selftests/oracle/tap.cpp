// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace xfrm_xdp::oracle {
namespace {

constexpr int receive_buffer = 16 << 20;
constexpr std::size_t frame_max = 2048;
constexpr std::size_t batch = 32;

// One system call for many frames: they are dear on an emulated machine.
struct Batch {
    std::array<mmsghdr, batch> messages{};
    std::array<iovec, batch> vectors{};
    Batch()
    {
        for (std::size_t i = 0; i < batch; i++) {
            messages[i].msg_hdr.msg_iov = &vectors[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
    }
};

} // namespace

Result<Tap> Tap::open(const std::string &device)
{
    Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return errno_error(errno, "packet socket");
    const int on = 1;
    if (setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)))
        return errno_error(errno, "options of a packet socket");
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
    if (bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)))
        return errno_error(errno, "packet socket on " + device);
    return Tap(std::move(fd));
}

Result<Tap> Tap::open_local(const test::Address &at, std::uint16_t but_port)
{
    const int family = test::family_of(at);
    Fd fd(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
    if (!fd)
        return errno_error(errno, "raw socket");
    // IPv4 sockets are given the IP header as well.
    const std::uint32_t port_at = (family == AF_INET ? 20 : 0) + 2;
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, port_at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, but_port, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, ~0U),
    };
    const sock_fprog program{std::size(code), code};
    if (setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
        return errno_error(errno, "filter of a raw socket");
    sockaddr_in four{};
    sockaddr_in6 six{};
    sockaddr *address = reinterpret_cast<sockaddr *>(&four);
    socklen_t length = sizeof(four);
    if (const auto *v4 = std::get_if<packet::Ipv4Address>(&at)) {
        four.sin_family = AF_INET;
        std::memcpy(&four.sin_addr, v4->octets.data(), v4->octets.size());
    } else {
        six.sin6_family = AF_INET6;
        const auto &octets = std::get<packet::Ipv6Address>(at).octets;
        std::memcpy(&six.sin6_addr, octets.data(), octets.size());
        address = reinterpret_cast<sockaddr *>(&six);
        length = sizeof(six);
    }
    if (bind(fd.get(), address, length))
        return errno_error(errno, "address of a raw socket");
    return Tap(std::move(fd));
}

Status Tap::send(const std::vector<Bytes> &frames)
{
    static Batch out;
    for (std::size_t sent = 0; sent < frames.size();) {
        const std::size_t count = std::min(batch, frames.size() - sent);
        for (std::size_t i = 0; i < count; i++)
            out.vectors[i] = {const_cast<std::uint8_t *>(frames[sent + i].data()),
                              frames[sent + i].size()};
        const int done =
            sendmmsg(socket_.get(), out.messages.data(), static_cast<unsigned>(count), 0);
        if (done < 0 && errno == EAGAIN)
            continue;
        if (done < 0)
            return errno_error(errno, "sending frames");
        sent += static_cast<std::size_t>(done);
    }
    return Done{};
}

std::vector<Bytes> Tap::take()
{
    static std::array<std::array<std::uint8_t, frame_max>, batch> buffers;
    static Batch in;
    std::vector<Bytes> frames;
    for (;;) {
        for (std::size_t i = 0; i < batch; i++)
            in.vectors[i] = {buffers[i].data(), frame_max};
        const int count = recvmmsg(socket_.get(), in.messages.data(), batch, MSG_DONTWAIT, nullptr);
        for (int i = 0; i < count; i++) {
            const auto &buffer = buffers[static_cast<std::size_t>(i)];
            frames.emplace_back(buffer.begin(),
                                buffer.begin() + in.messages[static_cast<std::size_t>(i)].msg_len);
        }
        if (count < static_cast<int>(batch))
            return frames;
    }
}

bool Tap::take_until(std::vector<Bytes> &frames, const std::function<bool(View)> &last,
                     std::size_t at_least)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    for (bool found = false;;) {
        for (auto &frame : take()) {
            found = found || last(frame);
            frames.push_back(std::move(frame));
        }
        if (found && frames.size() >= at_least)
            return true;
        if (std::chrono::steady_clock::now() > end)
            return found;
        pollfd wait{socket_.get(), POLLIN, 0};
        poll(&wait, 1, 100);
    }
}

} // namespace xfrm_xdp::oracle
