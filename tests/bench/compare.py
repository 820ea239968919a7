#!/usr/bin/env python3
"""Ours, nginx and a bare epoll loop in turn, in interleaved rounds, with the same client.

The figure to trust is the server's CPU time per request: its own user and system time over the
requests it answered. The bare loop parses nothing and sends fixed bytes: it is the limit here.
"""

import argparse
import json
import statistics
import sys

import harness
from harness import Nginx, Server

# name: body bytes, flags of the client, flags of the bare loop, target ratio to the bare loop
ROWS = {
    "64 keep-alive": (16, ["--keep-alive", 64], [], 1.15),
    "256 keep-alive": (16, ["--keep-alive", 256], [], 1.15),
    "pipelined x16": (16, ["--pipelined", 64, "--depth", 16], ["--pipeline"], 2.0),
    "connection per request": (16, ["--one-shot", 64], ["--close"], 1.1),
    "1 KiB": (1024, ["--keep-alive", 64], [], 1.2),
    "64 KiB": (65536, ["--keep-alive", 64], [], 1.2),
    "1 MiB": (1 << 20, ["--keep-alive", 16], [], 1.2),
}
SERVERS = ("bare", "ours", "nginx")


def start(name, build, row, cpu):
    body, _, bare_flags, _ = ROWS[row]
    port = harness.free_port()
    if name == "nginx":
        return Nginx(port, body, cpu)
    kind = "bench_bare_loop" if name == "bare" else "bench_fixed_server"
    flags = bare_flags if name == "bare" else []
    command = [harness.program(build, kind), "--port", str(port), "--body", str(body), *flags]
    return Server(name, command, port, cpu)


def measure(name, build, row, seconds):
    body, flags, _, _ = ROWS[row]
    with start(name, build, row, 0) as server:
        client = ["--path", "/", "--body-size", body, "--constant-body", "--deadline", 10000,
                  *flags]
        harness.run_load(build, server.port, *client, "--duration", 0.2, cpu=1)
        before = server.cpu_ns()
        report = harness.run_load(build, server.port, *client, "--duration", seconds, cpu=1)
        spent = server.cpu_ns() - before
    failed = harness.failures(report)
    if failed:
        print(f"  {row}, {name}: FAILED {failed}", file=sys.stderr)
    answered = max(report["total"]["answered"], 1)
    return {"us": spent / 1000 / answered, "rate": report["total"]["requests_per_second"],
            "p99_us": report["total"]["latency_us"]["p99"], "failed": report["total"]["failed"]}


def spread(values, digits=2):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"


def summarize(row, rounds, names):
    """Ratios are taken within a round, as its runs were neighbours in time; then their median."""
    cells = [row]
    for name in names:
        cells.append(spread([r[name]["us"] for r in rounds]))
        cells.append(f"{statistics.median(r[name]['rate'] for r in rounds):,.0f}")
    result = {"row": row, "rounds": rounds, "target": ROWS[row][3]}
    for top, bottom, label in (("ours", "bare", "times_bare"), ("nginx", "ours", "times_nginx"),
                               ("nginx", "bare", "bare_times_nginx")):
        if top in names and bottom in names:
            ratios = [r[top]["us"] / r[bottom]["us"] for r in rounds]
            result[label] = statistics.median(ratios)
            cells.append(spread(ratios))
            if label == "times_bare":
                target = ROWS[row][3]
                cells.append(f"<= {target}: {'yes' if result[label] <= target else 'NO'}")
    return cells, result


def head(names):
    cells = [""]
    for name in names:
        cells += [f"{name}: CPU us/request", f"{name}: requests/s"]
    if "ours" in names and "bare" in names:
        cells += ["ours / bare", "target"]
    if "ours" in names and "nginx" in names:
        cells.append("efficiency, times nginx")
    if "bare" in names and "nginx" in names:
        cells.append("bare loop's efficiency, times nginx")
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=str(harness.SOURCE / "../../build/bench"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS), metavar="ROW")
    parser.add_argument("--servers", nargs="*", default=list(SERVERS), choices=SERVERS)
    parser.add_argument("--json", help="write everything measured to this file")
    options = parser.parse_args()
    harness.raise_descriptor_limit()

    rounds = {row: [] for row in options.rows}
    for number in range(options.rounds):
        for row in options.rows:
            # Turned around each time, so that none is always the one after the same other.
            names = options.servers if number % 2 == 0 else options.servers[::-1]
            rounds[row].append({name: measure(name, options.build, row, options.seconds)
                                for name in names})
        print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)

    lines, results = zip(*(summarize(row, rounds[row], options.servers) for row in options.rows))
    print(f"{harness.machine()}; {options.rounds} rounds of {options.seconds:g} s, "
          "median (min..max); one server thread on CPU 0, client on CPU 1")
    print("nginx: bodies up to 2 KiB by `return`, larger ones a static file with sendfile\n")
    print(harness.table(head(options.servers), lines))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": harness.machine(), "rows": results}, file, indent=1)
    failed = any(r[name]["failed"] for row in results for r in row["rounds"] for name in r)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
