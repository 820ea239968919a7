"""A service that the gateway starts: python3 ondemand_backend.py FOLDER [key=value...].

Listens on descriptor 3 (LISTEN_FDS), or on the socket FOLDER/socket. In FOLDER it writes "started",
a line for each start. Keys: unix (1: that socket), notify (1: READY=1 once it listens), deaf (1:
ignores SIGTERM), family (1: has a child process in a session of its own), exit (a status: at once),
hold (1: first waits for the test).
"""

import os
import signal
import socket
import socketserver
import subprocess
import sys
from http.server import BaseHTTPRequestHandler

FOLDER = sys.argv[1]
KEYS = dict(a.split("=", 1) for a in sys.argv[2:])


def path(name):
    return os.path.join(FOLDER, name)


def wait_for_byte(name):
    """Stands still until the test writes into the FIFO of that name."""
    with open(path(name), "rb") as fifo:
        fifo.read(1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.path == "/crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.path == "/crash-once" and not os.path.exists(path("crashed")):
            with open(path("crashed"), "w", encoding="ascii"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        if self.path == "/held":
            with open(path("asked"), "a", encoding="ascii") as file:
                file.write("x\n")
            print("a held request", flush=True)
            wait_for_byte("hold")
        if self.path == "/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"data: first\n\n")
            self.wfile.flush()
            wait_for_byte("hold")
            self.wfile.write(b"data: last\n\n")
            self.close_connection = True
            return
        if self.path == "/websocket":
            self.send_response(101)
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "websocket")
            self.send_header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            self.end_headers()
            while came := self.connection.recv(4096):
                self.connection.sendall(came)
            self.close_connection = True
            return
        self.answer(f"pid {os.getpid()} host {self.headers['Host']}\n".encode())

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/crash-once" and not os.path.exists(path("crashed")):
            with open(path("crashed"), "w", encoding="ascii"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        self.answer(b"got " + body)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.socket.close()
        if KEYS.get("unix"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.bind(path("socket"))
            self.socket.listen(1024)
        else:
            assert os.environ["LISTEN_PID"] == str(os.getpid())
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
    if KEYS.get("hold"):
        wait_for_byte("hold")
    if "exit" in KEYS:
        print("no database", file=sys.stderr)
        sys.exit(int(KEYS["exit"]))
    if KEYS.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if KEYS.get("family"):
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with Server() as server:
        if KEYS.get("notify"):
            notify(b"READY=1")
        server.serve_forever()


main()
