#!/usr/bin/env python3
"""Proxies in front of the same upstream, in turn, in interleaved rounds, with the same client: ours
(baton-ondemand with a service that it only passes on to), nginx, HAProxy if it is there, and a loop
that only copies bytes, which is the limit here. `--servers` also knows `proxy`, ours without the
gateway around it.

The upstream is the bare loop of compare.py. It shares CPU 1 with the client; the proxy has CPU 0,
and for the latency of one connection CPU 1 as well.
"""

import os
import shutil
import statistics
import sys

import harness
import rounds
from harness import Server
from ondemand import Gateway

# name: body bytes, connections, times nginx's efficiency that ours is to have
ROWS = {
    "64 keep-alive": (16, 64, 1.15),
    "64 KiB": (65536, 64, 1.8),
    "1 MiB": (1 << 20, 16, 1.5),
}
SERVERS = ("ours", "nginx", "forwarder", "haproxy", "proxy")
NOTE = ("upstream: the bare loop, on the client's CPU; nginx: one worker, access log off, "
        "keep-alive connections to the upstream, buffering as it comes")


class NginxProxy(Server):
    def __init__(self, port, upstream, cpu):
        super().__init__("nginx", [], port, cpu)
        user = "user root;" if os.geteuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(f"""
{user} daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p;
  fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u;
  scgi_temp_path {self.folder}/s;
  upstream origin {{
    server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header Forwarded "for=$remote_addr;host=$http_host;proto=$scheme";
    }}
  }}
}}
""")
        self.command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder),
                        "-c", str(config), "-e", str(self.folder / "error.log")]

    @property
    def pid(self):
        return max(harness.children(self.process.pid), default=None)


class Haproxy(Server):
    def __init__(self, port, upstream, cpu):
        super().__init__("haproxy", [], port, cpu)
        config = self.folder / "haproxy.cfg"
        config.write_text(f"""
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse always
frontend web
  bind 127.0.0.1:{port}
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  default_backend origin
backend origin
  server one 127.0.0.1:{upstream} pool-max-conn 256
""")
        self.command = [shutil.which("haproxy") or "haproxy", "-f", str(config)]


def start(name, build, upstream, cpu=0):
    port = harness.free_port()
    if name == "nginx":
        return NginxProxy(port, upstream, cpu)
    if name == "haproxy":
        return Haproxy(port, upstream, cpu)
    if name == "forwarder":
        return Server(name, [harness.program(build, "bench_forwarder"), "--port", str(port),
                             "--upstream", str(upstream)], port, cpu)
    if name == "ours":
        return Gateway(build, {"origin": {"target": f"127.0.0.1:{upstream}"}}, cpu,
                       {"origin": ["/"]})
    return Server(name, [harness.program(build, "bench_proxy"), f"127.0.0.1:{port}",
                         f"127.0.0.1:{upstream}", "quiet=1", "max_resting=256"], port, cpu)


def origin(build, body):
    port = harness.free_port()
    return Server("origin", [harness.program(build, "bench_bare_loop"), "--port", str(port),
                             "--body", str(body)], port, 1)


def measure(name, build, row, seconds):
    body, connections, _ = ROWS[row]
    with origin(build, body) as upstream, start(name, build, upstream.port) as server:
        client = ["--path", "/", "--body-size", body, "--constant-body", "--deadline", 10000,
                  "--keep-alive", connections]
        harness.run_load(build, server.port, *client, "--duration", 0.2, cpu=1)
        before = server.cpu_ns()
        report = harness.run_load(build, server.port, *client, "--duration", seconds, cpu=1)
        spent = server.cpu_ns() - before
    total = report["total"]
    return {"us": spent / 1000 / max(total["answered"], 1), "rate": total["requests_per_second"],
            "p99_us": total["latency_us"]["p99"], "failed": harness.failures(report)}


def latency(asked, cpu):
    """The latency of one connection, directly and through each proxy on that CPU: what each adds."""
    met = {}
    for number in range(asked.rounds):
        with origin(asked.build, 16) as upstream:
            for name in ("direct", *asked.servers)[::1 if number % 2 == 0 else -1]:
                client = ["--path", "/", "--body-size", 16, "--constant-body", "--keep-alive", 1,
                          "--duration", min(asked.seconds, 1.0)]
                if name == "direct":
                    report = harness.run_load(asked.build, upstream.port, *client, cpu=1)
                else:
                    with start(name, asked.build, upstream.port, cpu) as server:
                        report = harness.run_load(asked.build, server.port, *client, cpu=1)
                met.setdefault(name, []).append(report["total"]["latency_us"])
    rows = []
    for quantile in ("p50", "p99"):
        middle = {n: statistics.median(each[quantile] for each in met[n]) for n in met}
        rows.append([quantile, f"{middle['direct']:.1f}",
                     *(f"{middle[n] - middle['direct']:+.1f}" for n in asked.servers)])
    return harness.table([f"one connection, us, the proxy on CPU {cpu}", "direct", *asked.servers], rows)


def main():
    present = [n for n in SERVERS if n != "haproxy" or shutil.which("haproxy")]
    asked = rounds.options(__doc__, ROWS, present,
                           usual=[n for n in present if n != "proxy"])
    met = rounds.play(asked, lambda name, row: measure(name, asked.build, row, asked.seconds))
    print(rounds.heading(asked, NOTE))
    targets = {row: ROWS[row][2] for row in asked.rows}
    print(rounds.efficiency(asked, met, "nginx", targets, "forwarder"))
    # Between two CPUs, waking the other one may cost more than any proxy does.
    for cpu in (1, 0):
        print(latency(asked, cpu))
    return rounds.finish(asked, [{"row": row, "rounds": met[row]} for row in asked.rows])


if __name__ == "__main__":
    sys.exit(main())
