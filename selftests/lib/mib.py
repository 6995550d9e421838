# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's counters of the namespace that the process is in: XFRM, the module, IP."""

# Where IP and ICMP say that they refused a packet or could not forward it.
IP = {"Ip": "InHdrErrors InAddrErrors InDiscards OutNoRoutes ReasmFails FragFails",
      "IpExt": "InNoRoutes InTruncatedPkts InCsumErrors InBcastPkts InMcastPkts",
      "TcpExt": "IPReversePathFilter"}
IP6 = """InHdrErrors InTooBigErrors InNoRoutes InAddrErrors InTruncatedPkts InDiscards ReasmFails
FragFails""".split()


def pairs(path):
    try:
        with open(path, encoding="ascii") as file:
            return dict(line.split() for line in file)
    except FileNotFoundError:
        return {}       # no module: its names stay unknown, and who expects them fails


def xfrm():
    return {**pairs("/proc/self/net/xfrm_stat"), **pairs("/proc/self/net/xfrm_xdp_stat")}


def table(path):
    """Lines of names and lines of numbers, in turn; both begin with the group."""
    with open(path, encoding="ascii") as file:
        lines = [line.split() for line in file]
    for names, values in zip(lines[::2], lines[1::2]):
        group = names[0].rstrip(":")
        for name in IP.get(group, "").split():
            yield name if name.startswith("IP") else "Ip" + name, values[names.index(name)]


def ip():
    six = pairs("/proc/self/net/snmp6")
    return {**dict(table("/proc/self/net/snmp")), **dict(table("/proc/self/net/netstat")),
            **{"Ip6" + name: six["Ip6" + name] for name in IP6}}
