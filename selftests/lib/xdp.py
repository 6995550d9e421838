# SPDX-License-Identifier: GPL-2.0-only
"""XDP programs of somebody else: loaded with bpf(2), attached with a link that the caller holds."""

import ctypes
import os
import struct

SYS_BPF = 321
MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, MAP_NEXT, PROG_LOAD, OBJ_PIN, OBJ_GET = 0, 1, 2, 4, 5, 6, 7
PROG_GET_FD_BY_ID, LINK_GET_INFO, LINK_CREATE, LINK_UPDATE = 13, 15, 28, 29
MAP_TYPE_PROG_ARRAY = 3
PROG_TYPE_TC, PROG_TYPE_XDP, PROG_TYPE_LSM = 3, 6, 29
ATTACH_LSM, ATTACH_XDP, ATTACH_TCX_INGRESS, ATTACH_TCX_EGRESS = 27, 37, 46, 47
XDP_DROP, XDP_PASS, TCX_NEXT = 1, 2, -1
TAIL_CALL, REDIRECT, ADJUST_META = 12, 23, 54
BEFORE = 1 << 3     # BPF_F_BEFORE
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


def program_redirect(ifindex):
    return (insn(0xB7, 1, imm=ifindex) + insn(0xB7, 2, imm=0) + insn(0x85, imm=REDIRECT)
            + insn(0x95))


def program_forge(magic, sa, proof, then=b""):
    """Writes metadata of our format in front of every packet, without decrypting anything.

    then: what is done next, with the context in r6; it passes the packet where that ends.
    """
    return b"".join([
        insn(0xBF, 6, 1),                           # r6 = ctx
        insn(0xB7, 2, imm=-32),
        insn(0x85, imm=ADJUST_META),
        insn(0x55, 0, off=14 + len(then) // 8, imm=0),  # no room: pass
        insn(0x61, 1, 6, off=8),                    # r1 = data_meta
        insn(0x61, 2, 6, off=0),                    # r2 = data
        insn(0xBF, 3, 1),
        insn(0x07, 3, imm=32),
        insn(0x2D, 3, 2, off=9 + len(then) // 8),   # past data: pass
        insn(0x62, 1, off=0, imm=magic),
        insn(0x62, 1, off=4, imm=0),
        imm64(4, sa),
        insn(0x7B, 1, 4, off=8),
        imm64(4, proof),
        insn(0x7B, 1, 4, off=16),
        insn(0x7A, 1, off=24, imm=0),
        then,
        insn(0xB7, 0, imm=XDP_PASS),
        insn(0x95),
    ])


def load(insns, prog_type=PROG_TYPE_XDP, attach_type=ATTACH_XDP, btf_id=0):
    """btf_id: of the kernel function that a program of an LSM stands behind."""
    code = ctypes.create_string_buffer(insns, len(insns))
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(65536)
    attr = struct.pack("=IIQQIIQII16sII36xI", prog_type, len(insns) // 8,
                       ctypes.addressof(code), ctypes.addressof(licence),
                       1, len(log), ctypes.addressof(log), 0, 0, b"somebody_else", 0, attach_type,
                       btf_id)
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


def pinned(path):
    name = ctypes.create_string_buffer(path.encode())
    return bpf(OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0))


def program_of(link):
    info = ctypes.create_string_buffer(128)
    bpf(LINK_GET_INFO, struct.pack("=IIQ", link, len(info), ctypes.addressof(info)))
    return bpf(PROG_GET_FD_BY_ID, struct.pack("=I", struct.unpack_from("=III", info)[2]))


class Front:
    """Programs that were put in front of those of pinned links, and what was there."""

    was = {}


def put_in_front(path, magic, sa, proof):
    """Exchanges the program of a link for one that forges metadata and tail calls it."""
    link = pinned(path)
    behind = program_of(link)
    array = bpf(MAP_CREATE, struct.pack("=IIIII", MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0))
    zero, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(4)
    struct.pack_into("=I", value, 0, behind)
    bpf(MAP_UPDATE, struct.pack("=IIQQQ", array, 0, ctypes.addressof(zero),
                                ctypes.addressof(value), 0))
    call = (insn(0xBF, 1, 6) + insn(0x18, 2, 1, imm=array) + insn(0)
            + insn(0xB7, 3, imm=0) + insn(0x85, imm=TAIL_CALL))
    code = program_forge(magic, sa, proof, call)
    try:
        front = load(code)
    except OSError:
        # The two have to have the same attach type, which libbpf leaves out where the kernel
        # has no programs for cgroups: it takes it for one that does not know such types.
        front = load(code, attach_type=0)
    bpf(LINK_UPDATE, struct.pack("=IIII", link, front, 0, 0))
    Front.was[path] = link, behind, array


def take_from_front(path):
    link, behind, array = Front.was.pop(path)
    bpf(LINK_UPDATE, struct.pack("=IIII", link, behind, 0, 0))
    for fd in (link, behind, array):
        os.close(fd)


def exchange(path, program):
    """Another pinned program for a pinned link."""
    link, new = pinned(path), pinned(program)
    try:
        bpf(LINK_UPDATE, struct.pack("=IIII", link, new, 0, 0))
    finally:
        os.close(link)
        os.close(new)


def pin(fd, path):
    name = ctypes.create_string_buffer(path.encode())
    bpf(OBJ_PIN, struct.pack("=QII", ctypes.addressof(name), fd, 0))
