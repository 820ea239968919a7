"""The published list of HTTP/2 conformance cases, against the demonstration program."""

import unittest

from http2 import (cases, frame_cases, generic_cases, hpack_cases,  # noqa: F401 (they register)
                   message_cases, stream_cases)
from protocols_test import Protocols
from support import PATIENCE

# As many as the list has: a case that is lost would not be missed.
LISTED = {"generic": 44, "http2": 95, "hpack": 8}


class Conformance(Protocols):
    def run_all(self, port, path, post_path, context=None):
        for name, run in cases.ALL.items():
            with self.subTest(name), cases.Peer(port, path, post_path, context=context,
                                                patience=PATIENCE) as peer:
                run(peer)
        self.assertIn("pong by pid:", self.get(self.clear))

    def test_no_case_is_missing(self):
        for part, count in LISTED.items():
            known = [name for name in cases.ALL if name.startswith(part + "/")]
            self.assertEqual(len(known), count, known)

    def test_in_the_clear(self):
        service = self.start()
        self.run_all(self.clear, "/ping", "/echo")
        service.quit()

    def test_over_tls(self):
        service = self.start()
        self.run_all(self.tls, "/ping", "/echo", self.context())
        service.quit()

    def test_where_post_is_not_allowed(self):
        """An answer that is given before the request is complete does not hide what is wrong with
        the rest of it."""
        service = self.start()
        self.run_all(self.clear, "/ping", "/ping")
        service.quit()

    def test_where_nothing_is_found(self):
        service = self.start()
        self.run_all(self.tls, "/", "/", self.context())
        service.quit()


if __name__ == "__main__":
    unittest.main()
