"""Section 6 of the list's part "http2": the definitions of the frames."""

from http2 import frames as h2
from http2.cases import case


# --- 6.1 DATA

@case("http2/6.1", 1, "DATA on stream 0")
def _(peer):
    peer.handshake()
    peer.data(0, b"test")
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.1", 2, "DATA on a stream that is not open")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post())
    peer.data(1, b"test")
    peer.expect_stream_error(h2.STREAM_CLOSED)


@case("http2/6.1", 3, "DATA with more padding than there is room for")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post([("content-length", "4")]), end=False)
    peer.frame(h2.DATA, h2.END_STREAM | h2.PADDED, 1, b"\x06Test")
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


# --- 6.2 HEADERS

@case("http2/6.2", 1, "PRIORITY where CONTINUATION must follow")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False, end_headers=False)
    peer.priority(1)
    peer.continuation(1, peer.dummies())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.2", 2, "HEADERS of another stream where CONTINUATION must follow")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False, end_headers=False)
    peer.headers(3, peer.get())
    peer.continuation(1, peer.dummies())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.2", 3, "HEADERS on stream 0")
def _(peer):
    peer.handshake()
    peer.headers(0, peer.get())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.2", 4, "HEADERS with more padding than there is room for")
def _(peer):
    peer.handshake()
    block = h2.block(peer.get())
    peer.frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS | h2.PADDED, 1,
               bytes([len(block) + 2]) + block)
    peer.expect_stream_error(h2.PROTOCOL_ERROR)


# --- 6.3 PRIORITY, 6.4 RST_STREAM

@case("http2/6.3", 1, "PRIORITY on stream 0")
def _(peer):
    peer.handshake()
    peer.priority(0)
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.3", 2, "PRIORITY of a wrong length")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.frame(h2.PRIORITY, 0, 1, b"\x80\0\0\1")
    peer.expect_stream_error(h2.FRAME_SIZE_ERROR)


@case("http2/6.4", 1, "RST_STREAM on stream 0")
def _(peer):
    peer.handshake()
    peer.reset(0)
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.4", 2, "RST_STREAM on an idle stream")
def _(peer):
    peer.handshake()
    peer.reset(1)
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.4", 3, "RST_STREAM of a wrong length")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.frame(h2.RST_STREAM, 0, 1, bytes(3))
    peer.expect_stream_error(h2.FRAME_SIZE_ERROR)


# --- 6.5 SETTINGS

@case("http2/6.5", 1, "an acknowledgement with a payload")
def _(peer):
    peer.handshake()
    peer.frame(h2.SETTINGS, h2.ACK, 0, b"\0")
    peer.expect_connection_error(h2.FRAME_SIZE_ERROR)


@case("http2/6.5", 2, "SETTINGS on a stream")
def _(peer):
    peer.handshake()
    peer.frame(h2.SETTINGS, 0, 1, b"\0\3\0\0\0\x64")
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.5", 3, "SETTINGS of a wrong length")
def _(peer):
    peer.handshake()
    peer.frame(h2.SETTINGS, 0, 0, b"\0\3\0")
    peer.expect_stream_error(h2.PROTOCOL_ERROR, h2.FRAME_SIZE_ERROR)


def wrong_setting(number, title, name, value, code):
    @case("http2/6.5.2", number, title)
    def _(peer):
        peer.handshake()
        peer.settings((name, value))
        peer.expect_connection_error(code)


wrong_setting(1, "ENABLE_PUSH that is neither 0 nor 1", h2.ENABLE_PUSH, 2, h2.PROTOCOL_ERROR)
wrong_setting(2, "INITIAL_WINDOW_SIZE above the largest", h2.INITIAL_WINDOW_SIZE, 1 << 31,
              h2.FLOW_CONTROL_ERROR)
wrong_setting(3, "MAX_FRAME_SIZE below the smallest", h2.MAX_FRAME_SIZE, 16383, h2.PROTOCOL_ERROR)
wrong_setting(4, "MAX_FRAME_SIZE above the largest", h2.MAX_FRAME_SIZE, 1 << 24, h2.PROTOCOL_ERROR)


@case("http2/6.5.2", 5, "an unknown setting")
def _(peer):
    peer.handshake()
    peer.settings((0xFF, 1))
    peer.ping()
    peer.expect_pong()


@case("http2/6.5.3", 1, "the last of several values holds")
def _(peer):
    peer.handshake()
    peer.settings((h2.INITIAL_WINDOW_SIZE, 100), (h2.INITIAL_WINDOW_SIZE, 1))
    peer.expect_acknowledgement()
    peer.headers(1, peer.get())
    peer.expect_data(1)


@case("http2/6.5.3", 2, "SETTINGS are acknowledged")
def _(peer):
    peer.handshake()
    peer.settings((h2.ENABLE_PUSH, 0))
    peer.expect_acknowledgement()


# --- 6.7 PING, 6.8 GOAWAY

@case("http2/6.7", 1, "PING")
def _(peer):
    peer.handshake()
    peer.ping(b"a sign!!")
    peer.expect_pong(b"a sign!!")


@case("http2/6.7", 2, "an answer to no PING is not answered")
def _(peer):
    peer.handshake()
    peer.ping(b"no sign!", flags=h2.ACK)
    peer.ping(b"a sign!!")
    peer.expect_pong(b"a sign!!")


@case("http2/6.7", 3, "PING on a stream")
def _(peer):
    peer.handshake()
    peer.frame(h2.PING, 0, 1, bytes(8))
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.7", 4, "PING of a wrong length")
def _(peer):
    peer.handshake()
    peer.frame(h2.PING, 0, 0, bytes(6))
    peer.expect_connection_error(h2.FRAME_SIZE_ERROR)


@case("http2/6.8", 1, "GOAWAY on a stream")
def _(peer):
    peer.handshake()
    peer.frame(h2.GOAWAY, 0, 1, bytes(8))
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


# --- 6.9 WINDOW_UPDATE

@case("http2/6.9", 1, "an increment of 0")
def _(peer):
    peer.handshake()
    peer.window(0, 0)
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.9", 2, "an increment of 0 on a stream")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False)
    peer.window(1, 0)
    peer.expect_stream_error(h2.PROTOCOL_ERROR)


@case("http2/6.9", 3, "WINDOW_UPDATE of a wrong length")
def _(peer):
    peer.handshake()
    peer.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\1")
    peer.expect_connection_error(h2.FRAME_SIZE_ERROR)


@case("http2/6.9.1", 1, "a window of 1 is not exceeded")
def _(peer):
    peer.handshake()
    peer.settings((h2.INITIAL_WINDOW_SIZE, 1))
    peer.expect_acknowledgement()
    peer.headers(1, peer.get())
    peer.expect_data(1)


@case("http2/6.9.1", 2, "the connection's window above the largest")
def _(peer):
    peer.handshake()
    peer.window(0, (1 << 31) - 1)
    peer.window(0, (1 << 31) - 1)
    peer.expect_connection_error(h2.FLOW_CONTROL_ERROR)


@case("http2/6.9.1", 3, "a stream's window above the largest")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False)
    peer.window(1, (1 << 31) - 1)
    peer.window(1, (1 << 31) - 1)
    got = peer.first(h2.RST_STREAM)
    assert got.stream == 1 and got.code == h2.FLOW_CONTROL_ERROR, got


@case("http2/6.9.2", 1, "INITIAL_WINDOW_SIZE changes behind HEADERS")
def _(peer):
    peer.handshake()
    peer.settings((h2.INITIAL_WINDOW_SIZE, 0))
    peer.expect_acknowledgement()
    peer.headers(1, peer.get())
    peer.settings((h2.INITIAL_WINDOW_SIZE, 1))
    peer.expect_data(1)


@case("http2/6.9.2", 2, "a window becomes negative")
def _(peer):
    peer.handshake()
    peer.settings((h2.INITIAL_WINDOW_SIZE, 3))
    peer.expect_acknowledgement()
    peer.headers(1, peer.get())
    peer.first(h2.DATA)
    peer.settings((h2.INITIAL_WINDOW_SIZE, 2))
    peer.expect_acknowledgement()
    peer.window(1, 2)
    peer.expect_data(1)


@case("http2/6.9.2", 3, "INITIAL_WINDOW_SIZE above the largest")
def _(peer):
    peer.handshake()
    peer.settings((h2.INITIAL_WINDOW_SIZE, 1 << 31))
    peer.expect_connection_error(h2.FLOW_CONTROL_ERROR)


# --- 6.10 CONTINUATION

@case("http2/6.10", 1, "several CONTINUATION frames")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end_headers=False)
    peer.continuation(1, peer.dummies(), end_headers=False)
    peer.continuation(1, peer.dummies())
    peer.expect_headers()


@case("http2/6.10", 2, "DATA behind a CONTINUATION without END_HEADERS")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False, end_headers=False)
    peer.continuation(1, peer.dummies(), end_headers=False)
    peer.data(1, b"test")
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.10", 3, "CONTINUATION on stream 0")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end_headers=False)
    peer.continuation(0, peer.dummies())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.10", 4, "CONTINUATION behind HEADERS with END_HEADERS")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.continuation(1, peer.dummies())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.10", 5, "CONTINUATION behind CONTINUATION with END_HEADERS")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end_headers=False)
    peer.continuation(1, peer.dummies())
    peer.continuation(1, peer.dummies())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)


@case("http2/6.10", 6, "CONTINUATION behind DATA")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False, end_headers=False)
    peer.data(1, b"test")
    peer.continuation(1, peer.dummies(), end_headers=False)
    peer.continuation(0, peer.dummies())
    peer.expect_connection_error(h2.PROTOCOL_ERROR)
