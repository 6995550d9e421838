# SPDX-License-Identifier: GPL-2.0-only
"""Instructions of each function per packet, in groups, of perf's samples.

What the compiler put into another function is taken for what it is in the source, where the
module's debug information knows it.
"""

import subprocess
from pathlib import Path
from statistics import median

from samples import TITLES, number

# As a packet meets them.
ORDER = ("parse", "map", "SA", "replay", "AEAD set-up", "crypto", "copies", "headers", "redirect",
         "counters", "other")
OTHER = ORDER[-1]


def groups():
    """Beginnings of functions' names, the longest first, and the group of each."""
    table = Path(__file__).with_name("symbols.tsv").read_text(encoding="ascii")
    pairs = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return sorted(((prefix, group) for group, prefix in pairs), key=lambda p: -len(p[0]))


def group_of(function, table):
    return next((group for prefix, group in table if function.startswith(prefix)), OTHER)


def inlined(module, offsets):
    """For each offset into the module's text the functions it is in, the innermost first."""
    said = subprocess.run(["addr2line", "-a", "-f", "-i", "-j", ".text", "-e", module],
                          input="".join("0x%x\n" % offset for offset in offsets),
                          text=True, capture_output=True, check=True).stdout
    found = []
    for line in said.splitlines():
        if line.startswith("0x"):
            found.append([])
        else:
            found[-1].append(line)
    # A function, and the line of it.
    return {offset: names[::2] for offset, names in zip(offsets, found)}


def counts(path, module, table):
    """Samples of each function, and the group of each: {(function, group): samples}.

    profile.sh writes "text START END" of the module, then "SAMPLES ADDRESS FUNCTION".
    """
    text, *lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    start, end = (int(word, 16) for word in text[1:])
    samples = [(int(n), int(address, 16), function) for n, address, function, *_ in lines]
    of_module = inlined(module, [address - start for _, address, _ in samples
                                 if start <= address < end])
    found = {}
    for n, address, function in samples:
        names = [*of_module.get(address - start, []), function]
        # A helper of the kernel's is a part of who calls it, unless the table knows it.
        function = next((name for name in names if group_of(name, table) != OTHER), names[-1])
        key = (function, group_of(function, table))
        found[key] = found.get(key, 0) + n
    return found


def per_packet(found, total):
    """The share of each function of what a packet takes in all."""
    every = sum(found.values())
    return {function: n * total / every for function, n in found.items()}


def profiles(directory, samples, module):
    table, answer = groups(), []
    for path in sorted(Path(directory).glob("profile.fast*")):
        _, kind, direction, cipher, transform, size = path.name.split(".")
        key = (kind, direction, cipher, transform, number(size), 1, 1, 1)
        if key not in samples.of:
            continue
        base = path.with_name("profile.baseline-xdp.%s.%s.%s.%s" % (
            direction, *(("none", "none") if direction == "encrypt" else (cipher, transform)), size))
        spent = per_packet(counts(path, module, table), median(samples.of[key]))
        before = per_packet(counts(base, module, table), samples.baseline(key))
        for function, n in before.items():
            spent[function] = spent.get(function, 0) - n
        in_groups = {}
        for (_, group), n in spent.items():
            in_groups[group] = in_groups.get(group, 0) + n
        answer.append({"path": kind, "direction": direction, "cipher": TITLES[cipher],
                       "size": number(size),
                       "groups": {name: round(in_groups.get(name, 0)) for name in ORDER},
                       "functions": [
                           {"function": function, "group": group, "instructions": round(n)}
                           for (function, group), n in sorted(spent.items(), key=lambda p: -p[1])
                           if round(n) >= 10]})
    return answer
