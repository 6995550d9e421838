# SPDX-License-Identifier: GPL-2.0-only
"""What a device leaves to hardware, as `ethtool -K` sets it."""

import array
import fcntl
import socket
import struct

SIOCETHTOOL = 0x8946
# ETHTOOL_S* of linux/ethtool.h
FEATURES = {"tx": 0x17, "sg": 0x19, "tso": 0x1f, "gso": 0x24, "gro": 0x2c}


def switch(dev, feature, state):
    value = array.array("I", [FEATURES[feature], int(state)])
    ifreq = struct.pack("=16sQ16x", dev.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCETHTOOL, ifreq)
