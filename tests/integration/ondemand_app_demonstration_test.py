"""baton-ondemand without a configuration: a demonstration."""

import fcntl
import os
import re
import signal
import subprocess
import tempfile
import unittest

from ondemand_app_support import PROGRAM
from raw_websocket import TEXT, RawWebSocket
from support import PATIENCE, Case, connect


class Demonstration(Case):
    def setUp(self):
        # The ports are asked for, then taken: one of these tests at a time.
        alone = open(os.path.join(tempfile.gettempdir(), "baton-demonstration.lock"), "w", encoding="ascii")
        self.addCleanup(alone.close)
        fcntl.flock(alone, fcntl.LOCK_EX)

    def start(self, *flags):
        demo = self.service(program=PROGRAM, arguments=list(flags))
        found = demo.wait_for(
            lambda: re.search(r"the services +http://(\S+)/\n.*they do +http://(\S+)/services/",
                              "\n".join(demo.output)), "addresses")
        demo.web = int(found.group(1).rsplit(":", 1)[1])
        demo.admin = int(found.group(2).rsplit(":", 1)[1])
        return demo

    def test_its_services_come_and_go_and_nothing_is_left(self):
        demo = self.start("--demo", "--set", "services.page.idle_timeout=100ms")
        index = self.get(demo.web, "/")
        for link in ("/page", "/clock", "/echo"):
            self.assertIn(f'href="{link}"', index)
        self.assertIn(f"http://127.0.0.1:{demo.admin}/services/", index)
        self.assertEqual(demo.count_log("starting, was stopped"), 0)
        self.assertRegex(self.get(demo.web, "/page"), r"I am process \d+, and have run for \d+ ms")
        demo.wait_log("page: stopped, was stopping")
        with connect(demo.web) as clock:
            clock.sendall(b"GET /clock/events HTTP/1.1\r\nHost: a\r\n\r\n")
            seen = b""
            while not re.search(rb"data: \d\d:\d\d:\d\d\n", seen):
                seen += clock.recv(4096)
        echo = RawWebSocket(demo.web, "/echo/ws")
        echo.message(TEXT, b"hello")
        self.assertEqual(echo.event(), ("text", "hello"))
        echo.close()
        self.assertIn("echo", self.run_client(PROGRAM, "status", "--admin", f"127.0.0.1:{demo.admin}").decode())
        os.kill(demo.process.pid, signal.SIGINT)
        self.assertEqual(demo.gone(), 0)

    def test_ports_that_are_taken_are_not_asked_for(self):
        first = self.start()
        second = self.start()
        self.assertNotEqual(first.web, second.web)
        self.assertNotEqual(first.admin, second.admin)
        self.assertIn("Services on demand", self.get(second.web, "/"))
        for demo in (first, second):
            os.kill(demo.process.pid, signal.SIGTERM)
            demo.gone()

    def test_it_is_hot_restarted_like_any_other(self):
        demo = self.start()
        page = self.get(demo.web, "/page")
        os.kill(demo.process.pid, signal.SIGUSR1)
        new = int(demo.wait_log(r"start new process success, pid (\d+)").group(1))
        demo.wait_log(rf"generation 2, pid {new}\].*inherited http on \S*:{demo.web} as 'web'")
        process = re.search(r"process (\d+)", page).group(1)
        self.assertIn(f"process {process},", self.get(demo.web, "/page"))
        os.kill(new, signal.SIGTERM)
        demo.gone()

    def test_a_part_of_it_alone_says_what_it_is(self):
        done = subprocess.run([PROGRAM, "demonstrate", "page"], capture_output=True, text=True,
                              timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 69)
        self.assertIn("start that, without anything behind it", done.stderr)


if __name__ == "__main__":
    unittest.main()
