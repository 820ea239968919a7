#!/usr/bin/env python3
"""The connection cap: with three times as many clients, exactly CAP descriptors of clients are
open, the others wait in the backlog, cost nothing, and are served in their order as slots free."""

import argparse
import contextlib
import json
import sys
import time

import harness
from harness import Load, Server


def connected(port):
    """Connections of clients that the kernel has established to `port`, accepted or not."""
    wanted = f"0100007F:{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        return sum(1 for line in file if line.split()[1] == wanted and line.split()[3] == "01")


class Watch:
    """The server's descriptors beyond those it had without clients, and its CPU while waiting."""

    def __init__(self, server, cap, seconds):
        self.server, self.cap, self.seconds = server, cap, seconds
        self.base = len(harness.descriptors(server.pid))
        self.highest = 0
        self.seen = []

    def clients(self):
        count = len(harness.descriptors(self.server.pid)) - self.base
        self.highest = max(self.highest, count)
        return count

    def settle(self, waiting):
        harness.until(lambda: self.clients() == self.cap, f"{self.cap} clients have descriptors")
        cpu, start = self.server.cpu_ns(), time.monotonic_ns()
        time.sleep(self.seconds)  # the measurement itself: the server has nothing to do
        share = (self.server.cpu_ns() - cpu) / (time.monotonic_ns() - start)
        self.seen.append({"waiting": waiting, "descriptors": self.clients(),
                          "cpu_percent": share * 100})


def play(server, build, cap, groups, seconds, stack):
    watch = Watch(server, cap, seconds)
    loads = []
    for number in range(groups):
        load = Load(build, server.port, "--path", "/", "--idle", cap, "--ramp", cap,
                    "--duration", 3600, "--deadline", 600000)
        loads.append(stack.enter_context(load))
        expected = cap * (number + 1)
        harness.until(lambda e=expected: connected(server.port) >= e, f"{expected} clients connect")
        if number == 0:
            loads[0].ready()
    reports = []
    for number, load in enumerate(loads):
        if number > 0:
            load.ready()  # its clients waited until the group before it left
        watch.settle(cap * (groups - 1 - number))
        reports.append(load.stop())
    return watch, reports


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=str(harness.SOURCE / "../../build/bench"))
    parser.add_argument("--cap", type=int, default=1000)
    parser.add_argument("--groups", type=int, default=3, help="of CAP clients each")
    parser.add_argument("--seconds", type=float, default=3.0, help="to measure the waiting")
    parser.add_argument("--json", help="write everything measured to this file")
    options = parser.parse_args()
    harness.raise_descriptor_limit()

    port = harness.free_port()
    command = [harness.program(options.build, "bench_fixed_server"), "--port", str(port),
               "--max-connections", str(options.cap)]
    with Server("ours", command, port) as server, contextlib.ExitStack() as stack:
        harness.until(lambda: connected(port) == 0, "the probe's connection is gone")
        watch, reports = play(server, options.build, options.cap, options.groups, options.seconds,
                              stack)

    failed = [text for text in map(harness.failures, reports) if text]
    served = sum(report["total"]["answered"] for report in reports)
    good = (not failed and watch.highest == options.cap
            and served == options.cap * options.groups
            and all(s["cpu_percent"] < 1 and s["descriptors"] == options.cap for s in watch.seen))
    print(f"{harness.machine()}; cap {options.cap}, {options.cap * options.groups} clients\n")
    print(harness.table(["clients waiting", "descriptors of clients", "server CPU, %"],
                        [[s["waiting"], s["descriptors"], f"{s['cpu_percent']:.3f}"]
                         for s in watch.seen]))
    print(f"\nmost descriptors of clients at any look: {watch.highest}; served: {served}; failed: "
          f"{'; '.join(failed) or 'none'}; {'as promised' if good else 'NOT AS PROMISED'}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": harness.machine(), "looks": watch.seen, "highest": watch.highest,
                       "served": served, "failed": failed}, file, indent=1)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
