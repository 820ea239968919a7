"""100 runtime reloads and 20 critical ones under load: no request fails."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from config_support import IN_FORCE, ConfigCase
from support import BUILD, PATIENCE

LOAD = os.path.join(BUILD, "tests/bench/bench_load")
RUNTIME = int(os.environ.get("BATON_RELOADS", "100"))
CRITICAL = int(os.environ.get("BATON_RESTARTS", "20"))


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
        self.addCleanup(lambda: load.poll() is None and load.kill())
        while "ready:" not in load.stderr.readline():
            self.assertIsNone(load.poll(), "the load client ended early")
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
        load.send_signal(signal.SIGTERM)
        output, errors = load.communicate(timeout=PATIENCE)
        self.assertEqual(load.returncode, 0, output + errors)
        with open(report, encoding="utf-8") as file:
            seen = json.load(file)
        for name, group in seen["groups"].items():
            self.assertGreater(group["answered"], 0, name)
        self.assertEqual(service.count_log(IN_FORCE), RUNTIME + restarts)
        self.assertEqual(restarts, CRITICAL)
        service.quit()


if __name__ == "__main__":
    unittest.main()
