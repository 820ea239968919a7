"""Bodies and trailers both ways over HTTP/2, by clients that others wrote; and how far a handler that
waits holds its client back, and a client that waits its handler."""

import json
import os
import re
import shutil
import unittest

from protocols import CLIENTS, PYTHON
from tls_support import TlsCase

WINDOW = 1024 * 1024  # http2_limits::initial_window_size
WATERMARK = 64 * 1024  # what a handler may write ahead of its client
MANY = 3_000_000


class Bodies(TlsCase):
    def setUp(self):
        self.running = self.start({"address": "127.0.0.1:0", "name": "web"}, self.listener("tls"))
        self.addCleanup(self.running.quit)

    def everywhere(self):
        """Port, base URL and CA of the listener in the clear, then of that with TLS."""
        for name, scheme, authority in (("web", "http", []),
                                        ("tls", "https", [self.authority.file("ca.pem")])):
            port = self.running.port(name)
            yield port, f"{scheme}://localhost:{port}", authority

    def python(self, what, port, authority):
        return json.loads(self.run_client(PYTHON, os.path.join(CLIENTS, "h2_bodies.py"), what,
                                          "127.0.0.1", str(port), *authority))

    def test_python(self):
        for port, _, authority in self.everywhere():
            self.assertEqual(self.python("sum", port, authority), {
                "text": f"{MANY}\n", "trailers": {"x-length": str(MANY), "x-mark": "python"}})

    @unittest.skipUnless(shutil.which("node"), "node is not installed (package nodejs)")
    def test_node(self):
        for _, url, authority in self.everywhere():
            seen = json.loads(self.run_client("node", os.path.join(CLIENTS, "node_bodies.cjs"), url,
                                              str(MANY), "node", *authority))
            self.assertEqual(seen, {"status": 200, "text": f"{MANY}\n",
                                    "trailers": {"x-length": str(MANY), "x-mark": "node"}})

    def test_nghttp(self):
        body = os.path.join(self.authority.folder, "body")
        with open(body, "wb") as file:
            file.write(b"b" * MANY)
        # -u: "Upgrade: h2c"; nghttp ignores it under TLS. A body would go before the 101.
        for _, url, _ in self.everywhere():
            said = self.run_client("nghttp", "-v", "-d", body, "--trailer", "x-mark: nghttp",
                                   url + "/sum").decode()
            self.assertRegex(said, r"\n%d\n" % MANY)
            heard = dict(re.findall(r"recv \(stream_id=\d+\) (x-[a-z]+): (\S+)", said))
            self.assertEqual(heard, {"x-length": str(MANY), "x-mark": "nghttp"})
            said = self.run_client("nghttp", "-v", "-u", url + "/sum").decode()
            self.assertEqual(said.count("HTTP Upgrade success"), url.startswith("http:"))
            self.assertRegex(said, r"recv \(stream_id=\d+\) x-length: 0\n")

    def test_a_handler_that_does_not_read_holds_the_client_back(self):
        for port, _, authority in self.everywhere():
            self.assertEqual(self.python("held", port, authority), {
                "unread": WINDOW, "window": 0, "text": f"{MANY}\n",
                "trailers": {"x-length": str(MANY), "x-mark": "python"}})

    def test_a_client_that_does_not_read_holds_the_handler_back(self):
        for port, _, authority in self.everywhere():
            seen = self.python("endless", port, authority)
            self.assertEqual(seen["taken"], 65_535)  # the window that everybody has
            self.assertLessEqual(seen["written"], seen["taken"] + WATERMARK, seen)
            self.assertGreater(seen["later"], seen["written"])


if __name__ == "__main__":
    unittest.main()
