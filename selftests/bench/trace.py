# SPDX-License-Identifier: GPL-2.0-only
"""For gdb: the instructions of one packet, from the module's kfunc until it returns.

TRACE_PORT: the machine's debugger; TRACE_SYMBOLS: its /proc/kallsyms; TRACE_OUT.txt gets the
instructions of each function, TRACE_OUT.steps each instruction.
"""

import bisect
import os
from collections import Counter

import gdb

KFUNC = "bpf_xdp_xfrm_forward"
MOST = 100000       # steps; a packet that takes more is lost
# No timers and no interrupts between two steps (QEMU's SSTEP_ENABLE, _NOIRQ, _NOTIMER).
STEP_ALONE = "maintenance packet Qqemu.sstep=0x7"


def symbols(path):
    with open(path, encoding="utf-8") as file:
        lines = (line.split() for line in file)
        return sorted((int(words[0], 16), words[2]) for words in lines if words[1] in "tTwW")


def value(expression):
    return int(gdb.parse_and_eval(expression)) % 2 ** 64


def steps():
    """Addresses of all instructions until the function that has just been called returns."""
    back = value("*(unsigned long *)$rsp")
    gdb.execute(STEP_ALONE, to_string=True)
    taken = []
    while (here := value("$pc")) != back:
        if len(taken) > MOST:
            raise gdb.GdbError("the packet does not come back")
        taken.append(here)
        gdb.execute("stepi", to_string=True)
    return taken


def main():
    table = symbols(os.environ["TRACE_SYMBOLS"])
    starts = [start for start, _ in table]
    gdb.execute("set pagination off")
    gdb.execute("set architecture i386:x86-64")
    gdb.execute("target remote 127.0.0.1:" + os.environ["TRACE_PORT"])
    gdb.execute("hbreak *0x%x" % next(start for start, name in table if name == KFUNC))
    gdb.execute("continue")
    gdb.execute("delete")
    taken = steps()
    gdb.execute("detach")

    per_function = Counter()
    with open(os.environ["TRACE_OUT"] + ".steps", "w", encoding="ascii") as file:
        for address in taken:
            start, name = table[bisect.bisect_right(starts, address) - 1]
            per_function[name] += 1
            file.write("%s+0x%x\n" % (name, address - start))
    with open(os.environ["TRACE_OUT"] + ".txt", "w", encoding="ascii") as file:
        file.write("%6d in all\n" % len(taken))
        for name, n in per_function.most_common():
            file.write("%6d %s\n" % (n, name))


main()
