#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""No row may cost more than it did: check.py [--renew] RESULT REFERENCE

In TAP, a test per row of REFERENCE; on another kernel, whose own part of a packet's cost
is another, they are skipped. With --renew REFERENCE becomes what RESULT says.
"""

import json
import os
import sys

# The least of five samples repeats within 1 %; what is more than this is a change. What
# disturbs a sample only ever adds to it.
MOST = 1.03
NAME = ("path", "direction", "cipher", "size", "flows", "sas", "cpus")
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
    keys = by_name(reference["rows"])
    print("TAP version 13\n1..%d" % len(keys))
    for number, key in enumerate(keys, 1):
        print("ok %d %s # SKIP the reference is of kernel %s, this is %s; make bench-reference"
              % (number, label(key), reference["kernel"], kernel))


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
    if result["kernel"] != reference["kernel"]:
        skip(reference, result["kernel"])
        return 0
    return 0 if report(compare(result["rows"], reference["rows"])) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
