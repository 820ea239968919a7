"""Sections 3 to 5 and 7 of the list's part "http2": the opening, frames as such, streams."""

from http2 import frames as h2
from http2.cases import case

UNKNOWN_FRAME = h2.frame(0x16, 0, 0, bytes(8))


@case("http2/3.5", 1, "the client's preface")
def _(peer):
    peer.send(h2.PREFACE)
    peer.settings((h2.INITIAL_WINDOW_SIZE, 65535))
    got = peer.read()
    assert got.type == h2.SETTINGS and not got.flags & h2.ACK, got


@case("http2/3.5", 2, "an invalid preface")
def _(peer):
    peer.send(b"INVALID CONNECTION PREFACE\r\n\r\n")
    if peer.scheme == "http":
        # The port speaks HTTP/1.1 too, and this is neither: GOAWAY may be left out (RFC 9113
        # section 3.4), and nothing else is said.
        while peer.more():
            pass
        assert not peer.buffer, peer.buffer
        return
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


# --- 4 frames

@case("http2/4.1", 1, "a frame of an unknown type")
def _(peer):
    peer.handshake()
    peer.send(UNKNOWN_FRAME)
    peer.ping()
    peer.expect_pong()


@case("http2/4.1", 2, "a flag without a meaning")
def _(peer):
    peer.handshake()
    peer.ping(flags=0x16)
    peer.first(h2.PING)


@case("http2/4.1", 3, "the reserved bit")
def _(peer):
    peer.handshake()
    peer.frame(h2.PING, 0x16, 1 << 31, bytes(8))
    peer.first(h2.PING)


@case("http2/4.2", 1, "DATA of the largest size")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.data(1, b"x" * peer.server_settings.get(h2.MAX_FRAME_SIZE, 16384))
    peer.expect_headers()


@case("http2/4.2", 2, "DATA that is too large")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.data(1, b"x" * (peer.server_settings.get(h2.MAX_FRAME_SIZE, 16384) + 1))
    peer.expect_stream_error(h2.FRAME_SIZE_ERROR)


@case("http2/4.2", 3, "HEADERS that are too large")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(peer.dummies(5)))
    peer.expect_connection_error(h2.FRAME_SIZE_ERROR)


@case("http2/4.3", 1, "a header block that cannot be decoded")
def _(peer):
    peer.handshake()
    peer.headers(1, b"\x40")
    peer.expect_connection_error(h2.COMPRESSION_ERROR)


@case("http2/4.3", 2, "PRIORITY within a header block")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False, end_headers=False)
    peer.priority(1)
    peer.continuation(1, peer.dummies())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/4.3", 3, "HEADERS of another stream within a header block")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False, end_headers=False)
    peer.headers(3, peer.get())
    peer.continuation(1, peer.dummies())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


# --- 5.1 states

@case("http2/5.1", 1, "idle: DATA")
def _(peer):
    peer.handshake()
    peer.data(1, b"test")
    peer.expect_stream_error(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED)


@case("http2/5.1", 2, "idle: RST_STREAM")
def _(peer):
    peer.handshake()
    peer.reset(1)
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/5.1", 3, "idle: WINDOW_UPDATE")
def _(peer):
    peer.handshake()
    peer.window(1, 100)
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/5.1", 4, "idle: CONTINUATION")
def _(peer):
    peer.handshake()
    peer.continuation(1, peer.get())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/5.1", 5, "half-closed: DATA")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.data(1, b"test")
    peer.expect_stream_error(h2.STREAM_CLOSED)


@case("http2/5.1", 6, "half-closed: HEADERS")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.headers(1, peer.get())
    peer.expect_stream_error(h2.STREAM_CLOSED)


@case("http2/5.1", 7, "half-closed: CONTINUATION")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.continuation(1, peer.get())
    peer.expect_stream_error(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR)


@case("http2/5.1", 8, "closed by RST_STREAM: DATA")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False)
    peer.reset(1)
    peer.data(1, b"test")
    peer.expect_stream_error(h2.STREAM_CLOSED)


@case("http2/5.1", 9, "closed by RST_STREAM: HEADERS")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False)
    peer.reset(1)
    peer.headers(1, peer.get())
    peer.expect_stream_error(h2.STREAM_CLOSED)


@case("http2/5.1", 10, "closed by RST_STREAM: CONTINUATION")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False)
    peer.reset(1)
    peer.continuation(1, peer.dummies())
    peer.expect_stream_error(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR)


@case("http2/5.1", 11, "closed: DATA")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.expect_stream_end()
    peer.data(1, b"test")
    peer.expect_stream_error(h2.STREAM_CLOSED)


@case("http2/5.1", 12, "closed: HEADERS")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.expect_stream_end()
    peer.headers(1, peer.get())
    peer.expect_connection_error(h2.STREAM_CLOSED)


@case("http2/5.1", 13, "closed: CONTINUATION")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.expect_stream_end()
    peer.continuation(1, peer.dummies())
    peer.expect_connection_error(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR)


@case("http2/5.1.1", 1, "an even number")
def _(peer):
    peer.handshake()
    peer.headers(2, peer.get())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/5.1.1", 2, "a number below the one before")
def _(peer):
    peer.handshake()
    peer.headers(5, peer.get())
    peer.headers(3, peer.get())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/5.1.2", 1, "more streams than allowed")
def _(peer):
    peer.handshake()
    peer.settings((h2.INITIAL_WINDOW_SIZE, 0))  # so that no stream can end
    for n in range(peer.server_settings[h2.MAX_CONCURRENT_STREAMS] + 1):
        peer.headers(1 + 2 * n, peer.get())
    peer.expect_stream_error(h2.PROTOCOL_ERROR, h2.REFUSED_STREAM)


# --- 5.3 to 5.5, 7

@case("http2/5.3.1", 1, "HEADERS that depend on themselves")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), priority=(1, 255))
    peer.expect_stream_error(h2.PROTOCOL_ERROR)


@case("http2/5.3.1", 2, "PRIORITY that depends on itself")
def _(peer):
    peer.handshake()
    peer.priority(1, dependency=1)
    peer.expect_stream_error(h2.PROTOCOL_ERROR)


@case("http2/5.4.1", 1, "an invalid PING ends the connection")
def _(peer):
    peer.handshake()
    peer.frame(h2.PING, 0, 3, bytes(8))
    peer.expect_end()


@case("http2/5.4.1", 2, "an invalid PING is answered with GOAWAY", strict=True)
def _(peer):
    peer.handshake()
    peer.frame(h2.PING, 0, 3, bytes(8))
    peer.first(h2.GOAWAY)


@case("http2/5.5", 1, "an extension's frame")
def _(peer):
    peer.handshake()
    peer.send(UNKNOWN_FRAME)
    peer.ping()
    peer.expect_pong()


@case("http2/5.5", 2, "an extension's frame within a header block")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end_headers=False)
    peer.send(UNKNOWN_FRAME)
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/7", 1, "GOAWAY with an unknown code")
def _(peer):
    peer.handshake()
    peer.goaway(0xFF)
    peer.ping(b"a sign!!")
    peer.expect_pong_or_end(b"a sign!!")


@case("http2/7", 2, "RST_STREAM with an unknown code")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.reset(1, 0xFF)
    peer.ping()
    peer.expect_pong_or_end()
