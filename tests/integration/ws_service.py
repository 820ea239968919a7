"""The integration service with WebSockets as a test wants them: `/ws` echoes, at `/topic` all hear
what one says."""

from raw_websocket import RawWebSocket
from support import Case

MIB = 1024 * 1024


class WebSocketService(Case):
    def start(self, connections=1, config=None, **websocket):
        """`connections`: for how many the listener has room."""
        self.echo = self.service({"listeners": [{"address": "127.0.0.1:0", "name": "web",
                                                 "max_connections": connections}],
                                  "websocket": websocket, **(config or {})})
        self.echo.ready()
        self.port = self.echo.port()

    def client(self, **options):
        client = RawWebSocket(self.port, **options)
        self.addCleanup(client.close)
        return client

    def expect(self, client, *events):
        for event in events:
            self.assertEqual(client.event(), event)

    def closes(self, *clients):
        for client in clients:
            client.send_close()
            self.expect(client, ("close", 1000), ("end",))
            client.close()

    def hoards(self):
        """A sanitizer keeps what was freed: how much memory is in use says nothing."""
        with open(f"/proc/{self.echo.pid()}/maps", "rb") as file:
            maps = file.read()
        return b"libasan" in maps or b"libtsan" in maps

    def memory(self, what="VmRSS"):
        """What the service uses, in bytes; 0 where that says nothing."""
        if self.hoards():
            return 0
        with open(f"/proc/{self.echo.pid()}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(what))

    def peak(self):
        """The most that it has used so far."""
        return self.memory("VmHWM")
