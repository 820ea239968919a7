"""A list of protocols on consecutive ports, each port kept for its own."""

import re
import socket
import subprocess
import unittest

from protocols import PROGRAM, Protocols
from support import PATIENCE, connect

LIST = ("http", "https", "http2", "ws", "wss")


def free_run(length):
    """The first of `length` consecutive free ports, below the ephemeral ones."""
    for base in range(21000, 31000, length):
        try:
            for port in range(base, base + length):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise RuntimeError("no free ports")


class ProtocolPorts(Protocols):
    def start_list(self, base, protocols=LIST):
        service = self.service(program=PROGRAM, folder=self.folder, arguments=[
            "--address", "127.0.0.1", "--port", str(base), "--pid-file", self.file("service.pid"),
            "--certificate", self.file("server.pem"), "--key", self.file("server.key"),
            "--protocols", ",".join(protocols)])
        service.ready()
        return service

    def ask(self, port, scheme, *flags, path="/ping"):
        return self.curl(*flags, f"{scheme}://localhost:{port}{path}", "-o", self.file("body"),
                         "-w", "%{http_version} %{http_code}").decode()

    def check_ports(self, port):
        self.assertEqual(self.ask(port["http"], "http"), "1.1 200")
        self.assertEqual(self.ask(port["http"], "http", "--http2-prior-knowledge"), "2 200")
        self.assertEqual(self.ask(port["https"], "https", "--http1.1"), "1.1 200")
        self.assertEqual(self.ask(port["https"], "https", "--http2"), "2 200")
        self.assertEqual(self.ask(port["http2"], "https", "--http2"), "2 200")
        # A client that does not know ALPN reaches HTTP/1.1, and is told.
        self.assertEqual(self.ask(port["http2"], "https", "--no-alpn", "--http1.1"), "1.1 505")
        for name, scheme in (("ws", "http"), ("wss", "https")):
            for path in ("/ping", "/nowhere", "/ws"):
                self.assertEqual(self.ask(port[name], scheme, "--http1.1", path=path), "1.1 426")
            self.assertEqual(self.open_websocket(port[name], name == "wss"), 101)

    def open_websocket(self, port, tls):
        with connect(port) as raw:
            client = self.context().wrap_socket(raw, server_hostname="localhost") if tls else raw
            client.sendall(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                           b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            status = int(client.recv(4096).split()[1])
            client.close()
            return status

    def test_each_on_its_port_before_and_after_a_restart(self):
        base = free_run(len(LIST))
        service = self.start_list(base)
        port = {name: base + step for step, name in enumerate(LIST)}
        self.check_ports(port)
        service.upgrade()
        for name in LIST:
            service.wait_log(rf"inherited {name} on 127\.0\.0\.1:{port[name]} as '{name}'")
        self.check_ports(port)
        service.quit()

    def test_port_0_gives_each_a_free_one(self):
        service = self.start_list(0, ("ws", "http"))
        port = {name: int(service.wait_log(
            rf"listening {name} on 127\.0\.0\.1:(\d+) as '{name}'").group(1))
                for name in ("ws", "http")}
        self.assertEqual(self.ask(port["http"], "http"), "1.1 200")
        self.assertEqual(self.ask(port["ws"], "http"), "1.1 426")
        service.quit()

    def test_a_list_that_cannot_be_is_refused(self):
        for protocols, why in (("http,gopher", '"gopher" is no protocol of the http service'),
                               ("ws,ws", "the protocol ws is listed twice"),
                               ("http,wss", "wss needs a certificate")):
            done = subprocess.run([PROGRAM, "--address", "127.0.0.1", "--port", "0", "--protocols",
                                   protocols], capture_output=True, text=True, timeout=PATIENCE,
                                  check=False)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(re.search(re.escape(why), done.stderr), done.stderr)


if __name__ == "__main__":
    unittest.main()
