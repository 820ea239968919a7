#!/usr/bin/env python3
"""Proves that the load client counts each kind of failure, and counts nothing that is none.

Each case is a server that misbehaves in one way. `connect_reset` has no case: on loopback a
connection that could be established is established before the client can be told of a reset.
"""

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from peer import Peer, always, answer, once, silent

LOAD = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "bench_load"


def load(address, *flags, hard_limit=None):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        def limit():
            if hard_limit:
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
        done = subprocess.run(
            [LOAD, "--address", address, "--json", file.name, "--quiet", *map(str, flags)],
            preexec_fn=limit, stderr=subprocess.PIPE, timeout=60, check=False)
        report = json.loads(file.read())
    return report["total"], done.returncode, report


def delayed(seconds):
    def serve(connection, _):
        never = threading.Event()
        while connection.recv(65536):
            never.wait(seconds)
            connection.sendall(answer())
    return serve


class Failures(unittest.TestCase):
    def failed_only(self, what, serve, *flags):
        """All that fails, fails in this way; the exit status says so."""
        with Peer(serve) as peer:
            self.check(what, *load(peer.address, *(flags or ("--requests", 3))))

    def check(self, what, total, status, _):
        self.assertGreater(total["incidents"][what], 0, total["incidents"])
        self.assertEqual(total["incidents"][what], total["failed"], total["incidents"])
        self.assertEqual(status, 1)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = "127.0.0.1:%d" % listener.getsockname()[1]
        total, status, report = load(address, "--requests", 3)
        self.check("connect_refused", total, status, report)
        self.assertEqual(total["failed"], 3)

    def test_a_connection_that_fails_otherwise(self):
        with tempfile.TemporaryDirectory() as folder, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wrong:
            wrong.bind(folder + "/s")
            self.check("connect_failed", *load(f"unix:{folder}/s", "--requests", 3))

    def test_reset_before_the_answer(self):
        self.failed_only("reset_before_answer", once(reset=True))

    def test_end_before_the_answer(self):
        self.failed_only("eof_before_answer", once())

    def test_end_before_the_second_answer_on_a_kept_connection(self):
        def serve(connection, _):
            connection.recv(65536)
            connection.sendall(answer())
            connection.recv(65536)
        self.failed_only("eof_before_answer", serve, "--requests", 6)

    def test_each_pipelined_request_is_counted(self):
        with Peer(once(answer())) as peer:
            total, status, _ = load(peer.address, "--pipelined", 1, "--depth", 8, "--requests", 8)
        lost = total["incidents"]["eof_before_answer"] + total["incidents"]["reset_before_answer"]
        self.assertEqual((total["answered"], lost, status), (1, 7, 1))

    def test_end_within_a_body(self):
        self.failed_only("cut_answer", once(answer()[:-3]))

    def test_reset_within_a_body(self):
        self.failed_only("cut_answer", once(answer(b"x" * 100000)[:-3], reset=True))

    def test_end_within_a_head(self):
        self.failed_only("cut_answer", once(answer()[:20]))

    def test_end_within_chunks(self):
        self.failed_only("cut_answer",
                         once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"))

    def test_another_status(self):
        self.failed_only("bad_status", always(answer(status=b"503 Service Unavailable")))

    def test_another_status_that_ends_with_the_connection(self):
        self.failed_only("bad_status", once(b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\nsorry"))

    def test_no_length(self):
        self.failed_only("bad_framing", once(b"HTTP/1.1 200 OK\r\n\r\nbody"))

    def test_two_lengths(self):
        self.failed_only("bad_framing", always(answer(head=b"Content-Length: 2\r\n")))

    def test_length_and_chunked(self):
        self.failed_only("bad_framing", always(answer(head=b"Transfer-Encoding: chunked\r\n")))

    def test_no_http(self):
        self.failed_only("bad_framing", always(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n"))

    def test_a_bad_chunk_size(self):
        self.failed_only("bad_framing", always(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"))

    def test_another_beginning_of_the_body(self):
        self.failed_only("bad_body", always(answer()), "--requests", 3, "--body-prefix", "ping")

    def test_a_body_shorter_than_its_expected_beginning(self):
        self.failed_only("bad_body", always(answer(b"po")), "--requests", 3,
                         "--body-prefix", "pong")

    def test_another_size_of_the_body(self):
        self.failed_only("bad_body", always(answer()), "--requests", 3, "--body-size", 15)

    def test_a_body_that_changes(self):
        def serve(connection, _):
            number = 0
            while connection.recv(65536):
                connection.sendall(answer(b"answer %d" % min(number, 1)))
                number += 1
        self.failed_only("bad_body", serve, "--requests", 4, "--constant-body")

    def test_bytes_behind_the_answer(self):
        self.failed_only("unsolicited", always(answer() + b"more"))

    def test_bytes_while_idle(self):
        def serve(connection, _):
            connection.recv(65536)
            connection.sendall(answer())
            threading.Event().wait(0.05)
            connection.sendall(answer(status=b"408 Request Timeout"))
            silent(connection, 0)
        self.failed_only("unsolicited", serve, "--thinking", 1, "--think", 60000, "--duration", 1)

    def test_a_late_answer(self):
        self.failed_only("late", delayed(0.1), "--requests", 3, "--deadline", 20)

    def test_no_answer(self):
        self.failed_only("unanswered", silent, "--requests", 1, "--duration", 0.1,
                         "--deadline", 100)

    def test_a_one_shot_connection_that_is_not_closed(self):
        with Peer(always(answer())) as peer:
            self.check("never_closed", *load(peer.address, "--one-shot", 1, "--duration", 0.3,
                                             "--deadline", 50))

    def test_no_descriptors_here(self):
        with Peer(always(answer())) as peer:
            total, status, _ = load(peer.address, "--keep-alive", 30, "--duration", 0.2,
                                    hard_limit=20)
        self.assertGreater(total["incidents"]["local_error"], 0)
        self.assertEqual((total["incidents"]["local_error"], status), (total["failed"], 1))


class NoFailures(unittest.TestCase):
    def good(self, serve, *flags):
        with Peer(serve) as peer:
            total, status, report = load(peer.address, "--body-prefix", "pong by pid:", *flags)
        self.assertEqual((total["failed"], status), (0, 0), total["incidents"])
        return total, report

    def test_keep_alive(self):
        total, report = self.good(always(answer()), "--requests", 100, "--keep-alive", 4,
                                  "--threads", 2)
        self.assertEqual((total["answered"], total["connects"]), (100, 4))
        self.assertEqual([seen["pid"] for seen in report["total"]["pids"]], [7])
        self.assertEqual(report["total"]["pids"][0]["answers"], 100)

    def test_an_answer_in_single_bytes(self):
        pieces = [bytes([byte]) for byte in answer()]
        self.assertEqual(self.good(always(*pieces), "--requests", 5)[0]["answered"], 5)

    def test_chunked_in_single_bytes_behind_a_100(self):
        text = (b"HTTP/1.1 100 Continue\r\n\r\n"
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"8;a=b\r\npong by \r\nA\r\npid:12345\n\r\n0\r\nTrailer: x\r\n\r\n")
        _, report = self.good(always(*[bytes([byte]) for byte in text]), "--requests", 3)
        self.assertEqual([seen["pid"] for seen in report["total"]["pids"]], [12345])
        self.good(always(text), "--requests", 3)

    def test_an_announced_close_is_no_failure(self):
        total, _ = self.good(once(answer(head=b"Connection: close\r\n")), "--requests", 10)
        self.assertEqual((total["answered"], total["connects"]), (10, 10))
        self.assertEqual(total["incidents"]["announced_close"], 10)

    def test_http_1_0_announces_its_close(self):
        total, _ = self.good(once(answer().replace(b"1.1", b"1.0")), "--requests", 4)
        self.assertEqual(total["incidents"]["announced_close"], 4)

    def test_what_is_pipelined_behind_an_announced_close_is_sent_again(self):
        total, _ = self.good(once(answer(head=b"Connection: close\r\n")), "--pipelined", 1,
                             "--depth", 4, "--requests", 4)
        self.assertEqual((total["answered"], total["connects"]), (4, 4))
        self.assertEqual(total["incidents"]["retried"], 3 + 2 + 1)

    def test_an_unannounced_close_while_idle_is_told(self):
        total, _ = self.good(once(answer()), "--thinking", 2, "--think", 50, "--duration", 0.5)
        self.assertGreater(total["incidents"]["unannounced_idle_close"], 0)
        self.assertGreater(total["connects"], 2)

    def test_one_shot(self):
        total, _ = self.good(once(answer(head=b"Connection: close\r\n")), "--one-shot", 2,
                             "--requests", 20)
        self.assertEqual((total["answered"], total["connects"]), (20, 20))

    def test_idle_connections_are_asked_once(self):
        total, _ = self.good(always(answer()), "--idle", 20, "--duration", 0.3)
        self.assertEqual((total["answered"], total["connects"]), (20, 20))

    def test_latency_is_that_of_the_server(self):
        total, _ = self.good(delayed(0.05), "--requests", 4)
        self.assertGreaterEqual(total["latency_us"]["p50"], 50_000 * 0.99)
        self.assertGreaterEqual(total["latency_us"]["max"], total["latency_us"]["p50"] * 0.99)

    def test_groups_are_told_apart(self):
        _, report = self.good(always(answer()), "--keep-alive", 2, "--thinking", 3, "--think", 10,
                              "--duration", 0.3)
        self.assertEqual({name: group["connections"] for name, group in report["groups"].items()},
                         {"keep-alive": 2, "thinking": 3})

    def test_unix_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(folder + "/s")
            listener.listen(1)

            def serve():
                connection, _ = listener.accept()
                always(answer())(connection, 0)
                connection.close()
            thread = threading.Thread(target=serve)
            thread.start()
            total, status, _ = load(f"unix:{folder}/s", "--requests", 5)
            thread.join()
            listener.close()
        self.assertEqual((total["answered"], total["failed"], status), (5, 0, 0))


if __name__ == "__main__":
    if not os.access(LOAD, os.X_OK):
        sys.exit("usage: load_selftest.py PATH_OF_BENCH_LOAD")
    unittest.main()
