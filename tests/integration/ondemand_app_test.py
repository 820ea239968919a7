"""baton-ondemand by its YAML file: what it starts, keeps, stops and passes on."""

import hashlib
import os
import re
import signal
import socket
import time
import unittest

from ondemand_app_support import AppCase, child, commands
from raw_websocket import TEXT, RawWebSocket
from support import PATIENCE, is_alive, read_response

HEAD = "HTTP/1.1\r\nHost: shop.example\r\n\r\n"


def shop(*keys, **more):
    return {"shop": child(*keys, routes=["shop.example"], **more)}


class Scenarios(AppCase):
    def test_the_first_request_starts_it_and_the_next_finds_it(self):
        app = self.app(shop())
        first = self.seen(app)
        self.assertEqual(self.seen(app)["pid"], first["pid"])
        self.assertEqual(app.starts("shop"), [first["pid"]])

    def test_commands_start_and_stop_it(self):
        app = self.app({"shop": commands(routes=["shop.example"], idle_timeout="200ms",
                                         ready={"path": "/health"})})
        first = self.seen(app)
        app.wait_state("shop", "stopped")
        self.assertFalse(is_alive(first["pid"]))
        self.assertNotEqual(self.seen(app)["pid"], first["pid"])
        app.wait_state("shop", "stopped", 2)

    def test_it_is_stopped_when_idle(self):
        app = self.app(shop(idle_timeout="100ms"))
        pid = self.seen(app)["pid"]
        app.wait_state("shop", "stopped")
        self.assertFalse(is_alive(pid))
        self.assertNotEqual(self.seen(app)["pid"], pid)

    def test_an_unknown_host_or_path_is_404(self):
        app = self.app({"shop": child(routes=["shop.example/app"])})
        for host, path in (("other.example", "/app"), ("shop.example", "/apple")):
            status, fields, body = self.ask(app, path, host=host)
            self.assertEqual((status, fields["cache-control"]), (404, "no-store"))
            self.assertIn(host.encode(), body)
        self.assertEqual(app.starts("shop"), [])

    def test_several_services_start_at_once_each_once(self):
        names = [f"s{i}" for i in range(5)]
        app = self.app({name: child("gate=1", routes=[name + ".example"]) for name in names})
        socks = [self.send(app, f"GET / HTTP/1.1\r\nHost: {name}.example\r\n\r\n")
                 for name in names for _ in range(4)]
        for name in names:
            app.wait_started(name)
            app.write_byte(name, "gate")
        for sock in socks:
            self.assertEqual(read_response(sock)[0], 200)
            sock.close()
        for name in names:
            self.assertEqual(len(app.starts(name)), 1)

    def test_routes_by_listener_host_and_path(self):
        app = self.app(
            {"a": child(routes=["shop.example"]), "b": child(routes=["*.shop.example/api"]),
             "c": child(routes=["side!/"]), "d": child(routes=["/x"])},
            listeners=[{"address": "127.0.0.1:0", "name": "web"}, {"address": "127.0.0.1:0", "name": "side"}])
        pids = {}
        for name, how in (("a", {"host": "shop.example:80"}), ("b", {"host": "EU.shop.example", "path": "/api/1"}),
                          ("c", {"host": "any.example", "listener": "side"}), ("d", {"host": "z", "path": "/x"})):
            pids[name] = self.seen(app, **how)["pid"]
        for name, pid in pids.items():
            self.assertEqual(app.starts(name), [pid], name)

    def test_a_path_is_stripped_prefixed_and_the_host_rewritten(self):
        app = self.app({"shop": child(routes=["/shop"], forward={
            "strip_prefix": "/shop", "add_prefix": "/v2", "host": "inner.example", "via": "edge"})})
        seen = self.seen(app, "/shop/a?b=c")
        self.assertEqual(seen["path"], "/v2/a?b=c")
        self.assertEqual(seen["fields"]["Host"], "inner.example")
        self.assertEqual(seen["fields"]["Via"], "1.1 edge")
        self.assertEqual(seen["fields"]["X-Forwarded-Host"], "shop.example")

    def test_each_request_begins_the_idle_time_anew(self):
        app = self.app(shop(idle_timeout="2s"))
        for _ in range(8):
            self.seen(app)
        self.assertEqual(app.count_log("shop: stopped"), 0)
        app.wait_state("shop", "stopped")
        self.assertEqual(len(app.starts("shop")), 1)

    def test_bodies_beyond_ten_mebibytes_arrive_whole(self):
        app = self.app(shop())
        body = os.urandom(1 << 20) * 12
        status, _, said = self.ask(app, method="POST", body=body)
        self.assertEqual((status, said.decode()), (200, hashlib.sha256(body).hexdigest()))
        self.assertEqual(len(self.ask(app, "/big/12000000")[2]), 12_000_000)

    def test_an_event_stream_may_be_silent_and_keeps_it(self):
        app = self.app(shop(idle_timeout="50ms", forward={"piece_timeout": "50ms", "head_timeout": "5s"}))
        with self.send(app, f"GET /events {HEAD}") as sock:
            seen = b""
            while b"first" not in seen:
                seen += sock.recv(4096)
            # Others come and go meanwhile; each of them ends its own idle time.
            for _ in range(3):
                self.seen(app)
            app.write_byte("shop", "hold")
            while b"last" not in seen:
                seen += sock.recv(4096)
            self.assertNotIn(b"error", seen)
        app.wait_state("shop", "stopped")
        self.assertEqual(len(app.starts("shop")), 1)

    def test_messages_of_a_websocket_during_the_start_arrive(self):
        app = self.app({"shop": child("gate=1", routes=["/ws"], idle_timeout="50ms")})
        port = app.web()
        key = b"dGhlIHNhbXBsZSBub25jZQ=="
        masked = b"\x81\x85\0\0\0\0hello"
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
            sock.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n" + masked)
            app.wait_started("shop")
            app.write_byte("shop", "gate")
            seen = b""
            while not seen.endswith(b"\x81\x05hello"):
                piece = sock.recv(4096)
                self.assertNotEqual(piece, b"", seen)
                seen += piece
            self.assertIn(b"101 Switching Protocols", seen)
            sock.sendall(masked)
            self.assertEqual(sock.recv(100), b"\x81\x05hello")
        app.wait_state("shop", "stopped")

    def test_a_websocket_keeps_it(self):
        app = self.app({"shop": child(routes=["/"], idle_timeout="50ms")})
        client = RawWebSocket(app.web())
        for _ in range(3):
            client.message(TEXT, b"again")
            self.assertEqual(client.event(), ("text", "again"))
            self.seen(app)
        self.assertEqual(app.count_log("shop: draining, was ready"), app.count_log("shop: ready, was draining"))
        client.send_close()
        client.close()
        app.wait_state("shop", "stopped")
        self.assertEqual(len(app.starts("shop")), 1)

    def test_a_long_request_is_not_idle(self):
        app = self.app(shop(idle_timeout="50ms"))
        with self.send(app, f"GET /held {HEAD}") as sock:
            app.wait_log("a held request")
            for _ in range(3):
                self.seen(app)
            app.write_byte("shop", "hold")
            self.assertEqual(read_response(sock)[0], 200)
        app.wait_state("shop", "stopped")
        self.assertEqual(len(app.starts("shop")), 1)

    def test_repeated_fields_stay_and_head_tells_the_length(self):
        app = self.app(shop())
        with self.send(app, f"GET /head {HEAD}") as sock:
            seen = b""
            while not seen.endswith(b"hello"):
                seen += sock.recv(4096)
        self.assertEqual(re.findall(rb"(?i)set-cookie: (.*)\r", seen), [b"a=1", b"b=2; Path=/"])
        status, fields, body = self.ask(app, "/head", method="HEAD")
        self.assertEqual((status, fields["content-length"], body), (200, "5", b""))

    def test_the_first_request_behind_a_crash_is_answered(self):
        app = self.app(shop(backoff="1ms"))
        self.seen(app)
        os.kill(app.starts("shop")[0], signal.SIGKILL)
        self.seen(app)
        self.assertEqual(len(app.starts("shop")), 2)

    def test_a_request_that_crashed_it_is_answered_by_the_next_start(self):
        app = self.app(shop(backoff="1ms"))
        self.seen(app)
        self.seen(app, "/crash-once")
        self.assertEqual(len(app.starts("shop")), 2)

    def test_leaving_lets_requests_finish_and_ends_what_runs(self):
        app = self.app(shop())
        with self.send(app, f"GET /held {HEAD}") as sock:
            app.wait_log("a held request")
            app.kill(signal.SIGTERM)
            app.wait_log("step 3 of 5, drain")
            app.write_byte("shop", "hold")
            self.assertEqual(read_response(sock)[0], 200)
        self.assertEqual(app.gone(), 0)

    def test_waiting_costs_no_processor_time(self):
        app = self.app(shop("gate=1", "notify=1", ready={"by": "notify"}))
        pid = app.ready()
        with self.send(app, f"GET / {HEAD}") as sock:
            app.wait_started("shop")
            before = ticks(pid)
            # The test's own clock: as long as the processor is somebody else's, nothing is told.
            began = time.monotonic()
            while time.monotonic() - began < 0.5:
                self.question(app, "status")
            self.assertLess(ticks(pid) - before, 25, "of 50 that a busy loop takes")
            app.write_byte("shop", "gate")
            self.assertEqual(read_response(sock)[0], 200)


def ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Readiness(AppCase):
    def started(self, *keys, ready, **more):
        app = self.app({"shop": child(*keys, routes=["shop.example"], ready=ready, **more)})
        return app, self.ask(app)

    def test_a_503_is_not_ready(self):
        app, (status, _, _) = self.started("late=1", ready={"path": "/health"})
        self.assertEqual(status, 200)
        app.wait_log("shop: ready, was starting")

    def test_another_status_may_be_the_good_one(self):
        _, (status, _, _) = self.started("late=1", ready={"path": "/health", "status": [503]})
        self.assertEqual(status, 200)

    def test_never_the_good_one_is_told_with_why(self):
        _, (status, _, body) = self.started(ready={"path": "/health", "status": ["204"]},
                                            start_timeout="3s")
        self.assertEqual(status, 503)
        self.assertIn(b"HTTP 200 from /health", body)

    def test_notify(self):
        app, (status, _, _) = self.started("notify=1", ready={"by": "notify"})
        self.assertEqual((status, len(app.starts("shop"))), (200, 1))

    def test_a_command_says_so(self):
        _, (status, _, _) = self.started(ready={"command": "test -e FOLDER/started"})
        self.assertEqual(status, 200)

    def test_tcp_and_none(self):
        app = self.app({"tcp": commands(routes=["tcp.example"]),
                        "none": commands(routes=["none.example"], ready={"by": "none"})})
        self.assertEqual(self.ask(app, host="tcp.example")[0], 200)
        self.assertIn(self.ask(app, host="none.example")[0], (200, 502, 503))

    def test_what_runs_anyway_is_only_passed_on_to(self):
        name = f"@baton-test-{os.getpid()}"
        app = self.app({"base": child(always=True, socket={"address": name}),
                        "shop": {"target": name, "routes": ["shop.example"]}})
        pid = self.seen(app)["pid"]
        self.assertEqual(app.starts("base"), [pid])
        self.assertIn("it is only passed on to", self.question(app, "stop", "shop", status=1))
        self.assertEqual(self.seen(app)["pid"], pid)


class Programs(AppCase):
    def test_surroundings_reach_the_program(self):
        app = self.app(shop(environment={"AS": "told"}, directory="FOLDER", umask="027", nice=5,
                            limits={"open_files": 77}))
        seen = self.seen(app)
        self.assertEqual(seen["as"], "told")
        self.assertEqual(os.readlink(f"/proc/{seen['pid']}/cwd"), app.folders["shop"])
        with open(f"/proc/{seen['pid']}/limits", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Max open files +77 ")
        self.assertEqual(os.getpriority(os.PRIO_PROCESS, seen["pid"]), 5)

    def test_output_goes_where_it_is_told(self):
        app = self.app({"shop": child("exit=3", routes=["shop.example"], backoff="1h", backoff_cap="1h",
                                      ready={"by": "notify"},
                                      error_output={"to": "file", "file": "FOLDER/errors"})})
        self.assertEqual(self.ask(app)[0], 503)
        with open(os.path.join(app.folders["shop"], "errors"), encoding="ascii") as file:
            self.assertEqual(file.read(), "no database\n")

    def test_what_fails_is_told_with_its_last_lines(self):
        app = self.app(shop("exit=3", ready={"by": "notify"}, backoff="1h", backoff_cap="1h"))
        status, fields, body = self.ask(app)
        self.assertEqual((status, fields["retry-after"]), (503, "3600"))
        self.assertIn(b"exited with status 3 before it was ready", body)
        self.assertIn("no database", self.question(app, "log", "shop"))
        app.wait_log("shop: exited with status 3 before it was ready")

    def test_bad_commands_have_a_state_and_a_log_line(self):
        app = self.app({"gone": {"run": ["/no/such"], "socket": {"address": "@"}, "routes": ["gone.example"]},
                        "shell": {"start": "echo broken >&2; exit 7", "target": "127.0.0.1:1",
                                  "routes": ["shell.example"]},
                        "user": {"run": ["/bin/true"], "user": "nobody-there", "socket": {"address": "@"},
                                 "routes": ["user.example"]}})
        app.wait_log("services.gone.run: '/no/such' is no program that can be run now")
        for name, why in (("gone", "ENOENT"), ("shell", "its start command exited with status 7"),
                          ("user", "nobody-there")):
            status, _, body = self.ask(app, host=name + ".example")
            self.assertEqual(status, 503)
            self.assertIn(why.encode(), body)
            app.wait_log(rf"{name}: .*{why}")
            app.wait_state(name, "failed")


if __name__ == "__main__":
    unittest.main()
