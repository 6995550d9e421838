# SPDX-License-Identifier: GPL-2.0-only
"""IP packets as an attacker makes them: any protocol, options, fragments, bytes behind the end."""

import socket
import struct

import packets

FRAGMENT, MF = 44, 0x2000
OPTIONS = {
    "lsrr": "83 07 04 c6 33 64 01 00",  # by 198.51.100.1
    "rr": "07 07 04 00 00 00 00 00",
    "hop": "00 00 01 04 00 00 00 00",   # IPv6: hop by hop, PadN only
    "routing": "00 00 00 00 00 00 00 00",
}
NEXT = {"hop": 0, "routing": 43}


def pseudo(src, dst, proto, size):
    fam = socket.AF_INET if packets.family(src) == 4 else socket.AF_INET6
    return (socket.inet_pton(fam, src) + socket.inet_pton(fam, dst)
            + struct.pack("!II", size, proto))


def tcp(src, dst, sport, dport, flags, data):
    head = struct.pack("!HHIIBBHHH", sport, dport, 1000, 1000, 5 << 4, flags, 512, 0, 0)
    csum = packets.checksum(pseudo(src, dst, socket.IPPROTO_TCP, len(head + data)) + head + data)
    return head[:16] + struct.pack("!H", csum) + head[18:] + data


def icmp(src, dst, kind, code, info, data):
    """An ICMP message with a right checksum, of the version of its addresses."""
    body = struct.pack("!BBHI", kind, code, 0, info) + data
    cover = pseudo(src, dst, socket.IPPROTO_ICMPV6, len(body)) if packets.family(src) == 6 else b""
    return body[:2] + struct.pack("!H", packets.checksum(cover + body)) + body[4:]


def quote(inner):
    """What an ICMP error says that it is about: "SRC,DST,SPI", an ESP packet."""
    src, dst, spi = inner.split(",")
    data = struct.pack("!II", int(spi, 0), 1) + bytes(32)
    return packets.ip_header(src, dst, packets.ESP, 1400) + data


def transport(proto, src, dst, sport, dport, seq, size, mtu, about):
    """Protocol number and bytes of what is behind the IP header."""
    data, four = packets.payload(seq, size), packets.family(src) == 4
    if proto == "udp":
        return socket.IPPROTO_UDP, packets.udp(src, dst, sport, dport, data)
    if proto.startswith("tcp"):
        flags = {"tcp": 0x10, "tcp-syn": 0x02, "tcp-rst": 0x04, "tcp-fin": 0x11, "tcp-null": 0}[proto]
        return socket.IPPROTO_TCP, tcp(src, dst, sport, dport, flags, data)
    number = socket.IPPROTO_ICMP if four else socket.IPPROTO_ICMPV6
    if proto == "unreachable":      # about a packet of the flow, the other way
        back = packets.udp(dst, src, dport, sport, data)
        back = packets.ip_header(dst, src, socket.IPPROTO_UDP, len(back)) + back
        return number, icmp(src, dst, 3 if four else 1, 3 if four else 4, 0, back)
    if proto == "too-big":
        return number, icmp(src, dst, 3 if four else 2, 4 if four else 0, mtu, quote(about))
    return int(proto), data


def ip_packet(src, dst, sport, dport, seq, size=64, ttl=64, tos=0, proto="udp", options=None,
              short=0, mtu=0, about=None):
    """One IP packet; short: so many bytes less than there are is what its header claims."""
    number, data = transport(proto, src, dst, sport, dport, seq, size, mtu, about)
    extra = bytes.fromhex(OPTIONS[options]) if options else b""
    if packets.family(src) == 6:
        if options:
            extra, number = bytes([number]) + extra[1:], NEXT[options]
        head = packets.ip_header(src, dst, number, len(extra + data) - short, ttl, tos)
        return head + extra + data
    head = packets.ip_header(src, dst, number, len(extra + data) - short, ttl, tos)
    head = bytes([0x45 + len(extra) // 4]) + head[1:10] + b"\0\0" + head[12:] + extra
    return head[:10] + struct.pack("!H", packets.checksum(head)) + head[12:] + data


def fragment(packet, begin, end, ident):
    """Bytes begin to end of what is behind the IP header, as a fragment."""
    six = packet[0] >> 4 == 6
    head, data = (packet[:40], packet[40:]) if six else (packet[:20], packet[20:])
    more = end < len(data)
    data = data[begin:end]
    if six:
        offset = struct.pack("!BBHI", head[6], 0, begin | more, ident)
        return head[:4] + struct.pack("!HB", 8 + len(data), FRAGMENT) + head[7:] + offset + data
    head = (head[:2] + struct.pack("!HHH", 20 + len(data), ident & 0xFFFF,
                                   begin >> 3 | MF * more) + head[8:10] + b"\0\0" + head[12:])
    return head[:10] + struct.pack("!H", packets.checksum(head)) + head[12:] + data


def fragments(packet, how, ident):
    """A packet without options in two fragments, or in two that overlap by eight bytes."""
    size = len(packet) - (40 if packet[0] >> 4 == 6 else 20)
    half = size // 16 * 8
    return [fragment(packet, 0, half + 8 * (how == "overlap"), ident),
            fragment(packet, half, size, ident)]


def frames(smac, dmac, packet, frags=None, trail=0, ident=1, tags=""):
    """Ethernet frames of a packet: one, or its fragments; trail: bytes behind its end."""
    ethertype = struct.pack("!H", packets.ETH_P[packet[0] >> 4])
    pieces = fragments(packet, frags, ident) if frags else [packet]
    head = packets.mac(dmac) + packets.mac(smac) + packets.vlan_tags(tags) + ethertype
    return [head + piece + b"\xEE" * trail for piece in pieces]
