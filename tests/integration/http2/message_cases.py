"""Section 8 of the list's part "http2": requests."""

from http2 import frames as h2
from http2.cases import case


def malformed(section, number, title, fields):
    @case("http2/" + section, number, title)
    def _(peer):
        peer.handshake()
        peer.headers(1, fields(peer))
        peer.expect_stream_error(h2.PROTOCOL_ERROR)


def without(name):
    return lambda peer: [one for one in peer.get() if one[0] != name]


def twice(name):
    return lambda peer: peer.get([one for one in peer.get() if one[0] == name])


def with_more(*more):
    return lambda peer: peer.get(more)


@case("http2/8.1", 1, "trailers that do not end the stream")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.data(1, b"test", end=False)
    peer.headers(1, [("x-test", "ok")], end=False)
    peer.expect_stream_error(h2.PROTOCOL_ERROR)


malformed("8.1.2", 1, "a field's name in capitals", with_more(("X-TEST", "ok")))
malformed("8.1.2.1", 1, "an unknown pseudo-header field", with_more((":test", "ok")))
malformed("8.1.2.1", 2, "a pseudo-header field of answers", with_more((":status", "200")))


@case("http2/8.1.2.1", 3, "a pseudo-header field among the trailers")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post(), end=False)
    peer.data(1, b"test", end=False)
    peer.headers(1, [(":method", "POST")])
    peer.expect_stream_error(h2.PROTOCOL_ERROR)


malformed("8.1.2.1", 4, "a pseudo-header field behind a regular one",
          lambda peer: [("x-test", "ok"), *peer.get()])
malformed("8.1.2.2", 1, "a field of the connection", with_more(("connection", "keep-alive")))
malformed("8.1.2.2", 2, "TE with more than trailers",
          with_more(("trailers", "test"), ("te", "trailers, deflate")))
malformed("8.1.2.3", 1, "an empty :path",
          lambda peer: [(name, "" if name == ":path" else value) for name, value in peer.get()])
malformed("8.1.2.3", 2, "no :method", without(":method"))
malformed("8.1.2.3", 3, "no :scheme", without(":scheme"))
malformed("8.1.2.3", 4, "no :path", without(":path"))
malformed("8.1.2.3", 5, ":method twice", twice(":method"))
malformed("8.1.2.3", 6, ":scheme twice", twice(":scheme"))
malformed("8.1.2.3", 7, ":path twice", twice(":path"))


@case("http2/8.1.2.6", 1, "a Content-Length that is not that of the body")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post([("content-length", "1")]), end=False)
    peer.data(1, b"test")
    peer.expect_stream_error(h2.PROTOCOL_ERROR)


@case("http2/8.1.2.6", 2, "a Content-Length that is not the sum of the DATA frames")
def _(peer):
    peer.handshake()
    peer.headers(1, peer.post([("content-length", "1")]), end=False)
    peer.data(1, b"test", end=False)
    peer.data(1, b"test")
    peer.expect_stream_error(h2.PROTOCOL_ERROR)


@case("http2/8.2", 1, "PUSH_PROMISE")
def _(peer):
    peer.handshake()
    peer.frame(h2.PUSH_PROMISE, h2.END_HEADERS, 1, h2.word(3) + h2.block(peer.get()))
    peer.expect_connection_error(h2.PROTOCOL_ERROR)
