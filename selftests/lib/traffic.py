# SPDX-License-Identifier: GPL-2.0-only
"""Those who send and receive: datagrams that can be told apart, and TCP streams."""

import fcntl
import hashlib
import os
import socket
import struct
import sys
import termios
import threading
import time

import packets

IP_RECVTTL, IP_RECVERR, IP_MTU_DISCOVER, PMTUDISC_PROBE = 12, 11, 10, 3
IPV6_RECVERR, IPV6_MTU_DISCOVER = 25, 23
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2
TCPI_TOTAL_RETRANS_AT = 100      # in struct tcp_info


class Sink:
    """Counts the datagrams that arrive at a UDP port, IPv4 and IPv6; by one device only."""

    def __init__(self, port, dev=None):
        self.changed = threading.Condition()
        self.clear()
        for fam in (socket.AF_INET, socket.AF_INET6):
            sock = socket.socket(fam, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            if dev:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
            if fam == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
            sock.bind(("", port))
            threading.Thread(target=self.run, args=(sock,), daemon=True).start()

    def clear(self):
        with self.changed:
            self.seen, self.n, self.bad, self.dup, self.last = set(), 0, 0, 0, 0.0
            self.late, self.highest = 0, -1
            self.ttl, self.tos = set(), set()

    def run(self, sock):
        while True:
            data, control, _, _ = sock.recvmsg(65536, 256)
            with self.changed:
                self.count(data, control)
                self.changed.notify_all()

    def count(self, data, control):
        self.n += 1
        self.last = time.monotonic()
        seq = struct.unpack_from("!I", data, 4)[0] if len(data) >= 8 else -1
        self.bad += data != packets.payload(seq, len(data))
        self.dup += seq in self.seen
        self.seen.add(seq)
        self.late += seq < self.highest
        self.highest = max(seq, self.highest)
        for level, kind, value in control:
            number = int.from_bytes(value, sys.byteorder)
            ttl = kind == (socket.IP_TTL if level == socket.IPPROTO_IP else socket.IPV6_HOPLIMIT)
            (self.ttl if ttl else self.tos).add(number)

    def wait(self, n, seq, timeout):
        """Until that many have arrived and, if one is named, this one has."""
        with self.changed:
            self.changed.wait_for(lambda: self.n >= n and (seq is None or seq in self.seen),
                                  timeout)
            return {"n": self.n, "bad": self.bad, "dup": self.dup, "late": self.late,
                    "ttl": ",".join(map(str, sorted(self.ttl))),
                    "tos": ",".join(map(str, sorted(self.tos))),
                    "last_ms": int(self.last * 1000)}


class Stream(threading.Thread):
    """Datagrams at a steady pace until told to stop; errors are counted, not fatal."""

    def __init__(self, sock, dest, size, gap):
        super().__init__(daemon=True)
        self.sock, self.dest, self.size, self.gap = sock, dest, size, gap
        self.sent = self.errors = 0
        self.stop = threading.Event()
        self.start()

    def run(self):
        while not self.stop.wait(self.gap):
            try:
                self.sock.sendto(packets.payload(self.sent, self.size), self.dest)
                self.sent += 1
            except OSError:
                self.errors += 1


class TcpStream(threading.Thread):
    """Bytes over a connection at a steady pace until told to stop."""

    def __init__(self, sock, size, gap):
        super().__init__(daemon=True)
        self.sock, self.data, self.gap = sock, os.urandom(size), gap
        self.sent, self.hash = 0, hashlib.sha256()
        self.stop = threading.Event()
        self.start()

    def run(self):
        while not self.stop.wait(self.gap):
            self.sock.sendall(self.data)
            self.hash.update(self.data)
            self.sent += len(self.data)

    def retransmitted(self):
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return struct.unpack_from("=I", info, TCPI_TOTAL_RETRANS_AT)[0]


def send_pieces(sock, size, piece, digest):
    data = os.urandom(min(size, piece))
    while size:
        data = data[:size]
        sock.sendall(data)
        digest.update(data)
        size -= len(data)


def wait_acked(sock, timeout):
    """Until the receiver has all that was written."""
    end = time.monotonic() + timeout
    left = bytearray(4)
    while True:
        fcntl.ioctl(sock, termios.TIOCOUTQ, left)
        if not any(left):
            return
        if time.monotonic() > end:
            raise TimeoutError("bytes that are not acknowledged: %d" %
                               int.from_bytes(left, sys.byteorder))
        time.sleep(0.005)


class TcpServer(threading.Thread):
    """Takes one connection and hashes what comes."""

    def __init__(self, addr, port, rcvbuf=0):
        super().__init__(daemon=True)
        self.sock = socket.create_server((addr, port), family=family_of(addr))
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, rcvbuf)
        self.total, self.hash = 0, hashlib.sha256()
        self.start()

    def run(self):
        peer, _ = self.sock.accept()
        while True:
            data = peer.recv(65536)
            if not data:
                break
            self.hash.update(data)
            self.total += len(data)
        peer.close()


# linux/mroute.h
MRT_INIT, MRT_ADD_VIF, MRT_ADD_MFC, VIFF_USE_IFINDEX = 200, 202, 204, 8


def multicast_route(source, group, come, go):
    """IPv4 multicast forwarding, as long as the socket is open."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    sock.setsockopt(socket.IPPROTO_IP, MRT_INIT, 1)
    for number, dev in enumerate((come, go)):
        sock.setsockopt(socket.IPPROTO_IP, MRT_ADD_VIF,
                        struct.pack("=HBBIi4x", number, VIFF_USE_IFINDEX, 1, 0,
                                    socket.if_nametoindex(dev)))
    sock.setsockopt(socket.IPPROTO_IP, MRT_ADD_MFC,
                    struct.pack("=4s4sH32B2x4I", socket.inet_aton(source), socket.inet_aton(group),
                                0, 0, 1, *[0] * 30, 0, 0, 0, 0))
    return sock


def family_of(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def udp_socket(src, sport, ttl="64", tos="0", df=None, recverr="1", **_):
    fam = family_of(src)
    sock = socket.socket(fam, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if fam == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(ttl))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, int(tos, 0))
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, int(recverr))
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, int(df or PMTUDISC_PROBE))
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, int(ttl))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, int(tos, 0))
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE)
    sock.bind((src, int(sport)))
    return sock


def encap_socket(port, family):
    sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    if family == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
    sock.bind(("", port))
    return sock


def icmp_errors(sock, want, timeout=5.0):
    """The ICMP errors that came back: type/code/info/offender, and how many of each."""
    found, end = {}, time.monotonic() + timeout
    while sum(found.values()) < want and time.monotonic() < end:
        try:
            _, control, _, _ = sock.recvmsg(65536, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except BlockingIOError:
            time.sleep(0.01)
            continue
        for level, _, value in control:
            if level not in (socket.IPPROTO_IP, socket.IPPROTO_IPV6) or len(value) < 32:
                continue
            _, _, kind, code, _, info, _ = struct.unpack_from("=IBBBBII", value)
            who = (socket.inet_ntop(socket.AF_INET, value[20:24]) if level == socket.IPPROTO_IP
                   else socket.inet_ntop(socket.AF_INET6, value[24:40]))
            key = "%d/%d/%d/%s" % (kind, code, info, who)
            found[key] = found.get(key, 0) + 1
    return found
