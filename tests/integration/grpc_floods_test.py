"""Clients of gRPC that are hostile or broken: each hears what is wrong, costs a bounded amount, and
leaves the others alone."""

import base64
import json
import subprocess
import unittest
import zlib

from grpc_support import MISSING, Follower, GrpcCase
from http2 import frames
from protocols import CLIENTS, PYTHON
from support import descriptors

MIB = 1024 * 1024
MOST = 4 * MIB  # call_options::max_receive_message
BRIDGED = "/baton.testing.Probe/Who"
NATIVE = "/baton.testing.Native/Who"
OK, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = "0", "8", "12", "13"
# What a service may hold on top for one hostile client. Sanitizers keep what was freed.
ROOM = 160 * MIB


def message(payload=b"", flags=0, length=None):
    return bytes([flags]) + (len(payload) if length is None else length).to_bytes(4, "big") + payload


def question(text):
    return b"\x0a" + frames.integer(len(text), 7)[:1] + text.encode()


def gzip(data_of, level=1):
    """Packs pieces that need never be in memory all at once."""
    packer = zlib.compressobj(level, wbits=31)
    return b"".join(packer.compress(piece) for piece in data_of) + packer.flush()


def peak(pid):
    """Bytes of memory: now, and at most since the last call."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        kib = {line.split(":")[0]: line.split()[1] for line in file if line.startswith("Vm")}
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return int(kib["VmRSS"]) * 1024, int(kib["VmHWM"]) * 1024


class Raw:
    """clients/grpc_raw.py: calls as they should not be."""

    def __init__(self, test, port):
        self.process = subprocess.Popen([PYTHON, f"{CLIENTS}/grpc_raw.py", str(port)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.authority = f"localhost:{port}"
        test.addCleanup(self.close)

    def close(self):
        if not self.process.stdin.closed:
            self.process.communicate()

    def call(self, path, body=b"", more=(), end=True, method="POST", kind="application/grpc",
             te="trailers"):
        fields = [(":method", method), (":scheme", "http"), (":path", path),
                  (":authority", self.authority)]
        fields += [("content-type", kind)] if kind is not None else []
        fields += [("te", te)] if te is not None else []
        self.process.stdin.write(json.dumps(
            {"fields": [*fields, *more], "body": base64.b64encode(body).decode(), "end": end}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.communicate()[1])
        return json.loads(line)


def status(seen):
    """grpc-status, wherever it stands."""
    return seen["trailers"].get("grpc-status", seen["head"].get("grpc-status"))


class Floods(GrpcCase):
    def setUp(self):
        self.running = self.start(self.clear())
        self.port = self.running.port()
        self.pid = self.running.pid()
        self.neighbour = None if MISSING["python"] else Follower(
            self, self.command("python", "follow", self.running, "web"))
        self.before = descriptors(self.pid)
        self.memory = peak(self.pid)[0]

    def tearDown(self):
        """Nobody else noticed, and nothing was kept."""
        held = peak(self.pid)[1] - self.memory
        self.assertLess(held, ROOM)
        # What follows opens connections of its own, one at a time.
        self.running.wait_for(lambda: descriptors(self.pid) <= self.before + 4,
                              f"descriptors, {self.before} as before")
        if self.neighbour is not None:
            seen, errors = self.neighbour.stop()
            for kind in ("unary", "stream", "channel"):
                self.assertEqual(seen[kind]["failed"], 0, (kind, seen, errors))
                self.assertGreater(seen[kind]["answered"], 0, kind)
        self.assertEqual(self.running.quit(), 0)
        self.assertEqual(self.running.count_log(r"\[error\]|threw|terminate"), 0)

    def raw(self):
        return Raw(self, self.port)

    def both(self, check):
        """With a handler of generated code and with a native route, and both go on behind it."""
        raw = self.raw()
        for path in (BRIDGED, NATIVE):
            with self.subTest(path=path):
                check(raw, path)
                seen = raw.call(path, message(question("still there")))
                self.assertEqual((seen["head"][":status"], status(seen)), ("200", OK), seen)
        raw.close()

    def refused(self, code, body, says, more=(), end=True):
        def check(raw, path):
            seen = raw.call(path, body, more, end or path == NATIVE)
            self.assertEqual((seen["head"].get(":status"), status(seen)), ("200", code), seen)
            text = {**seen["head"], **seen["trailers"]}["grpc-message"]
            self.assertRegex(text, says)
            self.assertIsNone(seen["goaway"])
        self.both(check)

    # --- messages

    def test_flags_that_are_none_of_grpcs(self):
        self.refused(INTERNAL, message(question("x"), flags=2), "flags")

    def test_four_gibibytes_announced(self):
        self.refused(RESOURCE_EXHAUSTED, message(b"begun", length=2**32 - 1), "4294967295", end=False)

    def test_longer_than_the_limit(self):
        self.refused(RESOURCE_EXHAUSTED, message(bytes(MOST + 1)), str(MOST))

    def test_cut_in_the_middle(self):
        for part in (b"\0", message(length=100), message(b"x" * 99, length=100)):
            self.refused(INTERNAL, part, "ends within a message")

    def test_no_message_of_the_type(self):
        def check(raw, path):
            seen = raw.call(path, message(b"\xff\xff\xff"))
            # grpc++'s handlers with callbacks say UNIMPLEMENTED, with any transport.
            wanted = INTERNAL if path == NATIVE else UNIMPLEMENTED
            self.assertEqual((seen["head"].get(":status"), status(seen)), ("200", wanted), seen)
        self.both(check)

    def test_bomb(self):
        """256 MiB in 256 KiB."""
        packed = gzip(bytes(MIB) for _ in range(256))
        for _ in range(3):
            self.refused(RESOURCE_EXHAUSTED, message(packed, flags=1), "unpacked",
                         [("grpc-encoding", "gzip")])

    def test_packed_rubbish(self):
        whole = gzip([question("x")])
        for broken in (b"rubbish", whole[:-9], b""):
            self.refused(INTERNAL, message(broken, flags=1), "unpacked",
                         [("grpc-encoding", "gzip")])

    def test_packed_without_saying_how(self):
        self.refused(INTERNAL, message(gzip([question("x")]), flags=1), "grpc-encoding")

    # --- heads

    def test_unknown_encoding(self):
        def check(raw, path):
            seen = raw.call(path, message(question("x")), [("grpc-encoding", "snappy")])
            self.assertEqual((seen["head"][":status"], status(seen)), ("200", UNIMPLEMENTED), seen)
            self.assertIn("gzip", seen["head"]["grpc-accept-encoding"].split(","))
            self.assertIn("snappy", seen["head"]["grpc-message"])
        self.both(check)

    def test_timeouts_that_are_none(self):
        for wrong in ("soon", "1", "S", "1x", "-1S", "123456789S", "1 S"):
            self.refused(INTERNAL, message(question("x")), "grpc-timeout", [("grpc-timeout", wrong)])

    def test_metadata_that_is_not_base64(self):
        for wrong in ("!", "a", "YWJj=", "YW Jj"):
            self.refused(INTERNAL, message(question("x")), "base64", [("thing-bin", wrong)])

    def test_more_metadata_than_the_limit(self):
        def check(raw, path):
            seen = raw.call(path, message(question("x")), [("thing", "x" * 10_000)])
            self.assertEqual((seen["head"].get(":status"), seen["goaway"]), ("431", None), seen)
        self.both(check)

    def test_far_more_metadata_than_the_limit(self):
        def check(_, path):
            # One HEADERS frame of 60 KiB is more than SETTINGS_MAX_FRAME_SIZE: CONTINUATIONs.
            with frames.Client(self.port) as client:
                client.handshake()
                client.headers(1, client.request("POST", path), end_headers=False)
                for _ in range(8):
                    client.continuation(1, [("thing", "x" * 8_000)], end_headers=False)
                client.continuation(1, [("last", "x")])
                last = client.read_until(
                    lambda got: got.type in (frames.RST_STREAM, frames.GOAWAY, frames.HEADERS))[-1]
                self.assertNotEqual(last.type, frames.HEADERS)
        self.both(check)

    def test_another_content_type(self):
        def check(raw, path):
            for kind in ("application/json", "application/grpcish", None):
                seen = raw.call(path, message(question("x")), kind=kind)
                self.assertEqual(seen["head"].get(":status"), "415", (kind, seen))
        self.both(check)

    def test_another_method(self):
        def check(raw, path):
            for method in ("GET", "PUT", "DELETE"):
                seen = raw.call(path, message(question("x")), method=method)
                self.assertEqual(seen["head"].get(":status"), "405", (method, seen))
                self.assertIn("POST", seen["head"]["allow"])
        self.both(check)

    def test_without_te(self):
        """A client that forgets to say that it takes trailers gets them all the same."""
        def check(raw, path):
            seen = raw.call(path, message(question("x")), te=None)
            self.assertEqual((seen["head"][":status"], status(seen)), ("200", OK), seen)
        self.both(check)

    # --- floods

    def calm(self, client):
        """The server ends the connection, and says why."""
        seen = client.read_until(lambda got: got.type == frames.GOAWAY)
        client.close()
        if seen and seen[-1].type == frames.GOAWAY:  # else it met what we still sent: a reset
            self.assertEqual(seen[-1].code, frames.ENHANCE_YOUR_CALM, seen[-1].reason)

    def flood(self, pieces):
        with frames.Client(self.port) as client:
            client.handshake()
            for piece in pieces(client):
                client.send(piece)
            self.calm(client)

    def head(self, client, path):
        return frames.block(client.request(
            "POST", path, [("content-type", "application/grpc"), ("te", "trailers")]))

    def test_rapid_reset(self):
        for path, body in (("/baton.testing.Probe/Wait", message(question("x"))),
                           ("/baton.testing.Probe/Talk", b""), (NATIVE, b"")):
            def pieces(client):
                fields = self.head(client, path)
                for stream in range(1, 2000, 2):
                    yield (frames.frame(frames.HEADERS, frames.END_HEADERS, stream, fields) +
                           frames.frame(frames.DATA, 0, stream, body) +
                           frames.frame(frames.RST_STREAM, 0, stream, frames.word(frames.CANCEL)))
            with self.subTest(path=path):
                self.flood(pieces)

    def test_calls_that_are_spoiled(self):
        """A client whose broken frames make us reset its streams is as one that does."""
        def pieces(client):
            fields = self.head(client, "/baton.testing.Probe/Talk")
            for stream in range(1, 2000, 2):
                yield (frames.frame(frames.HEADERS, frames.END_HEADERS, stream, fields) +
                       frames.frame(frames.WINDOW_UPDATE, 0, stream, frames.word(2**31 - 1)))
                # No more at once than it may have.
                seen = client.read_until(lambda got: got.type in (frames.RST_STREAM, frames.GOAWAY))
                if not seen or seen[-1].type == frames.GOAWAY:
                    self.assertEqual(seen[-1].code, frames.ENHANCE_YOUR_CALM)
                    return
            self.fail("it went on for ever")
        self.flood(pieces)

    def test_continuations(self):
        def pieces(client):
            fields = self.head(client, BRIDGED)
            yield frames.frame(frames.HEADERS, 0, 1, fields)
            for _ in range(5000):
                yield frames.frame(frames.CONTINUATION, 0, 1)
        self.flood(pieces)

    def test_settings(self):
        self.flood(lambda _: (frames.frame(frames.SETTINGS, 0, 0) * 100 for _ in range(100)))

    def test_pings(self):
        self.flood(lambda _: (frames.frame(frames.PING, 0, 0, bytes(8)) * 100 for _ in range(100)))

    def test_messages_of_nothing(self):
        """Empty DATA frames within a call."""
        def pieces(client):
            fields = self.head(client, "/baton.testing.Probe/Talk")
            yield frames.frame(frames.HEADERS, frames.END_HEADERS, 1, fields)
            for _ in range(100):
                yield frames.frame(frames.DATA, 0, 1) * 100
        self.flood(pieces)

    def test_many_calls_that_wait_for_their_message(self):
        """As many as a connection may have, each with half a message of the longest kind."""
        clients = []
        for _ in range(4):
            client = frames.Client(self.port)
            client.handshake()
            fields = self.head(client, BRIDGED)
            window = client.server_settings.get(frames.INITIAL_WINDOW_SIZE, 65_535)
            self.assertLessEqual(window, MIB)
            for stream in range(1, 200, 2):
                client.send(frames.frame(frames.HEADERS, frames.END_HEADERS, stream, fields) +
                            frames.frame(frames.DATA, 0, stream, message(b"x" * 1000, length=MOST)))
            client.ping()
            client.read_until(lambda got: got.type == frames.PING)
            clients.append(client)
        for client in clients:
            client.close()


if __name__ == "__main__":
    unittest.main()
