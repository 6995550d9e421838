# SPDX-License-Identifier: GPL-2.0-only
"""Keeps all but interrupts and softirqs off a CPU: hog.py CPU SECONDS FILE.

Until the first byte of FILE is not zero any more, and no longer than that many seconds. The second
byte says that it has begun. No worker of that CPU runs meanwhile. Who starts it sees to it that the
scheduler has no mercy: see hog_start() in virtio.sh.
"""

import ctypes
import mmap
import os
import sys
import time

MCL_CURRENT_AND_FUTURE = 3

cpu, seconds, path = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
with open(path, "r+b") as file:
    flags = mmap.mmap(file.fileno(), 2)
# A page fault that waits would let others run.
if ctypes.CDLL(None).mlockall(MCL_CURRENT_AND_FUTURE):
    sys.exit("hog.py: mlockall failed")
os.sched_setaffinity(0, {cpu})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
end = time.monotonic() + seconds
flags[1] = 1
while not flags[0] and time.monotonic() < end:
    pass
sys.exit(not flags[0])
