#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""UDP both ways between two namespaces, counted exactly; one pair of addresses
after the other.

One process owns both ends, so it knows of every datagram whether it arrived,
and keeps only so many under way that no queue on the path can overflow: what
is missing in the end was lost by somebody.

    udp_count.py NS_A NS_B COUNT ADDR_A=ADDR_B...

Prints JSON: one object per flow with sent, received, duplicates, corrupt.
"""
import ctypes
import functools
import json
import select
import socket
import sys

CLONE_NEWNET = 0x40000000
WINDOW = 32             # datagrams under way per flow
PATIENCE = 10.0         # seconds without any arrival until the rest is lost
SIZES = (26, 98, 512, 1000, 1300)
PORT = 20000


def enter(name):
    with open(f"/run/netns/{name}", "rb") as handle:
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")


@functools.lru_cache(maxsize=None)
def payload(seq):
    size = SIZES[seq % len(SIZES)]
    fill = (seq * 2654435761 & 0xffffffff).to_bytes(4, "big")
    return (seq.to_bytes(4, "big") + fill * (size // 4 + 1))[:size]


class Flow:
    """One direction between two addresses, its sender and its receiver."""

    def __init__(self, source, sink, port):
        self.source_ns, self.source = source
        self.sink_ns, self.sink = sink
        self.port = port
        self.sent = self.duplicates = self.corrupt = 0
        self.seen = set()

    def socket(self, namespace, address):
        enter(namespace)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.setblocking(False)
        return sock

    def open(self):
        self.rx = self.socket(self.sink_ns, self.sink)
        self.rx.bind((self.sink, self.port))
        self.tx = self.socket(self.source_ns, self.source)
        self.tx.bind((self.source, self.port))
        self.tx.connect((self.sink, self.port))

    def fill(self, count):
        while self.sent < count and self.sent - len(self.seen) < WINDOW:
            try:
                self.tx.send(payload(self.sent))
            except BlockingIOError:
                return
            self.sent += 1

    def drain(self):
        while True:
            try:
                data = self.rx.recv(65536)
            except BlockingIOError:
                return
            seq = int.from_bytes(data[:4], "big")
            if seq >= self.sent or data != payload(seq):
                self.corrupt += 1
            elif seq in self.seen:
                self.duplicates += 1
            else:
                self.seen.add(seq)

    def result(self):
        return {"from": self.source, "to": self.sink, "sent": self.sent,
                "received": len(self.seen), "duplicates": self.duplicates,
                "corrupt": self.corrupt}


def run(flows, count):
    """All of these at once, until everything arrived or nothing comes any more."""
    poll = select.poll()
    by_fd = {}
    for flow in flows:
        flow.open()
        poll.register(flow.rx, select.POLLIN)
        by_fd[flow.rx.fileno()] = flow
    while any(len(flow.seen) < count for flow in flows):
        for flow in flows:
            flow.fill(count)
        ready = poll.poll(PATIENCE * 1000)
        if not ready:
            break
        for fd, _ in ready:
            by_fd[fd].drain()


def main():
    ns_a, ns_b, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for seq in range(count):
        payload(seq)
    done = []
    for pair in sys.argv[4:]:
        a, b = pair.split("=")
        port = PORT + len(done)
        flows = [Flow((ns_a, a), (ns_b, b), port), Flow((ns_b, b), (ns_a, a), port + 1)]
        run(flows, count)
        done += flows
    print(json.dumps([flow.result() for flow in done]))


if __name__ == "__main__":
    main()
