"""What every server must accept: the part "generic" of the list."""

from http2 import frames as h2
from http2.cases import case


@case("generic/1", 1, "the client's preface")
def _(peer):
    peer.send(h2.PREFACE)
    peer.settings((h2.INITIAL_WINDOW_SIZE, 65535))
    got = peer.read()
    assert got.type == h2.SETTINGS and not got.flags & h2.ACK, got


# --- streams

@case("generic/2", 1, "PRIORITY on an idle stream")
def _(peer):
    peer.handshake()
    peer.priority(1)
    peer.ping()
    peer.expect_pong()


@case("generic/2", 2, "WINDOW_UPDATE on a half-closed stream")
def _(peer):
    peer.handshake()
    peer.settings((h2.INITIAL_WINDOW_SIZE, 0))
    peer.headers(1, peer.get())
    peer.window(1, 1)
    peer.first(h2.DATA)


@case("generic/2", 3, "PRIORITY on a half-closed stream")
def _(peer):
    peer.handshake()
    peer.settings((h2.INITIAL_WINDOW_SIZE, 0))
    peer.headers(1, peer.get())
    peer.priority(1)
    peer.window(1, 1)
    peer.first(h2.DATA)


@case("generic/2", 4, "RST_STREAM on a half-closed stream")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.reset(1)
    peer.ping()
    peer.expect_pong_or_end()


@case("generic/2", 5, "PRIORITY on a closed stream")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.expect_stream_end()
    peer.priority(1)
    peer.ping()
    peer.expect_pong()


# --- frames

@case("generic/3.1", 1, "DATA")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.data(1, b"test")
    peer.expect_headers()


@case("generic/3.1", 2, "several DATA frames")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.data(1, b"test", end=False)
    peer.data(1, b"test")
    peer.expect_headers()


@case("generic/3.1", 3, "DATA with padding")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.data(1, b"test", pad=5)
    peer.expect_headers()


@case("generic/3.2", 1, "HEADERS")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.expect_headers()


@case("generic/3.2", 2, "HEADERS with padding")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), pad=8)
    peer.expect_headers()


@case("generic/3.2", 3, "HEADERS with a priority")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), priority=(0, 255))
    peer.expect_headers()


def after_priority(number, title, *arguments, **more):
    @case("generic/3.3", number, title)
    def _(peer):
        peer.handshake()
        peer.priority(*arguments, **more)
        peer.headers(1, peer.get())
        peer.expect_headers()


after_priority(1, "PRIORITY with weight 1", 1, weight=0)
after_priority(2, "PRIORITY with weight 256", 1, weight=255)
after_priority(3, "PRIORITY with a dependency", 3, dependency=1, weight=0)
after_priority(4, "PRIORITY with an exclusive dependency", 1, weight=0, exclusive=True)
after_priority(5, "PRIORITY for an idle stream, then a lower one", 3, weight=255)


@case("generic/3.4", 1, "RST_STREAM")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get(), end=False)
    peer.reset(1)
    peer.ping()
    peer.expect_pong_or_end()


@case("generic/3.5", 1, "SETTINGS")
def _(peer):
    peer.handshake()
    peer.settings((h2.HEADER_TABLE_SIZE, 4096), (h2.ENABLE_PUSH, 1),
                  (h2.MAX_CONCURRENT_STREAMS, 100), (h2.INITIAL_WINDOW_SIZE, 65535),
                  (h2.MAX_FRAME_SIZE, 16384), (h2.MAX_HEADER_LIST_SIZE, 100))
    peer.expect_acknowledgement()


@case("generic/3.7", 1, "PING")
def _(peer):
    peer.handshake()
    peer.ping(b"a sign!!")
    peer.expect_pong(b"a sign!!")


@case("generic/3.8", 1, "GOAWAY")
def _(peer):
    peer.handshake()
    peer.goaway(reason=b"leaving")
    peer.ping(b"a sign!!")
    peer.expect_pong_or_end(b"a sign!!")


@case("generic/3.9", 1, "WINDOW_UPDATE for the connection")
def _(peer):
    peer.handshake()
    peer.window(0, 1)
    peer.ping()
    peer.expect_pong()


@case("generic/3.9", 2, "WINDOW_UPDATE for a stream")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.window(1, 1)
    peer.expect_headers()


@case("generic/3.10", 1, "CONTINUATION")
def _(peer):
    peer.handshake()
    block = h2.block(peer.get())
    peer.headers(1, block[:5], end_headers=False)
    peer.continuation(1, block[5:])
    peer.expect_headers()


@case("generic/3.10", 2, "several CONTINUATION frames")
def _(peer):
    peer.handshake()
    block = h2.block(peer.get())
    peer.headers(1, block[:5], end_headers=False)
    peer.continuation(1, block[5:10], end_headers=False)
    peer.continuation(1, block[10:])
    peer.expect_headers()


# --- messages

@case("generic/4", 1, "GET")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.get())
    peer.expect_headers()


@case("generic/4", 2, "HEAD")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.request("HEAD", peer.path))
    peer.expect_headers()


@case("generic/4", 3, "POST")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.data(1, b"test")
    peer.expect_headers()


@case("generic/4", 4, "POST with trailers")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post([("trailer", "x-test")]), end=False)
    peer.data(1, b"test", end=False)
    peer.headers(1, [("x-test", "ok")])
    peer.expect_headers()


# --- HPACK

# RFC 7541 appendix B, the same strings in Huffman's code.
AGENT, H2SPEC, TEST = (bytes.fromhex(code) for code in ("b505b161cc5a93", "9c48aca4", "f2b24a84ff"))


def coded(first, name, value):
    return bytes([first, 0x80 | len(name)]) + name + bytes([0x80 | len(value)]) + value


def with_field(number, title, field):
    @case("generic/5", number, title)
    def _(peer):
        peer.handshake()
        peer.headers(1, h2.block(peer.get()) + field)
        peer.expect_headers()


with_field(1, "an indexed field", b"\xba")  # user-agent without a value, of the static table
for place, kind, prefix in ((2, "with indexing", 0x40), (6, "without indexing", 0),
                            (10, "never indexed", 0x10)):
    with_field(place, f"a known name {kind}, in Huffman's code", coded(prefix, AGENT, H2SPEC))
    with_field(place + 1, f"a known name {kind}", h2.literal("user-agent", "h2spec", prefix))
    with_field(place + 2, f"a new name {kind}", h2.literal("x-test", "h2spec", prefix))
    with_field(place + 3, f"a new name {kind}, in Huffman's code", coded(prefix, TEST, H2SPEC))


@case("generic/5", 14, "a change of the table's size")
def _(peer):
    peer.handshake()
    peer.headers(1, h2.integer(128, 5, 0x20) + h2.block(peer.get()))
    peer.expect_headers()


@case("generic/5", 15, "several changes of the table's size")
def _(peer):
    peer.handshake()
    sizes = h2.integer(128, 5, 0x20) + h2.integer(4096, 5, 0x20)
    peer.headers(1, sizes + h2.block(peer.get()))
    peer.expect_headers()
