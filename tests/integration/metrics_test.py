"""Metrics of real processes: valid in every format, true against /proc and a strict client, and no
counter falls over restarts under load, whichever generation a scraper meets."""

import http.client
import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

import exposition
from support import Case, KeepAlive, connect, descriptors, read_response

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
MOST_REDIRECTS = 10


class Scraper:
    """Asks for /metrics, follows redirects, and sees every counter grow; `fresh`: on a connection
    of its own for each scrape, `kept`: on one as long as it lasts, `alternating`: either in turn,
    so that old and new generations are met in any order."""

    def __init__(self, path, manner, accept="*/*"):
        self.path, self.manner, self.accept = path, manner, accept
        self.kept = None
        self.before = {}
        self.scrapes = self.redirects = 0

    def ask(self, sock, target):
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: {self.accept}\r\n\r\n"
                     .encode())
        return read_response(sock)

    def ask_kept(self, target):
        if self.kept is not None:
            try:
                return self.ask(self.kept, target)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()  # it was idle, and closed: nobody has read what we asked
        self.kept = connect(self.path)
        return self.ask(self.kept, target)

    def ask_fresh(self, target):
        with connect(self.path) as sock:
            return self.ask(sock, target)

    def scrape(self, target="/metrics"):
        """(headers, body) of the answer."""
        keeps = self.manner == "kept" or (self.manner == "alternating" and self.scrapes % 2)
        self.scrapes += 1
        for _ in range(MOST_REDIRECTS):
            status, headers, body = self.ask_kept(target) if keeps else self.ask_fresh(target)
            if keeps and headers.get("connection") == "close":
                self.close()
            if status != 307:
                assert status == 200, (status, body)
                return headers, body.decode()
            assert headers["location"] == target and headers["connection"] == "close", headers
            self.redirects += 1
        raise AssertionError("redirected for ever")

    def check(self):
        """Scrapes once; returns the families."""
        headers, text = self.scrape()
        openmetrics = headers["content-type"].startswith("application/openmetrics-text")
        assert openmetrics == (self.accept == OPENMETRICS), headers
        families = exposition.parse(text, openmetrics)
        now = exposition.growing(families)
        for key, value in self.before.items():
            assert key in now, f"{key} has vanished"
            assert now[key] >= value, f"{self.manner}: {key} fell from {value} to {now[key]}"
        self.before = now
        return families

    def close(self):
        if self.kept is not None:
            self.kept.close()
            self.kept = None


class Client:
    """Asks again and again, and counts what was answered, each answer checked."""

    def __init__(self, port, one_shot):
        self.port, self.one_shot = port, one_shot
        self.answered = 0
        self.connection = None

    def ask(self):
        if self.connection is None:
            self.connection = KeepAlive(self.port)
        try:
            status, headers, body = self.connection.ask()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            assert not self.one_shot, "a fresh connection was refused an answer"
            self.close()  # idle, and closed before it was asked
            return
        assert status == 200 and body.startswith(b"pong by pid:"), (status, body)
        self.answered += 1
        if self.one_shot or headers.get("connection") == "close":
            self.close()

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Repeat(threading.Thread):
    """Calls `what` until it is told to stop; `result` raises what that raised."""

    def __init__(self, what):
        super().__init__(daemon=True)
        self.what, self.error, self.stopping = what, None, threading.Event()
        self.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                self.what()
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def result(self):
        self.stopping.set()
        self.join()
        if self.error is not None:
            raise self.error


def value(families, family, sample=None, **labels):
    """The one sample of that name that has these labels; 0 if there is none."""
    found = [number for (name, has), number in families[family][1].items()
             if name == (sample or family) and set(labels.items()) <= set(has)]
    assert len(found) < 2, (family, labels, found)
    return found[0] if found else 0


class Metrics(Case):
    def started(self, admin=None, **config):
        folder = tempfile.mkdtemp(prefix="baton-metrics-")
        self.addCleanup(shutil.rmtree, folder, True)
        path = os.path.join(folder, "admin.sock")
        # How busy this machine is must not be what the service's health depends on.
        health = {"loop_lag": [0, 0], "memory": [0, 0]}
        service = self.service({"admin": {"address": "unix:" + path, "health": health, **(admin or {})}, **config})
        service.ready()
        return service, path

    def web(self, families, code="2xx"):
        return value(families, "baton_http_requests_total", listener="web", method="GET", code=code)

    def restart_under_load(self, waits, **config):
        service, path = self.started(**config)
        port = service.port()
        clients = [Client(port, one_shot) for one_shot in (False, False, True)]
        scrapers = [Scraper(path, "fresh"), Scraper(path, "kept"),
                    Scraper(path, "alternating", OPENMETRICS)]
        busy = [Repeat(client.ask) for client in clients]
        busy += [Repeat(scraper.check) for scraper in scrapers]
        for number in range(1, 11):
            before = [scraper.scrapes for scraper in scrapers]
            service.upgrade()
            if waits:
                service.wait_log(r"the previous generation has left", number)
            service.wait_for(lambda seen=before: all(
                scraper.scrapes > count for scraper, count in zip(scrapers, seen)) or
                any(each.error for each in busy), "another scrape by each")
        for each in busy:
            each.result()
        for each in clients + scrapers:
            each.close()
        return service, path, scrapers, clients

    def test_no_counter_falls_over_restarts_and_none_is_missing_in_the_end(self):
        service, path, scrapers, clients = self.restart_under_load(waits=True, threads=2)
        self.assertGreater(sum(scraper.scrapes for scraper in scrapers), 30)
        answered = sum(client.answered for client in clients)
        self.assertGreater(answered, 100)
        last = Scraper(path, "fresh")
        # The first second after a restart tells what was handed over.
        families = {}

        def complete():
            nonlocal families
            families = last.check()
            return self.web(families) >= answered and value(
                families, "baton_connections_active", listener="web") == 0

        service.wait_for(complete, f"{answered} requests and no connection")
        self.assertEqual(self.web(families), answered)
        self.assertEqual(value(families, "baton_http_request_duration_seconds",
                               "baton_http_request_duration_seconds_count", listener="web"), answered)
        self.assertEqual(value(families, "baton_generation"), 11)
        self.assertEqual(value(families, "baton_restarts_total", outcome="handed_over"), 10)
        self.assertEqual(value(families, "baton_restart_phase_duration_seconds",
                               "baton_restart_phase_duration_seconds_count", phase="total"), 10)
        self.assertEqual(value(families, "baton_phase", phase="serving"), 1)
        service.quit()

    def test_no_counter_falls_while_generations_overlap(self):
        service, *_ = self.restart_under_load(waits=False, max_draining=1000)
        service.quit()

    def test_no_counter_falls_when_an_upgrade_fails(self):
        service, path = self.started()
        client, scraper = Client(service.port(), True), Scraper(path, "fresh")
        for number in range(1, 4):
            client.ask()
            before = self.web(scraper.check())
            service.fault("child.before_ready:kill")
            service.kill(10)
            service.wait_log(r"start new process failed", number)
            service.fault("")
            client.ask()
            service.wait_for(lambda was=before: self.web(scraper.check()) > was, "live counters")
        families = scraper.check()
        self.assertEqual(self.web(families), client.answered)
        self.assertEqual(value(families, "baton_restarts_total", outcome="child_exited"), 3)
        service.quit()

    def test_every_outcome_of_a_restart_is_there_from_the_beginning(self):
        service, path = self.started()
        scraper = Scraper(path, "fresh")
        outcomes = {"handed_over", "rolled_back", "not_serving", "executable_missing", "spawn_failed",
                    "child_exited", "child_late", "child_refused", "version_mismatch", "channel_broken"}

        def told():
            return {dict(labels)["outcome"]: number for (_, labels), number
                    in scraper.check()["baton_restarts_total"][1].items()}

        self.assertEqual(told(), dict.fromkeys(outcomes, 0))
        service.upgrade()
        service.wait_for(lambda: told() == {**dict.fromkeys(outcomes, 0), "handed_over": 1}, "the restart")
        service.quit()

    def test_health_is_told_and_no_check_is_run_for_it(self):
        service, path = self.started(admin={"checks": {"queue": "degraded", "database": "unhealthy",
                                                       "cache": "healthy"}})
        scraper = Scraper(path, "fresh")

        def state(family, **labels):
            """The one state that is 1."""
            found = {dict(has)["status"]: number for (_, has), number in scraper.check()[family][1].items()
                     if set(labels.items()) <= set(has)}
            self.assertEqual((set(found), sum(found.values())), ({"healthy", "degraded", "unhealthy"}, 1))
            return next(status for status, number in found.items() if number)

        service.wait_for(lambda: state("baton_health_status") == "unhealthy", "the database's check")
        service.wait_for(lambda: state("baton_health_check_status", check="queue") == "degraded", "the queue's")
        self.assertEqual(state("baton_health_check_status", check="database"), "unhealthy")
        self.assertEqual(state("baton_health_check_status", check="cache"), "healthy")
        self.assertEqual(state("baton_health_check_status", check="descriptors"), "healthy")
        checks = {dict(labels)["check"] for _, labels in scraper.check()["baton_health_check_status"][1]}
        self.assertEqual(checks, {"connections", "errors", "loop_lag", "memory", "descriptors", "queue",
                                  "database", "cache"})

        def runs():
            health = json.loads(scraper.scrape("/health?detailed=true")[1])
            return {each["name"]: each["at"] for each in health["checks"] if each["name"] in ("queue", "cache")}

        service.config["admin"]["checks"]["database"] = "healthy"
        service.configure()
        service.upgrade()
        service.wait_for(lambda: state("baton_health_status") == "degraded", "a degraded generation")
        service.wait_for(lambda: all(runs().values()), "a run of each check")
        before = runs()
        for _ in range(20):
            scraper.check()
        self.assertEqual(runs(), before, "a scrape ran a check")
        service.quit()

    def test_what_the_program_itself_tells(self):
        service, path = self.started(admin={"collectables": {
            "queue_length": "good", "burning": "throws", "odd": "throws 7", "slow": "hangs",
            "baton_generation": "good", "no name": "good"}})
        self.get(service.port())
        scraper = Scraper(path, "fresh")
        for _ in range(3):  # only the first one waits for the one that hangs
            families = scraper.check()
            self.assertEqual(value(families, "queue_length"), 42)
            self.assertEqual(value(families, "baton_generation"), 1, "one of ours is not replaced")
            self.assertEqual(self.web(families), 1)
            self.assertFalse({"burning", "odd", "slow", "no name"} & set(families))
        service.wait_log("a collectable of the program threw: the queue is on fire")
        service.wait_log("a collectable of the program threw something that is no std::exception")
        service.wait_log("a collectable of the program has not answered within 3 s")
        service.wait_log("a family that Prometheus would refuse, 'no name'")
        self.assertEqual(service.count_log("has not answered within"), 1)
        # The rest of the service does not wait for it, and a restart does not either.
        self.assertEqual(json.loads(scraper.scrape("/health")[1])["status"], "healthy")
        service.upgrade()
        service.quit()

    def test_health_is_answered_while_a_scrape_waits(self):
        service, path = self.started(admin={"collectables": {"slow": "hangs"}})
        with connect(path) as scrape:
            scrape.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(json.loads(Scraper(path, "fresh").scrape("/health")[1])["status"], "healthy")
            self.assertEqual(service.count_log("has not answered within"), 0, "the scrape still waits")
            self.assertEqual(read_response(scrape)[0], 200)
        service.quit()

    def test_gauges_are_true(self):
        service, path = self.started()
        service.upgrade()
        service.wait_log(r"the previous generation has left")
        pid = service.pid()
        scraper = Scraper(path, "kept")
        scraper.check()
        idle = [KeepAlive(service.port()) for _ in range(7)]
        for each in idle:
            each.ask()
        families = scraper.check()
        self.assertEqual(value(families, "baton_connections_active", listener="web"), 7)
        self.assertEqual(value(families, "baton_connections_active", listener="admin"), 1)
        self.assertEqual(value(families, "process_open_fds"), descriptors(pid))
        self.assertEqual(value(families, "baton_listener_accepting", listener="web"), 1)
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        self.assertAlmostEqual(value(families, "process_resident_memory_bytes"), resident,
                               delta=resident / 2)
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("Max open files"))
        self.assertEqual(value(families, "process_max_fds"), int(line.split()[3]))
        for each in idle:
            each.close()
        service.wait_for(lambda: value(scraper.check(), "baton_connections_active",
                                       listener="web") == 0, "no connection")
        scraper.close()
        service.quit()

    def test_every_format_is_valid(self):
        service, path = self.started()
        self.get(service.port())
        for code, request in ((404, "GET /nowhere HTTP/1.1\r\nHost: h"), (400, "GET / HTTP/1.1"),
                              (501, "BREW / HTTP/1.1\r\nHost: h")):
            with connect(service.port()) as sock:
                sock.sendall(f"{request}\r\n\r\n".encode())
                self.assertEqual(read_response(sock)[0], code)
        plain, openmetrics = Scraper(path, "fresh"), Scraper(path, "fresh", OPENMETRICS)
        families = plain.check()
        self.assertEqual(self.web(families), 1)
        self.assertEqual(value(families, "baton_http_requests_total", listener="web",
                               method="other", code="5xx"), 1)
        self.assertEqual({name.removesuffix("_total") for name in families},
                         set(openmetrics.check()))
        self.assertEqual(plain.scrape("/metrics?format=openmetrics")[0]["content-type"],
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.assertEqual(plain.scrape()[0]["content-type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        told = json.loads(plain.scrape("/metrics?format=json")[1])
        web = next(each for each in told["listeners"] if each["id"] == "web")
        self.assertEqual(web["served"]["requests"]["2xx"], 1)
        self.assertGreater(web["served"]["latency"]["p999_seconds"], 0)
        self.assertNotIn("history", told)
        service.quit()

    def test_the_history_has_samples(self):
        service, path = self.started()
        scraper = Scraper(path, "fresh")

        def history():
            self.get(service.port())
            return json.loads(scraper.scrape("/metrics?history=true")[1])["history"]

        sample = service.wait_for(history, "a sample")[0]
        self.assertGreater(sample["requests_per_second"], 0)
        self.assertGreater(sample["latency"]["p50_seconds"], 0)
        self.assertGreater(sample["resident_bytes"], 0)
        service.quit()

    @unittest.skipUnless(shutil.which("promtool"), "promtool (package prometheus) is not here")
    def test_promtool_has_nothing_to_say(self):
        service, path = self.started()
        self.get(service.port())
        service.upgrade()
        service.wait_log(r"the previous generation has left")
        scraper = Scraper(path, "fresh")
        service.wait_for(lambda: value(scraper.check(), "baton_restarts_total",
                                       outcome="handed_over"), "the restart")
        done = subprocess.run(["promtool", "check", "metrics"], input=scraper.scrape()[1],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        service.quit()


if __name__ == "__main__":
    unittest.main()
