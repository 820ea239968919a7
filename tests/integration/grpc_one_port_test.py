"""One port for HTTP/1.1, HTTP/2, WebSockets and gRPC: every client at once."""

import os
import subprocess
import unittest

from grpc_support import CASES, LANGUAGES, GrpcCase
from protocols import CLIENTS, PYTHON
from support import PATIENCE, is_alive

RESTARTS = 2
WAYS = (("web", "--http1.1", "1.1"), ("web", "--http2-prior-knowledge", "2"),
        ("web", "--http2", "2"), ("tls", "--http1.1", "1.1"), ("tls", "--http2", "2"))


class OnePort(GrpcCase):
    def curl(self, service):
        for name, flag, version in WAYS:
            with self.subTest(listener=name, flag=flag):
                scheme = "http" if name == "web" else "https"
                answer = self.run_client(
                    "curl", "--silent", "--show-error", "--max-time", str(PATIENCE), "--cacert",
                    self.file("ca.pem"), flag, "-w", "%{http_version} %{http_code}",
                    f"{scheme}://localhost:{service.port(name)}/ping")
                self.assertRegex(answer.decode(), rf"^pong by pid:\d+\n{version} 200$")

    def websocket(self, what, service, name):
        scheme, ca = ("ws", []) if name == "web" else ("wss", [self.file("ca.pem")])
        return [PYTHON, os.path.join(CLIENTS, "ws_client.py"), what,
                f"{scheme}://localhost:{service.port(name)}/ws", *ca]

    def test_everybody_is_served(self):
        service = self.start(one_port=True)
        self.curl(service)
        for name in ("web", "tls"):
            self.assertEqual(self.run_client(*self.websocket("echo", service, name)).strip(), b"ok")
            for language in LANGUAGES:
                with self.subTest(language=language, listener=name):
                    self.run_cases(language, service, name, *CASES)
        service.quit()

    def test_everybody_at_once_over_restarts(self):
        service = self.start(one_port=True)
        sockets = []
        for name in ("web", "tls"):
            socket = subprocess.Popen(self.websocket("follow", service, name), text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
            self.addCleanup(lambda one=socket: one.poll() is None and one.kill())
            self.assertEqual(socket.stdout.readline(), "connected\n")
            sockets.append(socket)
        followers = self.followers(service)
        for _ in range(RESTARTS):
            self.curl(service)
            old = service.pid()
            service.upgrade()
            self.curl(service)
            service.wait_for(lambda pid=old: not is_alive(pid), f"end of pid {old}")
        for socket in sockets:
            output, errors = socket.communicate("", timeout=PATIENCE)
            self.assertIn('"failed": 0', output.splitlines()[-1], errors)
        for who, follower in followers.items():
            seen, errors = follower.stop()
            with self.subTest(client=who):
                self.assertEqual(errors, "")
                for kind in ("unary", "stream", "channel"):
                    self.assertEqual(seen[kind]["failed"], 0, kind)
        service.quit()


if __name__ == "__main__":
    unittest.main()
