"""The published list of HTTP/2 conformance cases, as functions; and what each of them accepts.

The sections are those of RFC 7540 and RFC 7541, as the list has them. A case is a function that gets
a `Peer`: a raw client with two paths to ask for, and with the verdicts.
"""

from http2 import frames as h2

# What the list calls a dummy header: together with the request's own they make frames too large.
LONG = "x" * 4000

ALL = {}


def case(section, number, title, strict=False):
    """Registers the function under its section and its place there."""
    def register(function):
        name = f"{section}/{number} {title}"
        assert name not in ALL, name
        function.strict = strict
        ALL[name] = function
        return function
    return register


class Peer(h2.Client):
    """`path` answers GET, `post_path` answers POST, with some bytes each."""

    def __init__(self, port, path, post_path, **more):
        super().__init__(port, **more)
        self.path = path
        self.post_path = post_path

    def get(self, more=()):
        return self.request("GET", self.path, more)

    def post(self, more=()):
        return self.request("POST", self.post_path, more)

    @staticmethod
    def dummies(count=1):
        return [(f"x-dummy{n}", LONG) for n in range(count)]

    # --- verdicts

    def first(self, kind):
        """The first frame of that kind; everything else is let pass."""
        seen = self.read_until(lambda one: one.type == kind)
        assert seen and seen[-1].type == kind, f"no frame of type {kind}, but {seen}"
        return seen[-1]

    def expect_headers(self, stream=1):
        got = self.first(h2.HEADERS)
        assert got.stream == stream, got

    def expect_acknowledgement(self):
        got = self.first(h2.SETTINGS)
        assert got.flags & h2.ACK and not got.payload, got

    def expect_pong(self, payload=bytes(8)):
        got = self.first(h2.PING)
        assert got.flags & h2.ACK and got.payload == payload, got

    def expect_pong_or_end(self, payload=bytes(8)):
        seen = self.read_until(lambda one: one.type == h2.PING)
        assert not seen or seen[-1].type != h2.PING or seen[-1].payload == payload, seen

    def expect_data(self, length):
        got = self.first(h2.DATA)
        assert len(got.payload) == length, got

    def expect_stream_end(self):
        """The stream has ended well."""
        def ends(one):
            return one.ends_stream or one.type == h2.RST_STREAM and one.code == h2.NO_ERROR
        seen = self.read_until(ends)
        assert seen and ends(seen[-1]), seen

    def expect_end(self):
        self.read_until(lambda one: False)

    def expect_connection_error(self, *codes):
        """The list is content with a mere end; whoever ends a connection here says why, in words."""
        seen = self.read_until(lambda one: one.type == h2.GOAWAY)
        assert seen and seen[-1].type == h2.GOAWAY, f"no GOAWAY, but {seen}"
        assert seen[-1].code in codes, seen[-1]
        assert seen[-1].reason, seen[-1]
        self.expect_end()

    def expect_stream_error(self, *codes):
        """A stream error, or the connection's; in both cases with one of the codes."""
        wanted = (h2.RST_STREAM, h2.GOAWAY)
        seen = self.read_until(lambda one: one.type in wanted and one.code in codes)
        assert seen and seen[-1].type in wanted and seen[-1].code in codes, \
            f"no error of {codes}, but {seen}"
