"""Bodies over HTTP/2 on python3-h2: `h2_bodies.py sum|held|endless HOST PORT [CA]`.

sum: an upload with trailers; prints the answer's length and trailers.
held: an upload to a handler that does not read, until no window is left; then it is told to read.
endless: takes nothing of a body that never ends, and asks how much its handler could write.
Prints what it has seen as JSON.
"""

import json
import sys

import h2.events

from h2_client import Client

MANY = 3_000_000
WINDOW = 65_535  # ours, for each stream
WATERMARK = 64 * 1024  # what a handler may write ahead of its client


class Bodies(Client):
    """`texts` and `trailers` by stream. What is received is acknowledged, except of `untaken`."""

    def __init__(self, *where):
        super().__init__(*where)
        self.texts, self.trailers, self.over, self.untaken = {}, {}, set(), None
        # One stream that is not taken is to leave room for the others.
        self.http.increment_flow_control_window(1_000_000)
        self.flush()

    def begin(self, path, method="GET", more=(), end=True):
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, [(":method", method), (":scheme", "http"),
                                        (":authority", "localhost"), (":path", path), *more],
                               end_stream=end)
        self.flush()
        self.texts[stream] = b""
        return stream

    def hear(self):
        data = self.sock.recv(65536)
        assert data, "the connection ended"
        for event in self.http.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self.texts[event.stream_id] += event.data
                if event.stream_id != self.untaken:
                    self.http.acknowledge_received_data(event.flow_controlled_length,
                                                        event.stream_id)
            elif isinstance(event, h2.events.TrailersReceived):
                self.trailers[event.stream_id] = {k.decode(): v.decode() for k, v in event.headers}
            elif isinstance(event, h2.events.StreamEnded):
                self.over.add(event.stream_id)
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise AssertionError(event)
        self.flush()

    def text(self, stream):
        while stream not in self.over:
            self.hear()
        return self.texts[stream].decode()

    def push(self, stream, left):
        """Sends what the windows allow of `left` bytes; how many then are left."""
        while left and (window := self.http.local_flow_control_window(stream)):
            size = min(left, window, self.http.max_outbound_frame_size)
            self.http.send_data(stream, b"b" * size)
            self.flush()
            left -= size
        return left

    def settled(self):
        """Everything that was said before has been heard, on both sides."""
        return self.text(self.begin("/ping"))


def finish(client, stream, left):
    while left := client.push(stream, left):
        client.hear()
    client.http.send_headers(stream, [("x-mark", "python")], end_stream=True)
    client.flush()
    return {"text": client.text(stream), "trailers": client.trailers[stream]}


def sum_up(client):
    return finish(client, client.begin("/sum", "POST", [("trailer", "x-mark")], end=False), MANY)


def held(client):
    client.settled()  # the server's settings are known
    stream = client.begin("/held", "POST", end=False)
    left = client.push(stream, MANY)
    client.settled()
    left = client.push(stream, left)
    seen = {"unread": MANY - left, "window": client.http.local_flow_control_window(stream)}
    client.text(client.begin("/go-on"))
    return {**seen, **finish(client, stream, left)}


def endless(client):
    def written():
        return int(client.text(client.begin("/written"))) - before

    before = 0
    before = written()
    client.untaken = client.begin("/endless")
    # As far as the handler may go; and then it has time for more, if it were allowed to.
    while len(client.texts[client.untaken]) < WINDOW or written() < WINDOW + WATERMARK - 2048:
        client.settled()
    stopped = [written() for _ in range(20)][-1]
    taken = len(client.texts[client.untaken])
    client.http.acknowledge_received_data(taken, client.untaken)
    client.flush()
    while (later := written()) == stopped:
        pass
    return {"taken": taken, "written": stopped, "later": later}


print(json.dumps({"sum": sum_up, "held": held, "endless": endless}[sys.argv[1]](
    Bodies(*sys.argv[2:]))))
