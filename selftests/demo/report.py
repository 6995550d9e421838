#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Draws the demo's conclusions: report.py TRAFFIC_DIR ICOUNT_DIR JSON

Reads what the test machine took down, writes JSON, prints it for people, and
fails unless the demo showed what it is there to show.
"""
import json
import sys
from pathlib import Path

import evidence

ENOUGH = 0.95           # of the bulk packets in each direction: by the fast path
MANY = 300              # packets of each direction, at least, that tshark decrypted
# Instructions that 6.12 takes to forward 64 bytes through XFRM with AES-GCM-128, of
# which the fast path has to take less than half.
KERNEL_XFRM = 12768

DIRECTIONS = ("encrypt", "decrypt")
GW1, GW2 = "192.0.2.1", "192.0.2.2"


def bulk(directory):
    """gw1's directions while the bulk traffic ran: total, fast, stack and why."""
    before, after = directory / "before", directory / "after"
    names = list(evidence.counters(after / "gw1.xdp"))
    links = evidence.links(directory / "gw1.links") if names else {}
    seen = evidence.delta(evidence.counters(before / "gw1.xdp"),
                          evidence.counters(after / "gw1.xdp"))
    hist = {"before": evidence.histogram(before / "hist", names, links),
            "after": evidence.histogram(after / "hist", names, links)}
    plan = {"encrypt": ("lan", (GW1, GW2), ("OutputDone", "OutputTaken")),
            "decrypt": ("wan", (GW2, GW1), ("ForwardDone",))}
    directions = {}
    for name, (device, ends, done) in plan.items():
        total = (evidence.state_by_ends(after / "gw1.sa", *ends)["packets"] -
                 evidence.state_by_ends(before / "gw1.sa", *ends)["packets"])
        fast = sum(seen.get(counter, 0) for counter in done)
        events = evidence.delta(hist["before"].get(device, {}),
                                hist["after"].get(device, {}))
        reasons = {reason: count for reason, count in events.items()
                   if reason.startswith(("Punt", "Drop", "Restore"))}
        # The rest met no flow in the map: nothing was asked, nothing was refused.
        unknown = total - fast - sum(reasons.values())
        if unknown > 0:
            reasons["NoFlowYet"] = unknown
        directions[name] = {"total": total, "fast": fast, "stack": total - fast,
                            "reasons": reasons}
    return directions


def counters_of_sas(directory):
    keep = ("src", "dst", "spi", "packets", "bytes", "replayed", "failed")
    return {gateway: [{key: sa[key] for key in keep}
                      for sa in evidence.states(directory / "after" / f"{gateway}.sa")]
            for gateway in ("gw1", "gw2")}


def wire(directory):
    """The capture between the gateways, against the SAs' keys and counters."""
    pcap = directory / "wire.pcap"
    sas = {"encrypt": evidence.state_by_ends(directory / "after" / "gw1.sa", GW1, GW2),
           "decrypt": evidence.state_by_ends(directory / "after" / "gw2.sa", GW2, GW1)}
    packets = evidence.esp_packets(pcap, sas.values())
    result = {"esp": evidence.frames(pcap, evidence.ESP),
              "ike": evidence.frames(pcap, evidence.IKE),
              "plaintext": evidence.frames(pcap, evidence.PLAINTEXT),
              "other": evidence.frames(pcap, evidence.OTHER),
              "plaintext_inside": evidence.frames(directory / "inside.pcap",
                                                  evidence.PLAINTEXT),
              "not_captured": evidence.capture_dropped(directory / "wire.pcap.log"),
              "sent_by_sas": sum(sa["packets"] for sa in sas.values()),
              "bad_checksums": sum(map(evidence.has_bad_checksum, packets)),
              "reused_ivs": len(packets) - len({(p["esp.spi"], p["esp.iv"]) for p in packets}),
              "reused_sequence_numbers": len(packets) - len({(p["esp.spi"], p["esp.sequence"])
                                                            for p in packets})}
    for name, hosts in (("encrypt", ("a", "b")), ("decrypt", ("b", "a"))):
        result[f"decrypted_{name}"] = sum(evidence.is_decrypted(packet, sas[name], hosts)
                                          for packet in packets)
    return result


def losses(directory, sas):
    """Who missed what; between the gateways the SAs' own counters tell."""
    ping = evidence.pings(directory / "ping")
    udp = json.loads((directory / "udp.json").read_text())
    sent = {(sa["src"], sa["spi"]): sa["packets"] for gateway, source in
            (("gw1", GW1), ("gw2", GW2)) for sa in sas[gateway] if sa["src"] == source}
    received = {(sa["src"], sa["spi"]): sa["packets"] for gateway, source in
                (("gw2", GW1), ("gw1", GW2)) for sa in sas[gateway] if sa["src"] == source}
    return {"ping": ping["sent"] - ping["received"],
            "udp": sum(flow["sent"] - flow["received"] + flow["corrupt"] for flow in udp),
            "between_gateways": sum(count - received.get(sa, 0)
                                    for sa, count in sent.items())}


def cost(directory):
    """Of gw1 alone: the chain through it, less the chain that ends before it."""
    chains = evidence.instructions(directory / "icount")
    fast = evidence.delta(evidence.counters(directory / "icount.before" / "gw1.xdp"),
                          evidence.counters(directory / "icount.after" / "gw1.xdp"))
    result = {direction: {
        path: chains[f"{path}-{direction}"] - chains[f"{path}-{direction}-base"]
        if f"{path}-{direction}" in chains else None for path in ("kernel", "fast")}
        for direction in DIRECTIONS}
    notes = {"packets": chains["packets"], "chains": chains,
             "fast_packets": {"encrypt": fast.get("OutputDone", 0),
                              "decrypt": fast.get("ForwardDone", 0)},
             "bare_redirect": chains["redirect"] - chains["fast-encrypt-base"]
             if "redirect" in chains else None}
    return result, notes


def gather(traffic, icount):
    sas = counters_of_sas(traffic)
    lost = losses(traffic, sas)
    seen = wire(traffic)
    instructions, measured = cost(icount)
    return {
        "kernel": (traffic / "kernel").read_text().strip(),
        "ike": (traffic / "ike").read_text().split(" (")[0].strip(),
        # A datagram lost between the gateways is missed by its host as well.
        "lost": max(lost["ping"] + lost["udp"], lost["between_gateways"]),
        "plaintext_on_wire": seen["plaintext"],
        "tshark_decrypted": seen["decrypted_encrypt"] + seen["decrypted_decrypt"],
        "flows_learned": evidence.counters(traffic / "after" / "gw1.xdp").get("FlowLearned", 0),
        "directions": bulk(traffic),
        "instructions_per_packet": instructions,
        "measured": measured,
        "sa": sas,
        "wire": seen,
        "lost_by": lost,
        "ping": evidence.pings(traffic / "ping"),
        "udp": json.loads((traffic / "udp.json").read_text()),
        "tcp": {name: evidence.iperf(traffic / f"tcp.{name}.json")
                for name in ("a_to_b", "b_to_a")},
    }


def faults(report):
    """Everything that keeps the demo from having shown its point."""
    seen = report["wire"]
    for name, way in report["directions"].items():
        if way["fast"] <= ENOUGH * way["total"]:
            yield f"{name}: only {way['fast']} of {way['total']} packets by the fast path"
        if way["fast"] > way["total"]:
            yield f"{name}: more packets by the fast path than the SA counted"
        if seen[f"decrypted_{name}"] < MANY:
            yield f"{name}: only {seen[f'decrypted_{name}']} packets for tshark to decrypt"
    if report["lost"]:
        yield f"packets lost: {report['lost_by']}"
    # iperf3 does not wait for what is under way when it ends.
    if any(tcp["received_bytes"] < 0.9 * tcp["sent_bytes"] for tcp in report["tcp"].values()):
        yield f"TCP did not deliver what was sent: {report['tcp']}"
    if report["plaintext_on_wire"]:
        yield f"{report['plaintext_on_wire']} plaintext frames between the gateways"
    if not seen["plaintext_inside"]:
        yield "the filter for plaintext does not see plaintext where there is some"
    if seen["other"]:
        yield f"{seen['other']} frames between the gateways that are neither ESP nor IKE"
    if seen["not_captured"] or seen["esp"] != seen["sent_by_sas"]:
        yield (f"the capture has {seen['esp']} ESP packets, the SAs sent "
               f"{seen['sent_by_sas']}, tcpdump dropped {seen['not_captured']}")
    if report["tshark_decrypted"] != seen["esp"]:
        yield f"tshark decrypted {report['tshark_decrypted']} of {seen['esp']} ESP packets"
    for what in ("bad_checksums", "reused_ivs", "reused_sequence_numbers"):
        if seen[what]:
            yield f"{seen[what]} {what.replace('_', ' ')} among the decrypted packets"
    measured = report["measured"]
    for name in DIRECTIONS:
        if not all(report["instructions_per_packet"][name].values()):
            yield f"{name}: instructions per packet were not measured"
        elif 2 * report["instructions_per_packet"][name]["fast"] >= KERNEL_XFRM:
            yield (f"{name}: {report['instructions_per_packet'][name]['fast']} instructions per "
                   f"packet on the fast path, not below half of {KERNEL_XFRM}")
        elif measured["fast_packets"][name] <= ENOUGH * measured["packets"]:
            yield (f"{name}: while instructions were counted, only "
                   f"{measured['fast_packets'][name]} of {measured['packets']} packets "
                   "went by the fast path")


def table(rows, head):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [str(row[0]).ljust(widths[0])]
        cells += [str(cell).rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())


def show(report):
    print(f"kernel {report['kernel']}, {report['ike']}, IKEv2 with AES-GCM-128")
    print(f"\ngw1, bulk traffic ({report['flows_learned']} flows learned)")
    rows, notes = [], []
    for name, way in report["directions"].items():
        percent = 100 * way["fast"] / max(way["total"], 1)
        rows.append((name, way["total"], way["fast"], f"{percent:.1f} %", way["stack"]))
        why = ", ".join(f"{reason} {count}" for reason, count in way["reasons"].items())
        notes.append(f"  {name} by the stack: {why or 'none'}")
    table(rows, ("packets", "total", "fast path", "", "stack"))
    print(*notes, sep="\n")

    print("\nSAs")
    table([(f"{gateway} {sa['src']} > {sa['dst']}", sa["spi"], sa["packets"], sa["bytes"],
            sa["replayed"], sa["failed"]) for gateway, sas in report["sa"].items()
           for sa in sas], ("at", "spi", "packets", "bytes", "replayed", "failed"))

    seen, tcp = report["wire"], report["tcp"]
    print(f"\nwire: {seen['esp']} ESP packets, {report['tshark_decrypted']} of them decrypted "
          f"by tshark; {report['plaintext_on_wire']} frames of plaintext")
    print(f"lost: {report['lost']} of {report['ping']['sent']} pings and "
          f"{sum(flow['sent'] for flow in report['udp'])} UDP datagrams, counted one by one; "
          f"TCP delivered {sum(way['received_bytes'] for way in tcp.values())} bytes")

    cost_of = report["instructions_per_packet"]
    print("\ninstructions per packet at gw1, 64 bytes, generator and far end subtracted"
          f" (bare XDP redirect: {report['measured']['bare_redirect'] or '-'})")
    rows = []
    for name in DIRECTIONS:
        kernel, fast = cost_of[name]["kernel"], cost_of[name]["fast"]
        rows.append((name, kernel, fast or "-", f"{fast / kernel:.2f}" if fast else "-"))
    table(rows, ("", "kernel", "fast path", "ratio"))


def main():
    traffic, icount, target = (Path(argument) for argument in sys.argv[1:4])
    try:
        report = gather(traffic, icount)
    except (evidence.EvidenceError, OSError, KeyError, ValueError) as error:
        print(f"demo: no report: {error!r}", file=sys.stderr)
        return 1
    target.write_text(json.dumps(report, indent=2) + "\n")
    show(report)
    found = list(faults(report))
    for fault in found:
        print(f"demo: FAIL: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
