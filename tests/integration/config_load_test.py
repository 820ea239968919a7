"""100 runtime reloads and 20 critical ones under load, and 20 of TLS: no request fails."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from certificates import Authority
from config_support import IN_FORCE, ConfigCase
from support import BUILD, PATIENCE

LOAD = os.path.join(BUILD, "tests/bench/bench_load")
PROTOCOL_LOAD = os.path.join(BUILD, "tests/bench/bench_protocol_load")
RUNTIME = int(os.environ.get("BATON_RELOADS", "100"))
CRITICAL = int(os.environ.get("BATON_RESTARTS", "20"))
TLS_RELOADS = 20
TLS_CLIENTS = {"https": 4, "https-thinking": 8, "h2": 1, "wss": 2, "resume": 2}


class UnderLoad(ConfigCase):
    def test_reloads(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        service = self.configured(folder)
        service.ready()
        report = os.path.join(folder, "load.json")
        load = subprocess.Popen(
            [LOAD, "--address", f"127.0.0.1:{self.port_of(service)}", "--path", "/ping", "--keep-alive", "16",
             "--one-shot", "4", "--thinking", "16", "--think", "20", "--duration", "600", "--deadline", "20000",
             "--body-prefix", "pong by pid:", "--json", report],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.wait_ready(load)
        version, refused, restarts = 1, 0, 0
        every = max(1, RUNTIME // CRITICAL)
        for number in range(1, RUNTIME + 1):
            self.change("limits", max_body=1000 + number, idle_timeout=f"{60 + number}s")
            version += 1
            service.wait_log(rf"configuration version {version} is in force")
            if number % every == 0 and restarts < CRITICAL:
                old = service.pid()
                restarts += 1
                self.change("server", threads=1 + restarts % 2)
                version += 1
                service.wait_log(rf"configuration version {version} is in force in the next generation")
                service.wait_for(lambda old=old: service.pid() != old, "next generation in the pid file")
            if number % 10 == 0:
                self.write("server: {threads: none of this}\n")
                refused += 1
                service.wait_log(r"the configuration is not taken over", refused)
                self.write()
        self.end_load(load, report)
        self.assertEqual(service.count_log(IN_FORCE), RUNTIME + restarts)
        self.assertEqual(restarts, CRITICAL)
        service.quit()

    def wait_ready(self, load):
        self.addCleanup(lambda: load.poll() is None and load.kill())
        while "ready:" not in load.stderr.readline():
            self.assertIsNone(load.poll(), "the load client ended early")

    def end_load(self, load, report):
        """The report of the load client: every group was answered, and nothing failed."""
        load.send_signal(signal.SIGTERM)
        output, errors = load.communicate(timeout=PATIENCE)
        self.assertEqual(load.returncode, 0, output + errors)
        with open(report, encoding="utf-8") as file:
            seen = json.load(file)
        for name, group in seen["groups"].items():
            self.assertGreater(group["answered"], 0, name)
        return seen

    def test_reloads_of_tls(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        authority = Authority(folder)
        issued = [authority.issue(f"server{number}", names=["localhost"]) for number in range(3)]
        extra = authority.issue("extra", names=["extra.test"])
        block = {"mode": "manual", "certificates": [issued[0]]}
        service = self.configured(folder, server={"threads": 2, "pid_file": os.path.join(folder, "service.pid")},
                                  listeners=[{"address": "127.0.0.1:0", "name": "web", "tls": "main"}],
                                  tls={"main": block})
        pid = service.ready()
        report = os.path.join(folder, "load.json")
        clients = [flag for name, count in TLS_CLIENTS.items() for flag in ("--clients", f"{name}={count}")]
        load = subprocess.Popen(
            [PROTOCOL_LOAD, *clients, "--tls", f"127.0.0.1:{self.port_of(service)}", "--ca", authority.file("ca.pem"),
             "--body-prefix", "pong by pid:", "--duration", "600", "--deadline", "20000", "--json", report],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.wait_ready(load)
        for number in range(1, TLS_RELOADS + 1):
            block["certificates"] = [issued[number % 3]] + ([extra] if number % 2 else [])
            block["minimum_version"] = ("1.2", "1.3")[number % 2]
            block["handshake_timeout"] = f"{10 + number}s"
            block["alpn"] = ([], ["h2", "http/1.1"])[number // 2 % 2]
            block["watch_files"] = number % 3 != 0
            self.write()
            service.wait_log(rf"configuration version {number + 1} is in force: .*certificates\[0\].certificate ")
        seen = self.end_load(load, report)
        self.assertEqual([entry["pid"] for entry in seen["total"]["pids"]], [pid])
        self.assertLessEqual(seen["groups"]["resume"]["full_handshakes"], TLS_CLIENTS["resume"],
                             "what was changed says nothing about sessions: they go on")
        self.assertEqual(service.pid(), pid, "nothing was restarted")
        self.assertEqual(service.count_log(IN_FORCE), TLS_RELOADS)
        service.quit()


if __name__ == "__main__":
    unittest.main()
