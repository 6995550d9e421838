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
import flowmap  # noqa: E402
import forge  # noqa: E402
import mib  # noqa: E402
import offload  # noqa: E402
import packets  # noqa: E402
import pktgen  # noqa: E402
import tap  # noqa: E402
import traffic  # noqa: E402
import xdp  # noqa: E402
import xfrm  # noqa: E402

CLONE_NEWNET, MNT_DETACH = 0x40000000, 2
FAULTS = bool(os.environ.get("XFRM_XDP_FAULTS"))
# What is lost for want of memory is not waited for that long.
PATIENCE = "1" if FAULTS else "5"
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


def numbers(args):
    """Arguments that are numbers, as such."""
    return {key: int(value, 0) if value[:1].isdigit() and "," not in value else value
            for key, value in args.items()}


class Agent:
    def __init__(self):
        self.sinks, self.streams, self.servers, self.links = {}, {}, {}, {}
        self.tapped, self.encap, self.watches = {}, {}, {}
        self.pair, self.gateway, self.base, self.seq, self.sport = {}, None, {}, 0, 10000

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

    def sink(self, name, port, dev=None):
        self.sinks[name] = traffic.Sink(int(port), dev)

    def got(self, name, n="0", seq=None, timeout=PATIENCE):
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

    def sweep(self, src, first, n):
        """One datagram to each of some addresses in a row, whatever ICMP says of those before."""
        start = int.from_bytes(socket.inet_aton(first), "big")
        with traffic.udp_socket(src, 0, recverr="0") as sock:
            for i in range(int(n)):
                sock.sendto(b"x" * 20, (socket.inet_ntoa((start + i).to_bytes(4, "big")), 5001))

    def craft(self, dev, smac, dmac, src, dst, sport, dport, n="1", first="0", frags=None,
              trail="0", tags="", **how):
        """Datagrams, or what ip_packet() makes, as frames or fragments onto a device."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((dev, 0))
            for seq in range(int(first), int(first) + int(n)):
                packet = forge.ip_packet(src, dst, int(sport), int(dport), seq, **numbers(how))
                for frame in forge.frames(smac, dmac, packet, frags, int(trail), seq, tags):
                    sock.send(frame)
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
            n="1", size="64", ttl="64", itos="0", tos="0", padlen=None, tfc="0", keep_inner=None,
            next_header=None, proto="udp", options=None, about=None, frags=None, encap=None, **how):
        """ESP packets made from scratch by the SA's key, good or bad, around one datagram each."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((dev, 0))
            for i in range(int(n)):
                if proto == "esp":      # one more ESP packet inside, of a key that nobody has
                    inner = packets.esp_packet(isrc, idst, int(about, 0), int(seq) + i, bytes(20),
                                               bytes(40), 4)
                else:
                    inner = forge.ip_packet(isrc, idst, int(sport), int(dport), int(first) + i,
                                            int(size), int(ttl), int(itos, 0), proto, options)
                inner = inner[:int(keep_inner)] if keep_inner else inner + bytes(int(tfc))
                packet = packets.esp_packet(src, dst, int(spi, 0), int(seq) + i,
                                            bytes.fromhex(key.removeprefix("0x")), inner,
                                            int(next_header) if next_header else None,
                                            int(padlen) if padlen else None, int(tos, 0), encap)
                for frame in forge.frames(smac, dmac, packet, frags, ident=int(seq) + i):
                    sock.send(packets.damage(frame, **how))
        return {"sent": n}

    def tap(self, name, dev):
        self.tapped[name] = tap.Tap(dev)

    def taps(self):
        """What came in by each tapped device since the last time."""
        return {name: " ".join("%s*%d" % item for item in sorted(one.read().items()))
                for name, one in self.tapped.items()}

    def again(self, tap, dev, spi, **how):
        """ESP that a tapped device sent before the taps were read, once more; damaged if so told."""
        frames = [frame for frame in self.tapped[tap].sent if packets.is_esp(frame, int(spi, 0))]
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((dev, 0))
            for frame in frames:
                sock.send(packets.damage(frame, **how))
        return {"sent": len(frames)}

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

    def mroute(self, name, source, group, **devices):
        """Multicast from one device (in=) to another (out=), until told otherwise."""
        self.links[name] = traffic.multicast_route(source, group, devices["in"], devices["out"])

    def mroute_off(self, name):
        self.links.pop(name).close()

    def stat(self):
        """Counters of both ESP paths that are not zero, and the names of all."""
        found = mib.xfrm()
        answer = {name: value for name, value in found.items() if value != "0"}
        answer["names"] = " ".join(found)
        return answer

    def too_large(self, dev, smac, dmac, router, src, dst, spi, mtu):
        """A router's word that an ESP packet of an SA is too large."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((dev, 0))
            sock.send(packets.too_large(smac, dmac, router, src, dst, int(spi, 0), int(mtu)))

    def migrate(self, dir, src, dst, old, new, reqid):  # pylint: disable=redefined-builtin
        """A policy and its SAs from one pair of tunnel ends to another."""
        xfrm.migrate(dir, src, dst, old.split(","), new.split(","), int(reqid))

    def victims(self, a, b, gateway):
        """NAMESPACE,ADDRESS of two hosts with sinks A and B, and the gateway between them."""
        self.pair = {"A": a.split(","), "B": b.split(",")}
        self.gateway = gateway

    def to_each_other(self, who, sport, n):
        other = {"A": "B", "B": "A"}[who]
        with Namespace(self.pair[who][0]):
            self.send(self.pair[who][1], self.pair[other][1], sport, "5001", n, first=self.seq)
        return self.sinks[other]

    def volley(self, n):
        """Datagrams of each victim to the other, of flows that are known."""
        for who in "AB":
            self.to_each_other(who, "4000", n)
        self.seq += int(n)

    def closers(self):
        """A datagram of a flow that nobody knows each way. It takes the stack, behind all that
        came before: what has not come out when it arrives, will not."""
        self.sport += 1
        for who in "BA":
            sink = self.to_each_other(who, self.sport, "1")
            sink.wait(0, self.seq, 10)
            if self.seq not in sink.seen:
                raise OSError("what %s sent last did not arrive" % who)
        self.seq += 1

    def counters(self):
        with Namespace(self.gateway):
            return mib.of_gateway()

    def before(self):
        self.base = self.counters()
        self.volley("2")

    def after(self):
        """What each tap has seen since the taps were read, and the counters that grew."""
        self.volley("2")
        self.closers()
        return {"grown": " ".join(mib.grown(self.base, self.counters())), **self.taps()}

    def grew(self, name, n, timeout="5"):
        """Waits for a counter of the gateway to grow by that much since before()."""
        end = time.monotonic() + float(timeout)
        while (now := self.counters()[name] - self.base[name]) < int(n) and time.monotonic() < end:
            time.sleep(0.005)
        return {"n": now}

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

    def netns_del(self, name):
        """As ip(8) does, without starting it."""
        path = "/run/netns/" + name
        if libc.umount2(path.encode(), MNT_DETACH):
            raise OSError(ctypes.get_errno(), "umount " + path)
        os.unlink(path)

    def offload(self, dev, **what):
        for feature, state in what.items():
            offload.switch(dev, feature, state == "on")

    def gro_max(self, dev, size):
        offload.gro_max(dev, int(size))

    def sysctl(self, **values):
        for key, value in values.items():
            with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as file:
                file.write(value)

    def tcp_serve(self, name, addr, port, rcvbuf="0"):
        self.servers[name] = traffic.TcpServer(addr, int(port), int(rcvbuf))

    def tcp_send(self, src, dst, port, size, timeout="20", warm="0"):
        """All at once, but for what lets the windows grow first, of which nothing is on its way.

        A segment with PSH ends what GRO merges: the end of each write has one, and so has each
        half of the largest window that the receiver has offered yet.
        """
        digest = hashlib.sha256()
        with socket.create_connection((dst, int(port)), float(timeout), (src, 0)) as sock:
            if int(warm):
                sock.setsockopt(socket.SOL_SOCKET, traffic.SO_SNDBUFFORCE, 8 * int(size))
                traffic.send_pieces(sock, int(warm), 1 << 14, digest)
                traffic.wait_acked(sock, float(timeout))
            traffic.send_pieces(sock, int(size) - int(warm), int(size) if int(warm) else 1 << 16,
                                digest)
        return {"sent": size, "sha256": digest.hexdigest()}

    def tcp_try(self, src, dst, port, timeout="0.5"):
        """Does a connection come about?"""
        try:
            socket.create_connection((dst, int(port)), float(timeout), (src, 0)).close()
            return {"connected": 1}
        except OSError:
            return {"connected": 0}

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

    def xdp_drop(self, dev):
        self.links[dev] = xdp.attach(xdp.load(xdp.program_returns(xdp.XDP_DROP)),
                                     socket.if_nametoindex(dev))

    def xdp_redirect(self, dev, to):
        self.links[dev] = xdp.attach(xdp.load(xdp.program_redirect(socket.if_nametoindex(to))),
                                     socket.if_nametoindex(dev))

    def received(self, dev):
        """Packets that a device has received, whatever became of them."""
        return {"packets": mib.received(dev)}

    def pktgen(self, dev, n, threads="1", **options):
        """Packets of the kernel's generator; a + in the value of an option is a space."""
        return pktgen.send(dev, int(n), ["%s %s" % (name, value.replace("+", " "))
                                         for name, value in options.items()], int(threads))

    def xdp_pin(self, path):
        xdp.pin(xdp.load(xdp.program_pass()), path)

    def tc_pin(self, path):
        xdp.pin(xdp.load(xdp.program_returns(xdp.TCX_NEXT), xdp.PROG_TYPE_TC,
                         xdp.ATTACH_TCX_INGRESS), path)

    def tcx_pass(self, dev, hook="ingress", first="0", verdict="-1"):
        """Behind what is there, or before it; by default whoever comes next decides."""
        where = {"ingress": xdp.ATTACH_TCX_INGRESS, "egress": xdp.ATTACH_TCX_EGRESS}[hook]
        prog = xdp.load(xdp.program_returns(int(verdict)), xdp.PROG_TYPE_TC, where)
        self.links[dev] = xdp.attach(prog, socket.if_nametoindex(dev), where,
                                     xdp.BEFORE if int(first) else 0)

    def tcx_redirect(self, dev, to):
        """Before all others, whatever comes in is sent out of another device."""
        prog = xdp.load(xdp.program_redirect(int(to)), xdp.PROG_TYPE_TC, xdp.ATTACH_TCX_INGRESS)
        self.links[dev] = xdp.attach(prog, socket.if_nametoindex(dev), xdp.ATTACH_TCX_INGRESS,
                                     xdp.BEFORE)

    def lsm_deny(self, hook):
        """A hook of the security modules that says no, by the BTF id of its function."""
        prog = xdp.load(xdp.program_returns(-1), xdp.PROG_TYPE_LSM, xdp.ATTACH_LSM, int(hook))
        self.links["lsm"] = xdp.attach(prog, 0, xdp.ATTACH_LSM)

    def tcx_attached(self, dev):
        return {"attached": int(xdp.link_ifindex(self.links[dev]) == socket.if_nametoindex(dev))}

    def xdp_front(self, link, magic, sa, proof):
        """In front of the program of a pinned link, which gets frames with forged metadata."""
        xdp.put_in_front(link, int(magic, 0), int(sa, 0), int(proof, 0))

    def xdp_front_off(self, link):
        xdp.take_from_front(link)

    def xdp_program(self, link, program):
        """Another program for a pinned link, itself pinned."""
        xdp.exchange(link, program)

    def xdp_off(self, dev):
        os.close(self.links.pop(dev))

    def sa_handle(self, path):
        """Handle of the first inbound SA in a pinned flow map."""
        return {"handle": hex(flowmap.sa_handle(path))}

    def flow_find(self, path, **what):
        """Handle, ingress device and inbound SA of the entry that is meant; 0 for none."""
        return flowmap.find(path, **what)

    def flow_put(self, path, handle, **what):
        """An entry of the flow map that nobody has learned."""
        flowmap.put(path, int(handle, 0), **what)

    def ifindex(self, dev):
        return {"ifindex": socket.if_nametoindex(dev)}

    def encap_socket(self, name, port, family="4"):
        """Lets the kernel take ESP in UDP at a port, as key managers do."""
        self.encap[name] = traffic.encap_socket(int(port), int(family))

    def now(self):
        return {"ms": int(time.monotonic() * 1000)}

    def answer(self, line):
        verb, *words = line.split()
        args = dict(word.split("=", 1) for word in words)
        with Namespace(args.pop("ns", None)):
            # Where memory is short, once more.
            for left in reversed(range(10 if FAULTS else 1)):
                try:
                    return getattr(self, verb)(**args) or {}
                except OSError:
                    if not left:
                        raise
        return {}


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
