#!/usr/bin/env python3
"""HTTPS, HTTP/2 and TLS handshakes beside nginx and h2o, in interleaved rounds."""

import re
import subprocess
import sys
import tempfile
from typing import NamedTuple

import harness
import peers
import rounds
from harness import Client


class Row(NamedTuple):
    client: list  # h2load's or bench_handshake's flags
    body: int = 16
    tls: bool = True
    http2: bool = False
    target: float = None  # times nginx's efficiency


HTTPS = ["--h1", "-c64", "-m1"]
HTTP2 = ["-c16", "-m32"]
ROWS = {
    "HTTPS keep-alive, small": Row(HTTPS, target=1.1),
    "HTTPS keep-alive, 64 KiB": Row(HTTPS, body=65536, target=1.3),
    "HTTP/2 clear, small": Row(HTTP2, tls=False, http2=True, target=8),
    "HTTP/2 TLS, small": Row(HTTP2, http2=True, target=4.5),
    "HTTP/2 clear, 64 KiB": Row(HTTP2, body=65536, tls=False, http2=True),
    "HTTP/2 TLS, 64 KiB": Row(HTTP2, body=65536, http2=True),
    "TLS 1.3, full handshake": Row(["--tls", "1.3"], target=1.0),
    "TLS 1.2, full handshake": Row(["--tls", "1.2"], target=1.0),
    "TLS 1.3, resumed": Row(["--tls", "1.3", "--resume"], target=1.0),
    "TLS 1.2, resumed": Row(["--tls", "1.2", "--resume"], target=1.0),
}
NOTE = ("ECDSA P-256, X25519, AES-128-GCM; a handshake is counted with its connection and one "
        "request\nnginx: bodies up to 2 KiB by `return`, larger ones a static file; h2o: files")


def h2load(server, row, requests):
    """How fast it answered, and what failed. (A number of requests, as h2load ends a run of a
    certain duration in the middle of answers, and at times does not come to an end.)"""
    url = f"{'https' if row.tls else 'http'}://127.0.0.1:{server.port}/"
    command = ["taskset", "-c", "1", "h2load", *row.client, f"-n{requests}",
               "--tls13-ciphers", "TLS_AES_128_GCM_SHA256", url]
    report = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout

    def number(pattern):
        found = re.search(pattern, report)
        return float(found[1]) if found else 0

    good = number(r"status codes: (\d+) 2xx")
    bodies = number(r"\((\d+)\) data") / row.body
    failed = [f"{requests - count:.0f} {what}" for count, what in (
        (number(r"(\d+) succeeded"), "not answered"), (good, "not 2xx"), (bodies, "bodies short"))
        if count != requests]
    return number(r", ([\d.]+) req/s"), ", ".join(failed)


def handshakes(build, server, row, seconds):
    flags = ["--address", f"127.0.0.1:{server.port}", "--duration", seconds, *row.client]
    with Client(harness.program(build, "bench_handshake"), *flags, cpu=1) as client:
        report = client.result()
    text = ", ".join(f"{what} {count}" for what, count in report["how"].items())
    return report["handshakes"], report["per_second"], text


def measure(name, row, build, seconds, certificate):
    with peers.SERVERS[name](build, row.body, 0, certificate=certificate if row.tls else None,
                             http2=row.http2) as server:
        if row.client[0] == "--tls":
            handshakes(build, server, row, 0.3)
        else:
            h2load(server, row, 1024)
            rate, _ = h2load(server, row, 4096)
        before = server.cpu_ns()
        if row.client[0] == "--tls":
            answered, rate, failed = handshakes(build, server, row, seconds)
        else:
            answered = int(rate * seconds)
            rate, failed = h2load(server, row, answered)
        spent = server.cpu_ns() - before
    return {"us": spent / 1000 / max(answered, 1), "rate": rate, "failed": failed}


def main():
    asked = rounds.options(__doc__, ROWS, peers.SERVERS)
    with tempfile.TemporaryDirectory() as certificate:
        harness.make_certificate(certificate)
        met = rounds.play(asked, lambda name, row: measure(name, ROWS[row], asked.build,
                                                           asked.seconds, certificate))
    print(rounds.heading(asked, NOTE))
    print(rounds.efficiency(asked, met, "nginx", {row: ROWS[row].target for row in asked.rows}))
    return rounds.finish(asked, [{"row": row, "rounds": met[row]} for row in asked.rows])


if __name__ == "__main__":
    sys.exit(main())
