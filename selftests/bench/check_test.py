#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""That bench-check can fail: check.py on the reference, and on doctored figures. TAP."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import check  # noqa: E402


def with_first(rows, **changes):
    return [{**rows[0], **changes}, *rows[1:]]


def complaints(rows, reference):
    return [text for _, text in check.compare(rows, reference) if text]


def tests(rows):
    least = rows[0]["min"]
    same = complaints(rows, rows)
    slower = complaints(with_first(rows, min=least * 1.04), rows)
    yield "the same figures pass", same == []
    yield "2 % more pass", complaints(with_first(rows, min=least * 1.02), rows) == []
    yield "half as much passes", complaints(with_first(rows, min=least // 2), rows) == []
    yield "4 % more fail, once", len(slower) == 1
    yield "and say what to do", slower and "reference %d" % least in slower[0] \
        and "make bench-reference" in slower[0]
    yield "a row that is gone fails", len(complaints(rows[1:], rows)) == 1
    yield "a new row passes", complaints(rows, rows[1:]) == []
    yield "wall clocks are not compared", complaints(
        with_first(rows, unit="wall clock ratio"), with_first(rows, unit="wall clock ratio")) == []


def broken(rows, limits):
    return [text for _, text in check.targets({"rows": rows, "limits": limits}) if text]


def target_tests(rows):
    one = next(row for row in rows if row["path"] == "fast" and row["direction"] == "encrypt"
               and row["cipher"] == check.CIPHER and row["size"] == 64 and row["sas"] == 1)
    base = {"path": "fast", "direction": "encrypt", "cipher": check.CIPHER, "size": 64}
    every = len(check.TARGETS) * 2
    met = broken([one], [{**base, "limit": one["min"] / 1.49}])
    missed = broken([one], [{**base, "limit": one["min"] / 1.51}])
    yield "what was not measured misses its target", len(broken([], [])) == every
    yield "a ratio below its target passes", len(met) == every - 1
    yield "a ratio above fails, and says by how much", len(missed) == every \
        and "1.51 times" in missed[0]
    for name, sas, most in (("flows", 1, check.MANY_FLOWS), ("SAs", 1000, check.MANY_SAS)):
        many = {**one, "flows": 1000, "sas": sas}
        cheap, dear = ({**many, "min": one["min"] * (most + by)} for by in (-0.01, 0.01))
        yield "many %s within their bound pass" % name, len(broken([one, cheap], [])) == every
        yield "many %s beyond it fail" % name, len(broken([one, dear], [])) == every + 1


def main():
    rows = check.load(Path(__file__).with_name("reference.json"))["rows"]
    results = [*tests(rows), *target_tests(rows)]
    print("TAP version 13\n1..%d" % len(results))
    for number, (label, passed) in enumerate(results, 1):
        print("%s %d bench-check: %s" % ("ok" if passed else "not ok", number, label))
    return 0 if all(passed for _, passed in results) else 1


sys.exit(main())
