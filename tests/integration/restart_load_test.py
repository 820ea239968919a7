"""No failed request over 30 restarts under load, keep-alive and one-shot clients together."""

import json
import os
import signal
import subprocess
import unittest

from support import BUILD, PATIENCE, Case

LOAD = os.path.join(BUILD, "tests/bench/bench_load")
RESTARTS = int(os.environ.get("BATON_RESTARTS", "30"))


class UnderLoad(Case):
    # The restarts follow each other within milliseconds, faster than a client that pauses can be
    # told: with the default of max_draining the oldest generation would be ended early (contract).
    PATIENT = {"max_draining": 1000}

    def restart_under_load(self, **config):
        service = self.service({**self.PATIENT, **config})
        service.ready()
        report = os.path.join(service.folder, "load.json")
        load = subprocess.Popen(
            [LOAD, "--address", f"127.0.0.1:{service.port()}", "--path", "/ping",
             "--keep-alive", "32", "--one-shot", "4", "--thinking", "50", "--think", "20",
             "--duration", "600", "--deadline", "20000", "--body-prefix", "pong by pid:", "--json", report],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: load.poll() is None and load.kill())
        while "ready:" not in load.stderr.readline():
            self.assertIsNone(load.poll(), "the load client ended early")
        pids = {service.pid()}
        for _ in range(RESTARTS):
            pids.add(service.upgrade())
        load.send_signal(signal.SIGTERM)
        output, errors = load.communicate(timeout=PATIENCE)
        self.assertEqual(load.returncode, 0, output + errors)
        with open(report, encoding="utf-8") as file:
            seen = json.load(file)
        self.assertEqual(len(pids), RESTARTS + 1)
        for name, group in seen["groups"].items():
            self.assertGreater(group["answered"], 0, name)
        answered_by = {entry["pid"] for entry in seen["total"]["pids"]}
        self.assertLessEqual(answered_by, pids, "nobody but our generations answered")
        self.assertGreater(len(answered_by), RESTARTS // 2, "the load went on through the restarts")
        service.quit()

    def test_one_thread(self):
        self.restart_under_load(threads=1)

    def test_two_threads(self):
        self.restart_under_load(threads=2)

    def test_under_a_supervisor(self):
        service = self.service({**self.PATIENT, "supervise": "always"})
        service.ready()
        port = service.port()
        load = subprocess.Popen(
            [LOAD, "--address", f"127.0.0.1:{port}", "--path", "/ping", "--keep-alive", "16",
             "--one-shot", "2", "--duration", "600", "--deadline", "20000", "--body-prefix", "pong by pid:"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: load.poll() is None and load.kill())
        while "ready:" not in load.stderr.readline():
            self.assertIsNone(load.poll(), "the load client ended early")
        for number in range(1, 11):
            service.kill(signal.SIGUSR1)
            service.wait_log(r"start new process success", number)
            service.wait_log(r"generation %d serves" % (number + 1))
        load.send_signal(signal.SIGTERM)
        output, errors = load.communicate(timeout=PATIENCE)
        self.assertEqual(load.returncode, 0, output + errors)
        service.quit()


if __name__ == "__main__":
    unittest.main()
