# SPDX-License-Identifier: GPL-2.0-only
"""Taps: every frame that passes a device since the tap was read last, named for what it is."""

import collections
import socket
import struct

import packets

ETH_P_ALL, PACKET_OUTGOING, SO_RCVBUFFORCE = 3, 4, 33
ICMP = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}


def ports(data):
    return struct.unpack_from("!HH", data)


def is_good(data, ttl, size, left):
    """A datagram of a test, unharmed, two hops from its sender, nothing behind its end."""
    body = data[8:]
    if ttl != 62 or size != left or len(body) < 8 or body[:4] != b"XXDP":
        return False
    seq = struct.unpack_from("!I", body, 4)[0]
    return seq < 1 << 30 and body == packets.payload(seq, len(body))


def name(frame):
    """ "good" or what it is: protocol, addresses, ports, TTL."""
    ethertype, version = struct.unpack_from("!H", frame, 12)[0], frame[14] >> 4
    if packets.ETH_P.get(version) != ethertype:
        return "ethertype-%04x" % ethertype
    left = len(frame) - 14
    if version == 4:
        size, proto, ttl, hlen = packets.ip_length(frame), frame[23], frame[22], (frame[14] & 15) * 4
        src, dst = (socket.inet_ntop(socket.AF_INET, frame[i:i + 4]) for i in (26, 30))
    else:
        size, proto, ttl, hlen = packets.ip_length(frame), frame[20], frame[21], 40
        src, dst = (socket.inet_ntop(socket.AF_INET6, frame[i:i + 16]) for i in (22, 38))
    data = frame[14 + hlen:14 + size]
    if proto == 44 or version == 4 and struct.unpack_from("!H", frame, 20)[0] & 0x3FFF:
        return "fragment:%s>%s:ttl%d" % (src, dst, ttl)
    if proto == packets.ESP:
        return "esp:%#x" % struct.unpack_from("!I", data)[0]
    if proto == socket.IPPROTO_UDP and is_good(data, ttl, size, left):
        return "good"
    if proto in (socket.IPPROTO_UDP, socket.IPPROTO_TCP):
        kind = "udp" if proto == socket.IPPROTO_UDP else "tcp"
        text = "%s:%s:%d>%s:%d:ttl%d" % (kind, src, ports(data)[0], dst, ports(data)[1], ttl)
    elif proto == ICMP[version]:
        info = struct.unpack_from("!I", data, 4)[0]
        text = "icmp:%d/%d/%d:%s>%s" % (data[0], data[1], info, src, dst)
    else:
        text = "ip-%d:%s>%s:ttl%d" % (proto, src, dst, ttl)
    return text if size == left else "%s:%+d" % (text, left - size)


class Tap:
    """What came in by a device; what went out is kept to be sent again."""

    def __init__(self, dev):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.sock.bind((dev, ETH_P_ALL))
        self.sent = []

    def read(self):
        found, self.sent = collections.Counter(), []
        while True:
            try:
                frame, (_, _, kind, _, _) = self.sock.recvfrom(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return found
            if kind == PACKET_OUTGOING:
                self.sent.append(frame)
            else:
                found[name(frame)] += 1
