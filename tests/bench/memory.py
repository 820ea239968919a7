#!/usr/bin/env python3
"""User-space memory per idle connection, after it was served once: ours and nginx."""

import argparse
import json
import sys
import tempfile
from typing import NamedTuple

import harness
import peers
import rounds
from harness import Client


class Kind(NamedTuple):
    protocol: str
    tls: bool = False
    servers: tuple = ("ours", "nginx")
    target: float = None  # KiB


KINDS = {
    "plain": Kind("http1"),
    "tls": Kind("http1", tls=True),
    "h2": Kind("http2"),
    "h2-tls": Kind("http2", tls=True),
    "websocket": Kind("websocket", servers=("ours",), target=1.5),
    "websocket-tls": Kind("websocket", tls=True, servers=("ours",), target=18),
}


def measure(name, kind, build, connections, certificate):
    # nginx closes idle connections when less than a sixteenth of its table is free.
    with peers.SERVERS[name](build, certificate=certificate if kind.tls else None,
                             http2=kind.protocol == "http2",
                             connections=connections * 4 // 3) as server:
        def idle(count):
            flags = ["--address", f"127.0.0.1:{server.port}", "--protocol", kind.protocol,
                     "--connections", count, *(["--tls"] if kind.tls else [])]
            return Client(harness.program(build, "bench_idle"), *flags)

        def closed():
            return len(harness.descriptors(server.pid)) < connections / 10

        with idle(100) as load:
            load.ready()
            load.stop()
        before = harness.memory(server.pid)
        with idle(connections) as load:
            load.ready(120)
            held = harness.memory(server.pid)
            if len(harness.descriptors(server.pid)) < connections:
                raise RuntimeError(f"{name} does not hold {connections} connections")
            report = load.stop()
        harness.until(closed, f"{name} closes what its clients closed")
        after = harness.memory(server.pid)
    return {"server": name, "before": before, "held": held, "after": after,
            "failed": report["failed"],
            "bytes": {what: (held[what] - before[what]) * 1024 / connections for what in held}}


def row(kind, met):
    each, target = met["bytes"], KINDS[kind].target
    judged = target is not None and met["server"] == "ours"
    return [kind, met["server"], *(f"{each[what]:.0f}" for what in
                                   ("VmRSS", "Pss", "Private_Dirty")),
            *(met[when]["VmRSS"] for when in ("before", "held", "after")),
            met["failed"] or "none",
            rounds.verdict(each["VmRSS"] / 1024, target, "<=") if judged else ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=str(harness.SOURCE / "../../build/bench"))
    parser.add_argument("--connections", type=int, default=15000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--servers", nargs="*", default=["ours", "nginx"],
                        choices=["ours", "nginx"])
    parser.add_argument("--json", help="write everything measured to this file")
    options = parser.parse_args()
    limit = harness.raise_descriptor_limit()
    if limit < options.connections + 100:
        sys.exit(f"{options.connections} connections need more than the {limit} descriptors that a "
                 "process may have here: raise the hard limit (ulimit -Hn) or --connections")

    results = []
    with tempfile.TemporaryDirectory() as certificate:
        harness.make_certificate(certificate)
        for kind in options.kinds:
            for name in KINDS[kind].servers:
                if name in options.servers:
                    results.append((kind, measure(name, KINDS[kind], options.build,
                                                  options.connections, certificate)))

    print(f"{harness.machine()}; {options.connections} idle connections, each served once\n")
    print(harness.table(["", "", "resident, bytes a connection", "Pss", "private dirty",
                         "resident before, KiB", "with them", "after them", "failed",
                         "target, KiB resident"], [row(*each) for each in results]))
    print("\nnginx allocates the table of its connections at start: that is part of 'before'; for "
          "both only what a connection adds is counted")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": harness.machine(),
                       "results": [{"kind": kind, **met} for kind, met in results]}, file, indent=1)
    return 1 if any(met["failed"] for _, met in results) else 0


if __name__ == "__main__":
    sys.exit(main())
