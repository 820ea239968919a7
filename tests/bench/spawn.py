#!/usr/bin/env python3
"""What an upgrade costs the generation that hands over.

How long a large process takes to spawn the next generation (it logs that itself; a thread of its own
does it, so its loop serves on), the longest answer meanwhile to one keep-alive connection that asks
without a pause, beside the same without an upgrade, and how long an idle old generation lives on
after the new one is ready.
"""

import argparse
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
import support  # noqa: E402  (the integration tests' view of a service)


def longest_answer(build, mebibytes):
    """Milliseconds: the longest answer without and with an upgrade, and the spawn as logged."""
    service = support.Service({"resident_mib": mebibytes},
                              program=os.path.join(build, "tests/integration/integration_service"))
    try:
        service.ready()
        service.configure(resident_mib=0)
        longest = []
        for upgrade in (False, True):
            report = os.path.join(service.folder, "load.json")
            load = subprocess.Popen(
                [os.path.join(build, "tests/bench/bench_load"), "--address",
                 f"127.0.0.1:{service.port()}", "--keep-alive", "1", "--duration", "1", "--quiet",
                 "--json", report], stderr=subprocess.PIPE, text=True)
            while "ready:" not in load.stderr.readline():
                if load.poll() is not None:
                    raise SystemExit("the load client ended early")
            if upgrade:
                service.upgrade()
            load.communicate(timeout=60)
            if load.returncode != 0:
                raise SystemExit("the load client counted failures")
            with open(report, encoding="utf-8") as file:
                longest.append(latency_max(json.load(file)) / 1000.0)
        longest.append(float(service.wait_log(r"spawned in ([\d.]+) ms").group(1)))
        service.quit()
        return longest
    finally:
        service.end()


def latency_max(report):
    """The largest "max" (microseconds) anywhere in the load client's report."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("max", "max_us") and isinstance(value, (int, float)):
                    found.append(value)
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(report)
    return max(found)


def idle_exit(build, restarts):
    """Milliseconds from the new generation's ready (its pid file) to the old one's exit."""
    service = support.Service(
        program=os.path.join(build, "tests/integration/integration_service"))
    try:
        times, old = [], service.ready()
        for _ in range(restarts):
            watch = os.pidfd_open(old)
            os.kill(old, signal.SIGUSR1)
            while service.pid() == old:
                pass
            ready = time.monotonic()
            select.select([watch], [], [], 30)
            times.append((time.monotonic() - ready) * 1000)
            os.close(watch)
            old = service.pid()
        service.quit()
        return times
    finally:
        service.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--mebibytes", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--restarts", type=int, default=100)
    asked = parser.parse_args()

    rounds = [longest_answer(asked.build, asked.mebibytes) for _ in range(asked.rounds)]
    calm, upgrading, spawns = zip(*rounds)
    print(f"spawn beside the loop, {asked.mebibytes} MiB resident, ms: median "
          f"{statistics.median(spawns):.2f}, most {max(spawns):.2f} of {len(spawns)}")
    print(f"longest answer of one connection, {asked.mebibytes} MiB resident, ms, median (most): "
          f"without an upgrade {statistics.median(calm):.2f} ({max(calm):.2f}), "
          f"with one {statistics.median(upgrading):.2f} ({max(upgrading):.2f})")
    times = sorted(idle_exit(asked.build, asked.restarts))
    print(f"idle old generation, ready to exit, {len(times)} restarts, ms: median "
          f"{statistics.median(times):.1f}, p99 {times[int(len(times) * 0.99) - 1]:.1f}, "
          f"most {times[-1]:.1f}")


if __name__ == "__main__":
    main()
