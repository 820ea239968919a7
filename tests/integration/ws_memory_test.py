"""What many WebSockets cost while nothing is said on them."""

import unittest

from raw_websocket import TEXT
from ws_service import WebSocketService

KIB = 1024
CLIENTS = 200


class Memory(WebSocketService):
    def cost(self, deflates, **compression):
        """Bytes for each client that has sent a message, been answered, and is silent now."""
        self.start(connections=CLIENTS + 10, **({"compression": compression} if deflates else {}))
        headers = ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]
        message = ("a message that can be compressed, " * 500).encode()
        before, clients = 0, []
        for _ in range(CLIENTS + 1):
            client = self.client(headers=headers)
            self.assertEqual(client.deflate is not None, deflates)
            client.message(TEXT, message)
            self.expect(client, ("text", message.decode()))
            self.assertEqual(client.compressed_messages, int(deflates))
            clients.append(client)
            before = before or self.memory()  # the tools that all share are there by now
        cost = (self.memory() - before) / CLIENTS
        self.closes(*clients)
        self.echo.quit()
        return cost

    def test_nothing_is_kept_between_messages(self):
        self.assertLess(self.cost(False), 8 * KIB)
        self.assertLess(self.cost(True), 8 * KIB)

    def test_windows_are_as_large_as_documented(self):
        """permessage_deflate: 40 KiB for what clients send, 256 KiB for what we send."""
        theirs = self.cost(True, client_context_takeover=True)
        self.assertLess(theirs, 56 * KIB)
        both = self.cost(True, client_context_takeover=True, server_context_takeover=True)
        self.assertLess(both, 330 * KIB)
        if both != 0:  # no sanitizer
            self.assertGreater(theirs, 8 * KIB)  # the test would see it
            self.assertGreater(both, 128 * KIB)


if __name__ == "__main__":
    unittest.main()
