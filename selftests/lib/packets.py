# SPDX-License-Identifier: GPL-2.0-only
"""Frames: made by hand, found in a capture, damaged on purpose."""

import socket
import struct

ETH_P = {4: 0x0800, 6: 0x86DD}
ESP = socket.IPPROTO_ESP


def family(addr):
    return 6 if ":" in addr else 4


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def payload(seq, size):
    """What every datagram of a test carries: its number, and bytes that follow from it."""
    body = bytes((seq + i) & 0xFF for i in range(max(size - 8, 0)))
    return b"XXDP" + struct.pack("!I", seq) + body


def ip_header(src, dst, proto, length, ttl=64, tos=0):
    if family(src) == 4:
        head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + length, 0, 0x4000, ttl, proto, 0,
                           socket.inet_aton(src), socket.inet_aton(dst))
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return struct.pack("!IHBB16s16s", 6 << 28 | tos << 20, length, proto, ttl,
                       socket.inet_pton(socket.AF_INET6, src),
                       socket.inet_pton(socket.AF_INET6, dst))


def udp(src, dst, sport, dport, data):
    fam = socket.AF_INET if family(src) == 4 else socket.AF_INET6
    head = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
    pseudo = (socket.inet_pton(fam, src) + socket.inet_pton(fam, dst)
              + struct.pack("!II", 8 + len(data), socket.IPPROTO_UDP))
    csum = checksum(pseudo + head + data) or 0xFFFF
    return head[:6] + struct.pack("!H", csum) + data


def vlan_tags(text):
    """Tags as "PROTOCOL:TCI,...", the outer first."""
    pairs = [tag.split(":") for tag in text.split(",") if tag]
    return b"".join(struct.pack("!HH", int(proto, 0), int(tci, 0)) for proto, tci in pairs)


def too_large(smac, dmac, router, src, dst, spi, mtu):
    """ICMP: fragmentation needed, about an ESP packet from src to dst."""
    about = ip_header(src, dst, ESP, 1000) + struct.pack("!II", spi, 1)
    icmp = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + about
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    return (mac(dmac) + mac(smac) + struct.pack("!H", ETH_P[4])
            + ip_header(router, src, socket.IPPROTO_ICMP, len(icmp)) + icmp)


def rfc4106(key, aad, iv, plain):
    """AES-GCM as ESP uses it, by the kernel's crypto API: neither ESP path is in the way."""
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as alg:
        alg.bind(("aead", "rfc4106(gcm(aes))"))
        alg.setsockopt(socket.SOL_ALG, socket.ALG_SET_KEY, key)
        alg.setsockopt(socket.SOL_ALG, socket.ALG_SET_AEAD_AUTHSIZE, None, 16)
        oper, _ = alg.accept()
        with oper:
            oper.sendmsg_afalg([aad + iv + plain], op=socket.ALG_OP_ENCRYPT, iv=iv,
                               assoclen=len(aad) + len(iv))
            return oper.recv(len(aad) + len(iv) + len(plain) + 16)[len(aad) + len(iv):]


def esp_packet(src, dst, spi, seq, key, inner, next_header=None, padlen=None, tos=0, encap=None):
    """An ESP packet around any bytes; the trailer says what it is told to say.

    encap: "SPORT,DPORT" of the UDP header around it.
    """
    if next_header is None:
        next_header = socket.IPPROTO_IPIP if inner[0] >> 4 == 4 else socket.IPPROTO_IPV6
    pad = -(len(inner) + 2) % 4
    plain = inner + bytes(range(1, pad + 1)) + bytes([pad if padlen is None else padlen,
                                                      next_header])
    aad, iv = struct.pack("!II", spi, seq), struct.pack("!Q", seq)
    esp = aad + iv + rfc4106(key, aad, iv, plain)
    if encap:
        sport, dport = map(int, encap.split(","))
        esp = udp(src, dst, sport, dport, esp)
        return ip_header(src, dst, socket.IPPROTO_UDP, len(esp), tos=tos) + esp
    return ip_header(src, dst, ESP, len(esp), tos=tos) + esp


def read_pcap(path):
    """The frames of a capture file that may still grow."""
    with open(path, "rb") as file:
        data = file.read()
    pos = 24
    while pos + 16 <= len(data):
        size = struct.unpack_from("=I", data, pos + 8)[0]
        if pos + 16 + size > len(data):
            return
        yield data[pos + 16:pos + 16 + size]
        pos += 16 + size


def esp_offset(frame):
    """Where ESP begins in a frame, None where it does not."""
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    if ethertype == ETH_P[4] and frame[23] == ESP:
        return 14 + (frame[14] & 15) * 4
    if ethertype == ETH_P[6] and frame[20] == ESP:
        return 54
    return None


def is_esp(frame, spi):
    off = esp_offset(frame)
    return off is not None and struct.unpack_from("!I", frame, off)[0] == spi


def esp_frames(path, spi):
    """Sequence number and frame of every ESP packet of an SPI."""
    for frame in read_pcap(path):
        off = esp_offset(frame)
        if off is not None and struct.unpack_from("!I", frame, off)[0] == spi:
            yield struct.unpack_from("!I", frame, off + 4)[0], frame


def set_ip_length(frame, length):
    """Let the IP header claim another length, with a right checksum."""
    if frame[14] >> 4 == 4:
        head = frame[14:16] + struct.pack("!H", length) + frame[18:24] + b"\0\0" + frame[26:34]
        return frame[:14] + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + frame[34:]
    return frame[:18] + struct.pack("!H", length - 40) + frame[20:]


def set_source(frame, src):
    """Another source address, with a right checksum."""
    if frame[14] >> 4 == 6:
        return frame[:22] + socket.inet_pton(socket.AF_INET6, src) + frame[38:]
    frame = frame[:26] + socket.inet_aton(src) + frame[30:]
    return set_ip_length(frame, ip_length(frame))


def ip_length(frame):
    if frame[14] >> 4 == 4:
        return struct.unpack_from("!H", frame, 16)[0]
    return 40 + struct.unpack_from("!H", frame, 18)[0]


def damage(frame, **how):
    """One kind of damage per keyword; none of it repairs what another breaks."""
    off = esp_offset(frame)
    if "dmac" in how:
        frame = mac(how["dmac"]) + frame[6:]
    if "src" in how:        # from another gateway
        frame = set_source(frame, how["src"])
    if "spi" in how:
        frame = frame[:off] + struct.pack("!I", int(how["spi"], 0)) + frame[off + 4:]
    if "seq_add" in how:
        seq = struct.unpack_from("!I", frame, off + 4)[0] + int(how["seq_add"], 0)
        frame = frame[:off + 4] + struct.pack("!I", seq & 0xFFFFFFFF) + frame[off + 8:]
    if "flip" in how:       # position from the start of ESP, or from the end
        pos = int(how["flip"])
        pos = off + pos if pos >= 0 else len(frame) + pos
        frame = frame[:pos] + bytes([frame[pos] ^ 0x5A]) + frame[pos + 1:]
    if "cut" in how:        # the end of packet and header alike
        cut = int(how["cut"])
        frame = set_ip_length(frame[:-cut], ip_length(frame) - cut)
    if "keep" in how:       # that many bytes of ESP, header alike
        keep = int(how["keep"])
        frame = set_ip_length(frame[:off + keep], off - 14 + keep)
    if "truncate" in how:   # the header still claims them
        frame = frame[:-int(how["truncate"])]
    if "claim" in how:      # the header claims more, or less
        frame = set_ip_length(frame, ip_length(frame) + int(how["claim"]))
    if "pad" in how:        # Ethernet padding after the packet
        frame = frame + bytes(int(how["pad"]))
    if "ipsum" in how:
        frame = frame[:24] + bytes([frame[24] ^ 0xFF]) + frame[25:]
    return frame
