"""What a proxy needs of HTTP: tunnels behind `Upgrade` and an extended CONNECT, interim responses,
declared lengths and answers that break off; over TCP, TLS and HTTP/2, across restarts."""

import os
import socket
import struct
import subprocess
import threading

from protocols import CLIENTS, PYTHON
from support import PATIENCE, connect, is_alive, read_response
from tls_support import TlsCase

UPGRADE = b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n"
MUCH = 5_000_000


def read_head(client):
    """The head of an answer, and what came with it."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = client.recv(65536)
        if not piece:
            raise AssertionError(f"ended within the head: {text}")
        text += piece
    head, _, rest = text.partition(b"\r\n\r\n")
    return head, rest


def read_to_end(client, heard=b""):
    pieces = [heard]
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_exactly(client, size, heard=b""):
    while len(heard) < size:
        piece = client.recv(65536)
        if not piece:
            raise AssertionError(f"ended after {len(heard)} of {size} bytes")
        heard += piece
    return heard


class Passing(TlsCase):
    def begin(self, **config):
        self.running = self.start({"address": "127.0.0.1:0", "name": "web"}, self.listener("tls"),
                                  **config)
        return self.running

    def open(self, path=b"/tunnel", early=b"", tls=False):
        """A client whose tunnel is open, and what came behind the 101."""
        port = self.running.port("tls" if tls else "web")
        client = self.wrap(self.context(), port) if tls else connect(port)
        self.addCleanup(client.close)
        client.sendall(UPGRADE % path + early)
        head, rest = read_head(client)
        self.assertTrue(head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n"), head)
        self.assertIn(b"\r\nConnection: Upgrade\r\nUpgrade: raw", head)
        return client, rest

    def url(self, path, name="web", scheme="http"):
        return f"{scheme}://localhost:{self.running.port(name)}{path}"

    def curl(self, *arguments, status=0):
        return self.run_client("curl", "--silent", "--show-error", "--max-time", str(PATIENCE),
                               "--cacert", self.authority.file("ca.pem"), *arguments, status=status)


class Tunnels(Passing):
    def test_bytes_go_both_ways_and_each_side_ends_for_itself(self):
        self.begin()
        client, heard = self.open(early=b"early, ")
        sent = b"early, " + os.urandom(MUCH)
        writer = threading.Thread(target=lambda: (client.sendall(sent[7:]),
                                                  client.shutdown(socket.SHUT_WR)))
        writer.start()
        self.assertEqual(read_to_end(client, heard), sent)
        writer.join(PATIENCE)
        self.running.wait_log(rf"tunnel: ended after {len(sent)} bytes")
        self.running.quit()

    def test_a_client_that_reads_slowly_holds_the_echo_back(self):
        self.begin()
        client, heard = self.open()
        client.settimeout(0.5)
        sent = 0
        try:
            while sent < 1_000_000_000:
                sent += client.send(b"s" * 65536)
        except TimeoutError:
            pass
        self.assertLess(sent, 100_000_000)  # the sockets' buffers, and no more
        client.settimeout(PATIENCE)
        self.assertEqual(len(read_exactly(client, sent, heard)), sent)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_to_end(client), b"")
        self.running.quit()

    def test_under_tls(self):
        self.begin()
        client, heard = self.open(early=b"early", tls=True)
        for size in (1, 100, 100_000, 1_000_000):
            client.sendall(b"t" * size)
        heard = read_exactly(client, 1_100_106, heard)
        self.assertEqual(heard, b"early" + b"t" * 1_100_101)
        # close_notify both ways: the client's ends its side, the service's answers it.
        client.unwrap().close()
        self.running.wait_log(r"tunnel: ended after 1100106 bytes")
        self.running.quit()

    def test_a_reset_of_the_client_ends_it(self):
        self.begin()
        client, _ = self.open()
        client.sendall(b"x")
        client.recv(1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.running.wait_log(r"tunnel: Connection reset by peer after 1 bytes")
        deaf, _ = self.open(b"/deaf")
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        deaf.close()
        self.running.wait_log(r"deaf tunnel: Connection reset by peer")
        self.running.quit()

    def test_a_cut_is_no_end_to_the_client(self):
        self.begin()
        client, _ = self.open(b"/cut")
        client.sendall(b"now")
        with self.assertRaises(ConnectionResetError):
            read_to_end(client)
        self.running.quit()

    def test_a_drain_is_heard_of_and_the_deadline_cuts(self):
        service = self.begin(drain_timeout_ms=3000)
        told, heard = self.open()
        secret, also_heard = self.open(tls=True)
        deaf, _ = self.open(b"/deaf")
        old = service.pid()
        service.upgrade()
        self.assertEqual(read_to_end(told, heard), b"draining")
        told.close()
        # Behind the service's close_notify the client may still speak.
        self.assertEqual(read_to_end(secret, also_heard), b"draining")
        secret.sendall(b"last words")
        secret.unwrap().close()
        service.wait_log(r"tunnel: ended after 10 bytes")
        with self.assertRaises(ConnectionResetError):
            deaf.sendall(b"unread")  # so that the end is a reset for sure
            read_to_end(deaf)
        service.wait_log(r"deaf tunnel: Operation canceled")
        service.wait_for(lambda: not is_alive(old), f"end of pid {old}")
        again, heard = self.open()
        again.sendall(b"the next generation")
        self.assertEqual(read_exactly(again, 19, heard), b"the next generation")
        again.close()
        service.quit()

    def test_hundreds_that_come_and_go_leave_nothing(self):
        service = self.begin()
        before = self.descriptors(service)
        for _ in range(10):
            clients = [self.open()[0] for _ in range(30)]
            for at, client in enumerate(clients):
                client.sendall(b"%d" % at)
            for at, client in enumerate(clients):
                self.assertEqual(read_exactly(client, len(b"%d" % at)), b"%d" % at)
                if at % 3 == 0:
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(read_to_end(client), b"")
                client.close()
        service.wait_for(lambda: self.descriptors(service) <= before, "the last descriptor")
        service.quit()

    @staticmethod
    def descriptors(service):
        return len(os.listdir(f"/proc/{service.pid()}/fd"))

    def test_over_http2(self):
        service = self.begin()
        for name, more in (("web", []), ("tls", [self.authority.file("ca.pem")])):
            for what in ("echo", "ends", "cut", "refused"):
                with self.subTest(name=name, what=what):
                    said = self.run_client(PYTHON, os.path.join(CLIENTS, "h2_tunnel.py"), what,
                                           str(service.port(name)), *more)
                    self.assertEqual(said.strip(), b"ok")
        service.wait_log(r"tunnel: ended after 1000000 bytes")
        client = subprocess.Popen(
            [PYTHON, os.path.join(CLIENTS, "h2_tunnel.py"), "drain", str(service.port("web"))],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: client.poll() is None and client.kill())
        self.assertEqual(client.stdout.readline().strip(), "open")
        service.upgrade()
        said, errors = client.communicate(timeout=PATIENCE)
        self.assertEqual((client.returncode, said.strip()), (0, "ok"), errors)
        service.quit()


class Answers(Passing):
    def test_interim_responses_come_first(self):
        self.begin()
        for flag in ("--http1.1", "--http2-prior-knowledge"):
            said = self.curl(flag, "--include", self.url("/hints")).decode().replace("\r", "")
            parts = said.lower().split("\n\n")
            self.assertIn(" 103", parts[0])
            self.assertIn("link: </a.css>; rel=preload", parts[0])
            self.assertIn(" 102", parts[1])
            self.assertIn(" 200", parts[2])
            self.assertEqual(parts[3], "hinted\n")
        said = self.curl("--http1.0", "--include", self.url("/hints")).decode()
        self.assertTrue(said.startswith("HTTP/1.1 200 "), said)
        self.running.quit()

    def test_a_declared_length_is_kept_to_on_one_connection(self):
        self.begin()
        with connect(self.running.port()) as client:
            for version in (b"1.1", b"1.0", b"1.1"):
                for size in (0, 1, 100_000, 3_000_000):
                    client.sendall(b"GET /declared/%d HTTP/%s\r\nHost: h\r\n"
                                   b"Connection: keep-alive\r\n\r\n" % (size, version))
                    status, fields, body = read_response(client)
                    self.assertEqual((status, body), (200, b"d" * size))
                    self.assertNotIn("transfer-encoding", {name.lower() for name in fields})
            client.sendall(b"HEAD /declared/77 HTTP/1.1\r\nHost: h\r\n\r\n"
                           b"HEAD /silent HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            first, _, second = read_to_end(client).lower().partition(b"\r\n\r\n")
            self.assertIn(b"\r\ncontent-length: 77", first)
            self.assertNotIn(b"content-length", second)
            self.assertNotIn(b"transfer-encoding", second)
            self.assertTrue(second.startswith(b"http/1.1 200 ") and second.endswith(b"\r\n\r\n"))
        for flag in ("--http2-prior-knowledge", "--http1.0"):
            body = self.curl(flag, self.url("/declared/1000000"))
            self.assertEqual(len(body), 1_000_000)
        self.running.quit()

    def test_an_answer_that_breaks_off_fails_at_the_client(self):
        service = self.begin()
        for path in ("/short", "/broken/declared", "/broken/chunked"):
            # 18: partial file, 56: reset; 92: the stream was reset.
            for flag, codes in (("--http1.1", (18, 56)), ("--http2-prior-knowledge", (92,))):
                done = subprocess.run(["curl", "--silent", flag, self.url(path)], check=False,
                                      capture_output=True, timeout=PATIENCE)
                self.assertIn(done.returncode, codes, path)
        self.assertEqual(service.count_log(r"4 bytes short of its declared length"), 2)
        self.assertEqual(service.count_log(r"destroyed without finish"), 0)
        service.quit()
