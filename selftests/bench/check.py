#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""No row may cost more than it did, or than it should: check.py [--renew] RESULT REFERENCE

In TAP, a test per target, and one per row of REFERENCE; on another kernel, whose own part of a
packet's cost is another, these are skipped. With --renew REFERENCE becomes what RESULT says.
"""

import json
import os
import sys

# The least of five samples repeats within 1 %; what is more than this is a change. What
# disturbs a sample only ever adds to it.
MOST = 1.03
NAME = ("path", "direction", "cipher", "size", "flows", "sas", "cpus")
# Of AES-GCM-128, by path and size: how often the limit, bare redirect and bare AEAD.
CIPHER = "AES-GCM-128"
TARGETS = {("fast", 64): 1.5, ("fast", 1400): 1.3, ("fast-copied", 64): 1.6,
           ("fast-copied", 1400): 1.5}
# How often the cost of one flow of one SA, with many of either.
MANY_FLOWS, MANY_SAS = 1.5, 1.3
RENEW = "if that is meant to be: make bench-reference, and commit it"


def by_name(rows):
    """Of rows that count instructions: what they are of, and how many."""
    return {tuple(row[field] for field in NAME): row["min"] for row in rows
            if row["unit"] == "instructions"}


def label(key):
    path, direction, cipher, size, flows, sas, cpus = key
    return "%s %s %s %s B, %s flows, %s SAs, %s CPUs" % (path, direction, cipher, size, flows, sas,
                                                         cpus)


def compare(rows, reference):
    """A (label, complaint) for each row of the reference; complaint is None where all is well."""
    found = by_name(rows)
    for key, wanted in by_name(reference).items():
        got = found.get(key)
        if got is None:
            yield label(key), "there is no such row any more; %s" % RENEW
        elif got > wanted * MOST:
            yield label(key), "%d instructions, reference %d: %+.1f %%, at most %+.0f %%; %s" % (
                got, wanted, 100 * got / wanted - 100, 100 * MOST - 100, RENEW)
        else:
            yield label(key), None


def ratio(name, got, base, most):
    """A (label, complaint); base is None where there is nothing to compare with."""
    if got is None or not base:
        return name, "it was not measured"
    return name, None if got <= base * most else "%d instructions are %.2f times %d" % (
        got, got / base, base)


def targets(result):
    """As compare(), for what the fast path has to hold on any kernel."""
    found = by_name(result["rows"])
    limits = {(one["path"], one["direction"], one["size"]): one["limit"]
              for one in result["limits"] if one["cipher"] == CIPHER}
    for (path, size), most in TARGETS.items():
        for direction in ("encrypt", "decrypt"):
            yield ratio("%s %s %s %s B, at most %s times the limit" % (path, direction, CIPHER, size,
                                                                       most),
                        found.get((path, direction, CIPHER, size, 1, 1, 1)),
                        limits.get((path, direction, size)), most)
    for key, got in found.items():
        path, direction, cipher, size, flows, sas, cpus = key
        if flows > 1:
            most = MANY_SAS if sas > 1 else MANY_FLOWS
            yield ratio("%s, at most %s times the cost of one" % (label(key), most), got,
                        found.get((path, direction, cipher, size, 1, 1, cpus)), most)


def report(results):
    """TAP; says whether all is well."""
    results = list(results)
    print("TAP version 13\n1..%d" % len(results))
    for number, (name, complaint) in enumerate(results, 1):
        if complaint:
            print("# %s: %s" % (name, complaint))
        print("%s %d %s" % ("not ok" if complaint else "ok", number, name))
    return bool(results) and not any(complaint for _, complaint in results)


def skip(reference, kernel):
    """Instead of compare()."""
    for key in by_name(reference["rows"]):
        yield "%s # SKIP the reference is of kernel %s, this is %s; make bench-reference" % (
            label(key), reference["kernel"], kernel), None


def renew(result, path):
    """One line per row, so that a diff says what changed."""
    lines = ",\n".join(json.dumps(row) for row in result["rows"] if row["unit"] == "instructions")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write('{"kernel": %s, "rows": [\n%s\n]}\n' % (json.dumps(result["kernel"]), lines))
    os.replace(path + ".new", path)


def load(path):
    try:
        with open(path, encoding="ascii") as file:
            return json.load(file)
    except FileNotFoundError:
        sys.exit("check.py: %s is missing; make it: make bench-reference" % path)


def main(arguments):
    if arguments[0] == "--renew":
        renew(load(arguments[1]), arguments[2])
        return 0
    result, reference = load(arguments[0]), load(arguments[1])
    if result["kernel"] == reference["kernel"]:
        compared = compare(result["rows"], reference["rows"])
    else:
        compared = skip(reference, result["kernel"])
    return 0 if report([*targets(result), *compared]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
