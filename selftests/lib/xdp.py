# SPDX-License-Identifier: GPL-2.0-only
"""XDP programs of somebody else: loaded with bpf(2), attached with a link that the caller holds."""

import ctypes
import os
import struct

SYS_BPF = 321
MAP_LOOKUP, MAP_NEXT, PROG_LOAD, OBJ_PIN, OBJ_GET = 1, 4, 5, 6, 7
LINK_GET_INFO, LINK_CREATE = 15, 28
PROG_TYPE_TC, PROG_TYPE_XDP = 3, 6
ATTACH_XDP, ATTACH_TCX_INGRESS, ATTACH_TCX_EGRESS = 37, 46, 47
XDP_PASS, TCX_NEXT = 2, -1
BEFORE = 1 << 3
ADJUST_META = 54
libc = ctypes.CDLL(None, use_errno=True)


def bpf(cmd, attr):
    buf = ctypes.create_string_buffer(attr, max(len(attr), 128))
    ret = libc.syscall(SYS_BPF, cmd, buf, len(buf))
    if ret < 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err) + " in bpf(%d)" % cmd)
    return ret


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("=BBhi", code, src << 4 | dst, off, imm)


def imm64(dst, value):
    low, high = struct.unpack("=ii", struct.pack("=Q", value))
    return insn(0x18, dst, imm=low) + insn(0, imm=high)


def program_returns(verdict):
    return insn(0xB7, 0, imm=verdict) + insn(0x95)


def program_pass():
    return program_returns(XDP_PASS)


def program_forge(magic, sa, proof):
    """Writes metadata of our format in front of every packet, without decrypting anything."""
    return b"".join([
        insn(0xBF, 6, 1),                           # r6 = ctx
        insn(0xB7, 2, imm=-24),
        insn(0x85, imm=ADJUST_META),
        insn(0x55, 0, off=13, imm=0),               # no room: pass
        insn(0x61, 1, 6, off=8),                    # r1 = data_meta
        insn(0x61, 2, 6, off=0),                    # r2 = data
        insn(0xBF, 3, 1),
        insn(0x07, 3, imm=24),
        insn(0x2D, 3, 2, off=8),                    # past data: pass
        insn(0x62, 1, off=0, imm=magic),
        insn(0x62, 1, off=4, imm=0),
        imm64(4, sa),
        insn(0x7B, 1, 4, off=8),
        imm64(4, proof),
        insn(0x7B, 1, 4, off=16),
        insn(0xB7, 0, imm=XDP_PASS),
        insn(0x95),
    ])


def load(insns, prog_type=PROG_TYPE_XDP, attach_type=ATTACH_XDP):
    code = ctypes.create_string_buffer(insns, len(insns))
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(65536)
    attr = struct.pack("=IIQQIIQII16sII", prog_type, len(insns) // 8,
                       ctypes.addressof(code), ctypes.addressof(licence),
                       1, len(log), ctypes.addressof(log), 0, 0, b"somebody_else", 0, attach_type)
    try:
        return bpf(PROG_LOAD, attr)
    except OSError as error:
        raise OSError(error.errno, "%s: %s" % (error, log.value.decode()[-400:])) from error


def attach(prog, ifindex, attach_type=ATTACH_XDP, flags=0):
    return bpf(LINK_CREATE, struct.pack("=IIII", prog, ifindex, attach_type, flags))


def link_ifindex(link):
    """Where a tcx link is attached, 0 when it was detached."""
    info = ctypes.create_string_buffer(128)
    bpf(LINK_GET_INFO, struct.pack("=IIQ", link, len(info), ctypes.addressof(info)))
    return struct.unpack_from("=I", info, 16)[0]


def pin(fd, path):
    name = ctypes.create_string_buffer(path.encode())
    bpf(OBJ_PIN, struct.pack("=QII", ctypes.addressof(name), fd, 0))


# struct xfrm_xdp_flow_key and _val: sizes, and where a value has its kind
KEY_SIZE, VAL_SIZE, KIND_AT, KIND_SA = 56, 48, 44, 2


def sa_handle(path):
    """Handle of the first inbound SA in the pinned flow map, 0 for none."""
    name = ctypes.create_string_buffer(path.encode())
    fd = bpf(OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0))
    key, val = ctypes.create_string_buffer(KEY_SIZE), ctypes.create_string_buffer(VAL_SIZE)
    attr = struct.pack("=IIQQ", fd, 0, ctypes.addressof(key), ctypes.addressof(val))
    here = 0
    try:
        while True:
            bpf(MAP_NEXT, struct.pack("=IIQQ", fd, 0, here, ctypes.addressof(key)))
            here = ctypes.addressof(key)
            bpf(MAP_LOOKUP, attr)
            handle, kind = struct.unpack_from("=Q", val)[0], struct.unpack_from("=I", val, KIND_AT)[0]
            if kind == KIND_SA:
                return handle
    except FileNotFoundError:
        return 0
    finally:
        os.close(fd)
