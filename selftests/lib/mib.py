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


def received(dev):
    with open("/proc/thread-self/net/dev", encoding="ascii") as file:
        for line in file:
            name, _, counters = line.partition(":")
            if name.strip() == dev:
                return int(counters.split()[1])
    raise OSError("no device " + dev)


# Done at once or later is the same to a test.
SUMS = {"Encrypted": ("OutputDone", "OutputTaken"), "Decrypted": ("InputDone", "InputTaken")}


def of_gateway():
    """All of them, as numbers."""
    found = {name: int(value) for name, value in {**xfrm(), **ip()}.items()}
    for name, parts in SUMS.items():
        found[name] = sum(found.pop(part, 0) for part in parts)
    return found


def grown(before, now):
    """NAME=GROWTH of those that are not what they were."""
    for name, value in now.items():
        if value != before.get(name, 0):
            yield "%s=%d" % (name, value - before.get(name, 0))
