"""What the conformance tests share: the demonstration program's echo, and how a case may end.

The cases and what they expect are those of the Autobahn|Testsuite, by its numbers; where it tells
"OK" from "NON-STRICT", only "OK" will do.
"""

from protocols import Protocols
from raw_websocket import CLOSE, END, RawWebSocket, close_payload


class Conformance(Protocols):
    def setUp(self):
        super().setUp()
        self.echo = self.start("--ws-deflate")

    def tearDown(self):
        self.echo.quit()

    def client(self, tls=False, **options):
        client = RawWebSocket(self.tls if tls else self.clear,
                              context=self.context() if tls else None, **options)
        self.addCleanup(client.close)
        return client

    def expect(self, client, *events):
        for event in events:
            self.assertEqual(client.event(), event)

    def closes(self, client, code=1000, payload=None, answers=None):
        """The client says close: the server answers it and ends the connection first."""
        client.send(CLOSE, close_payload(code) if payload is None else payload)
        self.ended(client, answers or [code])

    def ended(self, client, answers):
        name, code = client.event()
        self.assertEqual(name, "close")
        self.assertIn(code, answers)
        self.expect(client, END)
        client.close()

    def failed(self, client, code):
        """The server fails the connection, and not by a reset."""
        self.expect(client, ("close", code), END)
        client.send_close(code)
        client.close()

    def each(self, cases):
        """Runs each case, `(number, function, arguments...)`, on a connection of its own."""
        for number, case, *arguments in cases:
            with self.subTest(case=number):
                case(self.client(), *arguments)
