# SPDX-License-Identifier: GPL-2.0-only
"""Reads what in_vm.sh and icount_vm.sh took down: one function per kind of file."""
import json
import re
import subprocess
from pathlib import Path

ESP = "esp"
IKE = "(udp port 500 or udp port 4500)"
# BPF filters look at the outermost headers only: what is inside ESP is no match.
INNER = ("(net 10.1.0.0/24 or net 10.2.0.0/24 or net 2001:db8:1::/64 or "
         "net 2001:db8:2::/64)")
# Neighbours and multicast listeners; the latter's reports have a hop-by-hop header.
ND = "(icmp6 and ip6[40] >= 130 and ip6[40] <= 143) or (ip6[6] = 0 and ip6[40] = 58)"
CONTROL = f"(arp or {IKE} or {ND})"
PLAINTEXT = f"not {ESP} and not {CONTROL} and {INNER}"
OTHER = f"not {ESP} and not {CONTROL} and not {INNER}"

SUBNETS = {"a": ("10.1.0.", "2001:db8:1::"), "b": ("10.2.0.", "2001:db8:2::")}


class EvidenceError(Exception):
    """A file does not say what it has to."""


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EvidenceError(f"{argv[0]} failed: {done.stderr.strip()}")
    return done.stdout


def states(path):
    """`ip -s xfrm state`: a list of SAs."""
    found = []
    for block in re.split(r"^(?=src )", Path(path).read_text(), flags=re.M)[1:]:
        ends = re.match(r"src (\S+) dst (\S+)", block)
        spi = re.search(r"spi (0x[0-9a-f]+)", block)
        aead = re.search(r"aead (\S+) (0x[0-9a-f]+) \(\d+ bits\) (\d+)", block)
        used = re.search(r"lifetime current:\s+(\d+)\(bytes\), (\d+)\(packets\)", block)
        errors = re.search(r"replay-window (\d+) replay (\d+) failed (\d+)", block)
        if not (ends and spi and aead and used and errors):
            raise EvidenceError(f"{path}: cannot read an SA")
        found.append({"src": ends[1], "dst": ends[2], "spi": spi[1],
                      "algorithm": aead[1], "key": aead[2], "icv": int(aead[3]),
                      "bytes": int(used[1]), "packets": int(used[2]),
                      "replayed": int(errors[2]), "failed": int(errors[3])})
    return found


def state_by_ends(path, src, dst):
    match = [sa for sa in states(path) if (sa["src"], sa["dst"]) == (src, dst)]
    if len(match) != 1:
        raise EvidenceError(f"{path}: {len(match)} SAs from {src} to {dst}, not one")
    return match[0]


def counters(path):
    """/proc/net/xfrm_stat and xfrm_xdp_stat: name -> value, in the file's order."""
    if not Path(path).exists():
        return {}
    return {name: int(value) for name, value in
            (line.split() for line in Path(path).read_text().splitlines())}


def delta(before, after):
    return {name: value - before.get(name, 0) for name, value in after.items()
            if value != before.get(name, 0)}


def histogram(path, names, links):
    """Hist trigger of the tracepoint: device -> reason -> packets."""
    found = {}
    if not Path(path).exists():
        return found
    for hit in re.finditer(r"ifindex:\s*(\d+), reason:\s*(\d+) \} hitcount:\s*(\d+)",
                           Path(path).read_text()):
        device = found.setdefault(links[int(hit[1])], {})
        device[names[int(hit[2])]] = int(hit[3])
    return found


def links(path):
    """`ip -o link`: ifindex -> name."""
    return {int(index): name for index, name in
            re.findall(r"^(\d+): ([^:@]+)", Path(path).read_text(), flags=re.M)}


def pings(path):
    found = re.findall(r"(\d+) packets transmitted, (\d+) received", Path(path).read_text())
    if len(found) != 4:
        raise EvidenceError(f"{path}: {len(found)} results of ping, not 4")
    return {"sent": sum(int(sent) for sent, _ in found),
            "received": sum(int(received) for _, received in found)}


def iperf(path):
    end = json.loads(Path(path).read_text())["end"]
    return {"sent_bytes": end["sum_sent"]["bytes"],
            "received_bytes": end["sum_received"]["bytes"],
            "retransmits": end["sum_sent"].get("retransmits", 0)}


def frames(pcap, expression):
    """How many frames of a capture a filter matches."""
    return len(run("tcpdump", "-nn", "-q", "-t", "-r", str(pcap), expression).splitlines())


def capture_dropped(log):
    found = re.search(r"(\d+) packets? dropped by kernel", Path(log).read_text())
    if not found:
        raise EvidenceError(f"{log}: tcpdump did not say what it dropped")
    return int(found[1])


def esp_packets(pcap, sas):
    """What tshark makes of the ESP in a capture, given the SAs' keys."""
    options = ["-o", "esp.enable_encryption_decode:TRUE",
               "-o", "esp.enable_authentication_check:TRUE",
               "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
               "-o", "tcp.check_checksum:TRUE"]
    for sa in sas:
        if (sa["algorithm"], sa["icv"]) != ("rfc4106(gcm(aes))", 128):
            raise EvidenceError(f"SA {sa['spi']} is not AES-GCM with 16 octet ICV")
        options += ["-o", 'uat:esp_sa:"IPv4","{src}","{dst}","{spi}",'
                    '"AES-GCM with 16 octet ICV [RFC4106]","{key}","NULL",""'.format(**sa)]
    fields = ["esp.spi", "esp.sequence", "esp.iv", "esp.icv_good", "ip.src", "ip.dst",
              "ipv6.src", "ipv6.dst", "ip.checksum.status", "udp.checksum.status",
              "tcp.checksum.status"]
    argv = ["tshark", "-n", "-r", str(pcap), *options, "-Y", "esp", "-T", "fields"]
    for field in fields:
        argv += ["-e", field]
    packets = [dict(zip(fields, line.split("\t"))) for line in run(*argv).splitlines()]
    for packet in packets:
        # Decrypted with a wrong key, noise may look like one more ESP header.
        for field in ("esp.spi", "esp.sequence", "esp.iv", "esp.icv_good"):
            packet[field] = packet[field].split(",")[0]
    return packets


def is_decrypted(packet, sa, direction):
    """Authentic, and inside it a packet from one host to the other."""
    inner_src, inner_dst = direction
    src = (packet["ip.src"] + "," + packet["ipv6.src"]).split(",")[1:]
    dst = (packet["ip.dst"] + "," + packet["ipv6.dst"]).split(",")[1:]
    return (int(packet["esp.spi"], 16) == int(sa["spi"], 16) and
            packet["esp.icv_good"] == "1" and
            any(address.startswith(SUBNETS[inner_src]) for address in src) and
            any(address.startswith(SUBNETS[inner_dst]) for address in dst))


def has_bad_checksum(packet):
    """0 is tshark's word for bad; of IP, both headers are looked at."""
    return any("0" in packet[field].split(",") for field in
               ("ip.checksum.status", "udp.checksum.status", "tcp.checksum.status"))


def instructions(path):
    """What icount_vm.sh printed: label -> instructions per packet of the chain."""
    return {label: int(value) for label, value in
            (line.split() for line in Path(path).read_text().splitlines())}
