# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel says of an SA, and what ip(8) cannot say to it, over NETLINK_XFRM."""

import os
import socket
import struct

NETLINK_XFRM = 6
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE = 0x1, 0x4, 0x300, 2, 3
XFRM_MSG_NEWSA, XFRM_MSG_GETSA, XFRM_MSG_MIGRATE = 0x10, 0x12, 0x21
XFRMA_MIGRATE, MODE_TUNNEL = 17, 1
XFRMA_REPLAY_VAL, XFRMA_REPLAY_ESN_VAL = 10, 23
# struct xfrm_usersa_info: where its parts are, and its size
SPI_AT, CURLFT_AT, STATS_AT, INFO_SIZE = 72, 160, 192, 224


def messages(data):
    while len(data) >= 16:
        size, kind = struct.unpack_from("=IH", data)
        yield kind, data[16:size]
        data = data[size + 3 & ~3:]


def dump():
    """The body of every SA's message."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as sock:
        sock.send(struct.pack("=IHHII", 16, XFRM_MSG_GETSA, NLM_F_REQUEST | NLM_F_DUMP, 1, 0))
        while True:
            for kind, body in messages(sock.recv(1 << 16)):
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    return
                if kind == XFRM_MSG_NEWSA:
                    yield body


def replay(attrs):
    """Highest sequence numbers received and sent, high halves included."""
    while len(attrs) >= 4:
        size, kind = struct.unpack_from("=HH", attrs)
        if kind == XFRMA_REPLAY_VAL:
            oseq, seq = struct.unpack_from("=II", attrs, 4)
            return {"seq": seq, "oseq": oseq}
        if kind == XFRMA_REPLAY_ESN_VAL:
            _, oseq, seq, oseq_hi, seq_hi = struct.unpack_from("=5I", attrs, 4)
            return {"seq": seq_hi << 32 | seq, "oseq": oseq_hi << 32 | oseq}
        attrs = attrs[size + 3 & ~3:]
    return {}


def read_sa(spi):
    for body in dump():
        if struct.unpack_from("!I", body, SPI_AT)[0] == spi:
            volume, count = struct.unpack_from("=QQ", body, CURLFT_AT)
            window, again, failed = struct.unpack_from("=III", body, STATS_AT)
            return {"exists": 1, "bytes": volume, "packets": count, "window": window,
                    "replay": again, "failed": failed, **replay(body[INFO_SIZE:])}
    return {"exists": 0}


def address(text):
    return socket.inet_aton(text).ljust(16, b"\0")


def migrate(direction, src, dst, old, new, reqid):
    """IPv4: a policy by its networks, its template and SAs from one pair of ends to another."""
    (saddr, splen), (daddr, dplen) = src.split("/"), dst.split("/")
    selector = struct.pack("=16s16s8xHBB4x8x", address(daddr), address(saddr), socket.AF_INET,
                           int(dplen), int(splen))
    policy = selector + struct.pack("=IB3x", 0, {"in": 0, "out": 1, "fwd": 2}[direction])
    change = struct.pack("=16s16s16s16sBBHIHH", address(old[1]), address(old[0]), address(new[1]),
                         address(new[0]), socket.IPPROTO_ESP, MODE_TUNNEL, 0, reqid,
                         socket.AF_INET, socket.AF_INET)
    body = policy + struct.pack("=HH", 4 + len(change), XFRMA_MIGRATE) + change
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), XFRM_MSG_MIGRATE,
                              NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        for kind, answer in messages(sock.recv(1 << 16)):
            error = -struct.unpack_from("=i", answer)[0]
            if kind == NLMSG_ERROR and error:
                raise OSError(error, os.strerror(error) + " in migrate")
