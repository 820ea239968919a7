"""Services that are started when they are wanted, and stopped when nobody needs them."""

import os
import re
import signal
import socket
import sys
import threading
import unittest

from ondemand_support import OndemandCase, listening
from support import PATIENCE, is_alive

HOST = "Host: shop.example\r\n"


def is_running(pid):
    return os.path.exists(f"/proc/{pid}") and is_alive(pid)


class OnDemand(OndemandCase):
    def test_the_first_request_starts_it_and_the_next_finds_it(self):
        gateway = self.gateway(listening())
        self.assertEqual(gateway.status("shop")["state"], "stopped")
        status, first = self.curl(gateway)
        self.assertEqual(status, 200)
        self.assertIn("host shop.example", first)
        self.assertEqual(self.curl(gateway), (200, first), "the same process")
        now = gateway.status("shop")
        self.assertEqual((now["state"], now["starts"]), ("ready", 1))
        self.assertEqual([now["pid"]], gateway.starts("shop"))

    def test_an_unknown_host_is_told_404(self):
        gateway = self.gateway(listening())
        status, body = self.curl(gateway, host="other.example")
        self.assertEqual(status, 404)
        self.assertIn("other.example", body)
        self.assertEqual(gateway.starts("shop"), [])

    def test_a_thousand_first_requests_are_one_start(self):
        gateway = self.gateway(listening(routes=[{}]))
        out = self.run_client("h2load", "--h1", "-n1000", "-c1000",
                              f"http://{gateway.web}/").decode()
        self.assertIn("1000 succeeded, 0 failed, 0 errored, 0 timeout", out)
        self.assertIn("status codes: 1000 2xx, 0 3xx, 0 4xx, 0 5xx", out)
        self.assertEqual(len(gateway.starts("shop")), 1)

    def test_it_is_stopped_when_idle_and_started_again(self):
        gateway = self.gateway(listening(idle_timeout=200))
        self.curl(gateway)
        gateway.wait_state("shop", "stopped")
        self.assertFalse(is_running(gateway.starts("shop")[0]))
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(len(gateway.starts("shop")), 2)

    def test_an_event_stream_keeps_it(self):
        gateway = self.gateway(listening(idle_timeout=100))
        with socket.create_connection(gateway.where, PATIENCE) as client:
            client.sendall(f"GET /events HTTP/1.1\r\n{HOST}\r\n".encode())
            seen = b""
            while b"data: first" not in seen:
                seen += client.recv(4096)
            # Idle would be told in the log; the stream is what a look at it finds.
            other = self.curl(gateway)
            self.assertEqual(other[0], 200)
            self.assertEqual(gateway.status("shop")["state"], "ready")
            gateway.let_go("shop")
            while b"data: last" not in seen:
                seen += client.recv(4096)
        gateway.wait_state("shop", "stopped")
        self.assertEqual(len(gateway.starts("shop")), 1)

    def test_a_start_that_fails_says_why(self):
        gateway = self.gateway(listening(backend=["exit=3"], ready="notify", backoff=60000))
        status, body = self.curl(gateway, "/", "-D", "-")
        self.assertEqual(status, 503)
        self.assertIn("exited with status 3 before it was ready", body)
        self.assertRegex(body, r"(?i)retry-after: 60\r")
        self.assertIn("no database", gateway.status("shop")["output"])
        gateway.wait_state("shop", "failed")
        status, body = self.curl(gateway)
        self.assertEqual(status, 503)
        self.assertIn("exited with status 3", body)
        self.assertEqual(len(gateway.starts("shop")), 1, "not before the back-off is over")
        gateway.command("start shop")
        gateway.wait_state("shop", "failed", 2)
        self.assertEqual(len(gateway.starts("shop")), 2, "unless the operator wants it")

    def test_one_that_ends_with_requests_in_its_queue_says_why(self):
        gateway = self.gateway(listening(backend=["exit=3"], backoff=60000))
        status, body = self.curl(gateway)
        self.assertEqual(status, 503)
        self.assertIn("exited with status 3", body)
        gateway.wait_state("shop", "failed")
        gateway.command("start shop")
        # Whether it comes before or behind the end.
        status, body = self.curl(gateway, "/", "-d", "order")
        self.assertEqual(status, 503)
        self.assertIn("exited with status 3", body)

    def test_it_is_ready_with_its_first_answer(self):
        gateway = self.gateway(listening(backend=["hold=1"]))
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.curl(gateway, "/", "-d", "x")))
        asking.start()
        gateway.wait_for(lambda: gateway.starts("shop"), "start")
        self.assertEqual(gateway.status("shop")["state"], "starting")
        gateway.let_go("shop")
        asking.join()
        self.assertEqual(answers, [(200, "got x")])
        gateway.wait_state("shop", "ready")

    def test_one_that_never_accepts_is_told_to_whoever_asked(self):
        gateway = self.gateway(listening(backend=["hold=1"], start_timeout=500, backoff=60000))
        answers = []
        asking = [threading.Thread(target=lambda flags=flags: answers.append(
            self.curl(gateway, "/", *flags))) for flags in ((), ("-d", "order"))]
        for each in asking:
            each.start()
        for each in asking:
            each.join()
        for status, body in answers:
            self.assertEqual(status, 503, body)
            self.assertIn("it has not accepted a connection on the socket that it was given", body)
        self.assertEqual(gateway.status("shop")["state"], "failed")
        self.assertEqual(len(gateway.starts("shop")), 1)

    def test_a_first_answer_may_take_its_time(self):
        gateway = self.gateway(listening(start_timeout=1500, idle_timeout=100))
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.curl(gateway, "/held")))
        asking.start()
        gateway.wait_log("a held request")
        gateway.wait_state("shop", "ready")
        gateway.let_go("shop")
        asking.join()
        self.assertEqual(answers[0][0], 200)
        gateway.wait_state("shop", "stopped")
        self.assertEqual(gateway.count_log("shop: failed, was"), 0)

    def test_a_start_without_a_request_is_ready_once_it_accepts(self):
        gateway = self.gateway(listening(backend=["hold=1"]))
        gateway.command("start shop")
        gateway.wait_for(lambda: gateway.starts("shop"), "start")
        self.assertEqual(gateway.status("shop")["state"], "starting")
        gateway.let_go("shop")
        gateway.wait_state("shop", "ready")
        self.assertEqual(self.curl(gateway)[0], 200)

    def test_what_is_not_there_says_so(self):
        gateway = self.gateway({"name": "shop", "run": ["/no/such/program"], "target": "127.0.0.1:1",
                                "routes": [{}]})
        status, body = self.curl(gateway)
        self.assertEqual(status, 503)
        self.assertIn("/no/such/program", body)

    def test_a_get_that_a_crash_took_is_answered_by_the_next_start(self):
        gateway = self.gateway(listening(backoff=1))
        status, body = self.curl(gateway, "/crash-once")
        self.assertEqual(status, 200)
        self.assertEqual(len(gateway.starts("shop")), 2)
        self.assertIn(f"pid {gateway.starts('shop')[1]} ", body)

    def test_a_post_that_a_crash_took_is_not_sent_twice(self):
        gateway = self.gateway(listening(backoff=1))
        status, _ = self.curl(gateway, "/crash-once", "-d", "order")
        self.assertEqual(status, 502)
        self.assertEqual(self.curl(gateway, "/", "-d", "order"), (200, "got order"))
        self.assertEqual(len(gateway.starts("shop")), 2)

    def test_a_request_that_crashes_it_each_time_is_told(self):
        gateway = self.gateway(listening(backoff=1))
        status, _ = self.curl(gateway, "/crash")
        self.assertEqual(status, 502)
        self.assertEqual(len(gateway.starts("shop")), 2, "tried once more, not for ever")

    def test_a_crash_is_seen_at_once(self):
        gateway = self.gateway(listening(backoff=1))
        self.curl(gateway)
        os.kill(gateway.starts("shop")[0], signal.SIGSEGV)
        gateway.wait_log("shop: was killed by SIGSEGV")
        self.assertEqual(self.curl(gateway)[0], 200)

    def test_a_client_that_leaves_does_not_fail_the_start(self):
        gateway = self.gateway(listening(ready="notify", backend=["notify=1"]))
        with socket.create_connection(gateway.where, PATIENCE) as client:
            client.sendall(f"GET / HTTP/1.1\r\n{HOST}\r\n".encode())
            gateway.wait_state("shop", "starting")
        gateway.wait_state("shop", "ready")
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(len(gateway.starts("shop")), 1)

    def test_too_many_waiting_requests_are_told(self):
        # Nothing says that it is ready.
        gateway = self.gateway(listening(ready="notify", max_waiting=1), keys=["drain_timeout_ms=1"])
        with socket.create_connection(gateway.where, PATIENCE) as client:
            client.sendall(f"GET / HTTP/1.1\r\n{HOST}\r\n".encode())
            gateway.wait_state("shop", "starting")
            status, body = self.curl(gateway)
            self.assertEqual(status, 503)
            self.assertIn("too many requests wait", body)

    def test_too_many_requests_that_were_let_in_are_told(self):
        gateway = self.gateway(listening(backend=["hold=1"], max_waiting=1))
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.curl(gateway)))
        asking.start()
        gateway.wait_for(lambda: gateway.starts("shop"), "start")
        self.assertEqual(gateway.status("shop")["waiting"], 1)
        status, body = self.curl(gateway, "/", "-D", "-")
        self.assertEqual(status, 503)
        self.assertIn("too many requests wait", body)
        self.assertRegex(body, r"(?i)retry-after: ")
        gateway.let_go("shop")
        asking.join()
        self.assertEqual(answers[0][0], 200)
        gateway.wait_for(lambda: gateway.status("shop")["waiting"] == 0, "end of the waiting")
        self.assertEqual(self.curl(gateway)[0], 200)

    def test_a_waiting_request_has_a_deadline(self):
        gateway = self.gateway(listening(ready="notify", wait_timeout=100))
        status, body = self.curl(gateway, "/", "-D", "-")
        self.assertEqual(status, 503)
        self.assertIn("not ready in time", body)
        self.assertRegex(body, r"(?i)retry-after: 1\r")

    def test_the_operator_stops_it_and_open_requests_finish(self):
        gateway = self.gateway(listening())
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.curl(gateway, "/held")))
        asking.start()
        gateway.wait_log("a held request")
        gateway.command("stop shop")
        gateway.wait_state("shop", "draining")
        late = threading.Thread(target=lambda: answers.append(self.curl(gateway, "/late")))
        late.start()
        gateway.wait_for(lambda: gateway.status("shop")["waiting"] == 1, "waiting request")
        self.assertTrue(is_running(gateway.starts("shop")[0]))
        gateway.let_go("shop")
        asking.join()
        late.join()
        self.assertEqual([status for status, _ in answers], [200, 200])
        first, second = gateway.starts("shop")
        self.assertIn(f"pid {first} ", answers[0][1])
        self.assertIn(f"pid {second} ", answers[1][1])

    def test_the_operator_ends_it_at_once(self):
        gateway = self.gateway(listening(backend=["deaf=1"], stop_timeout=3600000))
        self.curl(gateway)
        gateway.command("kill shop")
        gateway.wait_state("shop", "stopped")
        self.assertFalse(is_running(gateway.starts("shop")[0]))

    def test_what_it_forked_away_ends_with_it(self):
        gateway = self.gateway(listening(backend=["family=1"]))
        self.curl(gateway)
        gateway.command("stop shop")
        self.assertTrue(gateway.wait_log(r"shop: 2 processes ended within .*1 had forked away"))

    def test_the_activity_probe_may_keep_it(self):
        gateway = self.gateway(listening(
            idle_timeout=50, probe=["/bin/sh", "-c", "echo probed >&2; test -e /proc/$PPID"]))
        self.curl(gateway)
        gateway.wait_state("shop", "ready", 3)
        self.assertEqual(len(gateway.starts("shop")), 1)
        self.assertEqual(gateway.count_log("shop: stopping, was"), 0)

    def commands(self, **changes):
        """A service that commands start in the background."""
        run = f"{sys.executable} BACKEND FOLDER unix=1"
        return {"name": "unit", "routes": [{"host": "shop.example"}], "target": "unix:FOLDER/socket",
                "start": ["/bin/sh", "-c",
                          f"rm -f FOLDER/socket; {run} >FOLDER/log 2>&1 & echo $! >FOLDER/pid"],
                "stop": ["/bin/sh", "-c", "kill $(cat FOLDER/pid)"],
                "check": ["/bin/sh", "-c", "test -e FOLDER/pid && kill -0 $(cat FOLDER/pid)"],
                "ready": "tcp", **changes}

    def test_a_service_of_commands(self):
        gateway = self.gateway(self.commands(idle_timeout=200))
        self.assertEqual(self.curl(gateway)[0], 200)
        gateway.wait_state("unit", "stopped")
        self.assertFalse(is_running(gateway.starts("unit")[0]))

    def test_a_service_of_commands_that_died_is_started_by_the_next_request(self):
        gateway = self.gateway(self.commands(backoff=1))
        self.curl(gateway)
        pid = gateway.starts("unit")[0]
        os.kill(pid, signal.SIGKILL)
        gateway.wait_for(lambda: not is_running(pid), "end")
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(len(gateway.starts("unit")), 2)

    def test_bodies_go_both_ways_and_head_has_none(self):
        gateway = self.gateway(listening())
        big = "x" * 3_000_000
        upload = os.path.join(gateway.folder, "upload")
        with open(upload, "w", encoding="ascii") as file:
            file.write(big)
        self.assertEqual(self.curl(gateway, "/", "--data-binary", f"@{upload}"), (200, "got " + big))
        status, head = self.curl(gateway, "/", "-I")
        self.assertEqual(status, 200)
        self.assertTrue(re.search(r"(?i)content-length: [1-9]", head), head)

    def test_leaving_ends_the_services(self):
        gateway = self.gateway(listening(backend=["family=1"]))
        self.curl(gateway)
        pid = gateway.starts("shop")[0]
        os.kill(gateway.process.pid, signal.SIGQUIT)
        self.assertEqual(gateway.gone(), 0)
        self.assertFalse(is_running(pid))

    def test_several_threads_share_one_service(self):
        gateway = self.gateway(listening(idle_timeout=200, routes=[{}]), keys=["threads=2"])
        out = self.run_client("h2load", "--h1", "-n2000", "-c100",
                              f"http://{gateway.web}/").decode()
        self.assertIn("2000 succeeded, 0 failed", out)
        self.assertEqual(len(gateway.starts("shop")), 1)
        gateway.wait_state("shop", "stopped")

    def test_what_always_runs_is_started_again(self):
        gateway = self.gateway(listening(always=1, backoff=1))
        gateway.wait_state("shop", "ready")
        os.kill(gateway.status("shop")["pid"], signal.SIGKILL)
        gateway.wait_state("shop", "ready", 2)
        self.assertEqual(gateway.status("shop")["starts"], 2)


if __name__ == "__main__":
    unittest.main()
