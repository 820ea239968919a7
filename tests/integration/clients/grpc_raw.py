"""Calls of gRPC that no gRPC library would make: any fields, any bytes, one after the other on one
connection of HTTP/2.

    grpc_raw.py PORT

For each line of standard input, {"fields": [[name, value], ...], "body": base64, "end": bool}, prints
{"head": {...}, "trailers": {...}, "body": base64, "reset": code or null, "goaway": code or null,
"ended": bool} when the stream or the connection is over. Field names are as they came, and the
last of two counts.
"""

import base64
import json
import os
import sys

import hpack

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from http2 import frames  # noqa: E402

ROOM = 2**30
PIECE = 16_000


class Call:
    def __init__(self):
        self.seen = {"head": {}, "trailers": {}, "body": "", "reset": None, "goaway": None,
                     "ended": False}
        self.body = b""
        self.window = 0
        self.over = False


class Caller:
    def __init__(self, port):
        self.client = frames.Client(port, patience=float(os.environ.get("BATON_PATIENCE", "30")))
        self.decoder = hpack.Decoder()
        self.window = self.stream_window = 65_535
        self.stream = -1
        self.agreed = False
        self.client.send(frames.PREFACE)
        self.client.settings((frames.INITIAL_WINDOW_SIZE, ROOM))
        self.client.window(0, ROOM)
        while not self.agreed:
            self.heard(Call(), self.client.read())

    def heard(self, call, got):
        """What a frame means for the call."""
        if got is None:
            call.over = call.seen["ended"] = self.agreed = True
        elif got.type == frames.SETTINGS and not got.flags & frames.ACK:
            self.settings(got.payload)
        elif got.type == frames.PING and not got.flags & frames.ACK:
            self.client.ping(got.payload, frames.ACK)
        elif got.type == frames.WINDOW_UPDATE:
            more = int.from_bytes(got.payload, "big")
            if got.stream == 0:
                self.window += more
            elif got.stream == self.stream:
                call.window += more
        elif got.type == frames.GOAWAY:
            call.seen["goaway"] = got.code
        elif got.type == frames.HEADERS:
            fields = dict(self.decoder.decode(got.payload))
            if got.stream == self.stream:
                call.seen["trailers" if call.seen["head"] else "head"] = fields
        elif got.type == frames.DATA and got.stream == self.stream:
            call.body += got.payload
        elif got.type == frames.RST_STREAM and got.stream == self.stream:
            # Behind a whole answer: nothing more of the request is wanted.
            call.over = True
            if not call.seen["head"] or got.code != frames.NO_ERROR:
                call.seen["reset"] = got.code
        if got is not None and got.stream == self.stream and got.ends_stream:
            call.over = True

    def settings(self, payload):
        for at in range(0, len(payload), 6):
            if int.from_bytes(payload[at:at + 2], "big") == frames.INITIAL_WINDOW_SIZE:
                self.stream_window = int.from_bytes(payload[at + 2:at + 6], "big")
        self.client.frame(frames.SETTINGS, frames.ACK, 0)
        self.agreed = True

    def call(self, fields, body, end):
        self.stream += 2
        call = Call()
        call.window = self.stream_window
        self.client.headers(self.stream, fields, end=end and not body)
        while body and not call.over:
            size = min(len(body), PIECE, self.window, call.window)
            if size == 0:
                self.heard(call, self.client.read())
                continue
            self.window -= size
            call.window -= size
            self.client.data(self.stream, body[:size], end=end and size == len(body))
            body = body[size:]
        while not call.over:
            self.heard(call, self.client.read())
        if body or not end:  # whoever has its answer keeps the rest of its request
            self.client.reset(self.stream, frames.NO_ERROR)
        call.seen["body"] = base64.b64encode(call.body).decode()
        return call.seen


def main(port):
    caller = Caller(int(port))
    for line in sys.stdin:
        order = json.loads(line)
        seen = caller.call([tuple(each) for each in order["fields"]],
                           base64.b64decode(order["body"]), order["end"])
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
