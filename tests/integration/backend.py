"""What the services have in common that the tests of the gateway start: PROGRAM FOLDER [key=value...].

Listens on descriptor 3 (LISTEN_FDS), or on the socket FOLDER/socket. In FOLDER it writes "started",
a line for each start. Keys: unix (1: that socket), notify (1: READY=1 once it listens), exit (a
status: at once), hold or gate (1: first waits until the test writes into FOLDER/hold or gate).

  /held         stands still until FOLDER/hold is written    /events       the same, an event stream
  /crash-once   ends the process, the first time
"""

import os
import signal
import socket
import socketserver
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


def crash():
    os.kill(os.getpid(), signal.SIGKILL)


class Handler(BaseHTTPRequestHandler):
    """`tell` answers what is asked for nowhere else."""

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

    def crash_once(self):
        if not os.path.exists(path("crashed")):
            with open(path("crashed"), "w", encoding="ascii"):
                pass
            crash()

    def do_GET(self):
        where = self.path.split("?")[0]
        if where == "/events":
            return self.events()
        if where == "/crash-once":
            self.crash_once()
        if where == "/held":
            print("a held request", flush=True)
            wait_for_byte("hold")
        self.tell(where)

    do_HEAD = do_GET

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


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler, bind_and_activate=False)
        self.socket.close()
        if KEYS.get("unix"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            if os.path.exists(path("socket")):
                os.unlink(path("socket"))
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


def serve(handler):
    with open(path("started"), "a", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
    for fifo in ("hold", "gate"):
        if KEYS.get(fifo):
            wait_for_byte(fifo)
    if "exit" in KEYS:
        print("no database", file=sys.stderr)
        sys.exit(int(KEYS["exit"]))
    with Server(handler) as server:
        if KEYS.get("notify"):
            notify(b"READY=1")
        server.serve_forever()
