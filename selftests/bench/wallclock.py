# SPDX-License-Identifier: GPL-2.0-only
"""Two CPUs against one, by the wall clock of an emulator: a ratio, and no more than that."""

from pathlib import Path
from statistics import median

from samples import TITLES, lines, number


def rows(directory):
    """Packets per second with two CPUs, as a multiple of those with one."""
    path = Path(directory) / "cpus"
    found = []
    for _, words in lines(path) if path.exists() else ():
        values = [float(value) for value in words["values"].split(",")]
        found.append({"path": words["path"], "direction": words["direction"],
                      "cipher": TITLES[words["cipher"]],
                      **{name: number(words[name]) for name in ("size", "flows", "sas", "cpus")},
                      "unit": "wall clock ratio", "median": round(median(values), 2),
                      "min": round(min(values), 2), "max": round(max(values), 2)})
    return found
