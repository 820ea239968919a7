#!/usr/bin/env python3
"""WebSocket echoes: ours beside a server on Beast's websocket::stream, in interleaved rounds.

The bare loop only unmasks what it received and sends it back: it is the limit here.
"""

import sys

import harness
import rounds
from harness import Client, Server

# name: flags of the client, target: times the efficiency of Beast
ROWS = {
    "64 B, one in flight": (["--size", 64], 1.7),
    "64 B, 16 in flight": (["--size", 64, "--depth", 16], 10),
    "4 KiB": (["--size", 4096], None),
    "64 KiB": (["--size", 65536], None),
}
SERVERS = {"Beast": "bench_websocket_beast_server", "bare loop": "bench_websocket_bare_loop",
           "ours": "bench_fixed_server"}
CONNECTIONS = 16


def measure(name, row, build, seconds):
    port = harness.free_port()
    command = [harness.program(build, SERVERS[name]), "--port", str(port)]

    def load(duration):
        flags = ["--address", f"127.0.0.1:{port}", "--connections", CONNECTIONS, "--deadline",
                 10000, "--duration", duration, *ROWS[row][0]]
        with Client(harness.program(build, "bench_websocket"), *flags, cpu=1) as client:
            return client.result()

    with Server(name, command, port, 0) as server:
        load(0.2)
        before = server.cpu_ns()
        report = load(seconds)
        spent = server.cpu_ns() - before
    text = ", ".join(f"{what} {count}" for what, count in report["mishaps"].items() if count)
    return {"us": spent / 1000 / max(report["echoes"], 1), "rate": report["echoes_per_second"],
            "failed": text}


def main():
    asked = rounds.options(__doc__, ROWS, SERVERS)
    met = rounds.play(asked, lambda name, row: measure(name, row, asked.build, asked.seconds))
    print(rounds.heading(asked, f"{CONNECTIONS} connections; each echo is compared byte by byte"))
    print(rounds.efficiency(asked, met, "Beast", {row: ROWS[row][1] for row in asked.rows},
                            "bare loop"))
    return rounds.finish(asked, [{"row": row, "rounds": met[row]} for row in asked.rows])


if __name__ == "__main__":
    sys.exit(main())
