# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's packet generator, of the namespace that the caller is in."""

import re
import time

DIR = "/proc/thread-self/net/pktgen"


def write(file, line):
    with open("%s/%s" % (DIR, file), "w", encoding="ascii") as out:
        out.write(line + "\n")


def read(file):
    with open("%s/%s" % (DIR, file), encoding="ascii") as text:
        return text.read()


def remove(thread, timeout=60):
    """The thread does it when it gets to it. Asked while it has none, it would take the next."""
    end = time.monotonic() + timeout
    if re.search(r"(Running|Stopped): +\S", read(thread)):
        write(thread, "rem_device_all")
    while re.search(r"(Running|Stopped): +\S", read(thread)):
        if time.monotonic() > end:
            raise OSError("pktgen: %s does not let go of its devices" % thread)
        time.sleep(0.01)


def result(name, timeout=3600):
    """On a busy machine "start" comes back before the generator's thread has begun."""
    end = time.monotonic() + timeout
    while True:
        text = read(name)
        found = re.search(r"Result: OK: (\d+)\(.*\) usec, (\d+) \(", text)
        if found:
            return int(found[1]), int(found[2])
        if time.monotonic() > end:
            raise OSError("pktgen: " + text.splitlines()[-1])
        time.sleep(0.01)


def send(dev, n, options, threads=1):
    """Sends n UDP packets out of dev, on each of so many CPUs by a queue of its own.

    options: lines for the device, "src_min 192.0.2.1", where @ is the number of the CPU; ranges
    advance all at once. Returns how many were sent, and the microseconds the slowest CPU took.
    """
    names = ["%s@%d" % (dev, cpu) for cpu in range(threads)]
    try:
        for cpu, name in enumerate(names):
            write("kpktgend_%d" % cpu, "add_device " + name)
            for line in options + ["queue_map_min @", "queue_map_max @", "clone_skb 0", "delay 0",
                                   "count %d" % n]:
                write(name, line.replace("@", str(cpu)))
        write("pgctrl", "start")
        took, sent = zip(*map(result, names))
        return {"usec": max(took), "sent": sum(sent)}
    finally:
        for cpu in range(threads):
            remove("kpktgend_%d" % cpu)
