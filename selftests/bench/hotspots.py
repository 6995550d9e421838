# SPDX-License-Identifier: GPL-2.0-only
"""Instructions of each function per packet, in groups, of perf's reports."""

import re
from pathlib import Path
from statistics import median

from samples import TITLES, number


def groups():
    """Beginnings of functions' names, the longest first, and the group of each."""
    table = Path(__file__).with_name("symbols.tsv").read_text(encoding="ascii")
    pairs = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return sorted(((prefix, group) for group, prefix in pairs), key=lambda p: -len(p[0]))


def group_of(function, table):
    return next((group for prefix, group in table if function.startswith(prefix)), "other")


def counts(path):
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"\s*(\d+)\s+\[\S\]\s+(\S+)", line)
        if match:
            found[match[2]] = found.get(match[2], 0) + int(match[1])
    return found


def per_packet(path, total):
    """The share of each function of what a packet takes in all."""
    found = counts(path)
    every = sum(found.values())
    return {function: n * total / every for function, n in found.items()}


def profiles(directory, samples):
    table, answer = groups(), []
    for path in sorted(Path(directory).glob("profile.fast*")):
        _, kind, direction, cipher, transform, size = path.name.split(".")
        key = (kind, direction, cipher, transform, number(size), 1, 1, 1)
        if key not in samples.of:
            continue
        base = path.with_name("profile.baseline-xdp.%s.%s.%s.%s" % (
            direction, *(("none", "none") if direction == "encrypt" else (cipher, transform)), size))
        spent = per_packet(path, median(samples.of[key]))
        for function, n in per_packet(base, samples.baseline(key)).items():
            spent[function] = spent.get(function, 0) - n
        in_groups = {}
        for function, n in spent.items():
            group = group_of(function, table)
            in_groups[group] = in_groups.get(group, 0) + n
        answer.append({"path": kind, "direction": direction, "cipher": TITLES[cipher],
                       "size": number(size),
                       "groups": {name: round(n) for name, n in sorted(in_groups.items())},
                       "functions": [
                           {"function": function, "group": group_of(function, table),
                            "instructions": round(n)}
                           for function, n in sorted(spent.items(), key=lambda p: -p[1])
                           if round(n) >= 10]})
    return answer
