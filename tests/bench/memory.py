#!/usr/bin/env python3
"""User-space memory per idle keep-alive connection, after one request each: ours and nginx."""

import argparse
import json
import sys

import harness
from harness import Load, Nginx, Server


def measure(server, build, connections):
    with server:
        harness.run_load(build, server.port, "--path", "/", "--requests", 100)
        before = harness.memory(server.pid)
        with Load(build, server.port, "--path", "/", "--idle", connections, "--duration", 3600,
                  "--deadline", 10000) as load:
            load.ready()
            held = harness.memory(server.pid)
            if len(harness.descriptors(server.pid)) < connections:
                raise RuntimeError(f"{server.name} does not hold {connections} connections")
            report = load.stop()
        harness.until(lambda: len(harness.descriptors(server.pid)) < connections / 10,
                      f"{server.name} closes what its clients closed")
        after = harness.memory(server.pid)
    return {"server": server.name, "before": before, "held": held, "after": after,
            "failed": harness.failures(report),
            "closed_meanwhile": report["total"]["incidents"]["unannounced_idle_close"],
            "bytes": {kind: (held[kind] - before[kind]) * 1024 / connections for kind in held}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=str(harness.SOURCE / "../../build/bench"))
    parser.add_argument("--connections", type=int, default=15000)
    parser.add_argument("--servers", nargs="*", default=["ours", "nginx"],
                        choices=["ours", "nginx"])
    parser.add_argument("--json", help="write everything measured to this file")
    options = parser.parse_args()
    limit = harness.raise_descriptor_limit()
    if limit < options.connections + 100:
        sys.exit(f"{options.connections} connections need more than the {limit} descriptors that a "
                 "process may have here: raise the hard limit (ulimit -Hn) or --connections")

    results = []
    for name in options.servers:
        port = harness.free_port()
        if name == "nginx":
            # It closes idle connections when less than a sixteenth of its table is free.
            server = Nginx(port, connections=options.connections * 4 // 3)
        else:
            server = Server("ours", [harness.program(options.build, "bench_fixed_server"),
                                     "--port", str(port)], port)
        results.append(measure(server, options.build, options.connections))

    print(f"{harness.machine()}; {options.connections} idle keep-alive connections, one request "
          "each\n")
    kinds = ("VmRSS", "Pss", "Private_Dirty")
    rows = [[r["server"], *(f"{r['bytes'][kind]:.0f}" for kind in kinds),
             *(r[when]["VmRSS"] for when in ("before", "held", "after")), r["failed"] or "none"]
            for r in results]
    print(harness.table(["", "resident, bytes a connection", "Pss", "private dirty",
                         "resident before, KiB", "with them", "after them", "failed"], rows))
    print("\nnginx allocates the table of its connections at start: that is part of 'before'; for "
          "both only what a connection adds is counted")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": harness.machine(), "results": results}, file, indent=1)
    return 1 if any(r["failed"] or r["closed_meanwhile"] for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
