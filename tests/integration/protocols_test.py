"""HTTPS, HTTP/2, WebSocket and server-sent events, seen by clients that others wrote."""

import json
import os
import re
import selectors
import signal
import socket
import subprocess
import time
import unittest
import zlib

from protocols import CLIENTS, PYTHON, Protocols
from support import PATIENCE, connect, is_alive, read_response


class Http(Protocols):
    """The same handlers by every version of HTTP, in the clear and under TLS."""

    WAYS = (("clear", "--http1.1", "1.1"), ("clear", "--http2", "2"),
            ("clear", "--http2-prior-knowledge", "2"), ("tls", "--http1.1", "1.1"),
            ("tls", "--http2", "2"))

    def test_curl(self):
        service = self.start()
        clear, tls = self.urls()
        body = os.urandom(3_000_000)
        with open(self.file("body"), "wb") as file:
            file.write(body)
        for where, flag, version in self.WAYS:
            with self.subTest(where=where, flag=flag):
                base = tls if where == "tls" else clear
                answer = self.curl(flag, base + "/ping", "-w", "%{http_version} %{http_code}")
                self.assertRegex(answer.decode(), rf"^pong by pid:\d+\n{version} 200$")
                answer = self.curl(flag, base + "/upload", "--data-binary", "@" + self.file("body"))
                self.assertEqual(answer.decode(),
                                 f"length={len(body)} crc32={zlib.crc32(body):08x}\n")
                self.assertEqual(len(self.curl(flag, base + "/bytes/2000000")), 2_000_000)
                lines = self.curl(flag, base + "/stream/5000").decode().splitlines()
                self.assertEqual(lines, [f"line {n}" for n in range(1, 5001)])
                self.assertIn("waited 20 ms", self.curl(flag, base + "/slow/20").decode())
                self.assertEqual(self.curl(flag, base + "/echo", "--data", "say it"), b"say it")
                self.assertEqual(self.curl(flag, "-I", base + "/ping", "-o", self.file("head"),
                                           "-w", "%{http_code}"), b"200")
                for path, code in (("/nothing", b"404"), ("/bytes/x", b"400"), ("/ws", b"426")):
                    self.assertEqual(self.curl(flag, base + path, "-o", self.file("drop"),
                                               "-w", "%{http_code}"), code, path)
                self.assertEqual(self.curl(flag, "-X", "POST", "-d", "", base + "/ping", "-o",
                                           self.file("drop"), "-w", "%{http_code}"), b"405")
        service.quit()

    def test_many_streams(self):
        service = self.start()
        for base in self.urls():
            output = self.run_client("h2load", "-n", "5000", "-c", "8", "-m", "100",
                                     base.replace("localhost", "127.0.0.1") + "/ping").decode()
            self.assertIn("5000 succeeded, 0 failed, 0 errored", output)
        service.quit()

    def test_clear_text_at_the_tls_port_is_told(self):
        service = self.start()
        client = connect(self.tls)
        client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
        status, _, body = read_response(client)
        client.close()
        self.assertEqual(status, 400)
        self.assertIn(b"TLS", body)
        service.quit()

    def test_preface_byte_by_byte(self):
        service = self.start()
        client = connect(self.clear)
        for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0":
            client.sendall(bytes([byte]))
        settings = client.recv(9, socket.MSG_WAITALL)
        self.assertEqual(settings[3], 4, settings)
        client.close()
        service.quit()

    def test_pos_is_not_a_preface(self):
        service = self.start()
        client = connect(self.clear)
        for piece in (b"P", b"OST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"):
            client.sendall(piece)
        self.assertEqual(read_response(client)[2], b"hi")
        for piece in (b"P", b"R", b"OPFIND / HTTP/1.1\r\nHost: h\r\n\r\n"):
            client.sendall(piece)
        self.assertEqual(read_response(client)[0], 501)
        client.close()
        service.quit()


class WebSocket(Protocols):
    def client(self, what, where):
        base = self.urls()[where].replace("http", "ws", 1) + "/ws"
        return [PYTHON, os.path.join(CLIENTS, "ws_client.py"), what, base] + (
            [self.file("ca.pem")] if where else [])

    def test_echo(self):
        service = self.start()
        for where in (0, 1):
            self.assertEqual(self.run_client(*self.client("echo", where)).strip(), b"ok")
        service.quit()

    def test_f27_clients_that_follow_the_close_code_lose_nothing(self):
        service = self.start()
        for where in (0, 1):
            follower = subprocess.Popen(self.client("follow", where), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(lambda one=follower: one.poll() is None and one.kill())
            for _ in range(8):
                self.assertEqual(follower.stdout.readline().strip(), "connected")
            for _ in range(5):
                old = service.pid()
                service.upgrade()
                service.wait_for(lambda: not is_alive(old), f"end of pid {old}")
            output, errors = follower.communicate("", timeout=PATIENCE)
            count = json.loads(output.splitlines()[-1])
            self.assertEqual(count["failed"], 0, errors)
            # One that comes back just then meets the next generation and need not move.
            self.assertGreaterEqual(count["moves"], 8)
        service.quit()

    def test_leaving_says_1001_and_waits_for_the_close(self):
        service = self.start()
        client = connect(self.clear)
        client.sendall(b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                       b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        self.assertIn(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head)
        service.kill(signal.SIGQUIT)
        frame = client.recv(2, socket.MSG_WAITALL)
        payload = client.recv(frame[1], socket.MSG_WAITALL)
        self.assertEqual((frame[0], payload[:2]), (0x88, b"\x03\xe9"))
        service.wait_log("drain: 1 connections open")
        self.assertEqual(service.count_log("exit hooks"), 0)
        client.sendall(b"\x88\x82\0\0\0\0\x03\xe9")
        self.assertEqual(client.recv(100), b"")
        client.close()
        service.gone()

    def test_f28_closes_are_spread(self):
        clients, spread = 200, 2.0
        service = self.service({"announce_spread_ms": int(spread * 1000),
                                "drain_timeout_ms": 60000})
        service.ready()
        port = service.port()
        sockets = []
        for _ in range(clients):
            client = connect(port)
            client.sendall(b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            sockets.append(client)
        service.kill(signal.SIGQUIT)
        times = []
        waiting = selectors.DefaultSelector()
        for client in sockets:
            waiting.register(client, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(PATIENCE)
            self.assertTrue(ready, f"{len(times)} of {clients} were told")
            for key, _ in ready:
                self.assertEqual(key.fileobj.recv(4)[2:], b"\x03\xe9")
                times.append(time.monotonic())
                waiting.unregister(key.fileobj)
                key.fileobj.sendall(b"\x88\x82\0\0\0\0\x03\xe9")
        # What the contract bounds is how many are told in a tenth of the time; how fast the machine
        # is only widens it.
        self.assertEqual(len(times), clients)
        self.assertGreater(times[-1] - times[0], spread * 0.8)
        for client in sockets:
            client.close()
        service.gone()


class Http2Drain(Protocols):
    def test_f26_goaway_twice(self):
        service = self.start()
        for where in (0, 1):
            raw = connect(self.clear if where == 0 else self.tls)
            client = raw
            if where:
                context = self.context()
                context.set_alpn_protocols(["h2"])
                client = context.wrap_socket(raw, server_hostname="localhost")
                self.assertEqual(client.selected_alpn_protocol(), "h2")
            output = self.run_client(
                PYTHON, os.path.join(CLIENTS, "h2_client.py"), "ping", "127.0.0.1",
                str(self.clear if where == 0 else self.tls), *([self.file("ca.pem")] if where else []))
            self.assertIn(b"pong by pid:", output)
            client.close()
        follower = subprocess.Popen(
            [PYTHON, os.path.join(CLIENTS, "h2_client.py"), "drain", "127.0.0.1", str(self.clear)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: follower.poll() is None and follower.kill())
        self.assertEqual(follower.stdout.readline().strip(), "connected")
        service.upgrade()
        output, errors = follower.communicate("", timeout=PATIENCE)
        seen = json.loads(output.splitlines()[-1])
        self.assertEqual(follower.returncode, 0, errors)
        self.assertEqual(seen["goaways"], [[0, 2**31 - 1], [0, seen["last_stream"]]])
        self.assertEqual(seen["unanswered"], 0)
        service.quit()

    def test_100_streams_over_restarts(self):
        service = self.start()
        follower = subprocess.Popen(
            [PYTHON, os.path.join(CLIENTS, "h2_client.py"), "follow", "127.0.0.1", str(self.clear)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: follower.poll() is None and follower.kill())
        self.assertEqual(follower.stdout.readline().strip(), "connected")
        for _ in range(5):
            old = service.pid()
            service.upgrade()
            service.wait_for(lambda: not is_alive(old), f"end of pid {old}")
        output, errors = follower.communicate("", timeout=PATIENCE)
        seen = json.loads(output.splitlines()[-1])
        self.assertEqual(seen["failed"], 0, errors)
        self.assertGreater(seen["answered"], 500)
        # Between two connections it may miss a generation.
        self.assertGreater(seen["connections"], 1)
        service.quit()


class ServerSentEvents(Protocols):
    def events(self, base, *flags):
        client = subprocess.Popen(["curl", "--silent", "--no-buffer", "--cacert",
                                   self.file("ca.pem"), *flags, base + "/events"],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: client.poll() is None and client.kill())
        return client

    def test_a_restart_ends_the_stream_and_the_client_goes_on(self):
        service = self.start()
        for base in self.urls():
            client = self.events(base)
            self.assertEqual(client.stdout.readline(), "retry: 1000\n")
            client.stdout.readline()
            self.assertEqual(client.stdout.readline(), "id: 1\n")
            service.upgrade()
            rest = client.stdout.read()
            client.stdout.close()
            self.assertEqual(client.wait(PATIENCE), 0, "the end was not a cut")
            last = (["1"] + re.findall(r"^id: (\d+)$", rest, re.M))[-1]
            again = self.events(base, "-H", f"Last-Event-ID: {last}")
            for line in again.stdout:
                if line.startswith("id: "):
                    self.assertEqual(int(line[4:]), int(last) + 1)
                    break
            again.kill()
            again.wait(PATIENCE)
            again.stdout.close()
        service.quit()


if __name__ == "__main__":
    unittest.main()
