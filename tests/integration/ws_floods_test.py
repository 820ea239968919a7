"""Clients that are slow, silent, greedy or hostile: each is bounded, and gives back its place.

The listener has room for one connection, so that only whoever comes behind a client that was ended
can be answered.
"""

import select
import unittest
import zlib

from raw_websocket import (BINARY, CLOSE, CONTINUATION, END, PING, PONG, TEXT, close_payload,
                           frame)
from support import PATIENCE, connect, read_response
from ws_service import MIB, WebSocketService


class Floods(WebSocketService):
    def place_is_free(self):
        self.assertIn("pong", self.get(self.port))
        self.echo.quit()

    def cut(self, client):
        """The server ends the connection without another word, be it by a reset."""
        try:
            self.assertEqual(client.event(), END)
        except ConnectionResetError:
            pass

    # --- too slow

    def test_half_a_handshake(self):
        self.start(config={"header_timeout_ms": 200})
        client = connect(self.port)
        client.sendall(b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: webso")
        self.assertEqual(read_response(client)[0], 408)
        client.close()
        self.place_is_free()

    def test_half_a_frame_header(self):
        self.start(message_timeout_ms=200, close_timeout_ms=100)
        client = self.client()
        client.octets(b"\x81")
        self.expect(client, ("close", 1008))
        self.cut(client)
        self.place_is_free()

    def trickles(self, client, octets):
        """Sends octet by octet, now and then one, until the server says something."""
        for at in range(len(octets)):
            client.octets(octets[at:at + 1])
            if select.select([client.sock], [], [], 0.01)[0]:
                return
        self.fail("the server waited for the whole message")

    def test_a_message_that_trickles(self):
        self.start(message_timeout_ms=300, ping_interval_ms=50, pong_deadline_ms=10000)
        client = self.client()
        self.trickles(client, frame(TEXT, b"x" * 100_000))
        self.expect(client, ("close", 1008))
        client.close()
        self.place_is_free()

    def test_fragments_that_never_end(self):
        self.start(message_timeout_ms=300, close_timeout_ms=100)
        client = self.client()
        client.send(BINARY, b"begun", fin=False)
        self.trickles(client, frame(CONTINUATION, fin=False) * 100_000)
        self.expect(client, ("close", 1008))
        self.cut(client)
        self.place_is_free()

    def test_messages_in_time_do_not_add_up(self):
        self.start(message_timeout_ms=PATIENCE * 1000 / 10, ping_interval_ms=0)
        client = self.client()
        for _ in range(100):
            client.send(TEXT, b"in time", chop=1)
            self.expect(client, ("text", "in time"))
        client.close()
        self.place_is_free()

    # --- silent

    def test_no_pong(self):
        self.start(ping_interval_ms=50, pong_deadline_ms=100)
        client = self.client()
        self.expect(client, ("ping", b""))
        self.cut(client)
        self.echo.wait_log("websocket ended with 1006: no answer came to a ping")
        self.place_is_free()

    def test_whoever_answers_pings_stays(self):
        self.start(ping_interval_ms=50, pong_deadline_ms=PATIENCE * 1000)
        client = self.client()
        for _ in range(5):
            self.expect(client, ("ping", b""))
            client.send(PONG)
        client.send(TEXT, b"still here")
        while (event := client.event()) == ("ping", b""):
            client.send(PONG)
        self.assertEqual(event, ("text", "still here"))
        client.close()
        self.place_is_free()

    def test_no_answer_to_a_close(self):
        self.start(idle_timeout_ms=100, close_timeout_ms=100)
        client = self.client()
        self.expect(client, ("close", 1001))
        self.cut(client)
        self.echo.wait_log("websocket ended with 1001: no answer came to our close frame")
        self.place_is_free()

    def test_it_reads_on_and_on_behind_our_close(self):
        """A client that answers our close with more data has as long as one that says nothing."""
        self.start(close_timeout_ms=100)
        client = self.client()
        client.send(3)
        self.expect(client, ("close", 1002), END)
        client.close()
        self.place_is_free()

    # --- greedy

    def flood(self, client, octets, most):
        """Sends until the server has stopped reading; returns how many octets that took."""
        client.sock.setblocking(False)
        sent = 0
        # Not readable: what comes back is left where it is.
        while sent < most and select.select([], [client.sock], [], 1)[1]:
            sent += client.sock.send(octets[sent % len(octets):])
        client.sock.settimeout(PATIENCE)
        return sent

    def test_a_client_that_never_reads(self):
        self.start(ping_interval_ms=100, pong_deadline_ms=100)
        before = self.peak()
        client = self.client(receive_buffer=4096)
        try:
            sent = self.flood(client, frame(BINARY, b"e" * 50_000), 256 * MIB)
            self.assertLess(sent, 64 * MIB)
            while True:  # until the server is heard to have cut it
                client.sock.send(b"x")
        except (ConnectionResetError, BrokenPipeError):
            pass
        self.echo.wait_log("websocket ended with 1006")
        self.assertLess(self.peak() - before, 32 * MIB)
        client.close()
        self.place_is_free()

    def test_pings_of_a_client_that_does_not_read(self):
        """They are answered as it takes the answers; no more than high_water waits."""
        self.start()
        before = self.peak()
        client = self.client(receive_buffer=4096)
        ping = frame(PING, b"p" * 125)
        sent = self.flood(client, ping * 1000, 64 * MIB)
        self.assertLess(sent, 64 * MIB)
        rest = -sent % len(ping)
        for _ in range(sent // len(ping)):
            self.expect(client, ("pong", b"p" * 125))
        client.octets(ping[len(ping) - rest:] if rest else b"")
        client.send(TEXT, b"and now this")
        if rest:
            self.expect(client, ("pong", b"p" * 125))
        self.expect(client, ("text", "and now this"))
        self.assertLess(self.peak() - before, 32 * MIB)
        client.close()
        self.place_is_free()

    def test_tiny_fragments(self):
        self.start()
        before = self.peak()
        client = self.client()
        client.send(TEXT, b"", fin=False)
        for _ in range(20):
            client.octets(frame(CONTINUATION, fin=False) * 10_000)
        client.send(CONTINUATION, b"at last")
        self.expect(client, ("text", "at last"))
        self.assertLess(self.peak() - before, 8 * MIB)
        client.close()
        self.place_is_free()

    def test_a_deflate_bomb(self):
        self.start(compression={}, max_message=MIB)
        before = self.peak()
        client = self.client(headers=["Sec-WebSocket-Extensions: permessage-deflate"])
        packer = zlib.compressobj(9, wbits=-15)
        bomb = b"".join(packer.compress(b"\0" * MIB) for _ in range(256))
        bomb += packer.flush(zlib.Z_SYNC_FLUSH)[:-4]
        self.assertLess(len(bomb), MIB)
        client.send(BINARY, bomb, rsv=4)
        self.expect(client, ("close", 1009), END)
        self.assertLess(self.peak() - before, 16 * MIB)
        client.close()
        self.place_is_free()

    def test_a_message_that_is_only_announced(self):
        """Memory grows with what comes, not with what was promised."""
        self.start(max_message=1024 * MIB, message_timeout_ms=200)
        before = self.peak()
        client = self.client()
        client.octets(b"\x82\xff" + (1000 * MIB).to_bytes(8, "big") + b"mask" + b"x" * 1000)
        self.expect(client, ("close", 1008))
        self.assertLess(self.peak() - before, 16 * MIB)
        client.close()
        self.place_is_free()

    # --- too many

    def test_over_the_cap(self):
        self.start(connections=8, max_connections=2)
        first, second = self.client(), self.client()
        third = self.client()
        third.send(TEXT, b"let me in")
        self.expect(third, ("close", 1013))
        third.send(CLOSE, close_payload(1013))
        self.expect(third, END)
        self.assertIn("pong", self.get(self.port))  # others are not concerned
        for client in (first, second):
            client.send(TEXT, b"mine")
            self.expect(client, ("text", "mine"))
        first.send_close()
        self.expect(first, ("close", 1000), END)
        fourth = self.client()
        fourth.send(TEXT, b"in its place")
        self.expect(fourth, ("text", "in its place"))
        for client in (second, fourth):
            client.send_close()
            self.expect(client, ("close", 1000), END)
        self.echo.quit()

    def test_over_the_cap_on_whichever_thread(self):
        self.start(connections=200, config={"threads": 4}, max_connections=24)
        for _ in range(2):
            inside = [self.client() for _ in range(24)]
            for _ in range(24):
                outside = self.client()
                self.expect(outside, ("close", 1013))
                outside.close()
            for client in inside:
                client.send(TEXT, b"mine")
                self.expect(client, ("text", "mine"))
            self.closes(*inside)  # and each gives its place back
        self.echo.quit()


if __name__ == "__main__":
    unittest.main()
