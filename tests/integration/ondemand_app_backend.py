"""A service behind baton-ondemand: python3 ondemand_app_backend.py FOLDER [key=value...].

Listens on descriptor 3, or on the socket FOLDER/socket (unix=1). In FOLDER it writes "started", a
line for each start. Keys: gate (1: stands still at first until the test writes into FOLDER/gate),
notify (1: READY=1 behind that), late (1: not before it is asked /health twice, 503 until then).

  /            who it is, and the head that it saw        /echo      the body
  /head        a head that is easily spoiled               /big/N     N bytes
  /held        stands still until FOLDER/hold is written   /events    the same, an event stream
  /ws          a WebSocket that says everything back       /crash-once
"""

import base64
import hashlib
import json
import os
import signal
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler

FOLDER = sys.argv[1]
KEYS = dict(a.split("=", 1) for a in sys.argv[2:])
ASKED = {"health": 0}


def path(name):
    return os.path.join(FOLDER, name)


def wait_for_byte(name):
    with open(path(name), "rb") as fifo:
        fifo.read(1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200, fields=()):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        where = self.path.split("?")[0]
        if where == "/health":
            ASKED["health"] += 1
            sick = KEYS.get("late") and ASKED["health"] <= 2
            return self.answer(b"", 503 if sick else 200)
        if where == "/crash-once" and not os.path.exists(path("crashed")):
            with open(path("crashed"), "w", encoding="ascii"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        if where == "/held":
            with open(path("asked"), "a", encoding="ascii") as file:
                file.write("x\n")
            print("a held request", flush=True)
            wait_for_byte("hold")
        if where == "/events":
            return self.events()
        if where == "/ws":
            return self.websocket()
        if where == "/head":
            return self.answer(b"hello", 200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")])
        if where.startswith("/big/"):
            return self.answer(b"x" * int(where[5:]))
        self.answer(json.dumps({"pid": os.getpid(), "path": self.path, "as": os.environ.get("AS"),
                                "fields": dict(self.headers.items())}).encode())

    do_HEAD = do_GET

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        digest = hashlib.sha256()
        while size > 0:
            piece = self.rfile.read(min(size, 65536))
            size -= len(piece)
            digest.update(piece)
        self.answer(digest.hexdigest().encode())

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.wfile.flush()
        wait_for_byte("hold")
        self.wfile.write(b"data: last\n\n")
        self.close_connection = True

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


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.socket.close()
        if KEYS.get("unix"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            if os.path.exists(path("socket")):
                os.unlink(path("socket"))
            self.socket.bind(path("socket"))
            self.socket.listen(1024)
        else:
            self.socket = socket.socket(fileno=3)

    def get_request(self):
        sock, where = self.socket.accept()
        return sock, where or ("unix", 0)


def notify(text):
    name = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(text, "\0" + name[1:] if name.startswith("@") else name)


def main():
    with open(path("started"), "a", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
    if KEYS.get("gate"):
        wait_for_byte("gate")
    if "exit" in KEYS:
        print("no database", file=sys.stderr)
        sys.exit(int(KEYS["exit"]))
    with Server() as server:
        if KEYS.get("notify"):
            notify(b"READY=1")
        server.serve_forever()


main()
