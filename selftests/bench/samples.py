# SPDX-License-Identifier: GPL-2.0-only
"""What the test machines wrote down, and the rows that come of it."""

from pathlib import Path
from statistics import median

TITLES = {"gcm128": "AES-GCM-128", "gcm256": "AES-GCM-256", "chacha": "ChaCha20-Poly1305",
          "cbc": "AES-CBC-128 SHA-256", "null": "NULL", "none": "none"}
# pktgen's imix_weights of lib.sh as it takes them: hundredths of 7:4:1, rounded down, what is
# left over to the last.
IMIX = {64: 58, 576: 33, 1400: 9}
KEY = ("direction", "cipher", "transform", "size", "flows", "sas", "cpus")


def lines(path):
    """NAME=VALUE words of each line, and its first word where that is none."""
    for line in Path(path).read_text(encoding="ascii").splitlines():
        words = line.split()
        kind = words.pop(0) if "=" not in words[0] else "sample"
        yield kind, dict(word.split("=", 1) for word in words)


def number(text):
    return int(text) if text.isdigit() else text


class Samples:
    """By what they are of; transforms say which path new SAs of a cipher take."""

    def __init__(self, directory):
        self.of, self.drivers, self.facts = {}, {}, {}
        for kind, words in lines(Path(directory) / "samples"):
            if kind == "sample":
                words = {name: number(value) for name, value in words.items()}
                key = (words["path"], *(words[name] for name in KEY))
                self.of[key] = [float(value) for value in str(words["values"]).split(",")]
            elif kind == "transform":
                self.drivers[words["cipher"], words["path"]] = words
            else:
                self.facts.update(words)
        self.mix_aead()

    def mix_aead(self):
        """An AEAD has no generator that mixes sizes: the mean of them, as often as they come."""
        for key in [key for key in self.of if key[0] == "aead" and key[4] == 64]:
            parts = [self.of.get((*key[:4], size, *key[5:])) for size in IMIX]
            if all(parts):
                self.of[(*key[:4], "imix", *key[5:])] = [
                    sum(weight * value for weight, value in zip(IMIX.values(), values)) / 100
                    for values in zip(*parts)]
                del self.of[(*key[:4], 576, *key[5:])]

    def baseline(self, key):
        """The generator and what is before GW1.

        The median, as of what it is taken off: what disturbs a sample adds to both.
        """
        path, direction, cipher, transform, *rest = key
        how = "tcx" if path in STACK else "xdp"
        # Before GW1 encrypts there is no SA; but many flows take the generator longer.
        others = (("none", "none"),) if direction == "encrypt" else ()
        for which in ((cipher, transform), *others):
            found = self.of.get(("baseline-" + how, direction, *which, *rest))
            if found:
                return median(found)
        raise SystemExit("report: no baseline for %s" % (key,))


STACK = ("forward", "xfrm", "xfrm-flowtable")
ORDER = ("xdp-redirect", "aead", "forward", "xfrm", "xfrm-flowtable", "fast", "fast-copied")


def row(key, values):
    """As bench.json has it; values without their baseline."""
    path, direction, cipher, _, size, flows, sas, cpus = key
    mid = median(values)
    return {"path": path, "direction": direction, "cipher": TITLES[cipher], "size": size,
            "flows": flows, "sas": sas, "cpus": cpus, "unit": "instructions",
            "median": round(mid), "min": round(min(values)), "max": round(max(values))}


def rows(samples):
    """All rows; of the AEADs those that the path fast has."""
    found = []
    for key, values in samples.of.items():
        path, _, cipher, transform, *_ = key
        if path.startswith("baseline"):
            continue
        if path == "aead":
            if samples.drivers[cipher, "fast"]["transform"] == transform:
                found.append(row(key, values))
            continue
        base = samples.baseline(key)
        found.append(row(key, [value - base for value in values]))
    return sorted(found, key=in_order)


def in_order(found):
    """As people read it."""
    return (found["direction"] != "encrypt", found["flows"], found["sas"],
            list(TITLES.values()).index(found["cipher"]), str(found["size"]).rjust(5),
            ORDER.index(found["path"]))


def baselines(samples):
    return [{**row(key, values), "transform": key[3]} for key, values in samples.of.items()
            if key[0].startswith("baseline")]


def limits(samples, found):
    """Bare redirect and bare AEAD, with the transform of the path that is compared."""
    by = {(r["path"], r["direction"], r["cipher"], r["size"]): r["median"] for r in found
          if r["flows"] == 1}
    answer = []
    for (cipher, path), words in samples.drivers.items():
        for key, values in samples.of.items():
            aead, direction, of, transform, size, *_ = key
            title = TITLES[cipher]
            if (aead, of, transform) != ("aead", cipher, words["transform"]) or \
                    (path, direction, title, size) not in by:
                continue
            redirect, alone = by["xdp-redirect", direction, "none", size], round(median(values))
            median_of = by[path, direction, title, size]
            answer.append({"path": path, "direction": direction, "cipher": title, "size": size,
                           "transform": words["driver"], "xdp_redirect": redirect,
                           "aead": alone, "limit": redirect + alone, "median": median_of,
                           "ratio": round(median_of / (redirect + alone), 3)})
    return sorted(answer, key=lambda one: in_order({**one, "flows": 1, "sas": 1}))
