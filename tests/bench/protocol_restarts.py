#!/usr/bin/env python3
"""Restarts under load of every protocol: what the clients see, and what it costs.

Clients of HTTPS with keep-alive, HTTP/2 with 100 streams a connection, WebSockets that follow the
close codes, event streams that go on with Last-Event-ID, and TLS sessions that are resumed for each
request, in the clear and under TLS, run together, strictly checked, while the server is restarted
again and again. The same load without restarts, before and after, gives the latencies to compare
with.

A command of one's own may follow `--`; {port}, {tls_port}, {threads}, {pid_file} and {folder} are
replaced in it. It must serve what the demonstration program serves, with the certificate
{folder}/server.pem and {folder}/server.key.
"""

import argparse
import json
import sys
import time

import harness
import restarts
from harness import Client

CLIENTS = {"https": 16, "https-thinking": 40, "http": 4, "h2": 2, "h2c": 2, "wss": 8, "ws": 8,
           "wss-deep": 2, "ws-deep": 2, "one-shot": 1, "resume": 2, "resume-tls12": 1,
           "events": 4, "events-tls": 4}
ONE_SHOT = ("one-shot", "resume", "resume-tls12")


class Demonstration(restarts.Ours):
    """The demonstration program, or another one like it, with a port for TLS."""

    def __init__(self, command, port, tls_port, threads, cpu):
        super().__init__([], port, threads, cpu)
        self.tls_port = tls_port
        harness.make_certificate(self.server.folder)
        words = {"port": port, "tls_port": tls_port, "threads": threads, "pid_file": self.pid_file,
                 "folder": self.server.folder}
        self.server.command = [word.format(**words) for word in command]


def default_command(build):
    return [harness.program(build, "graceful_main"), "--address", "127.0.0.1", "--port", "{port}",
            "--tls-port", "{tls_port}", "--certificate", "{folder}/server.pem", "--key",
            "{folder}/server.key", "--threads", "{threads}", "--pid-file", "{pid_file}"]


def load(target, options, duration):
    clients = [flag for name, count in options.clients.items()
               for flag in ("--clients", f"{name}={count}")]
    return Client(harness.program(options.build, "bench_protocol_load"), *clients,
                  "--clear", f"127.0.0.1:{target.port}", "--tls", f"127.0.0.1:{target.tls_port}",
                  "--ca", target.server.folder / "server.pem", "--mix", "--body-prefix",
                  "pong by pid:", "--streams", options.streams, "--deadline", options.deadline,
                  "--duration", duration, cpu=options.client_cpu)


def calm(target, options):
    with load(target, options, options.calm) as clients:
        return clients.result()


def measure(target):
    # Whoever sends events learns with the next one, a second later, that its client has left.
    return {"pid": target.serving(), "fds": restarts.idle_descriptors(target, seconds=2.5),
            "rss_kib": harness.memory(target.serving())["VmRSS"]}


def play(target, options):
    before = calm(target, options)
    first = measure(target)
    done = []
    with load(target, options, 86400) as clients:
        clients.ready()
        for number in range(options.restarts):
            done.append(restarts.restart(target, options.drain_limit))
            if options.interval:
                time.sleep(options.interval)
            if (number + 1) % 100 == 0:
                print(f"{number + 1} restarts", file=sys.stderr)
        under = clients.stop()
    last = measure(target)
    after = calm(target, options)
    return {"restarts": done, "under": under, "before": before, "after": after, "first": first,
            "last": last, "last_accept_ms": last_accepts(under, done)}


def last_accepts(report, done):
    """From the signal to the old generation's last answer on a connection made for it: its last
    accept was no later than that."""
    last = {}
    for name in ONE_SHOT:
        for seen in report["groups"].get(name, {"pids": []})["pids"]:
            when = report["started"] + seen["last"] * 1e9
            last[seen["pid"]] = max(when, last.get(seen["pid"], 0))
    return [max(0.0, restarts.ms(last[r["old"]] - r["at"])) for r in done if r["old"] in last]


def incidents(group, failures):
    """What was counted, as text: the failures, or what is only worth knowing."""
    remarks = ("announced_close", "idle_close", "retried", "crossed")
    return ", ".join(f"{name} {count}" for name, count in group["incidents"].items()
                     if count and (name in remarks) != failures) or "-"


def handshakes(group):
    total = group["full_handshakes"] + group["resumed_handshakes"]
    return f"{group['resumed_handshakes']} of {total}" if total else "-"


def latency_rows(found):
    rows = []
    for name in found["under"]["groups"]:
        if name.startswith("events"):
            continue  # they come each second
        for quantile in ("p50", "p99", "max"):
            calm_times = [found[part]["groups"][name]["latency_us"][quantile]
                          for part in ("before", "after")]
            base = sum(calm_times) / 2
            value = found["under"]["groups"][name]["latency_us"][quantile]
            rows.append([name, quantile, f"{base:.0f}", f"{value:.0f}",
                         f"{value / base:.2f}" if base else "-"])
    return rows


def print_report(found, options):
    done, under = found["restarts"], found["under"]
    total, groups = under["total"], under["groups"]
    print(f"{harness.machine()}\n{len(done)} restarts under load, {options.threads} thread(s), "
          f"{options.streams} streams on each HTTP/2 connection; {total['answered']} requests, "
          f"{total['requests_per_second']:.0f} a second, {total['failed']} failed\n")
    print(harness.table(
        ["clients", "", "answered", "failed", "how", "TLS resumed", "worth knowing"],
        [[name, group["clients"], group["answered"], group["failed"], incidents(group, True),
          handshakes(group), incidents(group, False)] for name, group in groups.items()]))
    crossed = [group["oldest_crossed_us"] for group in groups.values()]
    print(f"\nthe oldest message that a close frame met was sent {max(crossed):.0f} us before")
    seen = {entry["pid"] for entry in total["pids"]}
    print(f"generations seen by clients: {len(seen)}; started and never seen: "
          f"{len([r['new'] for r in done if r['new'] not in seen])}\n")
    percentiles = restarts.percentiles
    print(harness.table(["milliseconds", "least", "median", "p99", "most"], [
        ["signal to the new generation's ready", *percentiles([r["ready_ms"] for r in done])],
        ["signal to the old one's last accept (upper bound)",
         *percentiles(found["last_accept_ms"])],
        ["signal to the old one's exit", *percentiles([r["gone_ms"] for r in done])]]))
    print()
    print(harness.table(["latency, us", "", "without restarts", "with", "ratio"],
                        latency_rows(found)))
    print(f"\nresident KiB under load, first and last tenth of the generations: "
          f"{restarts.edge_medians([r['rss_kib'] for r in done])}")
    print(f"without clients, first and last generation: resident KiB {found['first']['rss_kib']} "
          f"-> {found['last']['rss_kib']}, descriptors {found['first']['fds']} -> "
          f"{found['last']['fds']}")


def client_count(text):
    name, _, count = text.partition("=")
    return name, int(count)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(harness.SOURCE / "../../build/bench"))
    parser.add_argument("--restarts", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clients", type=client_count, action="append", metavar="KIND=N",
                        help="instead of the default mixture; may be repeated")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--deadline", type=int, default=1000,
                        help="milliseconds; later is a failure")
    parser.add_argument("--calm", type=float, default=5.0, help="seconds without restarts, twice")
    parser.add_argument("--interval", type=float, default=0.0, help="seconds between restarts")
    parser.add_argument("--drain-limit", type=float, default=60.0, help="seconds until an old "
                        "generation must be gone")
    parser.add_argument("--client-cpu", type=int, help="pin the client")
    parser.add_argument("--server-cpu", type=int, help="pin the server")
    parser.add_argument("--json", help="write everything measured to this file")
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    options.clients = dict(options.clients or CLIENTS)
    return options


def main():
    options = arguments()
    harness.raise_descriptor_limit()
    command = options.command or default_command(options.build)
    with Demonstration(command, harness.free_port(), harness.free_port(), options.threads,
                       options.server_cpu) as target:
        try:
            found = play(target, options)
        except RuntimeError as error:
            print(f"{error}; the end of the server's log:\n{target.log()[-4000:]}",
                  file=sys.stderr)
            return 2
    print_report(found, options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": harness.machine(), **found}, file, indent=1)
    return 1 if any(found[part]["total"]["failed"] for part in ("before", "under", "after")) else 0


if __name__ == "__main__":
    sys.exit(main())
