"""TLS records and ClientHellos byte by byte (RFC 5246, RFC 8446), and what a server answers."""

import os
import struct

ALERT, HANDSHAKE, APPLICATION, HEARTBEAT = 21, 22, 23, 24
SERVER_HELLO = 2

# Descriptions of alerts (RFC 8446 section 6).
UNEXPECTED_MESSAGE, RECORD_OVERFLOW, HANDSHAKE_FAILURE = 10, 22, 40
DECODE_ERROR, PROTOCOL_VERSION = 50, 70

GOOD_CIPHER = 0xC02B  # ECDHE-ECDSA-AES128-GCM-SHA256
EXTENSION_HEARTBEAT = 15


def record(kind, body, version=0x0301, size=None):
    return struct.pack("!BHH", kind, version, len(body) if size is None else size) + body


def extension(number, body):
    return struct.pack("!HH", number, len(body)) + body


def extensions(more=b""):
    """What it takes to be served with ECDSA over P-256."""
    return (extension(10, struct.pack("!HH", 2, 23)) + extension(11, b"\1\0")
            + extension(13, struct.pack("!HH", 2, 0x0403)) + more)


def client_hello(version=0x0303, ciphers=(GOOD_CIPHER,), compressions=b"\0", more=b""):
    """A ClientHello of TLS 1.2 or before, as one handshake message."""
    listed = b"".join(struct.pack("!H", each) for each in ciphers)
    own = extensions(more)
    body = (struct.pack("!H", version) + os.urandom(32) + b"\0" + struct.pack("!H", len(listed))
            + listed + bytes([len(compressions)]) + compressions + struct.pack("!H", len(own)) + own)
    return b"\1" + struct.pack("!I", len(body))[1:] + body


def records(wire):
    """(kind, body) of each record that is whole."""
    found = []
    while len(wire) >= 5:
        kind, _, size = struct.unpack("!BHH", wire[:5])
        found.append((kind, wire[5:5 + size]))
        wire = wire[5 + size:]
    return found


def alerts(wire):
    """(level, description) of each alert in the clear; a level of 2 is fatal."""
    return [(body[0], body[1]) for kind, body in records(wire) if kind == ALERT and len(body) == 2]


def server_hello(wire):
    """{"version", "cipher", "compression", "extensions"}, or nothing."""
    for kind, body in records(wire):
        if kind != HANDSHAKE or body[0] != SERVER_HELLO:
            continue
        version, = struct.unpack("!H", body[4:6])
        at = 39 + body[38]
        cipher, compression = struct.unpack("!HB", body[at:at + 3])
        end = 4 + int.from_bytes(body[1:4], "big")
        at, numbers = at + 5, []
        while at < end:
            number, size = struct.unpack("!HH", body[at:at + 4])
            numbers.append(number)
            at += 4 + size
        return {"version": version, "cipher": cipher, "compression": compression,
                "extensions": numbers}
    return None
