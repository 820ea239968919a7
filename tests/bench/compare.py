#!/usr/bin/env python3
"""Ours, nginx and a bare epoll loop in turn, in interleaved rounds, with the same client.

The bare loop parses nothing and sends fixed bytes: it is the limit here.
"""

import statistics
import sys

import harness
import rounds
from harness import Nginx, Server
from rounds import spread

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
NOTE = "nginx: bodies up to 2 KiB by `return`, larger ones a static file with sendfile"


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
    total = report["total"]
    return {"us": spent / 1000 / max(total["answered"], 1), "rate": total["requests_per_second"],
            "p99_us": total["latency_us"]["p99"], "failed": harness.failures(report)}


def summarize(row, met, names):
    cells = [row]
    for name in names:
        cells.append(spread([r[name]["us"] for r in met]))
        cells.append(f"{statistics.median(r[name]['rate'] for r in met):,.0f}")
    result = {"row": row, "rounds": met, "target": ROWS[row][3]}
    for top, bottom, label in (("ours", "bare", "times_bare"), ("nginx", "ours", "times_nginx"),
                               ("nginx", "bare", "bare_times_nginx")):
        if top in names and bottom in names:
            found = rounds.ratios(met, top, bottom)
            result[label] = statistics.median(found)
            cells.append(spread(found))
            if label == "times_bare":
                cells.append(rounds.verdict(result[label], ROWS[row][3], "<="))
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
    asked = rounds.options(__doc__, ROWS, SERVERS)
    met = rounds.play(asked, lambda name, row: measure(name, asked.build, row, asked.seconds))
    lines, results = zip(*(summarize(row, met[row], asked.servers) for row in asked.rows))
    print(rounds.heading(asked, NOTE))
    print(harness.table(head(asked.servers), lines))
    return rounds.finish(asked, results)


if __name__ == "__main__":
    sys.exit(main())
