"""Raw bytes in a stream of HTTP/2 (RFC 8441), framed by python3-h2:
`h2_tunnel.py WHAT PORT [CA]`. Prints "ok", or fails; `drain` also says when it is "open".
"""

import sys

import h2.errors
from h2_websocket import Client, Plain

SIZE = 1_000_000


class Tunnel(Plain):
    def __init__(self, *where, path="/tunnel", protocol="raw"):
        super().__init__(Client(int(where[0]), *where[1:]))
        scheme = "https" if len(where) > 1 else "http"
        self.client.open(self, [(":method", "CONNECT"), (":protocol", protocol),
                                (":scheme", scheme), (":path", path), (":authority", "localhost")])
        self.client.wait(lambda: self.headers or self.reset is not None)
        self.status = int(self.headers[":status"]) if self.headers else None


def echo(*where):
    tunnel = Tunnel(*where)
    assert tunnel.status == 200 and tunnel.headers["x-tunnel"] == "echo", tunnel.headers
    assert "content-length" not in tunnel.headers and "upgrade" not in tunnel.headers
    data = bytes(i % 251 for i in range(SIZE))
    tunnel.send(data)
    tunnel.end()
    assert tunnel.finished() is None
    assert tunnel.body == data


def ends(*where):
    tunnel = Tunnel(*where, protocol="websocket")
    tunnel.end()
    assert tunnel.finished() is None and tunnel.body == b""


def cut(*where):
    tunnel = Tunnel(*where, path="/cut")
    assert tunnel.status == 200, tunnel.headers
    tunnel.send(b"now")
    assert tunnel.finished() == h2.errors.ErrorCodes.CONNECT_ERROR, tunnel.reset


def refused(*where):
    for how in ({"protocol": "other"}, {"path": "/hints"}):
        tunnel = Tunnel(*where, **how)
        assert tunnel.status == 501, tunnel.headers


def drain(*where):
    tunnel = Tunnel(*where)
    tunnel.send(b"first, ")
    tunnel.client.wait(lambda: tunnel.body)
    print("open", flush=True)
    assert tunnel.finished() is None
    assert tunnel.body == b"first, draining", tunnel.body
    tunnel.end()


if __name__ == "__main__":
    {"echo": echo, "ends": ends, "cut": cut, "refused": refused,
     "drain": drain}[sys.argv[1]](*sys.argv[2:])
    print("ok")
