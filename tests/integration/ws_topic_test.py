"""What one client says, many hear: in order, without a copy for each, and whatever slow ones do."""

import random
import unittest

from raw_websocket import BINARY, TEXT
from ws_service import MIB, WebSocketService


class Topics(WebSocketService):
    def subscribers(self, count, **options):
        return [self.client(path="/topic", **options) for _ in range(count)]

    def test_all_hear_everything_in_order(self):
        """Compressed or not, on whichever thread."""
        self.start(connections=100, config={"threads": 4}, compression={"threshold": 1})
        offer = ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]
        small = ["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9"]
        plain = self.subscribers(20)
        all_of_them = plain + self.subscribers(20, headers=offer) + self.subscribers(
            10, headers=small)
        said = [f"message {at} " + "and so on " * (10 + at * 7 % 900) for at in range(100)]
        for each in said:
            plain[0].send(TEXT, each.encode())
        for client in all_of_them:
            self.expect(client, *(("text", each) for each in said))
            self.assertEqual(client.compressed_messages, 100 if client.deflate else 0)
        # What another one says comes behind all that.
        all_of_them[-1].message(BINARY, b"the end")
        for client in all_of_them:
            self.expect(client, ("binary", b"the end"))
        self.closes(*all_of_them)
        self.echo.quit()

    def test_a_payload_is_kept_once_for_all(self):
        self.start(connections=100, max_backlog=64 * MIB)
        clients = self.subscribers(32, receive_buffer=65536)
        payload = random.Random(1).randbytes(8 * MIB)
        before = self.peak()
        clients[0].send(BINARY, payload)
        for client in clients:  # each waits until the one before it has taken all
            name, heard = client.event()
            self.assertTrue(name == "binary" and heard == payload, len(heard))
        # A copy for each that waits would be some 200 MiB.
        self.assertLess(self.peak() - before, 64 * MIB)
        self.closes(*clients)
        self.echo.quit()

    def test_a_slow_client_costs_the_others_nothing(self):
        self.start(connections=10, max_backlog=MIB)
        slow = self.client(path="/topic", receive_buffer=4096)
        readers = self.subscribers(3)
        payload = b"p" * (MIB // 4)
        for _ in range(1000):
            readers[0].send(BINARY, payload)
            for client in readers:
                self.assertTrue(client.event() == ("binary", payload))
            if self.echo.count_log("subscriber ended with 1008: the client reads too slowly"):
                break
        else:
            self.fail("the client that reads nothing is still served")
        slow.close()
        self.closes(*readers)
        self.echo.quit()


if __name__ == "__main__":
    unittest.main()
