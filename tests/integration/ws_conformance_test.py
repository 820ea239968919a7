"""Framing, pings, reserved bits, opcodes, fragmentation and closing: cases 1 to 5, 7 and 10."""

import unittest

from raw_websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_payload, fragments,
                           frame)
from ws_conformance import Conformance

HELLO = b"Hello, world!"
ECHOED = ("text", HELLO.decode())


def frames(*each):
    """Octets of frames written as (opcode, payload) or (opcode, payload, "more")."""
    return [frame(opcode, payload, fin=not more) for opcode, payload, *more in each]


class Framing(Conformance):
    def test_1_messages_of_each_size(self):
        def echoes(client, opcode, size, chop=None):
            payload = (b"*" if opcode == TEXT else b"\xfe") * size
            client.send(opcode, payload, chop=chop)
            self.expect(client,
                        ("text", payload.decode()) if opcode == TEXT else ("binary", payload))
            self.closes(client)

        for group, opcode in ((1, TEXT), (2, BINARY)):
            sizes = [(size,) for size in (0, 125, 126, 127, 128, 65535, 65536)] + [(65536, 997)]
            self.each([(f"1.{group}.{at}", echoes, opcode, *size)
                       for at, size in enumerate(sizes, 1)])

    def test_1_lengths_that_are_wrong(self):
        """Not Autobahn's: RFC 6455 section 5.2, the length takes as few octets as it can."""
        def fails(client, octets):
            client.octets(octets)
            self.failed(client, 1002)

        self.each([("padded 16 bits", fails, frame(BINARY, b"x" * 125, length_bytes=2)),
                   ("padded 64 bits", fails, frame(BINARY, b"x" * 126, length_bytes=8)),
                   ("padded ping", fails, frame(PING, b"", length_bytes=2)),
                   ("not masked", fails, frame(TEXT, HELLO, mask=False)),
                   ("high bit", fails, b"\x82\xff" + b"\xff" * 8 + b"mask")])


class Pings(Conformance):
    def test_2_pings_and_pongs(self):
        def ponged(client, payload, chop=None):
            client.send(PING, payload, chop=chop)
            self.expect(client, ("pong", payload))
            self.closes(client)

        def too_long(client):
            client.send(PING, b"\xfe" * 126)
            self.failed(client, 1002)

        def unsolicited(client, payload, ping):
            client.send(PONG, payload)
            if ping:
                client.send(PING, b"ping payload")
                self.expect(client, ("pong", b"ping payload"))
            self.closes(client)

        def ten(client, chop):
            for at in range(10):
                client.send(PING, b"payload-%d" % at, chop=chop)
            self.expect(client, *(("pong", b"payload-%d" % at) for at in range(10)))
            self.closes(client)

        self.each([("2.1", ponged, b""), ("2.2", ponged, HELLO),
                   ("2.3", ponged, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),
                   ("2.4", ponged, b"\xfe" * 125), ("2.5", too_long),
                   ("2.6", ponged, b"\xfe" * 125, 1), ("2.7", unsolicited, b"", False),
                   ("2.8", unsolicited, b"unsolicited pong payload", False),
                   ("2.9", unsolicited, b"unsolicited pong payload", True),
                   ("2.10", ten, None), ("2.11", ten, 1)])


class Reserved(Conformance):
    def fails(self, client, wrong, how):
        """`wrong` alone, or behind a message that is still echoed and before a ping that is not."""
        if how == "alone":
            client.octets(wrong)
            return self.failed(client, 1002)
        each = [frame(TEXT, HELLO), wrong, frame(PING)]
        if how == "at once":
            client.octets(b"".join(each))
        for octets in each if how != "at once" else ():
            client.octets(octets, 1 if how == "by octets" else None)
        self.expect(client, ECHOED)
        self.failed(client, 1002)

    def test_3_reserved_bits(self):
        noise = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
        self.each([("3.1", self.fails, frame(TEXT, HELLO, rsv=1), "alone"),
                   ("3.2", self.fails, frame(TEXT, HELLO, rsv=2), "at once"),
                   ("3.3", self.fails, frame(TEXT, HELLO, rsv=3), "by frames"),
                   ("3.4", self.fails, frame(TEXT, HELLO, rsv=4), "by octets"),
                   ("3.5", self.fails, frame(BINARY, noise, rsv=5), "alone"),
                   ("3.6", self.fails, frame(PING, HELLO, rsv=6), "alone"),
                   ("3.7", self.fails, frame(CLOSE, rsv=7), "alone")])

    def test_4_opcodes(self):
        for group, first in ((1, 3), (2, 11)):
            self.each([(f"4.{group}.1", self.fails, frame(first), "alone"),
                       (f"4.{group}.2", self.fails, frame(first + 1, b"reserved"), "alone"),
                       (f"4.{group}.3", self.fails, frame(first + 2), "at once"),
                       (f"4.{group}.4", self.fails, frame(first + 3, HELLO), "by frames"),
                       (f"4.{group}.5", self.fails, frame(first + 4, HELLO), "by octets")])


class Fragmentation(Conformance):
    ORDERS = {"at once": lambda each: [b"".join(each)], "by frames": lambda each: each,
              "by octets": lambda each: [bytes([octet]) for octet in b"".join(each)]}

    def plays(self, client, each, order, events, code=None):
        for octets in self.ORDERS[order](each):
            client.octets(octets)
        self.expect(client, *events)
        if code is None:
            self.closes(client)
        else:
            self.failed(client, code)

    def test_5_fragmentation(self):
        two = frames((TEXT, b"fragment1", "more"), (CONTINUATION, b"fragment2"))
        both = ("text", "fragment1fragment2")
        with_ping = [two[0], frame(PING, b"ping payload"), two[1]]
        cases = [("5.1", frames((PING, b"fragment1", "more"), (CONTINUATION, b"fragment2")),
                  "at once", [], 1002),
                 ("5.2", frames((PONG, b"fragment1", "more"), (CONTINUATION, b"fragment2")),
                  "at once", [], 1002)]
        for at, order in enumerate(self.ORDERS):
            cases.append((f"5.{3 + at}", two, order, [both]))
            cases.append((f"5.{6 + at}", with_ping, order, [("pong", b"ping payload"), both]))
            for first, more in ((9, ()), (12, ("more",))):
                lonely = frames((CONTINUATION, b"non-continuation payload", *more), (TEXT, HELLO))
                cases.append((f"5.{first + at}", lonely, order, [], 1002))
        cases += [
            ("5.15", two + frames((CONTINUATION, b"fragment3", "more"), (TEXT, b"fragment4")),
             "at once", [both], 1002),
            ("5.16", frames((CONTINUATION, b"fragment1", "more"), (TEXT, b"fragment2", "more"),
                            (CONTINUATION, b"fragment3")) * 2, "at once", [], 1002),
            ("5.17", frames((CONTINUATION, b"fragment1"), (TEXT, b"fragment2", "more"),
                            (CONTINUATION, b"fragment3")) * 2, "at once", [], 1002),
            ("5.18", frames((TEXT, b"fragment1", "more"), (TEXT, b"fragment2")), "at once", [],
             1002)]
        self.each([(number, self.plays, *rest) for number, *rest in cases])
        self.assertEqual(sorted(int(number[2:]) for number, *_ in cases), list(range(1, 19)))

    def test_5_19_pings_are_answered_within_a_message(self):
        def plays(client, order):
            parts = [frames((TEXT, b"fragment1", "more"), (CONTINUATION, b"fragment2", "more"),
                            (PING, b"pongme 1!")),
                     frames((CONTINUATION, b"fragment3", "more"),
                            (CONTINUATION, b"fragment4", "more"), (PING, b"pongme 2!"),
                            (CONTINUATION, b"fragment5"))]
            for octets in self.ORDERS[order](parts[0]):
                client.octets(octets)
            self.expect(client, ("pong", b"pongme 1!"))  # before anything more is sent
            for octets in self.ORDERS[order](parts[1]):
                client.octets(octets)
            whole = "".join(f"fragment{n}" for n in range(1, 6))
            self.expect(client, ("pong", b"pongme 2!"), ("text", whole))
            self.closes(client)

        self.each([("5.19", plays, "at once"), ("5.20", plays, "by frames")])

    def test_10_automatic_fragmentation(self):
        def plays(client):
            payload = b"*" * 65536
            each = fragments(TEXT, payload, 1300)
            self.assertEqual(len(each), 51)
            self.plays(client, each, "by frames", [("text", payload.decode())])

        self.each([("10.1.1", plays)])


class Closing(Conformance):
    SPOILT = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"

    def test_7_1_what_follows_a_close_is_ignored(self):
        def plays(client, before, behind, events):
            client.octets(b"".join(before) + frame(CLOSE, close_payload(1000)) + b"".join(behind))
            self.expect(client, *events)
            self.ended(client, [1000])

        big = (b"BAsd7&jh23" * 26215)[:256 * 1024]
        self.each([("7.1.1", plays, [frame(TEXT, HELLO)], [], [ECHOED]),
                   ("7.1.2", plays, [], [frame(CLOSE)], []),
                   ("7.1.3", plays, [], [frame(PING)], []),
                   ("7.1.4", plays, [], [frame(TEXT, HELLO)], []),
                   ("7.1.5", plays, [frame(TEXT, b"fragment1", fin=False)],
                    [frame(CONTINUATION, b"fragment2")], []),
                   # Informational there; here all that came before the close is answered.
                   ("7.1.6", plays, [frame(TEXT, big), frame(TEXT, HELLO)], [frame(PING)],
                    [("text", big.decode()), ECHOED])])

    def test_7_3_payloads_of_a_close(self):
        def right(client, payload, answers):
            self.closes(client, payload=payload, answers=answers)

        def wrong(client, payload, code):
            client.send(CLOSE, payload)
            self.failed(client, code)

        self.each([("7.3.1", right, b"", [None]), ("7.3.2", wrong, b"a", 1002),
                   ("7.3.3", right, close_payload(1000), [1000]),
                   ("7.3.4", right, close_payload(1000, b"Hello World!"), [1000]),
                   ("7.3.5", right, close_payload(1000, b"*" * 123), [1000]),
                   ("7.3.6", wrong, close_payload(1000, b"*" * 124), 1002),
                   ("7.5.1", wrong, close_payload(1000, self.SPOILT), 1007)])

    def test_7_7_codes_that_may_be_sent(self):
        codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
        self.each([(f"7.7.{at}", self.closes, code) for at, code in enumerate(codes, 1)])
        # IANA's registry has more of them by now.
        self.each([(f"code {code}", self.closes, code) for code in (1012, 1013, 1014)])

    def test_7_9_codes_that_may_not(self):
        def fails(client, code):
            client.send_close(code)
            self.failed(client, 1002)

        codes = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
        self.each([(f"7.9.{at}", fails, code) for at, code in enumerate(codes, 1)])
        self.each([("1015", fails, 1015), ("7.13.1", fails, 5000), ("7.13.2", fails, 65535)])


if __name__ == "__main__":
    unittest.main()
