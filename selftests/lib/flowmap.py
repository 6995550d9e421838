# SPDX-License-Identifier: GPL-2.0-only
"""The pinned flow map, read and written as anybody may who has the right to."""

import ctypes
import os
import socket
import struct

import packets
import xdp

# struct xfrm_xdp_flow_key and _val
KEY, VAL = struct.Struct("=IHBB16s16s2s2s4sQ"), struct.Struct("=QQQQIIII")
KIND_SA, AF = 2, {4: socket.AF_INET, 6: socket.AF_INET6}


def address(text):
    return socket.inet_pton(AF[packets.family(text)], text).ljust(16, b"\0")


def entries(path):
    """All keys and values, unpacked."""
    fd = xdp.pinned(path)
    key, val = ctypes.create_string_buffer(KEY.size), ctypes.create_string_buffer(VAL.size)
    attr = struct.pack("=IIQQ", fd, 0, ctypes.addressof(key), ctypes.addressof(val))
    here = 0
    try:
        while True:
            xdp.bpf(xdp.MAP_NEXT, struct.pack("=IIQQ", fd, 0, here, ctypes.addressof(key)))
            here = ctypes.addressof(key)
            xdp.bpf(xdp.MAP_LOOKUP, attr)
            yield KEY.unpack(key), VAL.unpack(val)
    except FileNotFoundError:
        return
    finally:
        os.close(fd)


def sa_handle(path):
    """Handle of the first inbound SA, 0 for none."""
    return next((val[0] for _, val in entries(path) if val[7] == KIND_SA), 0)


def wanted(src, dst, sport="0", dport="0", spi=None):
    """What of a key says which packets it is for: addresses and ports, or an SPI."""
    ports = struct.pack("!I", int(spi, 0)) if spi else struct.pack("!HH", int(sport), int(dport))
    return address(src), address(dst), ports[:2], ports[2:]


def find(path, **what):
    for key, val in entries(path):
        if key[4:8] == wanted(**what):
            return {"handle": hex(val[0]), "ifindex": key[0], "sa": hex(key[9])}
    return {"handle": "0"}


def put(path, handle, ifindex, sa="0", **what):
    """An entry for UDP, or for ESP where an SPI is named."""
    proto = packets.ESP if "spi" in what else socket.IPPROTO_UDP
    src, dst, first, second = wanted(**what)
    key = KEY.pack(int(ifindex), 0, AF[packets.family(what["src"])], proto, src, dst, first, second,
                   bytes(4), int(sa, 0))
    key = ctypes.create_string_buffer(key, KEY.size)
    val = ctypes.create_string_buffer(VAL.pack(handle, 0, 0, 0, 0, 0, 0, 1), VAL.size)
    fd = xdp.pinned(path)
    try:
        xdp.bpf(xdp.MAP_UPDATE, struct.pack("=IIQQQ", fd, 0, ctypes.addressof(key),
                                            ctypes.addressof(val), 0))
    finally:
        os.close(fd)
