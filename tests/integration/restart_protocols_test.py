"""No failed request over 10 restarts with clients of every protocol at once, in the clear and under
TLS: HTTPS with keep-alive, 100 HTTP/2 streams a connection, WebSockets that follow the close codes,
event streams that go on, sessions resumed by each generation."""

import json
import os
import signal
import subprocess
import unittest

from protocols import Protocols
from support import BUILD, PATIENCE, is_alive

LOAD = os.path.join(BUILD, "tests/bench/bench_protocol_load")
RESTARTS = int(os.environ.get("BATON_RESTARTS", "10"))
CLIENTS = {"http": 2, "https": 8, "https-thinking": 16, "h2": 1, "h2c": 1, "ws": 4, "wss": 4,
           "ws-deep": 1, "wss-deep": 1, "one-shot": 1, "resume": 1, "resume-tls12": 1,
           "events": 2, "events-tls": 2}


class EveryProtocol(Protocols):
    def begin_load(self, report):
        clients = [flag for name, count in CLIENTS.items()
                   for flag in ("--clients", f"{name}={count}")]
        load = subprocess.Popen(
            [LOAD, *clients, "--clear", f"127.0.0.1:{self.clear}", "--tls",
             f"127.0.0.1:{self.tls}", "--ca", self.file("ca.pem"), "--mix", "--body-prefix",
             "pong by pid:", "--duration", "600", "--deadline", "20000", "--crossing", "20000",
             "--json", report],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: load.poll() is None and load.kill())
        while "ready:" not in load.stderr.readline():
            self.assertIsNone(load.poll(), "the load client ended early")
        return load

    def restart_under_load(self, *flags):
        service = self.start(*flags)
        report = self.file("load.json")
        load = self.begin_load(report)
        pids = {service.pid()}
        for _ in range(RESTARTS):
            old = service.pid()
            pids.add(service.upgrade())
            service.wait_for(lambda pid=old: not is_alive(pid), f"end of pid {old}")
        load.send_signal(signal.SIGTERM)
        output, errors = load.communicate(timeout=PATIENCE)
        self.assertEqual(load.returncode, 0, output + errors)
        with open(report, encoding="utf-8") as file:
            seen = json.load(file)
        self.assertEqual(len(pids), RESTARTS + 1)
        self.assertEqual({entry["pid"] for entry in seen["total"]["pids"]}, pids)
        for name, group in seen["groups"].items():
            self.assertGreater(group["answered"], 0, name)
            # A session is begun once; from then on each generation resumes it.
            self.assertLessEqual(group["full_handshakes"], CLIENTS[name], name)
            if name not in ("one-shot", "resume", "resume-tls12"):
                self.assertGreater(group["incidents"]["announced_close"], 0, name)
        service.quit()

    def test_one_thread(self):
        self.restart_under_load("--threads", "1")

    def test_two_threads(self):
        self.restart_under_load("--threads", "2")


if __name__ == "__main__":
    unittest.main()
