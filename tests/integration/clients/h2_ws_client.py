"""WebSockets over HTTP/2 (RFC 8441), framed by python3-h2 and python3-wsproto:
`h2_ws_client.py WHAT PORT [CA]`. Prints "ok", or fails; `follow` also says when it is connected.
"""

import sys

import h2.exceptions
from h2_websocket import Client, WebSocket
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate


def echo(*where):
    client = Client(*where)
    socket_ = WebSocket(client, scheme="https" if len(where) > 1 else "http",
                        more=[("sec-websocket-protocol", "other, echo")])
    assert socket_.headers["sec-websocket-protocol"] == "echo", socket_.headers
    for name in ("sec-websocket-accept", "upgrade", "connection", "content-length"):
        assert name not in socket_.headers, socket_.headers
    for size in (0, 1, 125, 126, 65535, 65536, 3_000_000):
        socket_.echo("x" * size)
        socket_.echo(bytes(i % 251 for i in range(size)))
    # Fragments, with a ping between them.
    socket_.say(TextMessage(data="frag", message_finished=False))
    socket_.say(Ping(payload=b"between"))
    assert socket_.hear() == Pong(payload=b"between")
    socket_.say(TextMessage(data="mented", message_finished=True))
    assert socket_.hear() == "fragmented"
    socket_.closes()
    for code in (1000, 1001, 1008, 1011, 3000, 4999):
        WebSocket(client).closes(code, "because")
    wrong = WebSocket(client)
    wrong.send(b"\x83\x80mask")
    answer = wrong.hear()
    assert isinstance(answer, CloseConnection) and answer.code == 1002, answer
    wrong.end()
    assert wrong.finished() is None
    client.close()


def deflate(*where):
    client = Client(*where)
    for offer in ({}, {"client_no_context_takeover": True}, {"server_no_context_takeover": True},
                  {"server_max_window_bits": 10, "client_max_window_bits": 11}):
        socket_ = WebSocket(client, extensions=[PerMessageDeflate(**offer)])
        assert "permessage-deflate" in socket_.headers["sec-websocket-extensions"]
        for at in range(8):
            socket_.echo(f"compress this {at} " * 500)
            socket_.echo(b"\0" * 50_000)
        socket_.closes()
    client.close()


def many(*where):
    """50 WebSockets and requests beside them, on one connection."""
    client = Client(*where)
    sockets = [WebSocket(client) for _ in range(50)]
    for turn in range(5):
        plain = [client.request("/bytes/100000") for _ in range(10)]
        for at, each in enumerate(sockets):
            each.say(TextMessage(data=f"{turn}:{at}:" + "y" * 2000))
        for at, each in enumerate(sockets):
            assert each.hear() == f"{turn}:{at}:" + "y" * 2000
        for each in plain:
            assert each.finished() is None and each.body == b"x" * 100000
    for each in sockets:
        each.closes()
    client.close()


def cancel(*where):
    """Streams that are reset, or ended without a close, are only their own."""
    client = Client(*where)
    kept = WebSocket(client)
    for at in range(20):
        gone = WebSocket(client)
        gone.echo("hello")
        if at % 2:
            gone.say(TextMessage(data="z" * 200_000))
        gone.cancel()
    for _ in range(20):
        ended = WebSocket(client)
        ended.say(TextMessage(data="the last word"))
        ended.end()
        assert ended.hear() == "the last word"
        assert ended.hear() is None and ended.finished() is None, ended.reset
    kept.echo("still here")
    kept.closes()
    client.close()


def stays(*where):
    """Both have said close, and the client never ends its stream: the server gives up."""
    client = Client(*where)
    lazy = WebSocket(client)
    lazy.say(CloseConnection(code=1000))
    assert lazy.hear().code == 1000
    client.wait(lambda: lazy.reset is not None)
    assert lazy.ended
    WebSocket(client).closes()
    client.close()


def stalled(*where):
    """A client that opens no window is given up, and only its stream."""
    client = Client(*where)
    slow = WebSocket(client)
    slow.data = lambda data: None
    client.h2.acknowledge_received_data = lambda length, stream: None
    try:
        slow.send(slow.framing.send(BytesMessage(data=b"w" * 400_000)))
    except h2.exceptions.ProtocolError:
        pass
    client.wait(lambda: slow.reset is not None)
    client.close()


def silent(*where):
    """A client that answers no ping is given up, and only its stream; one that does is not."""
    client = Client(*where)
    dead, alive = WebSocket(client), WebSocket(client)
    while dead.reset is None:
        client.wait(lambda: alive.events or dead.reset is not None)
        while alive.events:
            assert alive.hear() == Ping(payload=b"")
            alive.say(Pong())
    assert not alive.ended and alive.reset is None
    alive.closes()
    client.close()


def crowded(*where):
    """The route has room for two: the third is let in and told at once why it cannot stay."""
    client = Client(*where)
    inside = [WebSocket(client), WebSocket(client)]
    third = WebSocket(client)
    assert third.headers[":status"] == "200"
    told = third.hear()
    assert isinstance(told, CloseConnection) and told.code == 1013 and told.reason, told
    third.say(told.response())
    third.end()
    assert third.finished() is None
    for each in inside:
        each.echo("mine")
    inside.pop().closes()
    inside.append(WebSocket(client))
    for each in inside:
        each.echo("mine now")
        each.closes()
    client.close()


def topic(*where):
    """Many on one connection, and one on another, hear what each of them says."""
    client, other = Client(*where), Client(*where)
    sockets = [WebSocket(client, "/topic") for _ in range(20)] + [WebSocket(other, "/topic")]
    for at in (0, 7, -1):
        said = f"{at} says " + "z" * 30_000
        sockets[at].say(TextMessage(data=said))
        for each in sockets:
            assert each.hear() == said
    for each in sockets:
        each.closes()
    for each in (client, other):
        each.close()


def refusals(*where):
    client = Client(*where)
    for asked, status in (({"version": "12"}, "400"), ({"version": "13, 8"}, "400"),
                          ({"path": "/nothing"}, "404"), ({"path": "/ping"}, "501"),
                          ({"protocol": "other"}, "501"),
                          ({"more": [("sec-websocket-extensions", ";")]}, "400"),
                          ({"more": [("sec-websocket-protocol", "a b")]}, "400")):
        refused = WebSocket(client, **asked)
        assert refused.headers[":status"] == status, (asked, refused.headers)
        if "version" in asked:
            assert refused.headers["sec-websocket-version"] == "13"
        assert "upgrade" not in refused.headers
        refused.end()
    WebSocket(client).closes()
    client.close()


def refused(port, status):
    """What is behind a proxy is no WebSocket, whatever it says."""
    client = Client(port)
    asked = WebSocket(client)
    assert asked.headers[":status"] == status, asked.headers
    client.close()


def follow(*where):
    """Echoes until told to leave, comes back; as often as standard input says "again"."""
    while True:
        client = Client(*where)
        sockets = [WebSocket(client) for _ in range(10)]
        half = sockets[0]
        half.say(TextMessage(data="begun ", message_finished=False))
        for each in sockets[1:]:
            each.echo("here")
        print("connected", flush=True)
        for each in sockets[1:]:
            told = each.hear()
            assert isinstance(told, CloseConnection) and told.code == 1001, told
            each.say(told.response())
            each.end()
            assert each.finished() is None
        # A message that was half received is awaited and answered first.
        half.say(TextMessage(data="ended"))
        assert half.hear() == "begun ended"
        told = half.hear()
        assert isinstance(told, CloseConnection) and told.code == 1001, told
        half.say(told.response())
        half.end()
        assert half.finished() is None
        try:
            client.wait(lambda: False)
        except AssertionError:
            pass
        assert client.over and len(client.goaways) == 2, client.goaways
        client.close()
        if sys.stdin.readline() != "again\n":
            return


PARTS = {each.__name__: each
         for each in (echo, deflate, many, cancel, stays, stalled, silent, crowded, topic, refusals,
                      refused, follow)}
PARTS[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
print("ok")
