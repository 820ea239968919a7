"""permessage-deflate (RFC 7692): cases 12, different payloads, and 13, different parameters.

The suite sends 1,000 messages in each case; a few show the same, and each size of its table is sent
with each of its offers.
"""

import random
import unittest

from raw_websocket import BINARY, PING, TEXT, Refused, frame
from ws_conformance import Conformance

# Message sizes and those of their fragments (0: one frame), in the suite's order.
SIZES = [(size, 0) for size in (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)] + [
    (8192, 256), (16384, 256), (32768, 256), (65536, 256), (131072, 256), (131072, 1024),
    (131072, 4096), (131072, 32768)]
OFFER = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
NO_TAKEOVER = "; server_no_context_takeover"
WINDOW = "; server_max_window_bits="
OFFERS = [[OFFER], [OFFER + NO_TAKEOVER], [OFFER + WINDOW + "9"], [OFFER + WINDOW + "15"],
          [OFFER + NO_TAKEOVER + WINDOW + "9"], [OFFER + NO_TAKEOVER + WINDOW + "15"],
          [OFFER + NO_TAKEOVER + WINDOW + "9", OFFER + NO_TAKEOVER, OFFER]]


def payloads():
    """As the suite's files: JSON, a picture, a German drama, a page, and what is compressed
    already; up to 200,000 octets each, and the opcode."""
    chance = random.Random(7692)
    words = ["Habe", "nun", "ach", "Philosophie", "Juristerei", "und", "Medizin", "Und", "leider",
             "auch", "Theologie", "durchaus", "studiert", "mit", "heißem", "Bemühn"]
    drama = " ".join(chance.choice(words) for _ in range(40000))
    numbers = [chance.randrange(10**6) for _ in range(5000)]
    json = "".join(f'{{"id": {n}, "name": "{words[n % 16]}", "ok": true}},' for n in numbers)
    made = [(json, TEXT),
            (bytes((x // 4 + y + chance.randrange(3)) % 256
                   for y in range(400) for x in range(512)), BINARY),
            (drama, BINARY),
            ("".join(f"<li class='c{n % 7}'><a href='/p/{n}'>{words[n % 16]}</a></li>\n"
                     for n in numbers), TEXT),
            (chance.randbytes(200000), BINARY)]
    return [((data if isinstance(data, bytes) else data.encode())[:200000], kind)
            for data, kind in made]


class Deflation(Conformance):
    def deflating(self, offers=(OFFER,)):
        return self.client(headers=["Sec-WebSocket-Extensions: " + ", ".join(offers)])

    def plays(self, client, data, kind, size, fragment, count):
        at = 0
        for _ in range(count):
            message = (data + data)[at:at + size]
            if kind == TEXT:  # not within a character
                message = message.decode("utf-8", "ignore").encode()
            at = (at + size) % len(data)
            client.message(kind, message, fragment)
            name, answer = client.event()
            self.assertEqual(name, "text" if kind == TEXT else "binary")
            self.assertTrue((answer.encode() if kind == TEXT else answer) == message, len(answer))
        self.closes(client)

    def test_12_payloads(self):
        for group, (data, kind) in enumerate(payloads(), 1):
            for at, (size, fragment) in enumerate(SIZES, 1):
                with self.subTest(case=f"12.{group}.{at}"):
                    client = self.deflating()
                    count = 50 if size <= 4096 else 6
                    self.plays(client, data, kind, size, fragment, count)
                    # What does not become smaller is sent as it is.
                    self.assertEqual(client.compressed_messages,
                                     count if size >= 256 and group != 5 else 0)

    def test_13_parameters(self):
        data, kind = payloads()[0]
        for group, offers in enumerate(OFFERS, 1):
            for at, (size, fragment) in enumerate(SIZES, 1):
                with self.subTest(case=f"13.{group}.{at}"):
                    client = self.deflating(offers)
                    answer = client.deflate.parameters
                    self.assertIn("client_no_context_takeover", answer)
                    self.assertEqual("server_no_context_takeover" in answer,
                                     NO_TAKEOVER in offers[0])
                    self.assertEqual(client.deflate.server_bits, 9 if WINDOW + "9" in offers[0]
                                     else 15)
                    self.plays(client, data, kind, size, fragment, 50 if size <= 4096 else 6)

    def test_all_windows_and_takeovers(self):
        data, kind = payloads()[3]
        for server in range(9, 16):
            for client_bits in range(8, 16):
                for flags in ("", "; client_no_context_takeover", NO_TAKEOVER,
                              "; client_no_context_takeover" + NO_TAKEOVER):
                    offer = (f"permessage-deflate; server_max_window_bits={server}; "
                             f"client_max_window_bits={client_bits}{flags}")
                    with self.subTest(offer=offer):
                        client = self.deflating([offer])
                        self.assertEqual(client.deflate.server_bits, server)
                        self.assertEqual(client.deflate.client_bits, client_bits)
                        for name in ("client_no_context_takeover", "server_no_context_takeover"):
                            self.assertEqual(name in client.deflate.parameters, name in flags)
                        self.plays(client, data, kind, 3000, 700, 4)

    def test_offers_that_are_declined(self):
        """A wrong one is none (RFC 7692 section 7.1); the next is looked at."""
        for wrong in ("; unknown", "; server_no_context_takeover=1", "; server_max_window_bits",
                      "; server_max_window_bits=16", "; server_max_window_bits=09",
                      "; server_max_window_bits=8", "; client_max_window_bits=7",
                      "; client_no_context_takeover; client_no_context_takeover"):
            with self.subTest(offer=wrong):
                client = self.deflating(["permessage-deflate" + wrong])
                self.assertIsNone(client.deflate)
                client.message(TEXT, b"plain")
                self.expect(client, ("text", "plain"))
                self.closes(client)
                client = self.deflating(["permessage-deflate" + wrong, "permessage-deflate"])
                self.assertEqual(client.deflate.parameters, {})
                client.close()
        for malformed in ("permessage-deflate; =", "permessage-deflate;;", "a b", '"a"'):
            with self.subTest(offer=malformed), self.assertRaises(Refused) as told:
                self.deflating([malformed])
            self.assertEqual(told.exception.status, 400)

    def test_what_is_compressed_wrongly(self):
        def fails(octets, code):
            client = self.deflating()
            client.octets(octets(client.deflate))
            self.failed(client, code)

        fails(lambda _: frame(TEXT, b"\xff" * 40, rsv=4), 1007)
        fails(lambda by: frame(TEXT, by.compress(b"\xff\xfe"), rsv=4), 1007)
        fails(lambda by: frame(TEXT, by.compress(b"x" * 10)[:5], fin=False, rsv=4)
              + frame(0, b"", rsv=4), 1002)
        fails(lambda by: frame(PING, by.compress(b"ping"), rsv=4), 1002)
        fails(lambda _: frame(TEXT, b"x", rsv=6), 1002)

    def test_a_message_as_it_is_between_compressed_ones(self):
        client = self.deflating(["permessage-deflate"])
        for text in (b"alpha beta " * 60, b"gamma " * 90):
            client.message(TEXT, text)
            client.send(TEXT, text)
            client.send(PING, b"between")
            self.expect(client, ("text", text.decode()), ("text", text.decode()),
                        ("pong", b"between"))
        client.message(TEXT, b"")
        self.expect(client, ("text", ""))
        self.closes(client)


if __name__ == "__main__":
    unittest.main()
