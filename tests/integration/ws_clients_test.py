"""WebSockets seen by python3-websockets, beyond the plain echo of protocols_test."""

import os
import unittest

from protocols import CLIENTS, PYTHON, Protocols
from ws_service import WebSocketService

CLIENT = [PYTHON, os.path.join(CLIENTS, "ws_client.py")]


class Deflate(Protocols):
    def test_every_offer(self):
        service = self.start("--ws-deflate")
        for where in ([f"ws://127.0.0.1:{self.clear}/ws"],
                      [f"wss://localhost:{self.tls}/ws", self.file("ca.pem")]):
            with self.subTest(where=where):
                self.assertEqual(self.run_client(*CLIENT, "deflate", *where).strip(), b"ok")
        service.quit()


class Crowded(WebSocketService):
    def test_over_the_cap(self):
        self.start(connections=10, max_connections=2)
        self.assertEqual(self.run_client(*CLIENT, "crowded",
                                         f"ws://127.0.0.1:{self.port}/ws").strip(), b"ok")
        self.echo.quit()


if __name__ == "__main__":
    unittest.main()
