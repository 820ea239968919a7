"""A service that the gateway starts: a backend (see there), with

  /             its pid and the Host that it saw; a POST: the body       /crash   each time
  /websocket    a 101, then all bytes back

Keys: deaf (1: ignores SIGTERM), family (1: has a child process in a session of its own).
"""

import os
import signal
import subprocess

import backend
from backend import KEYS


class Handler(backend.Handler):
    def tell(self, where):
        if where == "/crash":
            backend.crash()
        if where == "/websocket":
            return self.websocket()
        self.answer(f"pid {os.getpid()} host {self.headers['Host']}\n".encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/crash-once":
            self.crash_once()
        self.answer(b"got " + body)

    def websocket(self):
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.send_header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.end_headers()
        while came := self.connection.recv(4096):
            self.connection.sendall(came)
        self.close_connection = True


if KEYS.get("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if KEYS.get("family"):
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
backend.serve(Handler)
