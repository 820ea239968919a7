#!/usr/bin/env python3
"""Proves that bench_handshake and bench_idle succeed where all is well, and say so where not."""

import signal
import subprocess
import sys
import tempfile
import unittest

import harness
import peers
from harness import Client

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "build/bench"


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        harness.make_certificate(cls.folder.name)

    def serve(self, tls):
        return peers.ours(BUILD, certificate=self.folder.name if tls else None)

    def handshakes(self, server, *flags):
        """The client's exit status and report."""
        with Client(harness.program(BUILD, "bench_handshake"), "--address",
                    f"127.0.0.1:{server.port}", "--connections", 2, "--duration", 0.2,
                    *flags) as client:
            report = client.result()
        return client.process.returncode, report

    def test_handshakes_are_full_or_resumed(self):
        with self.serve(tls=True) as server:
            for flags in (["--tls", "1.2"], ["--tls", "1.3"], ["--tls", "1.2", "--resume"],
                          ["--tls", "1.3", "--resume"]):
                with self.subTest(flags=flags):
                    status, report = self.handshakes(server, *flags)
                    self.assertEqual((status, report["how"]), (0, {}))
                    self.assertGreater(report["handshakes"], 0)

    def test_a_failed_handshake_is_counted_and_makes_the_exit_status_1(self):
        with self.serve(tls=False) as server:
            status, report = self.handshakes(server)
        self.assertEqual((status, report["handshakes"]), (1, 0))
        self.assertGreater(report["failed"], 0)

    def idle(self, server, protocol, tls):
        return Client(harness.program(BUILD, "bench_idle"), "--address",
                      f"127.0.0.1:{server.port}", "--protocol", protocol, "--connections", 5,
                      *(["--tls"] if tls else []))

    def test_idle_connections_of_each_protocol_are_served_and_held(self):
        for tls in (False, True):
            with self.serve(tls) as server:
                for protocol in ("http1", "http2", "websocket"):
                    with self.subTest(protocol=protocol, tls=tls):
                        with self.idle(server, protocol, tls) as load:
                            load.ready()
                            report = load.stop()
                        self.assertEqual(load.process.returncode, 0)
                        self.assertEqual(report, {"connections": 5, "failed": 0})

    def test_a_connection_that_was_closed_meanwhile_makes_the_exit_status_1(self):
        server = self.serve(tls=False)
        with server, self.idle(server, "http1", False) as load:
            load.ready()
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            report = load.stop()
        self.assertEqual(load.process.returncode, 1)
        self.assertEqual(report["failed"], 5)

    def test_nobody_there_is_said(self):
        found = subprocess.run(
            [harness.program(BUILD, "bench_idle"), "--address",
             f"127.0.0.1:{harness.free_port()}"], capture_output=True, text=True)
        self.assertEqual(found.returncode, 2)
        self.assertIn("connect: Connection refused", found.stderr)


if __name__ == "__main__":
    unittest.main()
