"""What comes instead of TLS: garbage, attacks of old, clear text, PROXY headers."""

import socket
import struct
import subprocess
import unittest

import client_hello as tls
from support import connect, read_response
from tls_support import GET, V1_2, V1_3, TlsCase

HELLO = tls.client_hello()
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


class Wire(TlsCase):
    """Whatever comes, it is refused with the right alert, and the next client is served."""

    def setUp(self):
        self.running = self.start()
        self.port = self.running.port()

    def still_serves(self):
        self.assertIn("pong", self.ask(self.context(), self.port, "/ping"))
        self.running.quit()

    def refused(self, *pieces, alert):
        self.assertEqual(tls.alerts(self.raw(self.port, *pieces)), [(2, alert)])

    def test_a_good_hello_is_answered(self):
        """What the others differ from in one thing each."""
        seen = tls.server_hello(self.raw(self.port, tls.record(tls.HANDSHAKE, HELLO)))
        self.assertEqual((seen["version"], seen["cipher"], seen["compression"]),
                         (0x0303, tls.GOOD_CIPHER, 0))
        self.still_serves()

    def test_versions_of_old(self):
        # SSL 3 does not know the other alert yet.
        for version, alert in ((0x0300, tls.HANDSHAKE_FAILURE), (0x0301, tls.PROTOCOL_VERSION),
                               (0x0302, tls.PROTOCOL_VERSION)):
            with self.subTest(version=hex(version)):
                self.refused(tls.record(tls.HANDSHAKE, tls.client_hello(version)), alert=alert)
        self.still_serves()

    def test_an_sslv2_hello(self):
        body = b"\1\3\1" + struct.pack("!HHH", 3, 0, 16) + b"\0\0\x2f" + bytes(16)
        self.assertEqual(self.raw(self.port, struct.pack("!H", 0x8000 | len(body)) + body), b"")
        self.still_serves()

    def test_ciphers_of_old(self):
        for cipher in (0x0003,   # RSA-EXPORT-RC4-40
                       0x0004,   # RSA-RC4-128-MD5
                       0x000A,   # RSA-3DES
                       0x002F,   # RSA-AES128-SHA: no forward secrecy
                       0x0034,   # anonymous
                       0x0001,   # RSA-NULL
                       0xC007,   # ECDHE-ECDSA-RC4-128
                       0xC008,   # ECDHE-ECDSA-3DES
                       0xC009,   # ECDHE-ECDSA-AES128-CBC
                       0xC006):  # ECDHE-ECDSA-NULL
            with self.subTest(cipher=hex(cipher)):
                self.refused(tls.record(tls.HANDSHAKE, tls.client_hello(ciphers=[cipher])),
                             alert=tls.HANDSHAKE_FAILURE)
        self.still_serves()

    def test_compression_and_heartbeat_are_not_agreed(self):
        hello = tls.client_hello(compressions=b"\1\0",
                                 more=tls.extension(tls.EXTENSION_HEARTBEAT, b"\1"))
        seen = tls.server_hello(self.raw(self.port, tls.record(tls.HANDSHAKE, hello)))
        self.assertEqual(seen["compression"], 0)
        self.assertNotIn(tls.EXTENSION_HEARTBEAT, seen["extensions"])
        self.still_serves()

    def test_a_heartbeat_is_answered_with_an_alert(self):
        """Heartbleed's request: it claims more than it brings."""
        answer = self.raw(self.port, tls.record(tls.HANDSHAKE, HELLO)
                          + tls.record(tls.HEARTBEAT, b"\1\x40\0", 0x0303))
        self.assertIn((2, tls.UNEXPECTED_MESSAGE), tls.alerts(answer))
        self.assertEqual([body for kind, body in tls.records(answer) if kind == tls.HEARTBEAT], [])
        self.still_serves()

    def test_records_that_are_too_long(self):
        self.refused(tls.record(tls.HANDSHAKE, b"\1", size=0xFFFF), alert=tls.RECORD_OVERFLOW)
        answer = self.raw(self.port, tls.record(tls.HANDSHAKE, HELLO)
                          + tls.record(tls.HANDSHAKE, b"\x10", 0x0303, size=0x4801))
        self.assertIn((2, tls.RECORD_OVERFLOW), tls.alerts(answer))
        self.still_serves()

    def test_garbage(self):
        self.assertEqual(self.raw(self.port, b"\0" * 100), b"")
        self.assertEqual(self.raw(self.port, b"\xff" * 100), b"")
        for body in (b"\1\0\0\2\3\3", b"\1\0\0\x26" + b"\3\3" + b"\xff" * 36,
                     HELLO[:-4] + b"\xff\xff\xff\xff"):
            self.refused(tls.record(tls.HANDSHAKE, body), alert=tls.DECODE_ERROR)
        answer = self.raw(self.port, tls.record(tls.HANDSHAKE, b"\xee\0\0\0"))
        self.assertEqual(tls.alerts(answer), [(2, tls.UNEXPECTED_MESSAGE)])
        # The Finished of a client that never shared a key.
        answer = self.raw(self.port, tls.record(tls.HANDSHAKE, HELLO)
                          + tls.record(tls.HANDSHAKE, b"\x14\0\0\x0c" + bytes(12), 0x0303))
        self.assertIn((2, tls.UNEXPECTED_MESSAGE), tls.alerts(answer))
        self.still_serves()

    def test_truncated(self):
        """Ended anywhere in the middle: no answer but the end, and nothing is left behind."""
        wire = tls.record(tls.HANDSHAKE, HELLO)
        for size in (1, 4, 5, 6, 40, len(wire) - 1):
            self.assertEqual(self.raw(self.port, wire[:size]), b"", size)
        self.running.wait_log("it ended in the middle")
        self.still_serves()

    def test_a_record_in_tiny_pieces_is_one_hello(self):
        pieces = [tls.record(tls.HANDSHAKE, HELLO[at:at + 7]) for at in range(0, len(HELLO), 7)]
        self.assertIsNotNone(tls.server_hello(self.raw(self.port, *pieces)))
        self.still_serves()

    def test_renegotiation_is_refused(self):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2",
                   "-legacy_renegotiation"]
        done = subprocess.run(command, input=b"R\n", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)
        self.assertIn(b"RENEGOTIATING", done.stdout)
        self.assertIn(b"no renegotiation", done.stdout)
        self.still_serves()

    def test_application_data_before_the_handshake_is_over(self):
        answer = self.raw(self.port, tls.record(tls.HANDSHAKE, HELLO)
                          + tls.record(tls.APPLICATION, b"GET / HTTP/1.1\r\n\r\n", 0x0303))
        self.assertIn((2, tls.UNEXPECTED_MESSAGE), tls.alerts(answer))
        self.still_serves()


class Clear(TlsCase):
    """The wrong one of the two at a port."""

    def test_http_at_the_tls_port_is_told(self):
        service = self.start()
        for text in (GET % b"/ping", b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
            with connect(service.port()) as client:
                client.sendall(text)
                status, _, body = read_response(client)
                self.assertEqual(status, 400)
                self.assertIn(b"https://", body)
        service.wait_log("it speaks HTTP in the clear")
        service.quit()

    def test_tls_at_the_clear_port_is_refused(self):
        service = self.start({"address": "127.0.0.1:0", "name": "clear"})
        port = service.port("clear")
        answer = self.raw(port, tls.record(tls.HANDSHAKE, HELLO))
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.run_client("curl", "--silent", f"https://localhost:{port}/ping", status=35)
        self.get(port)
        service.quit()

    def test_both_at_one_port(self):
        service = self.start({**self.listener(), "clear_too": True})
        self.assertEqual(self.get(service.port(), "/tls"), "clear\n")
        self.assertEqual(self.seen(self.context(), service.port())["version"], "TLSv1.3")
        service.quit()


def line(client="192.0.2.7", port=4321):
    return f"PROXY TCP4 {client} 127.0.0.1 {port} 443\r\n".encode()


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def crc32c(data):
    """Castagnoli's, which zlib does not have."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def binary(family=0x11, block=None, tlvs=b"", command=0x21):
    if block is None:
        block = (socket.inet_aton("192.0.2.7") + socket.inet_aton("127.0.0.1")
                 + struct.pack("!HH", 4321, 443))
    return SIGNATURE + struct.pack("!BBH", command, family, len(block) + len(tlvs)) + block + tlvs


def with_crc32c(tlvs=b""):
    """A header that ends with its own checksum (section 2.2.3)."""
    whole = binary(tlvs=tlvs + tlv(3, bytes(4)))
    return whole[:-4] + struct.pack("!I", crc32c(whole))


class Proxy(TlsCase):
    """PROXY headers (HAProxy's proxy-protocol.txt) before TLS and in the clear."""

    def service_for(self, *networks):
        return self.start({**self.listener(), "proxy_from": networks},
                          {"address": "127.0.0.1:0", "name": "clear", "proxy_from": networks})

    def peer(self, port, header, version):
        raw = connect(port)
        raw.sendall(header)
        return self.ask(self.context(version), port, "/peer", raw=raw)

    def test_the_handler_sees_the_client(self):
        service = self.service_for("127.0.0.1")
        six = (socket.inet_pton(socket.AF_INET6, "2001:db8::7") + bytes(16)
               + struct.pack("!HH", 4321, 443))
        for header, peer in (
                (line(), "192.0.2.7:4321"), (binary(), "192.0.2.7:4321"),
                (b"PROXY TCP6 2001:db8::7 ::1 4321 443\r\n", "[2001:db8::7]:4321"),
                (binary(0x21, six), "[2001:db8::7]:4321"),
                (binary(0x31, b"/run/client.sock".ljust(108, b"\0") + bytes(108)),
                 "unix:/run/client.sock"),
                (with_crc32c(tlv(1, b"h2") + tlv(2, b"a.test")), "192.0.2.7:4321"),
                (b"PROXY UNKNOWN\r\n", "127.0.0.1:"), (binary(0, b""), "127.0.0.1:"),
                (binary(0, b"", command=0x20), "127.0.0.1:")):
            for version in (V1_2, V1_3):
                with self.subTest(header=header, version=version):
                    self.assertTrue(self.peer(service.port(), header, version).startswith(peer))
            with connect(service.port("clear")) as client:
                client.sendall(header + GET % b"/peer")
                self.assertTrue(read_response(client)[2].decode().startswith(peer), header)
        service.quit()

    def test_byte_by_byte(self):
        service = self.service_for("127.0.0.0/8")
        for header in (line(), binary(tlvs=tlv(4, b"padding"))):
            raw = connect(service.port())
            for byte in header:
                raw.sendall(bytes([byte]))
            self.assertEqual(self.ask(self.context(), service.port(), "/peer", raw=raw),
                             "192.0.2.7:4321")
        service.quit()

    def test_a_proxy_must_send_one_that_can_be_read(self):
        service = self.service_for("127.0.0.1")
        hello = tls.record(tls.HANDSHAKE, HELLO)
        damaged = bytearray(with_crc32c())
        damaged[20] ^= 1
        for header, says in (
                (b"", "missing"), (b"PROXY TCP4 nobody 127.0.0.1 1 2\r\n", "cannot be read"),
                (binary(command=0x31), "version"), (binary(0x11, b"short"), "too short"),
                (bytes(damaged), "checksum")):
            for port in (service.port(), service.port("clear")):
                self.assertEqual(self.raw(port, header + hello), b"")
            service.wait_log(f"PROXY header of this proxy cannot be used: .*{says}")
        service.quit()

    def test_a_strangers_header_is_refused(self):
        service = self.service_for("10.0.0.0/8")
        for header in (line(), binary()):
            self.assertEqual(self.raw(service.port(), header + tls.record(tls.HANDSHAKE, HELLO)), b"")
            answer = self.raw(service.port("clear"), header + GET % b"/peer")
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        service.wait_log("sent a PROXY header that is not expected; see listener_options::proxy_from")
        # Without a header it is served, as itself.
        self.assertTrue(self.ask(self.context(), service.port(), "/peer").startswith("127.0.0.1:"))
        service.quit()


if __name__ == "__main__":
    unittest.main()
