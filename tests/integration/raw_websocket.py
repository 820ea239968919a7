"""A WebSocket client that sends exactly the octets a test asks for, right or wrong, and is strict
about what it gets back: anything that a server must not send is an error."""

import base64
import hashlib
import os
import socket
import ssl
import struct
import zlib

from support import PATIENCE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
END = ("end",)


def masked(payload, key):
    size = len(payload)
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, length_bytes=None):
    """The octets of one frame. `length_bytes` (0, 2, 8) writes the length in more than it takes."""
    size = len(payload)
    bit = 0x80 if mask else 0
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 65536 else 8
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if length_bytes == 0:
        head += bytes([bit | size])
    elif length_bytes == 2:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + masked(payload, key)


def fragments(opcode, payload, size, rsv=0):
    """A message in frames of at most `size` octets."""
    pieces = [payload[at:at + size] for at in range(0, len(payload), size)] or [b""]
    return [frame(CONTINUATION if at else opcode, piece, at + 1 == len(pieces), 0 if at else rsv)
            for at, piece in enumerate(pieces)]


def chopped(octets, size):
    return (octets[at:at + size] for at in range(0, len(octets), size))


def close_payload(code, reason=b""):
    return struct.pack("!H", code) + reason


class Refused(Exception):
    """The server's answer was no 101."""

    def __init__(self, status, headers, body):
        super().__init__(f"{status}: {body!r}")
        self.status, self.headers, self.body = status, headers, body


class Deflate:
    """What permessage-deflate agreed on, checked against what was offered (RFC 7692)."""

    def __init__(self, answer):
        names = [part.strip() for part in answer.split(";")]
        assert names[0] == "permessage-deflate", answer
        self.parameters = dict(part.partition("=")[::2] for part in names[1:])
        assert len(self.parameters) == len(names) - 1, answer
        known = {"server_no_context_takeover": "", "client_no_context_takeover": "",
                 "server_max_window_bits": range(8, 16), "client_max_window_bits": range(8, 16)}
        for name, value in self.parameters.items():
            allowed = known[name]
            assert value == allowed if allowed == "" else int(value) in allowed, answer
        self.server_bits = int(self.parameters.get("server_max_window_bits", 15))
        self.client_bits = int(self.parameters.get("client_max_window_bits", 15))
        self.compressor = self.decompressor = None

    def compress(self, payload):
        if self.compressor is None or "client_no_context_takeover" in self.parameters:
            self.compressor = zlib.compressobj(wbits=-max(self.client_bits, 9))
        made = self.compressor.compress(payload) + self.compressor.flush(zlib.Z_SYNC_FLUSH)
        return made[:-4]

    def decompress(self, payload):
        if self.decompressor is None or "server_no_context_takeover" in self.parameters:
            self.decompressor = zlib.decompressobj(wbits=-self.server_bits)
        return self.decompressor.decompress(payload + b"\0\0\xff\xff")


class RawWebSocket:
    def __init__(self, port, path="/ws", headers=(), context=None, receive_buffer=None):
        self.sock = socket.socket()
        self.sock.settimeout(PATIENCE)
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self.kept = b""
        self.deflate = None
        self.compressed_messages = 0
        key = base64.b64encode(os.urandom(16))
        head = [b"GET %s HTTP/1.1" % path.encode(), b"Host: localhost", b"Upgrade: websocket",
                b"Connection: Upgrade", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + key]
        self.sock.sendall(b"\r\n".join(head + [each.encode() for each in headers]) + b"\r\n\r\n")
        self._read_answer(key)

    def _read_answer(self, key):
        text = b""
        while b"\r\n\r\n" not in text:
            piece = self.sock.recv(4096)
            assert piece, "no answer to the handshake"
            text += piece
        head, _, self.kept = text.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        status = int(first.split()[1])
        self.headers = {name.lower(): value.strip()
                        for name, value in (line.split(":", 1) for line in lines)}
        if status != 101:
            body = self._take(int(self.headers["content-length"]))
            self.close()
            raise Refused(status, self.headers, body)
        accept = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        assert self.headers["sec-websocket-accept"] == base64.b64encode(accept).decode()
        assert self.headers["upgrade"].lower() == "websocket"
        assert self.headers["connection"].lower() == "upgrade"
        if "sec-websocket-extensions" in self.headers:
            self.deflate = Deflate(self.headers["sec-websocket-extensions"])

    # --- out

    def octets(self, octets, chop=None):
        if chop is None:
            return self.sock.sendall(octets)
        for piece in chopped(octets, chop):
            self.sock.sendall(piece)

    def send(self, opcode, payload=b"", chop=None, **how):
        self.octets(frame(opcode, payload, **how), chop)

    def message(self, opcode, payload, fragment=None):
        """A whole message; compressed, if that was agreed on."""
        rsv = 0
        if self.deflate is not None:
            payload, rsv = self.deflate.compress(payload), 4
        self.octets(b"".join(fragments(opcode, payload, fragment or max(len(payload), 1), rsv)))

    def send_close(self, code=1000, reason=b""):
        self.send(CLOSE, close_payload(code, reason))

    # --- in

    def _take(self, size):
        pieces, have = [self.kept], len(self.kept)
        while have < size:
            piece = self.sock.recv(min(max(size - have, 4096), 1 << 20))
            if not piece:
                self.kept = b"".join(pieces)
                raise EOFError
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        self.kept = whole[size:]
        return whole[:size]

    def _frame(self):
        first, second = self._take(2)
        opcode, rsv, fin = first & 15, first >> 4 & 7, first >> 7
        assert second < 128, "a masked frame"
        size = second
        if size >= 126:
            size = int.from_bytes(self._take(2 if second == 126 else 8), "big")
            assert size >= (126 if second == 126 else 65536), "a padded length"
        assert opcode in NAMES or opcode == CONTINUATION, f"opcode {opcode}"
        assert opcode < 8 or (fin and size <= 125 and not rsv), "a bad control frame"
        return opcode, rsv, fin, self._take(size)

    def event(self):
        """The next thing the server says: ("text", "abc"), ("pong", b""), ("close", 1000), END."""
        try:
            opcode, rsv, fin, payload = self._frame()
        except (EOFError, ssl.SSLEOFError):
            assert not self.kept, f"the server cut a frame: {self.kept!r}"
            return END
        if opcode == CLOSE:
            assert len(payload) != 1, "half a close code"
            payload[2:].decode()
            return ("close", int.from_bytes(payload[:2], "big") if payload else None)
        if opcode >= 8:
            return (NAMES[opcode], payload)
        assert opcode != CONTINUATION, "nothing to continue"
        assert rsv == 0 or (rsv == 4 and self.deflate is not None), f"reserved bits {rsv}"
        pieces = [payload]
        while not fin:
            again, more, fin, payload = self._frame()
            assert (again, more) == (CONTINUATION, 0), "no continuation"
            pieces.append(payload)
        whole = b"".join(pieces)
        if rsv == 4:
            self.compressed_messages += 1
            whole = self.deflate.decompress(whole)
        return (NAMES[opcode], whole.decode() if opcode == TEXT else whole)

    def close(self):
        self.sock.close()
