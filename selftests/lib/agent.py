# SPDX-License-Identifier: GPL-2.0-only
"""Packets and counters for the tests: verbs on stdin, answers on stdout.

One line in: VERB KEY=VALUE…; answer: KEY=VALUE lines in the file named as argument,
then "ok" on stdout, or why not. ns= is the namespace where the verb acts; sockets stay where they were made.
"""

import ctypes
import hashlib
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import offload  # noqa: E402
import packets  # noqa: E402
import traffic  # noqa: E402
import xdp  # noqa: E402
import xfrm  # noqa: E402

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """The main thread, and so every socket it makes, in another namespace."""

    home = os.open("/proc/self/ns/net", os.O_RDONLY)

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        if self.name:
            fd = os.open("/run/netns/" + self.name, os.O_RDONLY)
            ret = libc.setns(fd, CLONE_NEWNET)
            os.close(fd)
            if ret:
                raise OSError(ctypes.get_errno(), "cannot enter " + self.name)

    def __exit__(self, *_):
        libc.setns(self.home, CLONE_NEWNET)


class Agent:
    def __init__(self):
        self.sinks, self.streams, self.servers, self.links = {}, {}, {}, {}
        self.watches = {}

    def send(self, src, dst, sport, dport, n="1", size="64", first="0", gap="0", errors="0", **opts):
        sent, failed, found = 0, 0, {}
        with traffic.udp_socket(src, sport, **opts) as sock:
            for seq in range(int(first), int(first) + int(n)):
                data = packets.payload(seq, int(size))
                for _ in range(4):      # an ICMP error of the one before fails this one, once
                    try:
                        sock.sendto(data, (dst, int(dport)))
                        sent += 1
                        break
                    except OSError:
                        failed += 1
                if float(gap):
                    time.sleep(float(gap))
            if int(errors):
                found = traffic.icmp_errors(sock, int(errors))
        return {"sent": sent, "failed": failed, "icmp_n": sum(found.values()),
                "icmp": " ".join(sorted(found))}

    def sink(self, name, port):
        self.sinks[name] = traffic.Sink(int(port))

    def got(self, name, n="0", seq=None, timeout="5"):
        return self.sinks[name].wait(int(n), None if seq is None else int(seq), float(timeout))

    def clear(self, name):
        self.sinks[name].clear()

    def stream(self, name, src, sport, dst, dport, size="64", gap="0.01"):
        self.streams[name] = traffic.Stream(traffic.udp_socket(src, sport), (dst, int(dport)), int(size), float(gap))

    def streaming(self, name):
        stream = self.streams[name]
        return {"sent": stream.sent, "errors": stream.errors}

    def unstream(self, name):
        stream = self.streams.pop(name)
        stream.stop.set()
        stream.join()
        stream.sock.close()
        return {"sent": stream.sent, "errors": stream.errors}

    def craft(self, dev, smac, dmac, src, dst, sport, dport, n="1", size="64", first="0",
              ttl="64", tos="0"):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((dev, 0))
            for seq in range(int(first), int(first) + int(n)):
                sock.send(packets.udp_frame(smac, dmac, src, dst, int(sport), int(dport), seq,
                                            int(size), int(ttl), int(tos, 0)))
        return {"sent": n}

    def inject(self, dev, file, spi, seq="1-4294967295", **how):
        """Frames of a capture, by SPI and sequence numbers, onto a device; damaged if so told."""
        low, _, high = seq.partition("-")
        sent = 0
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((dev, 0))
            for number, frame in list(packets.esp_frames(file, int(spi, 0))):
                if int(low) <= number <= int(high or low):
                    sock.send(packets.damage(frame, **how))
                    sent += 1
        return {"sent": sent}

    def esp(self, dev, smac, dmac, src, dst, spi, seq, key, isrc, idst, sport, dport, first="0",
            size="64", ttl="64", itos="0", tos="0", padlen=None, tfc="0", keep_inner=None,
            next_header=None, **how):
        """One ESP packet made from scratch by the SA's key, good or bad, around one datagram."""
        data = packets.udp(isrc, idst, int(sport), int(dport),
                           packets.payload(int(first), int(size)))
        inner = packets.ip_header(isrc, idst, socket.IPPROTO_UDP, len(data), int(ttl),
                                  int(itos, 0)) + data
        inner = inner[:int(keep_inner)] if keep_inner else inner + bytes(int(tfc))
        frame = packets.esp_frame(smac, dmac, src, dst, int(spi, 0), int(seq),
                                  bytes.fromhex(key.removeprefix("0x")), inner,
                                  int(next_header) if next_header else None,
                                  int(padlen) if padlen else None, int(tos, 0))
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((dev, 0))
            sock.send(packets.damage(frame, **how))

    def espcount(self, file, spi, seq="1-4294967295"):
        low, _, high = seq.partition("-")
        return {"n": sum(int(low) <= number <= int(high or low)
                         for number, _ in packets.esp_frames(file, int(spi, 0)))}

    def mark(self, dev, text):
        """A frame that is nobody's: a local experimental ethertype, to no one's address."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((dev, 0))
            sock.send(packets.mac("02:00:00:00:00:99") + packets.mac("02:00:00:00:00:98")
                      + b"\x88\xb5" + text.encode().ljust(46, b"\0"))

    def stat(self):
        """Counters of both ESP paths that are not zero, and the names of all."""
        found = {}
        for name in ("xfrm_stat", "xfrm_xdp_stat"):
            try:
                with open("/proc/self/net/" + name, encoding="ascii") as file:
                    found.update(line.split() for line in file)
            except FileNotFoundError:
                pass        # no module: its names stay unknown, and who expects them fails
        answer = {name: value for name, value in found.items() if value != "0"}
        answer["names"] = " ".join(found)
        return answer

    def sa(self, spi):
        return xfrm.read_sa(int(spi, 0))

    def watch(self, name, local):
        self.watches[name] = xfrm.Watch(local)

    def watched(self, name):
        return self.watches[name].report()

    def unwatch(self, name):
        watch = self.watches.pop(name)
        watch.stop()
        return watch.report()

    def ip(self, file):
        """ip(8) on a file of its commands. Its own -n would mount a /sys first."""
        done = subprocess.run(["ip", "-batch", file], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise OSError(done.returncode, "ip -batch: " + done.stdout.decode())

    def offload(self, dev, **what):
        for feature, state in what.items():
            offload.switch(dev, feature, state == "on")

    def sysctl(self, **values):
        for key, value in values.items():
            with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as file:
                file.write(value)

    def tcp_serve(self, name, addr, port):
        self.servers[name] = traffic.TcpServer(addr, int(port))

    def tcp_send(self, src, dst, port, size, timeout="20"):
        data = os.urandom(1 << 16)
        left, digest = int(size), hashlib.sha256()
        with socket.create_connection((dst, int(port)), float(timeout), (src, 0)) as sock:
            while left:
                piece = data[:min(left, len(data))]
                sock.sendall(piece)
                digest.update(piece)
                left -= len(piece)
        return {"sent": size, "sha256": digest.hexdigest()}

    def tcp_got(self, name, timeout="20"):
        server = self.servers.pop(name)
        server.join(float(timeout))
        server.sock.close()
        return {"total": server.total, "sha256": server.hash.hexdigest(),
                "closed": int(not server.is_alive())}

    def tcp_stream(self, name, src, dst, port, size="2800", gap="0.02", timeout="20"):
        sock = socket.create_connection((dst, int(port)), float(timeout), (src, 0))
        self.streams[name] = traffic.TcpStream(sock, int(size), float(gap))

    def tcp_unstream(self, name, timeout="20"):
        stream = self.streams.pop(name)
        stream.stop.set()
        stream.join(float(timeout))
        stream.sock.shutdown(socket.SHUT_WR)
        answer = {"sent": stream.sent, "sha256": stream.hash.hexdigest(),
                  "retransmitted": stream.retransmitted()}
        stream.sock.close()
        return answer

    def xdp_pass(self, dev):
        self.links[dev] = xdp.attach(xdp.load(xdp.program_pass()), socket.if_nametoindex(dev))

    def xdp_pin(self, path):
        xdp.pin(xdp.load(xdp.program_pass()), path)

    def tc_pin(self, path):
        xdp.pin(xdp.load(xdp.program_next(), xdp.PROG_TYPE_TC, xdp.ATTACH_TCX_INGRESS), path)

    def tcx_pass(self, dev, hook="ingress"):
        where = {"ingress": xdp.ATTACH_TCX_INGRESS, "egress": xdp.ATTACH_TCX_EGRESS}[hook]
        prog = xdp.load(xdp.program_next(), xdp.PROG_TYPE_TC, where)
        self.links[dev] = xdp.attach(prog, socket.if_nametoindex(dev), where)

    def tcx_attached(self, dev):
        return {"attached": int(xdp.link_ifindex(self.links[dev]) == socket.if_nametoindex(dev))}

    def xdp_forge(self, dev, magic, sa, proof):
        code = xdp.program_forge(int(magic, 0), int(sa, 0), int(proof, 0))
        self.links[dev] = xdp.attach(xdp.load(code), socket.if_nametoindex(dev))

    def xdp_off(self, dev):
        os.close(self.links.pop(dev))

    def sa_handle(self, path):
        """Handle of the first inbound SA in a pinned flow map."""
        return {"handle": hex(xdp.sa_handle(path))}

    def now(self):
        return {"ms": int(time.monotonic() * 1000)}

    def answer(self, line):
        verb, *words = line.split()
        args = dict(word.split("=", 1) for word in words)
        with Namespace(args.pop("ns", None)):
            return getattr(self, verb)(**args) or {}


def main():
    agent = Agent()
    for line in sys.stdin:
        try:
            with open(sys.argv[1], "w", encoding="utf-8") as file:
                file.writelines("%s=%s\n" % item for item in agent.answer(line).items())
            reply = "ok"
        except Exception as error:  # pylint: disable=broad-except  # to the script, which bails out
            reply = "%s: %s" % (type(error).__name__, str(error).replace("\n", "; "))
        print(reply, flush=True)


main()
