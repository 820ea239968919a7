#!/usr/bin/env python3
"""Proves that the protocol load client counts each kind of failure, and counts nothing that is
none. Each case is a server that misbehaves in one way."""

import json
import os
import resource
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

import harness
from peer import Peer, always, answer, once, silent

LOAD = (sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-")
        else "bench_protocol_load")
PONG = b"pong by pid:7\n"
CLOSE = answer(head=b"Connection: close\r\n")
REMARKS = ("announced_close", "idle_close", "retried", "crossed")


def pause(seconds):
    threading.Event().wait(seconds)


def reset(connection):
    """Ends the connection at once, with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionAbortedError


def end(connection, politely=True):
    """Ends the connection so that no reset overtakes what was sent. Under TLS close_notify comes
    first, or (not `politely`) is left out."""
    if politely and isinstance(connection, ssl.SSLSocket):
        connection.settimeout(0)  # the client's own is not waited for
        try:
            connection.unwrap()
        except OSError:
            pass
        connection.settimeout(None)
    connection.shutdown(socket.SHUT_WR)
    silent(connection, 0)


# --- TLS

FOLDER = tempfile.TemporaryDirectory()
harness.make_certificate(FOLDER.name)
CA = os.path.join(FOLDER.name, "server.pem")


def make_context(*protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CA, os.path.join(FOLDER.name, "server.key"))
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def under_tls(serve, context=None, politely=True):
    """`serve` on a TLS connection; `politely`: close_notify at its end."""
    one = context or make_context()

    def outer(connection, number):
        with (one(number) if callable(one) else one).wrap_socket(
                connection, server_side=True, suppress_ragged_eofs=True) as secure:
            serve(secure, number)
            end(secure, politely)
    return outer


# --- HTTP/2 (RFC 9113)

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4
STATUS_200, STATUS_404 = b"\x88", b"\x8d"  # of HPACK's static table
EVERY_STREAM = 2**31 - 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        "!I", stream) + payload


def content_length(size):
    digits = b"%d" % size
    return b"\x0f\x0d" + bytes([len(digits)]) + digits


def good(stream, body=PONG, status=STATUS_200, length=None):
    fields = status + (content_length(length) if length is not None else b"")
    return (frame(HEADERS, END_HEADERS, stream, fields) + frame(DATA, END_STREAM, stream, body))


def goaway(last, code=0):
    return frame(GOAWAY, 0, 0, struct.pack("!II", last, code))


def http2(on_request):
    """Calls `on_request(connection, stream)` for each request; True ends the connection."""
    def serve(connection, _):
        with connection.makefile("rb") as come:
            come.read(24)
            connection.sendall(frame(SETTINGS, 0, 0))
            while len(head := come.read(9)) == 9:
                size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                come.read(size)
                if kind == SETTINGS and not flags:
                    connection.sendall(frame(SETTINGS, 1, 0))
                if kind == HEADERS and on_request(connection,
                                                  int.from_bytes(head[5:], "big")):
                    return None if isinstance(connection, ssl.SSLSocket) else end(connection)
    return serve


# --- WebSockets (RFC 6455)

ACCEPT = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
TEXT, CLOSING = 0x81, 0x88


def message(first, payload):
    assert len(payload) < 126
    return bytes([first, len(payload)]) + payload


def code(number):
    return struct.pack("!H", number)


def close_frame(number):
    return message(CLOSING, code(number))


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1)
        if not piece:
            raise ConnectionResetError
        head += piece
    return head


def websocket(on_message, accept=ACCEPT):
    """Calls `on_message(connection, opcode, payload)` for each; True ends the connection."""
    def serve(connection, _):
        read_head(connection)
        connection.sendall(accept)
        with connection.makefile("rb") as come:
            while len(head := come.read(2)) == 2:
                mask = come.read(4)
                payload = bytes(byte ^ mask[i % 4]
                                for i, byte in enumerate(come.read(head[1] & 0x7f)))
                if on_message(connection, head[0] & 15, payload):
                    return None if isinstance(connection, ssl.SSLSocket) else end(connection)
    return serve


def echo(connection, opcode, payload):
    connection.sendall(message(0x80 | opcode, payload))
    return opcode == 8


# --- event streams

def events(*numbers, end=b"0\r\n\r\n"):
    """Answers each request with events of these numbers, counted from the last that was seen."""
    def serve(connection, _):
        head = read_head(connection).lower()
        last = int(head.partition(b"last-event-id: ")[2].partition(b"\r")[0] or 0)
        text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        for number in numbers:
            event = b"id: %d\ndata: x\n\n" % (last + number)
            text += b"%x\r\n%s\r\n" % (len(event), event)
        connection.sendall(text + end)
    return serve


def load(kind, address, *flags, clients=1, hard_limit=None):
    def limit():
        if hard_limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        done = subprocess.run(
            [LOAD, "--clients", f"{kind}={clients}", "--clear", address, "--tls", address, "--ca", CA,
             "--body-prefix", "pong by pid:", "--streams", "4", "--json", file.name, "--quiet",
             *map(str, flags)],
            preexec_fn=limit, stderr=subprocess.PIPE, timeout=60, check=False)
        report = json.loads(file.read())
    return report["groups"][kind], done.returncode


SHORT = ("--duration", 0.2, "--deadline", 5000)
# Long enough for a peer in Python on a busy machine to answer what it does answer.
IMPATIENT = ("--duration", 0.2, "--deadline", 4000)


class Failures(unittest.TestCase):
    def failed_only(self, what, kind, serve, *flags):
        """All that fails, fails in this way; the exit status says so."""
        with Peer(serve) as peer:
            self.check(what, *load(kind, peer.address, *(flags or SHORT)))

    def check(self, what, group, status):
        self.assertGreater(group["incidents"][what], 0, group["incidents"])
        self.assertEqual(group["incidents"][what], group["failed"], group["incidents"])
        self.assertEqual(status, 1)


class Connecting(Failures):
    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = "127.0.0.1:%d" % listener.getsockname()[1]
        for kind in ("https", "h2c", "ws", "events"):
            self.check("connect_refused", *load(kind, address, *SHORT))

    def test_a_connection_that_fails_otherwise(self):
        with tempfile.TemporaryDirectory() as folder, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wrong:
            wrong.bind(folder + "/s")
            self.check("connect_failed", *load("h2", f"unix:{folder}/s", *SHORT))

    def test_reset_in_the_handshake(self):
        for kind in ("https", "h2", "wss"):
            self.failed_only("connect_reset", kind, once(reset=True))

    def test_clear_text_instead_of_tls(self):
        for kind in ("https", "h2"):
            self.failed_only("tls_failed", kind, once(answer()))

    def test_a_session_that_is_not_resumed(self):
        contexts = {}
        self.failed_only("not_resumed", "resume", under_tls(
            once(CLOSE), lambda number: contexts.setdefault(number, make_context())))

    def test_http2_that_was_not_agreed_on(self):
        self.failed_only("bad_handshake", "h2", under_tls(silent, make_context("http/1.1")))

    def test_no_descriptors_here(self):
        with Peer(always(answer())) as peer:
            group, status = load("http", peer.address, *SHORT, clients=3, hard_limit=5)
        self.check("local_error", group, status)


class Http1(Failures):
    def test_reset_before_the_answer(self):
        self.failed_only("reset_before_answer", "http", once(reset=True))

    def test_end_before_the_answer(self):
        self.failed_only("eof_before_answer", "http", once())
        self.failed_only("eof_before_answer", "https", under_tls(once()))

    def test_end_within_an_answer(self):
        self.failed_only("cut_answer", "http", once(answer()[:-3]))
        self.failed_only("cut_answer", "https", under_tls(once(answer()[:-3])))

    def test_end_without_close_notify(self):
        self.failed_only("missing_close_notify", "https", under_tls(once(CLOSE), politely=False))

    def test_reset_behind_the_last_answer(self):
        def serve(connection, _):
            connection.recv(65536)
            connection.sendall(CLOSE)
            pause(0.05)  # the client has read it
            reset(connection)
        self.failed_only("reset_at_end", "http", serve)

    def test_an_announced_end_that_does_not_come(self):
        self.failed_only("never_closed", "http", always(CLOSE), *IMPATIENT)
        self.failed_only("never_closed", "resume", under_tls(always(CLOSE)), *IMPATIENT)

    def test_another_status(self):
        self.failed_only("bad_status", "http", always(answer(status=b"503 No")))

    def test_no_http(self):
        self.failed_only("bad_framing", "http", always(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n"))

    def test_another_body(self):
        self.failed_only("bad_body", "http", always(answer(b"something else here\n")))

    def test_bytes_behind_the_last_answer(self):
        self.failed_only("unsolicited", "http", once(CLOSE + b"more"))

    def test_no_answer(self):
        self.failed_only("late", "http", silent, *IMPATIENT)
        self.failed_only("late", "https", under_tls(silent), *IMPATIENT)


class Http2(Failures):
    def test_reset(self):
        self.failed_only("reset_before_answer", "h2c", http2(lambda to, _: reset(to)))

    def test_end_before_the_answers(self):
        self.failed_only("eof_before_answer", "h2c", http2(lambda *_: True))
        self.failed_only("eof_before_answer", "h2",
                         under_tls(http2(lambda *_: True), make_context("h2")))

    def test_end_within_an_answer(self):
        def serve(connection, stream):
            connection.sendall(frame(HEADERS, END_HEADERS, stream, STATUS_200) +
                               frame(DATA, 0, stream, PONG))
            return stream == 7  # of the four
        self.failed_only("cut_answer", "h2c", http2(serve))

    def test_end_without_end_stream_is_late(self):
        def serve(connection, stream):
            connection.sendall(frame(HEADERS, END_HEADERS, stream, STATUS_200) +
                               frame(DATA, 0, stream, PONG))
        self.failed_only("late", "h2c", http2(serve), *IMPATIENT)

    def test_end_without_close_notify(self):
        def serve(connection, stream):
            connection.sendall(good(stream))
            if stream == 7:
                connection.sendall(goaway(7))
            return stream == 7
        self.failed_only("missing_close_notify", "h2",
                         under_tls(http2(serve), make_context("h2"), politely=False))

    def test_an_announced_end_that_does_not_come(self):
        def serve(connection, stream):
            connection.sendall(goaway(EVERY_STREAM) + good(stream))
        self.failed_only("never_closed", "h2c", http2(serve), *IMPATIENT)

    def test_another_status(self):
        self.failed_only("bad_status", "h2c", http2(
            lambda to, stream: to.sendall(good(stream, status=STATUS_404))))

    def test_another_body(self):
        self.failed_only("bad_body", "h2c", http2(
            lambda to, stream: to.sendall(good(stream, b"something else here\n"))))

    def test_less_body_than_announced(self):
        self.failed_only("wrong_length", "h2c", http2(
            lambda to, stream: to.sendall(good(stream, length=len(PONG) + 1))))

    def test_more_body_than_announced(self):
        self.failed_only("wrong_length", "h2c", http2(
            lambda to, stream: to.sendall(good(stream, length=3))))

    def test_no_http2(self):
        self.failed_only("bad_framing", "h2c", always(answer()))

    def test_a_stream_that_is_reset(self):
        self.failed_only("stream_reset", "h2c", http2(
            lambda to, stream: to.sendall(frame(RST_STREAM, 0, stream, struct.pack("!I", 2)))))

    def test_a_stream_that_goaway_promised(self):
        def serve(connection, _):
            connection.sendall(goaway(EVERY_STREAM))
            return True
        self.failed_only("unfinished_stream", "h2c", http2(serve))

    def test_goaway_for_a_fault(self):
        def serve(connection, stream):
            connection.sendall(good(stream))
            if stream == 7:
                connection.sendall(goaway(7, 11))
            return stream == 7
        self.failed_only("goaway_error", "h2c", http2(serve))

    def test_no_answer(self):
        self.failed_only("late", "h2c", http2(lambda *_: None), *IMPATIENT)


class WebSockets(Failures):
    def test_no_upgrade(self):
        self.failed_only("bad_handshake", "ws", always(answer()))
        self.failed_only("bad_handshake", "ws",
                         websocket(echo, ACCEPT.replace(b"xOo=", b"xOO=")))

    def test_end_in_the_handshake(self):
        self.failed_only("eof_before_answer", "ws", once())

    def test_a_masked_frame(self):
        self.failed_only("bad_frame", "ws", websocket(
            lambda to, opcode, _: to.sendall(bytes([TEXT, 0x81]) + b"\0\0\0\0x")))

    def test_a_frame_behind_the_close_frame(self):
        def serve(connection, opcode, payload):
            connection.sendall(close_frame(1001) + message(TEXT, payload))
        self.failed_only("bad_frame", "ws", websocket(serve))

    def test_another_message(self):
        self.failed_only("wrong_echo", "ws", websocket(
            lambda to, opcode, payload: echo(to, opcode, payload[::-1])))

    def test_an_echo_too_much(self):
        def serve(connection, opcode, payload):
            connection.sendall(message(TEXT, payload) + message(TEXT, b"1" + payload[1:]))
        self.failed_only("unsolicited", "ws", websocket(serve))

    def test_end_without_a_close_frame(self):
        self.failed_only("lost", "ws", websocket(lambda *_: True))
        self.failed_only("lost", "wss", under_tls(websocket(lambda *_: True)))

    def test_a_close_for_a_fault(self):
        self.failed_only("closed_for_a_fault", "ws", websocket(
            lambda to, *_: to.sendall(close_frame(1011))))

    def test_a_message_that_the_close_did_not_cross(self):
        def serve(connection, opcode, _):
            if opcode == 8:
                return True
            pause(0.05)
            connection.sendall(close_frame(1001))
            return False
        self.failed_only("unanswered_at_close", "ws", websocket(serve), *SHORT,
                         "--crossing", 10)

    def test_no_end_behind_the_close_frames(self):
        seen = []

        def serve(connection, opcode, payload):
            seen.append(payload)
            if opcode == 1 and len(seen) % 4 == 2:
                connection.sendall(close_frame(1012))
            elif payload != code(1012):
                echo(connection, opcode, payload)
        self.failed_only("never_closed", "ws", websocket(serve), *IMPATIENT)

    def test_end_without_close_notify(self):
        seen = []

        def serve(connection, opcode, payload):
            seen.append(payload)
            if opcode == 1 and len(seen) % 4 == 2:
                connection.sendall(close_frame(1001))
            elif payload != code(1001):
                echo(connection, opcode, payload)
            return opcode == 8
        self.failed_only("missing_close_notify", "wss",
                         under_tls(websocket(serve), politely=False))

    def test_our_close_frame_is_not_answered(self):
        self.failed_only("unclean_close", "ws", websocket(
            lambda to, opcode, payload: opcode == 8 or echo(to, opcode, payload)))

    def test_no_echo(self):
        self.failed_only("late", "ws", websocket(lambda *_: None), *IMPATIENT)


class Events(Failures):
    def test_an_event_is_left_out(self):
        self.failed_only("wrong_event", "events", events(1, 3))

    def test_an_event_comes_twice(self):
        self.failed_only("wrong_event", "events", events(1, 1))

    def test_end_within_the_stream(self):
        self.failed_only("cut_answer", "events", events(1, end=b""))

    def test_no_chunks(self):
        self.failed_only("bad_status", "events", always(answer()))

    def test_no_event(self):
        self.failed_only("late", "events", lambda connection, _: silent(connection, 0),
                         "--duration", 1.5, "--deadline", 100)


class NoFailures(unittest.TestCase):
    def good(self, kind, serve, *flags):
        with Peer(serve) as peer:
            group, status = load(kind, peer.address, *(flags or SHORT))
        self.assertEqual((group["failed"], status), (0, 0), group["incidents"])
        self.assertGreater(group["answered"], 0)
        return group

    def test_kept_connections(self):
        self.good("http", always(answer()))
        self.good("https", under_tls(always(answer())))

    def test_an_announced_close(self):
        for kind, serve in (("http", once(CLOSE)), ("https", under_tls(once(CLOSE)))):
            group = self.good(kind, serve)
            self.assertEqual(group["incidents"]["announced_close"], group["answered"])

    def test_a_close_while_idle(self):
        group = self.good("https-thinking", under_tls(once(answer())))
        self.assertGreater(group["incidents"]["idle_close"], 0)

    def test_sessions_are_resumed(self):
        for kind in ("resume", "resume-tls12"):
            group = self.good(kind, under_tls(once(CLOSE)))
            self.assertEqual(group["full_handshakes"], 1, kind)
            self.assertGreater(group["resumed_handshakes"], 0, kind)

    def test_http2(self):
        answers = http2(lambda to, stream: to.sendall(good(stream, length=len(PONG))))
        self.good("h2c", answers)
        self.good("h2", under_tls(answers, make_context("h2")))

    def test_streams_behind_the_last_one_are_sent_again(self):
        def serve(connection, stream):
            if stream == 3:
                connection.sendall(goaway(3))
            if stream <= 3:
                connection.sendall(good(stream))
            return stream == 7
        group = self.good("h2c", http2(serve))
        self.assertGreaterEqual(group["incidents"]["retried"],
                                2 * group["incidents"]["announced_close"])

    def test_streams_that_are_refused_are_sent_again(self):
        def serve(connection, stream):
            refused = stream % 4 == 3
            connection.sendall(frame(RST_STREAM, 0, stream, struct.pack("!I", 7)) if refused
                               else good(stream))
        group = self.good("h2c", http2(serve))
        self.assertGreater(group["incidents"]["retried"], 0)

    def test_websockets(self):
        for kind in ("ws", "ws-deep"):
            self.good(kind, websocket(echo))
        self.good("wss", under_tls(websocket(echo)))

    def test_messages_that_meet_a_close_frame_are_sent_again(self):
        seen = []

        def serve(connection, opcode, payload):
            seen.append(payload)
            if opcode == 1 and len(seen) % 5 == 3:
                connection.sendall(close_frame(1012))
            elif payload != code(1012):
                echo(connection, opcode, payload)
            return opcode == 8
        group = self.good("ws", websocket(serve))
        self.assertEqual(group["incidents"]["crossed"], group["incidents"]["announced_close"])
        self.assertGreater(group["incidents"]["crossed"], 0)

    def test_event_streams_go_on(self):
        group = self.good("events", events(1, 2, 3))
        self.assertGreater(group["answered"], 3)
        self.assertEqual(group["incidents"]["announced_close"], group["answered"] // 3)


if __name__ == "__main__":
    if not os.access(LOAD, os.X_OK):
        sys.exit("usage: protocol_load_selftest.py PATH_OF_BENCH_PROTOCOL_LOAD")
    unittest.main()
