"""A service behind baton-ondemand: a backend (see there), with

  /             who it is, and the head that it saw; a POST: the digest of the body
  /head         a head that is easily spoiled                /big/N   N bytes
  /ws           a WebSocket that says everything back        /health  200

Keys: late (1: /health is 503 until it was asked twice).
"""

import base64
import hashlib
import json
import os

import backend
from backend import KEYS

ASKED = {"health": 0}


class Handler(backend.Handler):
    def tell(self, where):
        if where == "/health":
            ASKED["health"] += 1
            sick = KEYS.get("late") and ASKED["health"] <= 2
            return self.answer(b"", 503 if sick else 200)
        if where == "/ws":
            return self.websocket()
        if where == "/head":
            return self.answer(b"hello", 200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")])
        if where.startswith("/big/"):
            return self.answer(b"x" * int(where[5:]))
        self.answer(json.dumps({"pid": os.getpid(), "path": self.path, "as": os.environ.get("AS"),
                                "fields": dict(self.headers.items())}).encode())

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        digest = hashlib.sha256()
        while size > 0:
            piece = self.rfile.read(min(size, 65536))
            size -= len(piece)
            digest.update(piece)
        self.answer(digest.hexdigest().encode())

    def websocket(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                return
            mask = self.rfile.read(4)
            payload = bytes(x ^ mask[i % 4] for i, x in enumerate(self.rfile.read(head[1] & 127)))
            self.wfile.write(bytes([head[0], len(payload)]) + payload)
            self.wfile.flush()
            if head[0] & 15 == 8:
                return


backend.serve(Handler)
