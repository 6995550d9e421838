#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Plots of bench.json by gnuplot: plot.py JSON DIR"""

import json
import subprocess
import sys
from pathlib import Path

CIPHER = "AES-GCM-128"
PATHS = ("xfrm", "xfrm-flowtable", "fast-copied", "fast")
HEAD = """set terminal svg size %d,%d font "sans,12" background "white"
set output "%s"
set title "%s"
set ylabel "instructions per packet"
set yrange [0:*]
set grid ytics
set key outside right top
"""


def gnuplot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def block(name, lines):
    return "$%s << END\n%s\nEND\n" % (name, "\n".join(" ".join(map(str, line)) for line in lines))


def points(rows, path, direction, cipher):
    return sorted((row["size"], row["median"], row["min"], row["max"]) for row in rows
                  if (row["path"], row["direction"], row["cipher"]) == (path, direction, cipher)
                  and row["flows"] == 1 and row["size"] != "imix")


def by_size(result, direction, output):
    """Lines over the packet's size, and the limit."""
    data, plots = [], []
    lines = {path: points(result["rows"], path, direction, CIPHER) for path in PATHS}
    lines["limit"] = sorted((row["size"], row["limit"]) for row in result["limits"]
                            if (row["path"], row["direction"], row["cipher"]) ==
                            ("fast", direction, CIPHER) and row["size"] != "imix")
    for number, (path, found) in enumerate(lines.items()):
        if found:
            data.append(block("d%d" % number, found))
            style = "lines dashtype 2 lc 'black'" if path == "limit" else "linespoints pt 7 ps 0.6"
            plots.append("$d%d using 1:2 with %s title '%s'" % (number, style, path))
    gnuplot("".join(data) + HEAD % (720, 420, output, "%s, %s" % (CIPHER, direction))
            + "set xlabel 'bytes of a frame'\nplot " + ", ".join(plots) + "\n")


def by_cipher(rows, output, size=1400):
    """Bars of all ciphers, of both directions."""
    table = {}
    for row in rows:
        if row["size"] == size and row["path"] in PATHS and row["cpus"] == row["flows"] == 1:
            key = '"%s\\n%s"' % (row["cipher"], row["direction"])
            table.setdefault(key, {})[row["path"]] = row["median"]
    lines = [[key] + [found.get(path, "?") for path in PATHS] for key, found in table.items()]
    plots = ", ".join("$d using %d%s title '%s'" % (column, ":xtic(1)" if column == 2 else "", path)
                      for column, path in enumerate(PATHS, 2))
    gnuplot(block("d", lines) + HEAD % (900, 480, output, "%d B, by cipher" % size)
            + "set datafile missing '?'\nset style data histograms\nset style fill solid 0.8\n"
            + "set xtics rotate by -40\n"
            + "plot " + plots + "\n")


def main():
    result = json.loads(Path(sys.argv[1]).read_text(encoding="ascii"))
    directory = Path(sys.argv[2])
    for direction in ("encrypt", "decrypt"):
        by_size(result, direction, directory / ("bench-%s.svg" % direction))
    by_cipher(result["rows"], directory / "bench-ciphers.svg")


main()
