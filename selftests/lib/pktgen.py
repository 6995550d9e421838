# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's packet generator, of the namespace that the caller is in."""

import re
import time

DIR = "/proc/thread-self/net/pktgen"


def write(file, line):
    with open("%s/%s" % (DIR, file), "w", encoding="ascii") as out:
        out.write(line + "\n")


def result(dev, timeout=3600):
    """On a busy machine "start" comes back before the generator's thread has begun."""
    end = time.monotonic() + timeout
    while True:
        with open("%s/%s" % (DIR, dev), encoding="ascii") as file:
            text = file.read()
        found = re.search(r"Result: OK: (\d+)\(.*\) usec, (\d+) \(", text)
        if found:
            return {"usec": found[1], "sent": found[2]}
        if time.monotonic() > end:
            raise OSError("pktgen: " + text.splitlines()[-1])
        time.sleep(0.01)


def send(dev, n, options):
    """Sends n UDP packets out of dev, and returns how many it sent and the nanoseconds that took.

    options: lines for the device, "src_min 192.0.2.1"; ranges advance all at once.
    """
    write("kpktgend_0", "rem_device_all")
    write("kpktgend_0", "add_device " + dev)
    try:
        for line in options + ["clone_skb 0", "delay 0", "count %d" % n]:
            write(dev, line)
        write("pgctrl", "start")
        return result(dev)
    finally:
        write("kpktgend_0", "rem_device_all")
