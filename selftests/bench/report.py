#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The benchmark's result: report.py DIR JSON MODULE

Reads what the test machines left in DIR, writes JSON and prints it for people. MODULE: the
module that they ran, for its debug information.
"""

import json
import sys
from pathlib import Path

import hotspots
import samples as taken
import wallclock


def print_table(title, head, lines):
    """Columns as wide as they have to be; words to the left, numbers to the right."""
    lines = [[str(cell) for cell in line] for line in lines]
    if not lines:
        return
    widths = [max(map(len, column)) for column in zip(head, *lines)]
    print("\n%s\n" % title)
    for line in [head] + lines:
        print("  ".join(cell.rjust(width) if lines[0][i][:1].isdigit() else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())


def print_paths(rows):
    paths = [path for path in taken.ORDER if path not in ("xdp-redirect", "aead", "forward")]
    cells = {}
    for row in rows:
        if row["flows"] == 1 and row["cpus"] == 1:
            key = (row["direction"], row["cipher"], row["size"])
            cells.setdefault(key, {})[row["path"]] = "%d (%.1f)" % (
                row["median"], 100 * (row["max"] - row["min"]) / row["median"])
    table = [(*key, *(found.get(path, "-") for path in paths))
             for key, found in cells.items() if key[1] != "none"]
    print_table("Instructions per packet, without the generator and what is before the gateway: median of "
                "five (and spread, %)",
                ["direction", "cipher", "size", *paths], table)
    table = [(*key, found["xdp-redirect"], found.get("forward", "-"))
             for key, found in cells.items() if key[1] == "none"]
    print_table("The same without ESP", ["direction", "cipher", "size", "xdp-redirect", "forward"],
                table)


def print_limits(limits):
    names = ("path", "direction", "cipher", "size", "xdp_redirect", "aead", "limit", "median",
             "ratio")
    print_table("Against the limit: bare redirect and bare AEAD, by the same transform", list(names),
                [[found[name] for name in names] for found in limits])


def print_growth(rows):
    names = ("path", "direction", "cipher", "size", "flows", "sas", "cpus", "unit", "median",
             "min", "max")
    print_table("Growth", list(names), [[row[name] for name in names] for row in rows
                                        if row["flows"] > 1 or row["cpus"] > 1])


def print_profiles(profiles):
    print_table("Where it goes: instructions per packet, of perf's samples",
                ["path", "direction", "size", *hotspots.ORDER],
                [(found["path"], found["direction"], found["size"], *found["groups"].values())
                 for found in profiles])
    for found in profiles:
        print_table("The most expensive functions: %(path)s, %(direction)s, %(size)s B" % found,
                    ["function", "group", "instructions"],
                    [(f["function"], f["group"], f["instructions"])
                     for f in found["functions"][:8]])


def cpu():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(": ")[1]
    return "unknown"


def main():
    directory, output, module = sys.argv[1:]
    samples = taken.Samples(directory)
    rows = taken.rows(samples) + wallclock.rows(directory)
    result = {"rows": rows, "limits": taken.limits(samples, rows),
              "baselines": taken.baselines(samples),
              "profiles": hotspots.profiles(directory, samples, module),
              "transforms": [{"cipher": taken.TITLES[cipher], "path": path,
                              "transform": words["driver"]}
                             for (cipher, path), words in sorted(samples.drivers.items())],
              "kernel": samples.facts.get("kernel"), "packets": samples.facts.get("packets"),
              "host": {"cpu": cpu()}}
    Path(output).write_text(json.dumps(result, indent=1) + "\n", encoding="ascii")
    print("kernel %(kernel)s, five samples of %(packets)s packets (rows of the stack, decryption: "
          "%(stack_times)s times as many)" % {**samples.facts, **result})
    print_paths(rows)
    print_limits(result["limits"])
    print_growth(rows)
    print_profiles(result["profiles"])
    for found in result["transforms"]:
        print("%(cipher)s, %(path)s: %(transform)s" % found)


if __name__ == "__main__":
    main()
