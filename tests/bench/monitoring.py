#!/usr/bin/env python3
"""What monitoring costs: the same server with statistics and without, in interleaved rounds; the
memory of the demonstration program with the admin service, scraped, and without; and a scrape of
1,000 listeners.
"""

import json
import statistics
import subprocess
import sys
import threading
import urllib.request

import harness
import rounds
from harness import Server

# name: flags of the client
ROWS = {
    "64 keep-alive": ["--keep-alive", 64],
    "pipelined x16": ["--pipelined", 64, "--depth", 16],
    "connection per request": ["--one-shot", 64],
}
SERVERS = {"without": ["--no-statistics"], "with": []}
COST = 1.01  # times the CPU of a request without
MEMORY = 2048  # KiB
SCRAPE = 10  # milliseconds


def measure(name, row, build, seconds):
    port = harness.free_port()
    command = [harness.program(build, "bench_fixed_server"), "--port", str(port), *SERVERS[name]]
    client = ["--path", "/", "--body-size", 16, "--constant-body", "--deadline", 10000, *ROWS[row]]
    with Server(name, command, port, 0) as server:
        harness.run_load(build, port, *client, "--duration", 0.1, cpu=1)
        before = server.cpu_ns()
        report = harness.run_load(build, port, *client, "--duration", seconds, cpu=1)
        spent = server.cpu_ns() - before
    total = report["total"]
    return {"us": spent / 1000 / max(total["answered"], 1), "rate": total["requests_per_second"],
            "failed": harness.failures(report)}


class Scraper(threading.Thread):
    """Asks for the metrics ten times a second: Prometheus asks a hundred times less often."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.address, self.answers = f"http://127.0.0.1:{port}/metrics", 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.1):
            with urllib.request.urlopen(self.address, timeout=10) as answer:
                self.answers += answer.status == 200 and len(answer.read()) > 1000


def resident(build, observed):
    """Private dirty KiB of the demonstration program after some load."""
    port, admin = harness.free_port(), harness.free_port()
    flags = ["--admin", f"127.0.0.1:{admin}"] if observed else []
    command = [harness.program(build, "graceful_main"), "--address", "127.0.0.1", "--port",
               str(port), *flags]
    with Server("observed" if observed else "alone", command, port, 0) as server:
        scraper = Scraper(admin)
        if observed:
            scraper.start()
        harness.run_load(build, port, "--path", "/ping", "--body-prefix", "pong by pid:",
                         "--keep-alive", 64, "--deadline", 10000, "--duration", 3, cpu=1)
        met = harness.memory(server.pid)
        scraper.over.set()
        if observed:
            scraper.join()
            if not scraper.answers:
                raise RuntimeError("no scrape was answered")
    return met["Private_Dirty"]


def scrape(build):
    done = subprocess.run([harness.program(build, "bench_scrape"), "--listeners", "1000"],
                          capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout)


def main():
    asked = rounds.options(__doc__, ROWS, SERVERS, rounds=21, seconds=0.5)
    met = rounds.play(asked, lambda name, row: measure(name, row, asked.build, asked.seconds))
    table = []
    for row in asked.rows:
        found = rounds.ratios(met[row], "with", "without")
        table.append([row, rounds.spread([r["without"]["us"] for r in met[row]]),
                      rounds.spread([r["with"]["us"] for r in met[row]]), rounds.spread(found, 3),
                      rounds.verdict(statistics.median(found), COST, "<=")])
    print(rounds.heading(asked, "statistics by listener, method and status, and latency"))
    print(harness.table(["", "without: CPU us/request", "with", "with / without", "target"], table))
    pairs = [(resident(asked.build, False), resident(asked.build, True)) for _ in range(5)]
    more = statistics.median(after - before for before, after in pairs)
    print(f"\nprivate memory with the admin service, scraped ten times a second: {more:.0f} KiB more "
          f"(median of {len(pairs)}; {rounds.verdict(more, MEMORY, '<=')})")
    written = scrape(asked.build)
    best = written["prometheus"]["median_ms"]
    print(f"a scrape of 1,000 listeners, {written['series']} series: Prometheus' text "
          f"{best:.1f} ms ({rounds.verdict(best, SCRAPE, '<=')}), OpenMetrics "
          f"{written['openmetrics']['median_ms']:.1f} ms, JSON {written['json']['median_ms']:.1f} ms")
    return rounds.finish(asked, [{"row": row, "rounds": met[row]} for row in asked.rows])


if __name__ == "__main__":
    sys.exit(main())
