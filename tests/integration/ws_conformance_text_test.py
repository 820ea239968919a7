"""UTF-8: case 6. What cannot become a text any more fails with the octet that spoils it, also
within a frame that has not ended."""

import itertools
import unittest

from raw_websocket import CONTINUATION, PING, TEXT, fragments, frame
from ws_conformance import Conformance

HELLO = "Hello-µ@ßöäüàá-UTF-8!!".encode()
KOSME = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"  # 11 octets: the accent is the old one
SURROGATE = KOSME + b"\xed\xa0\x80edited"  # octet 13 is the wrong one
BEYOND = KOSME + b"\xf4\x90\x80\x80edited"  # also octet 13


def lonely_starts():
    for first, last in ((0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb), (0xfc, 0xfd)):
        yield b"".join(bytes([octet, 0x20]) for octet in range(first, last))


def non_characters():
    yield from (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
    for first, second, last in itertools.product(b"\xf0\xf1\xf2\xf3\xf4", b"\x8f\x9f\xaf\xbf",
                                                 b"\xbe\xbf"):
        if (first, second) != (0xf0, 0x8f) and (first != 0xf4 or second == 0x8f):
            yield bytes([first, second, 0xbf, last])


INCOMPLETE = [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80",
              b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"]

# 6.5 to 6.23, each with what it is: after Markus Kuhn's stress test for UTF-8 decoders.
SEQUENCES = {
    5: [*(f"hello{sign}world".encode() for sign in "$¢€𤭢"), KOSME],
    6: [KOSME[:size] for size in range(1, len(KOSME) + 1)],
    7: [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"],
    8: [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    9: [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
    10: [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
    11: [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf",
         b"\xf4\x90\x80\x80"],
    12: [b"\x80", b"\xbf"] + [(b"\x80\xbf" * 3)[:size] for size in range(2, 7)]
        + [bytes(range(0x80, 0xbf))],
    13: list(lonely_starts()),
    14: INCOMPLETE,
    15: [b"".join(INCOMPLETE)],
    16: [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
    17: [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf",
         b"\xfc\x80\x80\x80\x80\xaf"],
    18: [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf",
         b"\xfc\x83\xbf\xbf\xbf\xbf"],
    19: [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80",
         b"\xfc\x80\x80\x80\x80\x80"],
    20: [b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80",
         b"\xed\xbe\x80", b"\xed\xbf\xbf"],
    21: [first + second for first in (b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80",
                                      b"\xed\xaf\xbf")
         for second in (b"\xed\xb0\x80", b"\xed\xbf\xbf")],
    22: list(non_characters()),
    23: [b"\xef\xbf" + bytes([last]) for last in range(0xb9, 0xc0)],
}


def is_text(octets):
    try:
        octets.decode()
        return True
    except UnicodeDecodeError:
        return False


def spoiled_at(octets):
    """How many octets can be sent before the text is spoiled; all if it is only cut short."""
    for size in range(1, len(octets) + 1):
        # Some continuation makes a text of every beginning that is not spoiled.
        rests = ([b""] + [bytes([octet]) + b"\x80" * more for octet in (0x80, 0x90, 0xa0)
                          for more in range(3)])
        if not any(is_text(octets[:size] + rest) for rest in rests):
            return size - 1
    return len(octets)


class Text(Conformance):
    def echoed(self, client, each, chop=None):
        text = b"".join(each).decode()
        for at, piece in enumerate(each):
            client.send(CONTINUATION if at else TEXT, piece, fin=at + 1 == len(each), chop=chop)
        self.expect(client, ("text", text))
        self.closes(client)

    def test_6_1_and_6_2_texts_in_pieces(self):
        def octets_of(text):
            return [bytes([octet]) for octet in text]

        self.each([("6.1.1", self.echoed, [b""]), ("6.1.2", self.echoed, [b"", b"", b""]),
                   ("6.1.3", self.echoed, [b"", b"middle frame payload", b""]),
                   ("6.2.1", self.echoed, [HELLO]),
                   ("6.2.2", self.echoed, ["Hello-µ@ßöä".encode(), "üàá-UTF-8!!".encode()]),
                   ("6.2.3", self.echoed, octets_of(HELLO)),
                   ("6.2.4", self.echoed, octets_of(KOSME)),
                   ("one frame, by octets", self.echoed, [HELLO], 1)])

    def test_6_3_wrong_texts(self):
        def fails(client, size):
            client.octets(b"".join(fragments(TEXT, SURROGATE, size)))
            self.failed(client, 1007)

        self.each([("6.3.1", fails, len(SURROGATE)), ("6.3.2", fails, 1)])

    def test_6_4_fails_with_the_octet_that_spoils_it(self):
        """The rest is never sent: only what came can be the reason."""
        def by_frames(client, first, second):
            client.send(TEXT, first, fin=False)
            client.send(PING)
            self.expect(client, ("pong", b""))  # the first part is no reason yet
            client.send(CONTINUATION, second, fin=False)
            self.failed(client, 1007)

        def within_a_frame(client, size):
            octets = frame(TEXT, BEYOND)
            header = len(octets) - len(BEYOND)
            client.octets(octets[:header + 12])
            client.octets(octets[header + 12:header + size])
            self.failed(client, 1007)

        self.each([("6.4.1", by_frames, KOSME, BEYOND[11:15]),
                   ("6.4.2", by_frames, BEYOND[:12], BEYOND[12:13]),
                   ("6.4.3", within_a_frame, 15), ("6.4.4", within_a_frame, 13)])

    def test_6_5_to_6_23_sequences(self):
        def sent_whole(client, octets):
            client.send(TEXT, octets)
            if is_text(octets):
                self.expect(client, ("text", octets.decode()))
                self.closes(client)
            else:
                self.failed(client, 1007)

        self.assertEqual([len(SEQUENCES[group]) for group in range(5, 24)],
                         [5, 11, 4, 2, 4, 3, 5, 8, 5, 10, 1, 3, 5, 5, 5, 7, 8, 34, 7])
        for group, sequences in SEQUENCES.items():
            self.each([(f"6.{group}.{at}", sent_whole, octets)
                       for at, octets in enumerate(sequences, 1)])

    def test_all_sequences_fail_fast_too(self):
        """Each wrong one of 6.5 to 6.23 within a longer frame, of which no octet more is sent."""
        def fails(client, octets, size):
            whole = frame(TEXT, b"hello" + octets + b"and much more")
            client.octets(whole[:len(whole) - 13 - len(octets) + size + 1])
            self.failed(client, 1007)

        for group, sequences in SEQUENCES.items():
            self.each([(f"6.{group}.{at}", fails, octets, spoiled_at(octets))
                       for at, octets in enumerate(sequences, 1)
                       if spoiled_at(octets) != len(octets)])


if __name__ == "__main__":
    unittest.main()
