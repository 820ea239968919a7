"""WebSockets over HTTP/2 (RFC 8441), seen by a client that others framed."""

import os
import subprocess
import unittest

from protocols import CLIENTS, PYTHON, Protocols
from support import PATIENCE, Case, is_alive

CLIENT = [PYTHON, os.path.join(CLIENTS, "h2_ws_client.py")]


class WebSocketOverHttp2(Protocols):
    def where(self):
        return [str(self.clear)], [str(self.tls), self.file("ca.pem")]

    def plays(self, *parts):
        service = self.start("--ws-deflate")
        for part in parts:
            for where in self.where():
                with self.subTest(part=part, where=where):
                    self.assertEqual(self.run_client(*CLIENT, part, *where).strip(), b"ok")
        service.quit()

    def test_messages(self):
        self.plays("echo", "deflate")

    def test_many_on_one_connection(self):
        self.plays("many")

    def test_resets_and_ends_without_a_close(self):
        self.plays("cancel")

    def test_handshakes_that_are_refused(self):
        self.plays("refusals")

    def test_restarts_say_1001_and_wait(self):
        service = self.start()
        for where in self.where():
            client = subprocess.Popen([*CLIENT, "follow", *where], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(lambda one=client: one.poll() is None and one.kill())
            for again in ("again\n", ""):
                told = client.stdout.readline().strip()
                self.assertEqual(told, "connected", told or client.communicate()[1])
                old = service.pid()
                service.upgrade()
                service.wait_for(lambda old=old: not is_alive(old), f"end of pid {old}")
                if again:
                    client.stdin.write(again)
                    client.stdin.flush()
            output, errors = client.communicate("", timeout=PATIENCE)
            self.assertEqual((client.returncode, output.strip()), (0, "ok"), errors)
        service.quit()


class Bounds(Case):
    """What the service's limits and options say holds for each stream."""

    def plays(self, *parts, **config):
        service = self.service(config)
        service.ready()
        for part in parts:
            with self.subTest(part=part):
                done = subprocess.run([*CLIENT, part, str(service.port())], capture_output=True,
                                      timeout=PATIENCE * 2, check=False)
                self.assertEqual((done.returncode, done.stdout.strip()), (0, b"ok"), done.stderr)
        return service

    def test_lazy_clients(self):
        self.plays("stays", "stalled", linger_timeout_ms=200, write_timeout_ms=300).quit()

    def test_silent_clients(self):
        service = self.plays("silent", websocket={"ping_interval_ms": 100,
                                                  "pong_deadline_ms": 500})
        service.wait_log("websocket ended with 1006: no answer came to a ping")
        service.quit()

    def test_topics(self):
        self.plays("topic", threads=2).quit()

    def test_over_the_cap(self):
        self.plays("crowded", "crowded", websocket={"max_connections": 2}).quit()


if __name__ == "__main__":
    unittest.main()
