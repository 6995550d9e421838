# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel says of SAs, and what ip(8) cannot say to it, over NETLINK_XFRM."""

import os
import socket
import struct
import threading

NETLINK_XFRM = 6
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE = 0x1, 0x4, 0x300, 2, 3
XFRM_MSG_NEWSA, XFRM_MSG_DELSA, XFRM_MSG_GETSA, XFRM_MSG_UPDSA = 0x10, 0x11, 0x12, 0x1a
XFRM_MSG_NEWPOLICY, XFRM_MSG_DELPOLICY, XFRM_MSG_UPDPOLICY = 0x13, 0x14, 0x19
XFRM_MSG_MIGRATE, XFRMA_MIGRATE, MODE_TUNNEL = 0x21, 17, 1
XFRMGRP_SA, XFRMGRP_POLICY = 0x4, 0x8
XFRMA_SA, XFRMA_REPLAY_VAL, XFRMA_REPLAY_ESN_VAL = 6, 10, 23
# struct xfrm_usersa_info: where its parts are, and its size; and of xfrm_usersa_id
DADDR_AT, SPI_AT, CURLFT_AT, STATS_AT, INFO_SIZE, ID_SIZE = 56, 72, 160, 192, 224, 24
SO_RCVBUFFORCE = 33


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


def attributes(attrs):
    while len(attrs) >= 4:
        size, kind = struct.unpack_from("=HH", attrs)
        yield kind, attrs[4:size]
        attrs = attrs[size + 3 & ~3:]


def replay(attrs):
    """Highest sequence numbers received and sent, high halves included."""
    for kind, value in attributes(attrs):
        if kind == XFRMA_REPLAY_VAL:
            oseq, seq = struct.unpack_from("=II", value)
            return {"seq": seq, "oseq": oseq}
        if kind == XFRMA_REPLAY_ESN_VAL:
            _, oseq, seq, oseq_hi, seq_hi = struct.unpack_from("=5I", value)
            return {"seq": seq_hi << 32 | seq, "oseq": oseq_hi << 32 | oseq}
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


class Watch(threading.Thread):
    """What the SAs of a gateway carry, those that go meanwhile included."""

    def __init__(self, local):
        super().__init__(daemon=True)
        self.local = socket.inet_aton(local)
        self.changed = threading.Lock()
        self.carried, self.live, self.inbound = {}, {}, set()
        self.born, self.gone, self.policies = 0, 0, 0
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        self.sock.bind((0, XFRMGRP_SA | XFRMGRP_POLICY))
        self.sock.settimeout(0.2)
        self.stopped = threading.Event()
        self.look()
        self.before = {spi: -n for spi, n in self.live.items()}
        self.start()

    def note(self, info):
        """SPI of an SA, and what it has carried."""
        spi = struct.unpack_from("!I", info, SPI_AT)[0]
        if info[DADDR_AT:DADDR_AT + 4] == self.local:
            self.inbound.add(spi)
        return spi, struct.unpack_from("=Q", info, CURLFT_AT + 8)[0]

    def look(self):
        """In the namespace: messages from before are of other SAs, later ones correct this."""
        with self.changed:
            self.live = dict(self.note(body) for body in dump())

    def run(self):
        while True:
            try:
                data = self.sock.recv(1 << 16)
            except TimeoutError:
                if self.stopped.is_set():
                    return
                continue
            with self.changed:
                for kind, body in messages(data):
                    self.message(kind, body)

    def message(self, kind, body):
        if kind in (XFRM_MSG_NEWSA, XFRM_MSG_UPDSA):
            self.note(body)
            self.born += 1
        elif kind == XFRM_MSG_DELSA:
            for name, value in attributes(body[ID_SIZE:]):
                if name == XFRMA_SA:
                    spi, packets = self.note(value)
                    self.carried[spi] = self.carried.get(spi, 0) + packets
                    self.live.pop(spi, None)
                    self.gone += 1
        elif kind in (XFRM_MSG_NEWPOLICY, XFRM_MSG_DELPOLICY, XFRM_MSG_UPDPOLICY):
            self.policies += 1

    def stop(self):
        """In the namespace: the last look, and what came until then."""
        self.look()
        self.stopped.set()
        self.join()
        self.sock.close()

    def report(self):
        """Packets by SPI, and by direction; how many SAs came, went, and were of use."""
        with self.changed:
            sums = dict(self.before)
            for spi, packets in [*self.carried.items(), *self.live.items()]:
                sums[spi] = sums.get(spi, 0) + packets
            return {"born": self.born, "gone": self.gone, "policies": self.policies,
                    "used": sum(n > 0 for spi, n in sums.items() if spi not in self.before),
                    "in": sum(n for spi, n in sums.items() if spi in self.inbound),
                    "out": sum(n for spi, n in sums.items() if spi not in self.inbound),
                    "carried": " ".join("%08x:%d" % item for item in sorted(sums.items())
                                        if item[1])}
