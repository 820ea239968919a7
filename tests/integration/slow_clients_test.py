"""F35, every way to be slow: whoever holds the only slot gives it back at its deadline, so that a
second client is served. In each test one deadline is short, and with it that for a client who was
refused to go; all the others are far away."""

import socket
import ssl
import struct
import threading
import unittest

import client_hello as tls
from support import connect, read_response
from tls_support import BOTH, TlsCase

FAR, SHORT = 600_000, 300
LIMITS = ("header_timeout_ms", "body_timeout_ms", "idle_timeout_ms", "write_timeout_ms",
          "linger_timeout_ms")


class Trickle(threading.Thread):
    """Sends a byte now and then until the other side ends."""

    def __init__(self, sock, text):
        super().__init__()
        self.sock, self.text = sock, text
        self.sock.settimeout(0.05)
        self.start()

    def run(self):
        try:
            for byte in self.text:
                self.sock.sendall(bytes([byte]))
                try:
                    if not self.sock.recv(4096):
                        return
                except TimeoutError:
                    pass
        except OSError:
            pass


class SlowCase(TlsCase):
    """One slot, and a client who holds it."""

    def one_slot(self, *short, handshake=FAR, **listener):
        """A service with one slot for each listener, "web" in the clear and "tls"."""
        limits = {name: SHORT if name in (*short, "linger_timeout_ms") else FAR for name in LIMITS}
        self.running = self.start(
            {"address": "127.0.0.1:0", "name": "web", "max_connections": 1, **listener},
            {**self.listener("tls", handshake_timeout_ms=handshake), "max_connections": 1,
             **listener}, **limits)

    def port(self, name):
        return self.running.port(name)

    def open(self, name):
        """A connection that holds the slot, beyond its handshake."""
        if name == "web":
            return connect(self.port(name))
        return self.wrap(self.context(), self.port(name))

    def second_is_served(self, name, header=b""):
        """Also the proof that the first one's slot came back: there is no other."""
        raw = connect(self.port(name))
        raw.sendall(header)
        context = self.context()
        with raw if name == "web" else self.wrap(context, self.port(name), raw=raw) as client:
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            status, _, body = read_response(client)
            self.assertEqual(status, 200)
            self.assertIn(b"pong", body)

    def both(self, begin):
        """`begin(client)` makes a slow client of a new connection, once in the clear, once not."""
        for name in ("web", "tls"):
            with self.subTest(listener=name):
                client = self.open(name)
                begin(client)
                self.second_is_served(name)
                client.close()
        self.running.quit()


class Http(SlowCase):
    """HTTP/1.1 in the clear and under TLS."""

    def test_silent(self):
        self.one_slot("header_timeout_ms")
        self.both(lambda client: None)

    def test_half_a_header(self):
        self.one_slot("header_timeout_ms")
        self.both(lambda client: client.sendall(b"GET /ping HTTP/1.1\r\nHo"))

    def test_a_header_byte_by_byte(self):
        self.one_slot("header_timeout_ms")
        trickles = []
        self.both(lambda client: trickles.append(
            Trickle(client, b"GET /ping HTTP/1.1\r\n" + b"X-Slow: y\r\n" * 5000)))
        for each in trickles:
            each.join()

    def test_half_a_header_behind_an_answer(self):
        self.one_slot("header_timeout_ms")

        def begin(client):
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\nGET /pi")
            self.assertEqual(read_response(client)[0], 200)
        self.both(begin)

    def test_half_a_body(self):
        self.one_slot("body_timeout_ms")
        self.both(lambda client: client.sendall(
            b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhalf"))

    def test_half_a_chunk(self):
        self.one_slot("body_timeout_ms")
        self.both(lambda client: client.sendall(
            b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha"))

    def test_half_a_body_is_answered_408(self):
        self.one_slot("body_timeout_ms")
        for name in ("web", "tls"):
            with self.open(name) as client:
                client.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf")
                status, headers, _ = read_response(client)
                self.assertEqual((status, headers["connection"]), (408, "close"))
        self.running.quit()

    def test_an_answer_that_is_not_read(self):
        self.one_slot("write_timeout_ms")
        self.both(lambda client: client.sendall(
            b"GET /bytes/50000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))

    def test_pipelined_answers_that_are_not_read(self):
        self.one_slot("write_timeout_ms")

        def begin(client):
            client.settimeout(0.5)
            try:
                for _ in range(10_000):
                    client.sendall(b"GET /bytes/5000 HTTP/1.1\r\nHost: h\r\n\r\n" * 100)
            except OSError:
                pass  # nobody reads us any more
        self.both(begin)

    def test_idle(self):
        self.one_slot("idle_timeout_ms")

        def begin(client):
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(read_response(client)[0], 200)
        self.both(begin)

    def test_a_client_that_never_closes(self):
        """Behind the last answer: it was told, and does nothing of the kind."""
        self.one_slot("linger_timeout_ms")
        for request in (b"GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                        b"no request at all\r\n\r\n"):
            for name in ("web", "tls"):
                with self.subTest(listener=name, request=request), self.open(name) as client:
                    client.sendall(request)
                    read_response(client)
                    self.second_is_served(name)
        self.running.quit()

    def test_a_client_that_talks_on_behind_the_last_answer(self):
        self.one_slot("linger_timeout_ms")
        trickles = []

        def begin(client):
            client.sendall(b"POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n")
            self.assertEqual(read_response(client)[0], 413)
            trickles.append(Trickle(client, b"x" * 5000))
        self.both(begin)
        for each in trickles:
            each.join()


def frame(kind, flags, stream, payload):
    """RFC 9113 section 4.1."""
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def request(path, method=b"\x82", end=True, more=b""):
    """HEADERS of stream 1; the method as HPACK's static table has it: GET 0x82, POST 0x83."""
    fields = method + b"\x87\x01\x01h\x04" + bytes([len(path)]) + path + more
    return frame(1, 0x5 if end else 0x4, 1, fields)


class Http2(SlowCase):
    """The same where one connection carries many requests: it is held for no longer."""

    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    HELLO = PREFACE + frame(4, 0, 0, b"")
    LARGEST = 0x7FFFFFFF

    def open(self, name):
        if name == "web":
            return connect(self.port(name))
        context = self.context()
        context.set_alpn_protocols(["h2"])
        return self.wrap(context, self.port(name))

    def window(self, size):
        """A client whose streams may be sent `size` bytes, and its connection anything."""
        return (self.PREFACE + frame(4, 0, 0, struct.pack("!HI", 4, size))
                + frame(8, 0, 0, struct.pack("!I", self.LARGEST - 65535)))

    def test_nothing_that_is_a_request(self):
        for said in (b"", self.PREFACE[:20], self.PREFACE, self.HELLO,
                     # HEADERS without an end.
                     self.HELLO + frame(1, 1, 1, b"\x82")):
            with self.subTest(said=said):
                self.one_slot("header_timeout_ms")
                self.both(lambda client, said=said: client.sendall(said))

    def test_half_a_body(self):
        """It is answered 408; then the connection is an idle one."""
        self.one_slot("body_timeout_ms", "idle_timeout_ms")
        length = b"\x0f\x0d\x041000"
        self.both(lambda client: client.sendall(
            self.HELLO + request(b"/echo", b"\x83", end=False, more=length)
            + frame(0, 0, 1, b"half")))

    def test_an_answer_that_is_not_read(self):
        self.one_slot("write_timeout_ms")
        self.both(lambda client: client.sendall(
            self.window(self.LARGEST) + request(b"/bytes/50000000")))

    def test_an_answer_without_a_window(self):
        self.one_slot("write_timeout_ms", "idle_timeout_ms")
        self.both(lambda client: client.sendall(self.window(0) + request(b"/bytes/5000")))

    def test_idle(self):
        self.one_slot("idle_timeout_ms")
        self.both(lambda client: client.sendall(self.HELLO + request(b"/ping")))


class MemoryClient:
    """A TLS client whose records the test cuts where it likes."""

    def __init__(self, context, sock):
        self.sock, self.incoming, self.outgoing = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        while not self.shakes_hands():
            self.incoming.write(sock.recv(65536))
        sock.sendall(self.outgoing.read())

    def shakes_hands(self):
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            self.sock.sendall(self.outgoing.read())
            return False

    def record(self, text):
        self.tls.write(text)
        return self.outgoing.read()


class Handshake(SlowCase):
    """Before the service has the connection."""

    def holds_until_its_deadline(self, begin):
        self.one_slot(handshake=SHORT)
        with connect(self.port("tls")) as client:
            begin(client)
            self.second_is_served("tls")
        self.running.quit()

    def test_silent(self):
        self.holds_until_its_deadline(lambda client: None)

    def test_half_a_record(self):
        for size in (1, 5, 60):
            with self.subTest(size=size):
                self.holds_until_its_deadline(
                    lambda client, size=size: client.sendall(
                        tls.record(tls.HANDSHAKE, tls.client_hello())[:size]))

    def test_nothing_behind_the_hello(self):
        def begin(client):
            client.sendall(tls.record(tls.HANDSHAKE, tls.client_hello()))
            self.assertIsNotNone(tls.server_hello(client.recv(65536)))
        self.holds_until_its_deadline(begin)

    def test_a_hello_byte_by_byte(self):
        trickles = []
        self.holds_until_its_deadline(lambda client: trickles.append(
            Trickle(client, tls.record(tls.HANDSHAKE, tls.client_hello()
                                       + bytes(10_000), size=16_000))))
        for each in trickles:
            each.join()

    def test_half_a_record_behind_the_handshake(self):
        """The handshake is over, its time as well: now the header's counts."""
        self.one_slot("header_timeout_ms")
        for version in BOTH:
            raw = connect(self.port("tls"))
            client = MemoryClient(self.context(version), raw)
            raw.sendall(client.record(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")[:9])
            self.second_is_served("tls")
            raw.close()
        self.running.quit()


class Proxy(SlowCase):
    """A proxy's header, before anything else."""

    LINE = b"PROXY TCP4 192.0.2.7 127.0.0.1 4321 443\r\n"
    BINARY = (b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x11, 12)
              + socket.inet_aton("192.0.2.7") + socket.inet_aton("127.0.0.1")
              + struct.pack("!HH", 4321, 443))

    def test_half_a_header(self):
        for header in (self.LINE, self.BINARY):
            for size in (0, 1, 14, len(header) - 1):
                with self.subTest(size=size):
                    self.one_slot(handshake=SHORT, proxy_from=["127.0.0.1"])
                    with connect(self.port("tls")) as client:
                        client.sendall(header[:size])
                        self.second_is_served("tls", header)
                    self.running.quit()

    def test_nothing_behind_the_header(self):
        self.one_slot(handshake=SHORT, proxy_from=["127.0.0.1"])
        with connect(self.port("tls")) as client:
            client.sendall(self.LINE)
            self.second_is_served("tls", self.LINE)
        self.running.quit()

    def test_in_the_clear(self):
        self.one_slot("header_timeout_ms", proxy_from=["127.0.0.1"])
        with connect(self.port("web")) as client:
            client.sendall(self.LINE)
            self.second_is_served("web", self.LINE)
        self.running.quit()


if __name__ == "__main__":
    unittest.main()
