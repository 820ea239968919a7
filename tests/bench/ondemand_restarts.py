#!/usr/bin/env python3
"""The gateway is restarted again and again under load, while a service that nobody needs for long is
started and stopped behind it: what its clients see, and whether anything was started twice.

64 keep-alive connections in a closed loop go to a service that stays; somebody else asks for one
that is stopped after 50 ms without a request, so that each of his requests is a cold start, whatever
the gateway is doing meanwhile.
"""

import argparse
import os
import signal
import sys
import threading
import time

import harness
from ondemand import Gateway, first_byte


class ColdClient(threading.Thread):
    """Asks for the service once it is stopped, again and again."""

    def __init__(self, gateway, pause):
        super().__init__()
        self.gateway, self.pause = gateway, pause
        self.took, self.failed, self.over = [], [], threading.Event()

    def run(self):
        while not self.over.wait(self.pause):
            try:
                self.took.append(first_byte(self.gateway.port, "cold") / 1e6)
            except (OSError, RuntimeError, IndexError) as error:
                self.failed.append(repr(error))


def play(asked):
    port = harness.free_port()
    services = {
        "warm": {"run": [harness.program(asked.build, "bench_bare_loop"), "--port", str(port),
                         "--body", "16"],
                 "target": f"127.0.0.1:{port}", "ready": {"by": "tcp"}},
        "cold": {"run": [harness.program(asked.build, "bench_cold_service")],
                 "socket": {"address": "@"}, "idle_timeout": "50ms"}}
    with Gateway(asked.build, services, 0, routes={"warm": ["/"], "cold": ["cold"]}) as gateway:
        pid_file = gateway.folder / "pid"
        watch = harness.FolderWatch(gateway.folder)
        serving = lambda: int(harness.read(pid_file).strip() or 0)
        first_byte(gateway.port, "warm")
        child = gateway.ask("GET", "/services/warm")["pid"]
        cold = ColdClient(gateway, asked.pause)
        times, peak = [], 0
        with harness.Load(asked.build, gateway.port, "--path", "/", "--body-size", 16,
                          "--constant-body", "--keep-alive", 64, "--deadline", 30000,
                          "--duration", 86400, cpu=1) as load:
            load.ready()
            cold.start()
            begun = time.monotonic()
            for number in range(asked.restarts):
                due = begun + asked.seconds * (number + 1) / asked.restarts
                time.sleep(max(0.0, due - time.monotonic()))
                old = serving()
                at = time.monotonic()
                os.kill(old, signal.SIGUSR1)
                watch.until(lambda old=old: serving() not in (0, old), "a new generation serves", 60)
                times.append((time.monotonic() - at) * 1000)
                harness.until(lambda old=old: not harness.alive(old), "the old one leaves", 90)
                peak = max(peak, harness.descriptor_count(serving()))
            report = load.stop()
        cold.over.set()
        cold.join()
        after = gateway.ask("GET", "/services/warm")
        starts = gateway.ask("GET", "/services/cold")["starts"]
        os.kill(serving(), signal.SIGTERM)
        harness.until(lambda: not harness.alive(child), "the services end with the gateway", 60)
        watch.close()
    return report, cold, times, starts, after["pid"] == child and after["starts"] == 1, peak


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", default="build/bench")
    arguments.add_argument("--restarts", type=int, default=100)
    arguments.add_argument("--seconds", type=float, default=100.0, help="over which they are spread")
    arguments.add_argument("--pause", type=float, default=0.15, help="of who asks for what is cold")
    asked = arguments.parse_args()
    harness.raise_descriptor_limit()
    os.sched_setaffinity(0, {1})
    report, cold, times, starts, kept, peak = play(asked)
    total = report["total"]
    failed = harness.failures(report)
    times.sort()
    cold.took.sort()
    print(harness.machine())
    print(f"{asked.restarts} restarts of the gateway, p50 {times[len(times) // 2]:.0f} ms, longest "
          f"{times[-1]:.0f} ms until the next generation serves; {peak} descriptors at most")
    print(f"{total['answered']:,} requests answered, failed: {failed or 0}; longest "
          f"{total['latency_us']['max'] / 1000:.0f} ms")
    print(f"{len(cold.took):,} requests for what was cold ({starts:,} starts), failed: "
          f"{len(cold.failed)}; p50 {cold.took[len(cold.took) // 2]:.1f} ms, longest "
          f"{cold.took[-1]:.0f} ms")
    for error in cold.failed[:5]:
        print(f"  {error}")
    print("the warm service is the one that the first generation had started: "
          + ("yes" if kept else "NO"))
    return 0 if not failed and not cold.failed and kept and starts <= len(cold.took) else 1


if __name__ == "__main__":
    sys.exit(main())
