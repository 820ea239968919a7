#!/usr/bin/env python3
"""Restarts under load: what the clients see, and what it costs.

64 keep-alive clients in a closed loop, 200 idle-ish ones and a few loops that connect for each
request run together, strictly checked, while the server is restarted again and again. The same
load without restarts, before and after, gives the latencies to compare with.

A command of one's own may follow `--`; {port}, {threads} and {pid_file} are replaced in it. It must
restart on SIGUSR1, write the serving pid to the pid file, and answer /ping with "pong by pid:N".
"""

import argparse
import json
import os
import select
import signal
import statistics
import sys
import time

import harness
from harness import Load, Nginx, Server


WAITED = "a new generation serves"


class Ours:
    """A program that restarts on SIGUSR1 and tells its pid in a pid file."""

    name = "ours"

    def __init__(self, command, port, threads, cpu):
        self.server = Server(self.name, [], port, cpu)
        self.pid_file = self.server.folder / "pid"
        words = {"port": port, "threads": threads, "pid_file": self.pid_file}
        self.server.command = [word.format(**words) for word in command]

    def __enter__(self):
        self.server.__enter__()
        self.watch = harness.FolderWatch(self.server.folder)
        self.watch.until(self.serving, "the pid file is written")
        return self

    def __exit__(self, *_):
        pid = self.serving()
        if pid and harness.alive(pid):
            os.kill(pid, signal.SIGTERM)
            harness.until(lambda: not harness.alive(pid), "the last generation leaves", 60)
        self.watch.close()
        self.server.__exit__()

    @property
    def port(self):
        return self.server.port

    def serving(self):
        """The pid that serves; None while that is not known."""
        text = harness.read(self.pid_file).strip()
        return int(text) if text else None

    def begin(self, old):
        os.kill(old, signal.SIGUSR1)

    def successor(self, old):
        """The pid that serves after `old`, as soon as it does."""
        return self.watch.until(lambda: (pid := self.serving()) and pid != old and pid, WAITED, 60)

    def finish(self, old):
        """What must still be done once the new one serves."""

    def log(self):
        return harness.read(self.server.log)


class NginxReload(Ours):
    """nginx -s reload: the master stays, its worker is replaced."""

    name = "nginx HUP"

    def __init__(self, _command, port, _threads, cpu):
        # As a daemon: nginx ignores USR2 while the process that started it is its parent.
        self.server = Nginx(port, path="/ping", text="pong by pid:$pid", cpu=cpu, daemon=True)

    def serving(self):
        return self.server.pid

    def __enter__(self):
        self.server.__enter__()
        return self

    def begin(self, old):
        os.kill(self.server.master, signal.SIGHUP)

    def successor(self, old):
        return harness.until(lambda: (pid := self.serving()) and pid != old and pid, WAITED, 60)

    def __exit__(self, *arguments):
        self.server.__exit__(*arguments)

    def log(self):
        return harness.read(self.server.folder / "error.log")


class NginxUpgrade(NginxReload):
    """nginx's binary upgrade: USR2, then QUIT to the old master."""

    name = "nginx USR2"

    def begin(self, old):
        self.old_master = self.server.master
        os.kill(self.old_master, signal.SIGUSR2)

    def finish(self, old):
        os.kill(self.old_master, signal.SIGQUIT)
        harness.until(lambda: not harness.alive(self.old_master), "the old master leaves", 60)


PEERS = {None: Ours, "nginx-hup": NginxReload, "nginx-usr2": NginxUpgrade}


def ms(nanoseconds):
    return nanoseconds / 1e6


def restart(target, drain_limit):
    """One restart; times in milliseconds from the signal, and what the new generation uses."""
    old = target.serving()
    handle = os.pidfd_open(old)
    start = time.monotonic_ns()
    target.begin(old)
    new = target.successor(old)
    ready = time.monotonic_ns()
    target.finish(old)
    gone, _, _ = select.select([handle], [], [], drain_limit)
    end = time.monotonic_ns()
    os.close(handle)
    if not gone:
        raise RuntimeError(f"generation {old} is not gone {drain_limit} s after the restart")
    return {"old": old, "new": new, "at": start, "ready_ms": ms(ready - start),
            "gone_ms": ms(end - start), "after_ready_ms": ms(end - ready),
            "rss_kib": harness.memory(new).get("VmRSS", 0), "fds": harness.descriptor_count(new)}


def load_flags(options):
    return ["--path", "/ping", "--body-prefix", "pong by pid:", "--keep-alive", options.keep_alive,
            "--thinking", options.thinking, "--think", options.think, "--one-shot",
            options.one_shot, "--deadline", options.deadline]


def calm(target, options):
    return harness.run_load(options.build, target.port, *load_flags(options),
                            "--duration", options.calm, cpu=options.client_cpu)


def last_accepts(report, restarts):
    """From the signal to the last one-shot answer of the old generation: its last accept was no
    later than that."""
    group = report["groups"].get("one-shot", {"pids": []})
    last = {seen["pid"]: report["started"] + seen["last"] * 1e9 for seen in group["pids"]}
    return [max(0.0, ms(last[r["old"]] - r["at"])) for r in restarts if r["old"] in last]


def play(target, options):
    before = calm(target, options)
    first = {"pid": target.serving(), "fds": idle_descriptors(target),
             "rss_kib": harness.memory(target.serving())["VmRSS"]}
    restarts = []
    with Load(options.build, target.port, *load_flags(options), "--duration", 86400,
              cpu=options.client_cpu) as load:
        load.ready()
        for number in range(options.restarts):
            restarts.append(restart(target, options.drain_limit))
            if options.interval:
                time.sleep(options.interval)
            if (number + 1) % 100 == 0:
                print(f"{number + 1} restarts", file=sys.stderr)
        report = load.stop()
    last = {"pid": target.serving(), "fds": idle_descriptors(target),
            "rss_kib": harness.memory(target.serving())["VmRSS"]}
    starts = mere_starts(target, options, restarts) if options.mere_starts else None
    after = calm(target, options)
    return {"server": target.name, "restarts": restarts, "under": report, "before": before,
            "after": after, "first": first, "last": last, "starts": starts,
            "last_accept_ms": last_accepts(report, restarts)}


def mere_starts(target, options, restarts):
    """The same load while the same program is started as often as it was restarted, only to tell
    its version and leave: what loading a program costs clients on this machine, whoever does it."""
    pace = (restarts[-1]["at"] - restarts[0]["at"]) / 1e9 / max(1, len(restarts) - 1)
    program = target.server.command[0]
    with Load(options.build, target.port, *load_flags(options), "--duration", 86400,
              cpu=options.client_cpu) as load:
        load.ready()
        due = time.monotonic()
        for _ in restarts:
            child = os.posix_spawn(program, [program, "--version"], os.environ, file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
            os.waitpid(child, 0)
            due += pace
            time.sleep(max(0.0, due - time.monotonic()))
        return load.stop()


def idle_descriptors(target, seconds=0.5):
    """The serving generation's descriptors once its clients have left: the least of a while."""
    counts = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        counts.append(len(harness.descriptors(target.serving())))
        time.sleep(0.01)
    return min(counts)


def percentiles(values):
    if not values:
        return ["-"] * 4
    ordered = sorted(values)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99)]
    return [f"{value:.1f}" for value in (ordered[0], *at, ordered[-1])]


def latency_rows(found):
    rows = []
    for name in [*found["under"]["groups"], None]:
        def of(part):
            report = found[part]
            return (report["groups"][name] if name else report["total"])["latency_us"]
        for quantile in ("p50", "p99", "p99.9", "p99.99", "max"):
            base = statistics.mean((of("before")[quantile], of("after")[quantile]))
            rows.append([name or "all", quantile, f"{base:.0f}", f"{of('under')[quantile]:.0f}",
                         f"{of('under')[quantile] / base:.2f}"])
    return rows


def ratio_of(found, quantile, during="under"):
    """A quantile of all requests' latency, with restarts (or mere starts) over without."""
    def of(part):
        return found[part]["total"]["latency_us"][quantile]
    return of(during) / statistics.mean((of("before"), of("after")))


def print_medians(runs):
    """Over several runs: each has its own time without restarts before and after it."""
    print(f"\n{len(runs)} runs, each beside its own time without restarts: latency with / without\n")
    rows = []
    for quantile in ("p50", "p99", "p99.9"):
        ratios = [ratio_of(found, quantile) for found in runs]
        rows.append([quantile, f"{statistics.median(ratios):.2f}",
                     ", ".join(f"{ratio:.2f}" for ratio in ratios)])
    if runs[0]["starts"]:
        ratios = [ratio_of(found, "p99.9", "starts") for found in runs]
        rows.append(["p99.9, the program merely started as often",
                     f"{statistics.median(ratios):.2f}",
                     ", ".join(f"{ratio:.2f}" for ratio in ratios)])
    print(harness.table(["all requests", "median", "runs"], rows))


def edge_medians(values):
    part = max(1, len(values) // 10)
    return (f"{statistics.median(values[:part]):.0f} -> {statistics.median(values[-part:]):.0f} "
            f"({min(values)}..{max(values)})")


def print_report(found, options):
    restarts, under = found["restarts"], found["under"]
    print(f"{harness.machine()}\n{found['server']}: {len(restarts)} restarts under load, "
          f"{options.threads} thread(s); {under['total']['answered']} requests, "
          f"{under['total']['requests_per_second']:.0f} a second\n")
    groups = under["groups"]
    print(harness.table(["", "answered", "failed", "how"], [
        [name, group["answered"], group["failed"],
         ", ".join(f"{what} {count}" for what, count in group["incidents"].items() if count) or "-"]
        for name, group in groups.items()]))
    seen = {entry["pid"] for entry in under["total"]["pids"]}
    missing = [r["new"] for r in restarts if r["new"] not in seen]
    print(f"\ngenerations seen by clients: {len(seen)}; started and never seen: {len(missing)}\n")
    print(harness.table(["milliseconds", "least", "median", "p99", "most"], [
        ["signal to the new generation's ready", *percentiles([r["ready_ms"] for r in restarts])],
        ["signal to the old one's last accept (upper bound)",
         *percentiles(found["last_accept_ms"])],
        ["ready to the old one's exit", *percentiles([r["after_ready_ms"] for r in restarts])],
        ["signal to the old one's exit", *percentiles([r["gone_ms"] for r in restarts])]]))
    print()
    print(harness.table(["latency, us", "", "without restarts", "with", "ratio"],
                        latency_rows(found)))
    print(f"\nresident KiB, first and last tenth of the generations: "
          f"{edge_medians([r['rss_kib'] for r in restarts])}")
    print(f"descriptors under load: {edge_medians([r['fds'] for r in restarts])}; "
          f"without clients, first and last generation: {found['first']['fds']} -> "
          f"{found['last']['fds']}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(harness.SOURCE / "../../build/bench"))
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peer", choices=[p for p in PEERS if p], help="measure this one instead")
    parser.add_argument("--keep-alive", type=int, default=64)
    parser.add_argument("--thinking", type=int, default=200)
    parser.add_argument("--think", type=int, default=50, help="milliseconds")
    parser.add_argument("--one-shot", type=int, default=4)
    parser.add_argument("--deadline", type=int, default=1000,
                        help="milliseconds; later is a failure")
    parser.add_argument("--calm", type=float, default=5.0, help="seconds without restarts, twice")
    parser.add_argument("--interval", type=float, default=0.0, help="seconds between restarts")
    parser.add_argument("--mere-starts", action="store_true", help="also the same load while the "
                        "program is started as often, only to print its version")
    parser.add_argument("--runs", type=int, default=1, help="repeat all of it, print medians")
    parser.add_argument("--drain-limit", type=float, default=60.0, help="seconds until an old "
                        "generation must be gone")
    parser.add_argument("--client-cpu", type=int, help="pin the client")
    parser.add_argument("--server-cpu", type=int, help="pin the server")
    parser.add_argument("--json", help="write everything measured to this file")
    parser.add_argument("command", nargs="*")
    return parser.parse_args()


def main():
    options = arguments()
    harness.raise_descriptor_limit()
    command = options.command or (None if options.peer else [
        harness.program(options.build, "graceful_main"), "--address", "127.0.0.1", "--port",
        "{port}", "--threads", "{threads}", "--pid-file", "{pid_file}"])
    runs = []
    for number in range(options.runs):
        with PEERS[options.peer](command, harness.free_port(), options.threads,
                                 options.server_cpu) as target:
            try:
                runs.append(play(target, options))
            except RuntimeError as error:
                print(f"{error}; the end of the server's log:\n{target.log()[-4000:]}",
                      file=sys.stderr)
                return 2
        if options.runs > 1:
            print(f"\nrun {number + 1} of {options.runs}\n")
        print_report(runs[-1], options)
    if options.runs > 1:
        print_medians(runs)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": harness.machine(), "runs": runs}, file, indent=1)
    return 1 if any(found[part]["total"]["failed"] for found in runs
                    for part in ("before", "under", "after")) else 0


if __name__ == "__main__":
    sys.exit(main())
