"""An HTTP/2 client that sends any frame it is told to, also those that no client should send.

It keeps no state of the protocol: what it reads are frames, what it sends are the bytes asked for.
Header blocks are literals without indexing and without Huffman coding (RFC 7541 section 6.2.2), so
that every byte may be chosen.
"""

import collections
import socket
import ssl

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# RFC 9113 section 6
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

# RFC 9113 section 7
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM,
 INADEQUATE_SECURITY, HTTP_1_1_REQUIRED) = range(14)

# RFC 9113 section 6.5.2
(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
 MAX_HEADER_LIST_SIZE) = range(1, 7)


class Frame(collections.namedtuple("Frame", "type flags stream payload")):
    @property
    def ends_stream(self):
        return self.type in (DATA, HEADERS) and bool(self.flags & END_STREAM)

    @property
    def code(self):
        """The error code of RST_STREAM or GOAWAY."""
        at = 4 if self.type == GOAWAY else 0
        return int.from_bytes(self.payload[at:at + 4], "big")

    @property
    def last_stream(self):
        return int.from_bytes(self.payload[:4], "big") & 0x7FFFFFFF

    @property
    def reason(self):
        """What GOAWAY says in words."""
        return self.payload[8:].decode()


def word(value):
    return value.to_bytes(4, "big")


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + word(stream) + payload


def integer(value, prefix, first=0):
    """RFC 7541 section 5.1."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    made = bytearray([first | most])
    value -= most
    while value >= 128:
        made.append(value % 128 + 128)
        value //= 128
    made.append(value)
    return bytes(made)


def text(value):
    return value if isinstance(value, bytes) else value.encode()


def literal(name, value, first=0):
    """A literal field with a new name (RFC 7541 section 6.2); `first` says which of the three."""
    name, value = text(name), text(value)
    return bytes([first]) + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(fields):
    return b"".join(literal(name, value) for name, value in fields)


class Client:
    """A connection to 127.0.0.1; with `context` under TLS. Reading waits up to `patience`."""

    def __init__(self, port, context=None, patience=30):
        self.sock = socket.create_connection(("127.0.0.1", port), patience)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
            if self.sock.selected_alpn_protocol() != "h2":
                raise AssertionError("HTTP/2 was not agreed on")
        self.scheme = "http" if context is None else "https"
        self.authority = f"localhost:{port}"
        self.server_settings = {}
        self.buffer = b""

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- reading

    def more(self):
        """Reads once; false at the end of the connection, however it came."""
        try:
            piece = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            if isinstance(error, TimeoutError):
                raise
            return False
        self.buffer += piece
        return bool(piece)

    def read(self):
        """The next frame, or None at the end."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            if not self.more():
                return None
        size = int.from_bytes(self.buffer[:3], "big")
        head, payload = self.buffer[:9], self.buffer[9:9 + size]
        self.buffer = self.buffer[9 + size:]
        return Frame(head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF, payload)

    def read_until(self, wanted):
        """The frames up to the first that is `wanted`, or to the end of the connection."""
        seen = []
        while (got := self.read()) is not None:
            seen.append(got)
            if wanted(got):
                break
        return seen

    # --- sending

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (ConnectionError, ssl.SSLError) as error:  # what it said before is still to be read
            if isinstance(error, TimeoutError):
                raise

    def frame(self, kind, flags, stream, payload=b""):
        self.send(frame(kind, flags, stream, payload))

    def handshake(self, *settings):
        """Opens the connection, and returns when both sides know each other's settings."""
        self.send(PREFACE)
        self.settings(*(settings or [(INITIAL_WINDOW_SIZE, 65535)]))
        acknowledged = False
        while not (acknowledged and self.server_settings):
            got = self.read()
            if got is None:
                raise AssertionError("the connection ended within the handshake")
            if got.type != SETTINGS:
                continue
            if got.flags & ACK:
                acknowledged = True
                continue
            for at in range(0, len(got.payload), 6):
                name = int.from_bytes(got.payload[at:at + 2], "big")
                self.server_settings[name] = int.from_bytes(got.payload[at + 2:at + 6], "big")
            self.frame(SETTINGS, ACK, 0)

    def request(self, method="GET", path="/ping", more=()):
        return [(":method", method), (":scheme", self.scheme), (":path", path),
                (":authority", self.authority), *more]

    def headers(self, stream, fields, end=True, end_headers=True, pad=None, priority=None):
        payload = fields if isinstance(fields, bytes) else block(fields)
        flags = (END_STREAM if end else 0) | (END_HEADERS if end_headers else 0)
        if priority is not None:
            flags |= WITH_PRIORITY
            payload = word(priority[0]) + bytes([priority[1]]) + payload
        if pad is not None:
            flags |= PADDED
            payload = bytes([pad]) + payload + bytes(pad)
        self.frame(HEADERS, flags, stream, payload)

    def continuation(self, stream, fields, end_headers=True):
        payload = fields if isinstance(fields, bytes) else block(fields)
        self.frame(CONTINUATION, END_HEADERS if end_headers else 0, stream, payload)

    def data(self, stream, payload, end=True, pad=None):
        flags = END_STREAM if end else 0
        if pad is not None:
            flags |= PADDED
            payload = bytes([pad]) + payload + bytes(pad)
        self.frame(DATA, flags, stream, payload)

    def priority(self, stream, dependency=0, weight=255, exclusive=False):
        self.frame(PRIORITY, 0, stream,
                   word(dependency | (1 << 31 if exclusive else 0)) + bytes([weight]))

    def reset(self, stream, code=CANCEL):
        self.frame(RST_STREAM, 0, stream, word(code))

    def settings(self, *pairs):
        self.frame(SETTINGS, 0, 0,
                   b"".join(name.to_bytes(2, "big") + word(value) for name, value in pairs))

    def ping(self, payload=bytes(8), flags=0):
        self.frame(PING, flags, 0, payload)

    def goaway(self, code=NO_ERROR, last=0, reason=b""):
        self.frame(GOAWAY, 0, 0, word(last) + word(code) + reason)

    def window(self, stream, increment):
        self.frame(WINDOW_UPDATE, 0, stream, word(increment))
