"""Health and readiness as load balancers and people see them."""

import os
import shutil
import signal
import socket
import tempfile

from admin_support import AdminCase
from support import connect, is_alive

QUICK = {"interval_ms": 100, "timeout_ms": 400}


class Health(AdminCase):
    def checks(self, service, path="/health?detailed=true"):
        return {each["name"]: each for each in self.ask(service, path).json["checks"]}

    def status_until(self, service, status, path="/health"):
        return service.wait_for(lambda: (answer := self.ask(service, path)).json["status"] == status
                                and answer, f"status {status} of {path}")

    def test_a_calm_service_is_healthy(self):
        service = self.start({"health": {"disk_paths": ["/"], "disk": [0, 0], "memory": [0, 0]}})
        answer = self.ask(service, "/health")
        self.assertEqual((answer.status, answer.json["status"], answer.json["reasons"]),
                         (200, "healthy", []))
        self.assertEqual([each["id"] for each in answer.json["servers"]], ["web", "admin"])
        self.assertNotIn("checks", answer.json)
        service.wait_for(lambda: self.checks(service)["disk /"]["value"], "a result of the disk")
        self.assertEqual(set(self.checks(service)), {"connections", "errors", "loop_lag", "memory",
                                                     "descriptors", "disk /"})
        self.assertGreater(self.checks(service)["descriptors"]["value"], 0)
        self.assertEqual(service.quit(), 0)

    def test_one_server(self):
        service = self.start()
        answer = self.ask(service, "/health?server=web&detailed=true")
        self.assertEqual((answer.status, answer.json["id"], answer.json["status"]),
                         (200, "web", "healthy"))
        self.assertEqual([each["name"] for each in answer.json["checks"]], ["connections", "errors"])
        self.assertEqual(self.assert_error(self.ask(service, "/health?server=nobody"), 404)["value"],
                         "nobody")
        self.assertEqual(service.quit(), 0)

    def test_connections_against_the_cap(self):
        service = self.start(listeners=[{"address": "127.0.0.1:0", "name": "web",
                                         "max_connections": 10}])
        clients = []
        for wanted, count, status in (("healthy", 7, 200), ("degraded", 9, 200), ("unhealthy", 10, 503)):
            while len(clients) < count:
                clients.append(connect(service.port("web")))
            for path in ("/health", "/health?server=web"):
                answer = self.status_until(service, wanted, path)
                self.assertEqual(answer.status, status)
            if wanted != "healthy":
                self.assertIn(f"{count} of 10 connections", answer.json["reasons"][0])
                service.wait_log(f"health changed from .* to {wanted}")
        for each in clients:
            each.close()
        self.assertEqual(self.status_until(service, "healthy").status, 200)
        service.wait_log("health changed from .* to healthy")
        self.assertEqual(service.quit(), 0)

    def test_errors(self):
        service = self.start({"health": {"error_window_s": 4}})
        for _ in range(19):
            with connect(service.port("web")) as client:
                client.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
                client.recv(100)
        for _ in range(5):
            with connect(service.port("web")) as client:
                client.sendall(b"GET /status/503 HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b" 503 ", client.recv(100))
        # A look may fall between two answers; the next one sees all of them.
        service.wait_for(lambda: "5 of 24 answers" in str(self.ask(service, "/health").json["reasons"]),
                         "look at all answers")
        self.status_until(service, "unhealthy")
        self.assertEqual(self.ask(service, "/health?server=web").status, 503)
        self.assertEqual(self.ask(service, "/health?server=admin").status, 200)
        self.status_until(service, "healthy")  # the window passes
        self.assertEqual(service.quit(), 0)

    def test_a_loop_that_stands_still(self):
        service = self.start({"health": {"loop_lag": [0.00000001, 3600]}})
        self.assertIn("a task waits", self.status_until(service, "degraded").json["reasons"][0])
        self.assertEqual(service.quit(), 0)

    def test_descriptors_memory_and_disk_against_their_limits(self):
        service = self.start({"health": {"descriptors": [0.0000001, 0.0000002], **QUICK,
                                         "disk_paths": ["/", "/no/such/path"], "disk": [0, 0]}})
        service.wait_for(lambda: self.checks(service)["disk /no/such/path"]["status"] == "unhealthy",
                         "an unhealthy disk")
        checks = self.checks(service)
        self.assertIn("/no/such/path", checks["disk /no/such/path"]["reason"])
        self.assertEqual(checks["descriptors"]["status"], "unhealthy")
        self.assertIn("descriptors are open", checks["descriptors"]["reason"])
        self.assertEqual(self.ask(service, "/health").status, 503)
        self.assertEqual(service.quit(), 0)

    def test_checks_that_throw_hang_or_never_complete(self):
        service = self.start({"health": QUICK, "checks": {
            "throws": "throws", "silent": "silent", "hangs": "hangs", "late": "late",
            "fine": "healthy"}})
        reasons = {"throws": "it threw: the database is on fire",
                   "silent": "it did not complete within 400ms",
                   "hangs": "it did not come back within 400ms",
                   "late": "it did not come back within 400ms"}
        for name, reason in reasons.items():
            service.wait_for(lambda: self.checks(service)[name]["status"] == "unhealthy",
                             f"unhealthy {name}")
            self.assertEqual(self.checks(service)[name]["reason"], reason)
        self.assertEqual(self.checks(service)["fine"]["status"], "healthy")
        self.assertEqual(self.checks(service)["fine"]["value"], 42)
        self.assertEqual(self.ask(service, "/health").status, 503)
        # Nothing else suffers, and nothing crashed.
        self.assertEqual(self.ask(service, "/health/live").status, 200)
        self.assertEqual(self.ask(service, "/metrics").status, 200)
        self.assertEqual(self.ask(service, "/upgrade", "POST").status, 200)
        service.wait_for(lambda: service.pid() != service.process.pid, "the new pid")
        self.assertEqual(service.quit(), 0)

    def test_callbacks_that_throw_keep_nobody_from_being_told(self):
        service = self.start({"health": {**QUICK, "loop_lag": [0, 0], "memory": [0, 0]},
                              "checks": {"database": "degraded"}, "callback_throws": True})
        service.wait_log("health: a callback of the program threw: nobody answers the pager")
        service.wait_log("health: a callback of the program threw something that is no std::exception")
        service.wait_log("health changed from healthy to degraded")
        self.assertEqual(self.ask(service, "/health").json["status"], "degraded")
        self.assertEqual(service.quit(), 0)

    def test_a_check_that_has_the_name_of_one_of_ours_is_refused(self):
        service = self.service({"admin": {"address": "127.0.0.1:0", "checks": {"memory": "healthy"}}})
        service.wait_log("the health check 'memory' is there already")
        self.assertNotEqual(service.gone(), 0)

    def test_the_programs_own_check_is_asked_again(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        state = os.path.join(folder, "state")

        def say(word):
            with open(state + ".new", "w", encoding="utf-8") as file:
                file.write(word)
            os.replace(state + ".new", state)
        say("healthy")
        service = self.start({"health": QUICK, "checks": {"database": state}})
        for word, status in (("healthy", 200), ("degraded", 200), ("unhealthy", 503), ("throws", 503),
                             ("healthy", 200)):
            say(word)
            answer = self.status_until(service, "unhealthy" if word == "throws" else word)
            self.assertEqual(answer.status, status)
        for status in ("degraded", "unhealthy", "healthy"):
            service.wait_log(f"health changed from .* to {status}")
        self.assertEqual(service.quit(), 0)


class Readiness(AdminCase):
    def test_f30_it_is_false_from_the_announcement_to_the_end(self):
        service = self.start(lame_duck_ms=60_000, drain_timeout_ms=120_000)
        self.assertEqual(self.ask(service, "/health/ready").status, 200)
        kept = connect(service.admin)
        slow = connect(service.port("web"))
        slow.sendall(b"GET /slow/600000 HTTP/1.1\r\nHost: x\r\n\r\n")
        service.kill(signal.SIGQUIT)
        service.wait_log("shutdown step 1 of 5")
        # The door is open yet, for load balancers to see it first.
        for _ in range(3):
            answer = self.ask(service, "/health/ready")
            self.assertEqual((answer.status, answer.json["status"]), (503, "not ready"))
        self.assertEqual(self.ask(service, "/health/ready", sock=kept).status, 503)
        live = self.ask(service, "/health/live", sock=kept)
        self.assertEqual((live.status, live.json["phase"]), (200, "announcing"))
        self.assertEqual(self.ask(service, "/health", sock=kept).status, 200)
        kept.close()
        slow.close()
        service.kill(signal.SIGQUIT)
        service.gone()

    def test_f30_while_it_drains_through_a_connection_that_is_still_open(self):
        service = self.start(idle_grace_ms=60_000, drain_timeout_ms=120_000)
        kept = [connect(service.admin) for _ in range(2)]
        for each in kept:
            self.assertEqual(self.ask(service, "/health/ready", sock=each).status, 200)
        slow = connect(service.port("web"))
        slow.sendall(b"GET /slow/600000 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.get(service.port("web"))
        service.kill(signal.SIGQUIT)
        service.wait_log("shutdown step 3 of 5")
        answer = self.ask(service, "/health/ready", sock=kept[0])
        self.assertEqual((answer.status, answer.json["phase"]), (503, "draining"))
        self.assertEqual(self.ask(service, "/health/live", sock=kept[1]).status, 200)
        for each in (slow, *kept):
            each.close()
        service.kill(signal.SIGQUIT)
        service.gone()

    def test_a_restart_never_closes_the_door_and_the_new_generation_answers(self):
        service = self.start()
        for _ in range(5):
            old = service.pid()
            kept = connect(service.admin)
            self.assertEqual(self.ask(service, "/health/ready", sock=kept).status, 200)
            pids = set()
            service.kill(signal.SIGUSR1)
            while True:
                answer = self.ask(service, "/health/ready")
                self.assertEqual(answer.status, 200)
                pids.add(answer.json["pid"])
                if answer.json["pid"] != old:
                    break
            self.assertLessEqual(len(pids), 2)
            # The old one is no reason to go elsewhere: the service is ready, at the same door.
            try:
                last = self.ask(service, "/health/ready", sock=kept)
                self.assertEqual(last.status, 200)
                if last.json["phase"] == "draining":
                    self.assertEqual(last.headers.get("connection"), "close")
            except (ConnectionError, socket.timeout):
                self.fail("the old generation cut a connection that it had kept")
            kept.close()
            service.wait_for(lambda: not is_alive(old), f"end of {old}")
            service.wait_for(lambda: service.pid() == answer.json["pid"], "the new pid")
        self.assertEqual(service.quit(), 0)
