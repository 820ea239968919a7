"""Large messages, fragmented and chopped, and many small ones: case 9."""

import unittest

from raw_websocket import BINARY, TEXT, fragments, frame
from ws_conformance import Conformance
from ws_service import MIB, WebSocketService

KIB = 1024
PATTERN = b"BAsd7&jh23"


def payload_of(opcode, size):
    if opcode == BINARY:
        return b"\x00\xfe\xfd\xff" * (size // 4)
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


class Limits(Conformance):
    def echoed(self, client, opcode, payload, octets, chop=None):
        client.octets(octets, chop)
        name, answer = client.event()
        self.assertEqual(name, "text" if opcode == TEXT else "binary")
        # Not assertEqual: 16 MiB make no message.
        self.assertTrue((answer.encode() if opcode == TEXT else answer) == payload, len(answer))
        self.closes(client)

    def test_9_1_and_9_2_sizes(self):
        def whole(client, opcode, size):
            payload = payload_of(opcode, size)
            self.echoed(client, opcode, payload, frame(opcode, payload))

        sizes = (64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB)
        self.each([(f"9.{group}.{at}", whole, opcode, size)
                   for group, opcode in ((1, TEXT), (2, BINARY))
                   for at, size in enumerate(sizes, 1)])

    def test_9_1_and_9_2_sizes_under_tls(self):
        for opcode in (TEXT, BINARY):
            payload = payload_of(opcode, 16 * MIB)
            self.echoed(self.client(tls=True), opcode, payload, frame(opcode, payload))

    def test_9_3_and_9_4_fragments(self):
        def in_pieces(client, opcode, size):
            payload = payload_of(opcode, 4 * MIB)
            self.echoed(client, opcode, payload, b"".join(fragments(opcode, payload, size)))

        sizes = (64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
        self.each([(f"9.{group}.{at}", in_pieces, opcode, size)
                   for group, opcode in ((3, TEXT), (4, BINARY))
                   for at, size in enumerate(sizes, 1)])

    def test_9_5_and_9_6_chops(self):
        def chopped(client, opcode, chop):
            payload = payload_of(opcode, MIB)
            self.echoed(client, opcode, payload, frame(opcode, payload), chop)

        self.each([(f"9.{group}.{at}", chopped, opcode, chop)
                   for group, opcode in ((5, TEXT), (6, BINARY))
                   for at, chop in enumerate((64, 128, 256, 512, 1024, 2048), 1)])

    def test_9_7_and_9_8_round_trips(self):
        def to_and_fro(client, opcode, size):
            octets = frame(opcode, (b"*" if opcode == TEXT else b"\xfe") * size)
            answer = ("text", "*" * size) if opcode == TEXT else ("binary", b"\xfe" * size)
            for _ in range(1000):
                client.octets(octets)
                self.expect(client, answer)
            self.closes(client)

        self.each([(f"9.{group}.{at}", to_and_fro, opcode, size)
                   for group, opcode in ((7, TEXT), (8, BINARY))
                   for at, size in enumerate((0, 16, 64, 256, 1024, 4096), 1)])

    def test_one_octet_more_than_the_limit(self):
        def too_big(client, octets):
            client.octets(octets)
            self.failed(client, 1009)

        half = b"x" * (8 * MIB)
        self.each([("at once", too_big, frame(BINARY, b"", fin=False) + frame(0, half, fin=False)
                    + frame(0, half + b"x")),
                   # What a frame announces is enough.
                   ("announced", too_big,
                    b"\x82\xff" + (16 * MIB + 1).to_bytes(8, "big") + b"mask")])


class Limit(WebSocketService):
    """`websocket_options::max_message`, 16 MiB by default, may be any other."""

    def takes(self, most, **how):
        client = self.client(**how)
        for size in (most - 1, most):
            payload = payload_of(TEXT, size)
            client.message(TEXT, payload, fragment=MIB)
            name, answer = client.event()
            self.assertTrue(name == "text" and answer.encode() == payload, len(answer))
        client.message(TEXT, payload_of(TEXT, most + 1), fragment=MIB)
        self.expect(client, ("close", 1009))
        client.close()

    def test_a_higher_and_a_lower_one(self):
        for most in (40 * MIB, 100_000, 1):
            with self.subTest(max_message=most):
                self.start(max_message=most, compression={})
                self.takes(most)
                self.takes(most, headers=["Sec-WebSocket-Extensions: permessage-deflate"])
                self.echo.quit()


if __name__ == "__main__":
    unittest.main()
