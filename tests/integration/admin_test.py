"""The admin service: what it tells, what it does, and that it crosses restarts."""

import os
import shutil
import signal
import socket
import tempfile

from admin_support import AdminCase, Events
from support import connect, is_alive

GET_PATHS = ("/", "/health", "/health/live", "/health/ready", "/metrics", "/servers", "/generations",
             "/log-level")


class Telling(AdminCase):
    def test_every_answer_may_be_asked_for_by_head_and_is_not_stored(self):
        service = self.start()
        for path in GET_PATHS:
            for method in ("GET", "HEAD"):
                answer = self.ask(service, path, method)
                self.assertEqual(answer.status, 200, (path, answer.text))
                self.assertEqual(answer.headers["cache-control"], "no-store")
                self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
                self.assertEqual(bool(answer.text), method == "GET")
        self.assertEqual(self.ask(service, "/events", "HEAD").headers["content-type"],
                         "text/event-stream")
        self.assertEqual(service.quit(), 0)

    def test_methods_that_a_path_does_not_know(self):
        service = self.start()
        for path, method, allow in (("/health", "POST", "GET, HEAD, OPTIONS"),
                                    ("/servers", "DELETE", "GET, HEAD, OPTIONS"),
                                    ("/upgrade", "GET", "POST, OPTIONS"),
                                    ("/drain", "HEAD", "POST, OPTIONS"),
                                    ("/reload", "PUT", "POST, OPTIONS"),
                                    ("/log-level", "PATCH", "GET, HEAD, POST, OPTIONS")):
            answer = self.ask(service, path, method)
            if method != "HEAD":
                self.assert_error(answer, 405)
            self.assertEqual((answer.status, answer.headers["allow"]), (405, allow))
            answer = self.ask(service, path, "OPTIONS")
            self.assertEqual((answer.status, answer.headers["allow"]), (204, allow))
        self.assertIn("/nowhere", self.assert_error(self.ask(service, "/nowhere"), 404)["value"])
        self.assertEqual(service.quit(), 0)

    def test_servers(self):
        service = self.start(listeners=[{"address": "127.0.0.1:0", "name": "web",
                                         "max_connections": 7}])
        with connect(service.port("web")) as client:
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(1000)
            told = self.ask(service, "/servers").json
        self.assertEqual((told["generation"], told["pid"], told["phase"], told["ready"]),
                         (1, service.pid(), "serving", True))
        web, admin = told["servers"]
        self.assertEqual((web["id"], web["protocol"], web["connections"], web["max_connections"]),
                         ("web", "http", 1, 7))
        self.assertEqual(web["address"], service.address("web"))
        self.assertEqual(admin["id"], "admin")
        self.assertGreaterEqual(told["counters"]["requests"], 1)
        self.assertEqual(service.quit(), 0)

    def test_metrics_in_each_format(self):
        service = self.start()
        for accept, wanted in (("", "text/plain; version=0.0.4"), ("*/*", "text/plain"),
                               ("text/plain", "text/plain"),
                               ("application/openmetrics-text; version=1.0.0",
                                "application/openmetrics-text; version=1.0.0"),
                               ("application/openmetrics-text;q=0.5, text/plain;q=0.9", "text/plain"),
                               ("application/openmetrics-text;q=0.9, text/plain;q=0.5",
                                "application/openmetrics-text")):
            answer = self.ask(service, "/metrics", **({"Accept": accept} if accept else {}))
            self.assertTrue(answer.headers["content-type"].startswith(wanted), (accept, answer.headers))
            self.assertEqual(answer.text.endswith("# EOF\n"), "openmetrics" in wanted)
        self.assertIn("openmetrics", self.ask(service, "/metrics?format=openmetrics")
                      .headers["content-type"])
        self.assertIn("text/plain", self.ask(service, "/metrics?format=prometheus", Accept=
                                             "application/openmetrics-text").headers["content-type"])
        self.assertIsInstance(self.ask(service, "/metrics?format=json").json, dict)
        history = self.ask(service, "/metrics?history=true")
        self.assertEqual(history.headers["content-type"], "application/json")
        self.assertIn("history", history.json)
        self.assertEqual(self.assert_error(self.ask(service, "/metrics?format=xml"), 400)["value"], "xml")
        self.assertEqual(service.quit(), 0)

    def test_config_is_told_by_who_knows_it(self):
        service = self.start()
        self.assertIn("program", self.assert_error(self.ask(service, "/config"), 501)["reason"])
        self.assertEqual(service.quit(), 0)
        service = self.start({"config": '{"token": "***"}'})
        self.assertEqual(self.ask(service, "/config").json, {"token": "***"})
        self.assertEqual(service.quit(), 0)

    def test_a_unix_socket(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, "admin.sock")
        service = self.start({"address": path})
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(self.ask(service, "/health/live", host="whatever").status, 200)
        service.upgrade()
        service.wait_for(lambda: self.ask(service, "/health/live").json["generation"] == 2, "generation 2")
        self.assertEqual(service.quit(), 0)
        self.assertFalse(os.path.exists(path))


class Doing(AdminCase):
    def test_upgrade(self):
        service = self.start()
        first = service.pid()
        answer = self.ask(service, "/upgrade", "POST")
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual((answer.json["outcome"], answer.json["generation"]), ("handed over", 2))
        service.wait_for(lambda: service.pid() == answer.json["pid"], "the new pid in the pid file")
        service.wait_for(lambda: not is_alive(first), "end of generation 1")
        self.assertEqual(self.ask(service, "/health/live").json["pid"], answer.json["pid"])

        def told():
            one, two = self.ask(service, "/generations").json["generations"]
            return one["end"] and (one, two)
        one, two = service.wait_for(told, "the farewell of generation 1")
        self.assertEqual((one["pid"], two["pid"], one["end"]), (first, answer.json["pid"], "drained"))
        self.assertLessEqual(one["started"], one["serving"])
        self.assertLessEqual(two["started"], two["serving"])
        self.assertGreaterEqual(one["gone"], one["draining"])
        self.assertEqual((two["draining"], two["gone"]), (0, 0))
        self.assertEqual(service.quit(), 0)

    def test_an_upgrade_that_fails_says_why_and_the_service_goes_on(self):
        service = self.start()
        service.configure(fail="there is no bread today")
        error = self.assert_error(self.ask(service, "/upgrade", "POST"), 500)
        self.assertRegex(error["reason"], r"^the new process \(pid \d+\) exited with status 1 before it was ready; "
                                          r"look at its own log lines and try again$")
        failed = service.wait_for(lambda: self.ask(service, "/generations").json["failures"], "a failure")
        self.assertEqual((len(failed), failed[0]["generation"], failed[0]["reason"]), (1, 1, error["reason"]))
        self.assertEqual(self.ask(service, "/health/ready").status, 200)
        service.config.pop("fail")
        service.configure()
        self.assertEqual(self.ask(service, "/upgrade", "POST").status, 200)
        again = service.wait_for(lambda: self.ask(service, "/generations").json["failures"], "the failure")
        self.assertEqual(again, failed)
        service.wait_log(r"start new process success")
        service.wait_for(lambda: service.pid() != service.process.pid, "the new pid")
        self.assertEqual(service.quit(), 0)

    def test_what_the_new_generation_says_of_its_failure_is_passed_on(self):
        service = self.start()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            service.config["listeners"] = [{"address": "127.0.0.1:0", "name": "web"},
                                           {"address": f"127.0.0.1:{port}", "name": "taken"}]
            service.configure()
            error = self.assert_error(self.ask(service, "/upgrade", "POST"), 500)
        for part in ("refused: ", f"127.0.0.1:{port}", "EADDRINUSE", "remove the reason it gave and try again"):
            self.assertIn(part, error["reason"])
        self.assertEqual(self.ask(service, "/health/ready").status, 200)
        self.assertEqual(service.quit(), 0)

    def test_one_upgrade_at_a_time(self):
        service = self.start()
        service.configure(progress=[1500])
        first = connect(service.admin)
        first.sendall(b"POST /upgrade HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        service.wait_for(lambda: self.ask(service, "/servers").json["phase"] == "upgrading", "upgrading")
        self.assertTrue(self.ask(service, "/generations").json["upgrading"])
        self.assert_error(self.ask(service, "/upgrade", "POST"), 409)
        answer = b""
        while piece := first.recv(1000):
            answer += piece
        first.close()
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        service.wait_for(lambda: service.pid() != service.process.pid, "the new pid")
        self.assertEqual(service.quit(), 0)

    def test_drain(self):
        service = self.start()
        answer = self.ask(service, "/drain", "POST")
        self.assertEqual((answer.status, answer.json["outcome"]), (202, "draining"))
        self.assertEqual(service.gone(), 0)

    def test_reload(self):
        service = self.start()
        self.assert_error(self.ask(service, "/reload", "POST"), 501)
        self.assertEqual(service.quit(), 0)
        service = self.start({"reload": {"status": 400, "json": '{"errors": ["line 7"]}'}})
        answer = self.ask(service, "/reload", "POST")
        self.assertEqual((answer.status, answer.json), (400, {"errors": ["line 7"]}))
        self.assertEqual(service.quit(), 0)

    def test_log_level(self):
        service = self.start()
        self.assertEqual(self.ask(service, "/log-level").json, {"level": "info"})
        self.assertEqual(self.ask(service, "/log-level", "POST", '{"level": "error"}').json,
                         {"level": "error"})
        self.assertEqual(self.ask(service, "/log-level").json, {"level": "error"})
        self.assertEqual(self.ask(service, "/log-level?level=notice", "POST").json, {"level": "notice"})
        self.assertEqual(self.assert_error(
            self.ask(service, "/log-level", "POST", '{"level": "loud"}'), 400)["value"], "loud")
        self.assertIn("info", self.assert_error(self.ask(service, "/log-level", "POST"), 400)["remedy"])
        self.assertEqual(service.quit(), 0)


class Following(AdminCase):
    def test_events_tell_of_traffic_logs_and_restarts(self):
        service = self.start()
        events = Events(service)
        hello = events.until("hello")
        self.assertEqual((hello["generation"], hello["pid"]), (1, service.pid()))
        for _ in range(50):
            self.get(service.port("web"))
        sample = events.until("sample", lambda each: each["requests"])
        self.assertGreater(sample["latency_ms"]["p99"], 0)
        self.assertEqual([each["id"] for each in sample["listeners"]], ["web", "admin"])
        self.assertEqual(sample["health"]["status"], "healthy")
        service.kill(signal.SIGUSR1)
        lines, started = set(), None
        while event := events.next():  # it ends for the restart; lines may come before its news
            if event[0] == "log":
                lines |= {(line["generation"], line["text"]) for line in event[1]}
            if event[0] == "generations" and event[1]["upgrading"]:
                started = started or event[1]
        self.assertEqual(len(started["generations"]), 1)
        again = Events(service)
        hello = again.until("hello")
        self.assertEqual(hello["generation"], 2)
        self.assertEqual([each["generation"] for each in hello["generations"]["generations"]], [1, 2])
        # What was not told any more by the one is told by the other.
        lines |= {(line["generation"], line["text"]) for line in hello["logs"]}
        self.assertTrue(any(who == 1 and "next generation is starting" in text
                            for who, text in lines), lines)
        while not any(who == 1 and "left after" in text for who, text in lines):
            lines |= {(line["generation"], line["text"]) for line in again.until("log")}
        again.close()
        events.close()
        service.wait_for(lambda: service.pid() == hello["pid"], "the new pid")
        self.assertEqual(service.quit(), 0)

    def test_the_timeline_knows_of_generations_that_were_killed(self):
        service = self.start()
        first = service.pid()
        slow = connect(service.port("web"))
        slow.sendall(b"GET /slow/60000 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.get(service.port("web"))
        service.upgrade()
        events = Events(service)
        told = events.until("hello")["generations"]["generations"]
        self.assertEqual((told[0]["pid"], told[0]["gone"]), (first, 0))
        self.assertTrue(told[0]["draining"])
        os.kill(first, signal.SIGKILL)
        told = events.until("generations", lambda each: each["generations"][0]["gone"])["generations"]
        self.assertEqual(told[0]["end"], "")
        events.close()
        slow.close()
        self.assertEqual(service.quit(), -signal.SIGKILL)

    def test_twenty_restarts_are_remembered(self):
        # Twenty in no time: none is to be hurried while it is about to end by itself.
        service = self.start(max_draining=1000)
        pids = [service.pid()]
        for _ in range(20):
            pids.append(service.upgrade())
        told = self.ask(service, "/generations").json["generations"]
        self.assertEqual([each["pid"] for each in told], pids)
        service.wait_for(lambda: all(each["gone"] for each in self.ask(service, "/generations")
                                     .json["generations"][:-1]), "end of all but the last")
        self.assertEqual(service.quit(), 0)
