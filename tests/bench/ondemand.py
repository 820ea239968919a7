#!/usr/bin/env python3
"""What starting services on demand costs, with the real baton-ondemand and the smallest service
there can be: a cold start beside the service's own, the CPU time while one waits, how punctual the
idle stop is, memory.

The service's own time is that from posix_spawn(3) to the first byte of its answer, measured in the
same rounds, in turn; what a start through the gateway takes beyond it is the gateway's.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import sys
import time
from pathlib import Path

import harness
from harness import Server

REQUEST = b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"
UPGRADE = (b"GET / HTTP/1.1\r\nHost: socket\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def now():
    return time.monotonic_ns()


class Gateway(Server):
    """`services`: name to what its configuration says; each is its host's, unless `routes` says
    otherwise."""

    def __init__(self, build, services, cpu, routes=None):
        super().__init__("baton-ondemand", [], harness.free_port(), cpu)
        self.admin = harness.free_port()
        config = {"server": {"threads": 1, "pid_file": str(self.folder / "pid")},
                  "listeners": [{"address": f"127.0.0.1:{self.port}", "name": "web"}],
                  "admin": {"enabled": True, "address": f"127.0.0.1:{self.admin}"},
                  "services": {name: {"routes": (routes or {}).get(name, [name]), **keys}
                               for name, keys in services.items()}}
        path = self.folder / "gateway.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        self.command = [harness.program(Path(build) / "src/apps/ondemand", "baton-ondemand"),
                        str(path)]

    def ask(self, method, path):
        link = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=20)
        link.request(method, path)
        answer = link.getresponse()
        body = answer.read()
        link.close()
        return json.loads(body)

    def stop(self, name):
        self.ask("POST", f"/services/{name}/stop")
        harness.until(lambda: self.ask("GET", f"/services/{name}")["state"] == "stopped",
                      f"{name} is stopped")


def first_byte(port, name):
    """From the request to the first byte of the answer, in ns, on a connection that is open."""
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = now()
        client.sendall(REQUEST % name.encode())
        got = client.recv(65536)
        ended = now()
    if b" 200 " not in got.split(b"\r\n")[0]:
        raise RuntimeError(f"{name}: {got[:400]}")
    return ended - begun


def own_time(service, port=None):
    """The same of the service itself, from its spawn on."""
    environment = {**os.environ, "LISTEN_FDS": "1"}
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            where = listener.getsockname()
            with socket.create_connection(where) as client:
                begun = now()
                pid = os.posix_spawn(service, [service], environment, file_actions=[
                    (os.POSIX_SPAWN_DUP2, listener.fileno(), 3)])
                client.sendall(REQUEST % b"own")
                client.recv(65536)
                ended = now()
    else:
        begun = now()
        pid = os.posix_spawn(service, [service, "--port", str(port)], environment)
        while True:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    client.sendall(REQUEST % b"own")
                    client.recv(65536)
                    ended = now()
                    break
            time.sleep(0.0001)  # they share a processor
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return ended - begun


def quantiles(values):
    values = sorted(values)
    return values[len(values) // 2] / 1e6, values[min(len(values) - 1, len(values) * 99 // 100)] / 1e6


def cold_starts(asked, service):
    port = harness.free_port()
    services = {"passed": {"run": [service], "socket": {"address": "@"}, "idle_timeout": "1h"},
                "polled": {"run": [service, "--port", str(port)], "ready": {"by": "tcp"},
                           "target": f"127.0.0.1:{port}", "idle_timeout": "1h"}}
    own_port = harness.free_port()
    met = {"passed": [], "polled": []}
    own = {"passed": [], "polled": []}
    with Gateway(asked.build, services, 0) as gateway:
        for _ in range(asked.starts):
            for name in services:
                own[name].append(own_time(service, own_port if name == "polled" else None))
                met[name].append(first_byte(gateway.port, name))
                gateway.stop(name)
        warm = [first_byte(gateway.port, "passed") for _ in range(asked.starts)][1:]
    rows = []
    for name, targets in (("passed", (2, 10)), ("polled", (5, None))):
        mine = statistics.median(own[name])
        beyond = [each - mine for each in met[name]]
        p50, p99 = quantiles(beyond)
        rows.append([name, f"{mine / 1e6:.2f}", f"{quantiles(met[name])[0]:.2f}", f"{p50:.2f}",
                     f"{p99:.2f}", f"<= {targets[0]}" + (f", {targets[1]}" if targets[1] else "")])
    print(f"{asked.starts} cold starts each, ms; warm: {quantiles(warm)[0]:.2f} a request on a new "
          "connection\n")
    print(harness.table(["socket", "service alone p50", "cold request p50", "beyond it p50", "p99",
                         "target"], rows))
    return {"met": met, "own": own}


def waiting(asked, service):
    """CPU time of the gateway while a request waits for a service that takes its time."""
    delay = 3000
    port, http_port = harness.free_port(), harness.free_port()
    slow = [service, "--delay", str(delay)]
    services = {"passed": {"run": slow, "socket": {"address": "@"}},
                "polled": {"run": [*slow, "--port", str(port)], "ready": {"by": "tcp"},
                           "target": f"127.0.0.1:{port}"},
                "asked": {"run": [*slow, "--port", str(http_port)], "ready": {"path": "/"},
                          "target": f"127.0.0.1:{http_port}"}}
    rows = []
    with Gateway(asked.build, services, 0) as gateway:
        for name in services:
            before = gateway.cpu_ns()
            took = first_byte(gateway.port, name)
            spent = gateway.cpu_ns() - before
            rows.append([name, f"{took / 1e9:.2f}", f"{spent / 1e6:.1f}", f"{100 * spent / took:.2f} %"])
    print(harness.table(["readiness", "waited, s", "CPU, ms", "share"], rows))


def idle_stops(asked, service):
    folder = Path(harness.tempfile.mkdtemp(prefix="baton-bench-"))
    mark = folder / "mark"
    services = {"passed": {"run": [service, "--mark", str(mark)], "socket": {"address": "@"},
                           "idle_timeout": "500ms"}}
    late = []
    with Gateway(asked.build, services, 0) as gateway:
        for _ in range(asked.stops):
            first_byte(gateway.port, "passed")
            idle_since = now()
            text = harness.until(lambda: harness.read(mark), "the service is asked to end")
            late.append((int(text) - idle_since) / 1e6 - 500)
            mark.unlink()
            harness.until(lambda: gateway.ask("GET", "/services/passed")["state"] == "stopped",
                          "the service is stopped")
    harness.shutil.rmtree(folder)
    print(f"Idle stop after 500 ms, {asked.stops} times: {min(late):+.1f} to {max(late):+.1f} ms\n")


def memory(asked, service):
    services = {name: {"run": [service], "socket": {"address": "@"},
                       "forward": {"max_connections": asked.pairs + 10}}
                for name in ("passed", "socket", "third")}
    with Gateway(asked.build, services, 0) as gateway:
        first_byte(gateway.port, "passed")
        gateway.ask("GET", "/services")
        idle = harness.memory(gateway.pid)
        before = idle["VmRSS"]
        clients = []
        for _ in range(asked.pairs):
            client = socket.create_connection(("127.0.0.1", gateway.port), 20)
            client.sendall(UPGRADE)
            clients.append(client)
        for client in clients:
            if b" 101 " not in client.recv(4096).split(b"\r\n")[0]:
                raise RuntimeError("the WebSocket was refused")
        after = harness.memory(gateway.pid)["VmRSS"]
        for client in clients:
            client.close()
    print(f"Memory: {idle['VmRSS'] / 1024:.1f} MiB resident, idle with three services "
          f"({idle.get('Private_Dirty', 0) / 1024:.1f} MiB its own); {asked.pairs} WebSockets passed "
          f"on: {(after - before) / asked.pairs:.1f} KiB a pair\n")


PARTS = {"cold": cold_starts, "waiting": waiting, "idle": idle_stops, "memory": memory}


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", default="build/bench")
    arguments.add_argument("--starts", type=int, default=200)
    arguments.add_argument("--stops", type=int, default=20)
    arguments.add_argument("--pairs", type=int, default=2000)
    arguments.add_argument("parts", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    asked = arguments.parse_args()
    harness.raise_descriptor_limit()
    os.sched_setaffinity(0, {1})
    service = harness.program(asked.build, "bench_cold_service")
    for part in asked.parts:
        PARTS[part](asked, service)
    return 0


if __name__ == "__main__":
    sys.exit(main())
