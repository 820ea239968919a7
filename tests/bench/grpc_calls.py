#!/usr/bin/env python3
"""gRPC on baton (through the bridge to grpc++'s handlers, and as a native route) beside grpc++ on its
own sockets and a plain POST of the same bytes, in interleaved rounds."""

import re
import subprocess
import sys
import tempfile
from functools import partial
from typing import NamedTuple

import harness
import rounds


class Row(NamedTuple):
    method: str
    message: bytes  # of the request
    answer: int  # bytes of the answer's messages, with their prefixes
    tls: bool = False
    streams: str = "-m32"


def varint(value):
    made = bytearray()
    while value >= 128:
        made.append(value % 128 + 128)
        value //= 128
    return bytes([*made, value])


def prefixed(message):
    return bytes(1) + len(message).to_bytes(4, "big") + message


COUNT, SIZE = 64, 64 * 1024
HUNDRED = b"\x0a" + varint(100) + b"x" * 100
ORDER = b"\x08" + varint(COUNT) + b"\x10" + varint(SIZE)
POURED = COUNT * (5 + 1 + len(varint(SIZE)) + SIZE)
MIB = 1024 * 1024
SERVERS = {kind: kind for kind in ("plain", "native", "bridge", "peer")}
CALLS = {name: Row("Say", HUNDRED, 5 + len(HUNDRED), tls)
         for name, tls in (("unary, 100 bytes, clear", False), ("unary, 100 bytes, TLS", True))}
STREAMS = {name: Row("Pour", ORDER, POURED, tls, "-m4")
           for name, tls in (("64 KiB messages, clear", False), ("64 KiB messages, TLS", True))}
NOTE = ("peer: grpc++ on its own sockets, the callback API, as behind the bridge; plain: the same "
        "bytes as a POST; all threads of a server are on its CPU")


def server(build, kind, certificate):
    port = harness.free_port()
    flags = ["--certificate", f"{certificate}/server.pem", "--key",
             f"{certificate}/server.key"] if certificate else []
    return harness.Server(kind, [harness.program(build, "bench_grpc_server"), "--kind", kind,
                                 "--port", str(port), *flags], port, 0)


def h2load(port, row, calls, request):
    """How fast the calls were answered, and what failed: an answer that is too short is none."""
    url = f"{'https' if row.tls else 'http'}://127.0.0.1:{port}/baton.bench.Echo/{row.method}"
    command = ["taskset", "-c", "1", "h2load", "-c8", row.streams, f"-n{calls}", "-w30", "-W30",
               "-d", request, "-H", "content-type: application/grpc", "-H", "te: trailers", url]
    report = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout

    def number(pattern):
        found = re.search(pattern, report)
        return float(found[1]) if found else 0

    whole = number(r"\((\d+)\) data") / row.answer
    failed = [f"{calls - count:.0f} {what}" for count, what in (
        (number(r"status codes: (\d+) 2xx"), "not 2xx"), (whole, "without their messages"))
        if count != calls]
    return number(r", ([\d.]+) req/s"), ", ".join(failed)


def measure(rows, asked, certificate, kind, name):
    """CPU time for a call; of streams, for a MiB."""
    row = rows[name]
    with tempfile.NamedTemporaryFile() as request, \
            server(asked.build, kind, certificate if row.tls else None) as at:
        request.write(prefixed(row.message))
        request.flush()
        h2load(at.port, row, 64, request.name)
        rate, _ = h2load(at.port, row, 64 if row.method == "Pour" else 4096, request.name)
        calls = max(int(rate * asked.seconds), 64)
        before = at.cpu_ns()
        rate, failed = h2load(at.port, row, calls, request.name)
        spent = at.cpu_ns() - before
    units = row.answer / MIB if row.method == "Pour" else 1
    return {"us": spent / 1000 / calls / units, "rate": rate * units, "failed": failed}


def comparison(asked, met):
    """Each server's CPU time, and how many times the peer's efficiency that is."""
    others = [name for name in asked.servers if name != "peer" and "peer" in asked.servers]
    lines = []
    for row in asked.rows:
        lines.append([row, *(rounds.spread([r[name]["us"] for r in met[row]], 1)
                             for name in asked.servers),
                      *(rounds.spread(rounds.ratios(met[row], "peer", name)) for name in others)])
    return harness.table(["", *(f"{name}: CPU us" for name in asked.servers),
                          *(f"{name}, times peer" for name in others)], lines)


def compare(asked, rows, servers, certificate):
    asked.rows = [row for row in asked.wanted if row in rows]
    asked.servers = [name for name in asked.kinds if name in servers]
    if not asked.rows or not asked.servers:
        return []
    met = rounds.play(asked, partial(measure, rows, asked, certificate))
    print(comparison(asked, met))
    return [{"row": row, "rounds": met[row]} for row in asked.rows]


def main():
    asked = rounds.options(__doc__, {**CALLS, **STREAMS}, SERVERS)
    asked.wanted, asked.kinds = asked.rows, asked.servers
    print(rounds.heading(asked, NOTE))
    with tempfile.TemporaryDirectory() as certificate:
        harness.make_certificate(certificate)
        results = compare(asked, CALLS, SERVERS, certificate)
        print("\nCPU time for a MiB of a server's stream")
        results += compare(asked, STREAMS, ("bridge", "peer"), certificate)
    return rounds.finish(asked, results)


if __name__ == "__main__":
    sys.exit(main())
