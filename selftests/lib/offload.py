# SPDX-License-Identifier: GPL-2.0-only
"""What a device leaves to hardware, as `ethtool -K` sets it, and how much GRO may merge."""

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


RTM_SETLINK, NLM_F_REQUEST, NLM_F_ACK = 19, 0x1, 0x4
IFLA_GRO_MAX_SIZE, IFLA_GRO_IPV4_MAX_SIZE = 58, 64


def gro_max(dev, size):
    """Debian's ip(8) does not know the one of IPv4."""
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex(dev), 0, 0)
    for kind in (IFLA_GRO_MAX_SIZE, IFLA_GRO_IPV4_MAX_SIZE):
        body += struct.pack("=HHI", 8, kind, size)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), RTM_SETLINK,
                              NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        error = struct.unpack_from("=i", sock.recv(4096), 16)[0]
    if error:
        raise OSError(-error, "gro_max_size of " + dev)
