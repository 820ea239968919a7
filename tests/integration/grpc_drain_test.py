"""A server that leaves: calls in flight finish, or hear UNAVAILABLE at the deadline."""

import signal
import unittest

from grpc_support import GrpcCase
from http2 import frames

EVERY_STREAM = 2**31 - 1


def message(text):
    """A baton.testing.Question behind gRPC's prefix."""
    question = bytes([0x0A, len(text)]) + text.encode()
    return bytes(1) + len(question).to_bytes(4, "big") + question


class Raw:
    """A stream of baton.testing.Probe/Talk, frame by frame."""

    def __init__(self, port, context=None):
        self.client = frames.Client(port, context)
        self.client.handshake()
        self.client.headers(1, self.client.request(
            "POST", "/baton.testing.Probe/Talk",
            [("content-type", "application/grpc"), ("te", "trailers")]), end=False)
        self.goaways = []

    def read_until(self, wanted):
        for frame in self.client.read_until(lambda got: self._note(got) or wanted(got)):
            last = frame
        return last

    def _note(self, frame):
        if frame.type == frames.GOAWAY:
            self.goaways.append((frame.code, frame.last_stream))
        elif frame.type == frames.PING and not frame.flags & frames.ACK:
            self.client.ping(frame.payload, frames.ACK)

    def ask(self, text):
        self.client.data(1, message(text), end=False)
        return self.read_until(lambda frame: frame.type in (frames.DATA, frames.RST_STREAM))

    def end(self):
        """The last frame of the stream."""
        return self.read_until(lambda frame: frame.stream == 1 and (
            frame.ends_stream or frame.type == frames.RST_STREAM))


class Drain(GrpcCase):
    def begin(self, service):
        """A client for each port, with streams and with a unary call that waits."""
        clients = [self.session(service, name) for name in ("web", "tls")]
        for client in clients:
            self.assertEqual(client.tell("talk", call=1, text="before")["text"], "before")
            client.tell("wait", call=2)
            self.assertEqual(client.tell("duplex", call=4, size=1), {"size": 1})
        for client in clients:
            client.tell("steer", call=3, **{"await": len(clients)})
        return clients

    def assert_sent_away(self, seen):
        """The end of a call in our words: it came in trailers."""
        self.assertEqual(seen, {"code": "UNAVAILABLE", "details": seen["details"]})
        self.assertIn("leav", seen["details"])

    def test_calls_in_flight_finish(self):
        for api in ("sync", "callback"):
            service = self.start(api=api)
            pid = service.pid()
            clients = self.begin(service)
            service.kill(signal.SIGQUIT)
            service.wait_log("step 3 of 5")
            for client in clients:
                self.assertEqual(client.tell("talk", call=1, text="after")["text"], "after")
                self.assertEqual(client.tell("duplex", call=4, size=70000), {"size": 70000})
            clients[0].tell("steer", call=3, release=True)
            for client in clients:
                self.assertEqual(client.tell("end", call=2)["pid"], pid)
                for call in (1, 3, 4):
                    self.assertEqual(client.tell("end", call=call), {"code": "OK", "details": ""})
            self.assertEqual(service.gone(), 0)
            service.wait_log("left after .* 0 dropped")
            for client in clients:
                client.close()

    def test_goaway_twice(self):
        for name in ("web", "tls"):
            service = self.start()
            context = None
            if name == "tls":
                context = frames.ssl.create_default_context(cafile=self.file("ca.pem"))
            raw = Raw(service.port(name), context)
            self.assertEqual(raw.ask("before").type, frames.DATA)
            self.assertEqual(raw.goaways, [])
            service.kill(signal.SIGQUIT)
            raw.read_until(lambda _: len(raw.goaways) == 2)
            self.assertEqual(raw.goaways, [(frames.NO_ERROR, EVERY_STREAM), (frames.NO_ERROR, 1)])
            self.assertEqual(raw.ask("after").type, frames.DATA)
            raw.client.data(1, b"")
            last = raw.end()
            self.assertEqual(last.type, frames.HEADERS)
            self.assertTrue(last.ends_stream)
            raw.client.read_until(lambda _: False)  # to the end of the connection
            raw.client.close()
            self.assertEqual(service.gone(), 0)

    def test_at_the_deadline_the_rest_hear_unavailable(self):
        for api in ("sync", "callback"):
            service = self.start(api=api, drain_timeout_ms=800)
            clients = self.begin(service)
            raw = Raw(service.port("web"))
            self.assertEqual(raw.ask("before").type, frames.DATA)
            service.kill(signal.SIGQUIT)
            for client in clients:
                for call in (1, 3, 4):
                    self.assert_sent_away(client.tell("next", call=call))
                self.assert_sent_away(client.tell("end", call=2))
            last = raw.end()
            self.assertEqual(last.type, frames.HEADERS)
            self.assertTrue(last.ends_stream)
            raw.client.close()
            service.gone()
            for client in clients:
                client.close()

    def test_health_says_so(self):
        service = self.start()
        client = self.session(service, "web")
        names = ("", "grpc.testing.TestService", "baton.testing.Probe", "baton.testing.Native")
        for call, name in enumerate(names):
            self.assertEqual(client.tell("health", call=call, service=name), {"health": "SERVING"})
        self.assertEqual(client.tell("health", call=9, service="nobody"),
                         {"health": "SERVICE_UNKNOWN"})
        self.assertEqual(client.tell("health", call=8, service="baton.testing.Resting"),
                         {"health": "NOT_SERVING"})
        service.kill(signal.SIGQUIT)
        for call in range(len(names)):
            self.assertEqual(client.tell("next", call=call), {"health": "NOT_SERVING"})
        for call in (*range(len(names)), 8, 9):
            client.tell("end", call=call, cancel=True)
        client.close()
        self.assertEqual(service.gone(), 0)


if __name__ == "__main__":
    unittest.main()
