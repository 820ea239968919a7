"""The services on the admin service: who sees them, what they are told, and what they may do."""

import os
import signal
import threading
import unittest

from admin_support import TOKEN
from ondemand_faces_support import FacesCase, held
from ondemand_support import listening
from support import PATIENCE, connect


class Services(FacesCase):
    def test_all_of_them(self):
        gateway = self.managed(listening(), listening(name="other", routes=[{"host": "other.example"}]))
        answer = self.ask(gateway, "/services")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual((answer.json["generation"], answer.json["pid"]), (1, gateway.process.pid))
        self.assertEqual([(each["name"], each["state"], each["pid"]) for each in answer.json["services"]],
                         [("shop", "stopped", 0), ("other", "stopped", 0)])
        self.curl(gateway)
        shop, other = self.ask(gateway, "/services").json["services"]
        self.assertEqual((shop["state"], other["state"]), ("ready", "stopped"))
        self.assertEqual([shop["pid"]], gateway.starts("shop"))
        self.assertEqual(shop["routes"], ["shop.example"])

    def test_one_of_them(self):
        gateway = self.managed(listening(idle_timeout=3600000))
        self.curl(gateway, "/app/page?secret=1")
        told = self.told(gateway)
        self.assertEqual((told["state"], told["starts"], told["failures"]), ("ready", 1, 0))
        self.assertLessEqual(told["idle_in_ms"], 3600000)
        start, = told["last_starts"]
        self.assertEqual((start["number"], start["cause"], start["host"], start["path"]),
                         (1, "request", "shop.example", "/app/page"))
        self.assertTrue(start["peer"].startswith("127.0.0.1:"), start)
        steps = [start[each] for each in ("begun_us", "spawned_us", "ready_us", "first_byte_us")]
        self.assertEqual(steps, sorted(steps))
        self.assertEqual([start["pid"]], gateway.starts("shop"))
        self.assertNotIn("secret", str(told))

    def test_why_it_runs_and_why_not(self):
        gateway = self.managed(listening(), {"name": "bad", "run": ["/no/such/program"],
                                             "target": "127.0.0.1:1", "backoff": 60000, "routes": [{"host": "bad.example"}]})

        def why(name):
            told = self.ask(gateway, f"/services/{name}/why").json
            self.assertEqual(told["service"], name)
            self.assertTrue(told["sentences"][0].startswith(f"{name} is {told['state']}"), told)
            return told["state"], " ".join(told["sentences"])

        self.assertEqual(why("shop")[0], "stopped")
        self.assertIn("nothing has wanted it yet", why("shop")[1])
        self.curl(gateway, "/x")
        state, sentences = why("shop")
        self.assertEqual(state, "ready")
        self.assertIn("by a request for shop.example/x from 127.0.0.1:", sentences)
        self.assertIn("If nothing comes it is stopped at", sentences)
        self.assertIn("Requests for shop.example lead to it.", sentences)
        self.curl(gateway, host="bad.example")
        gateway.wait_state("bad", "failed")
        state, sentences = why("bad")
        self.assertEqual(state, "failed")
        self.assertIn("/no/such/program", sentences)
        self.assertIn("not before", sentences)
        self.order(gateway, "stop")
        gateway.wait_state("shop", "stopped")
        self.assertIn("The reason: the operator wants it to stop.", why("shop")[1])

    def test_a_generation_that_drains_sends_orders_on(self):
        gateway = self.managed(listening())
        asking = threading.Thread(target=self.curl, args=(gateway, "/held"))
        asking.start()
        gateway.wait_log("a held request")
        old = connect(gateway.admin, PATIENCE)
        self.addCleanup(old.close)
        self.assertEqual(self.ask(gateway, "/services/shop", sock=old).json["name"], "shop")
        gateway.upgrade()
        answer = self.ask(gateway, "/services/shop/stop", "POST", sock=old)
        self.assertEqual(answer.status, 409)
        self.assertIn("draining", answer.json["error"]["reason"])
        self.assertIn("on a new connection", answer.json["error"]["remedy"])
        gateway.let_go("shop")
        asking.join()

    def test_what_is_open_keeps_it(self):
        gateway = self.managed(listening(idle_timeout=1))
        with connect(gateway.where[1]) as client:
            client.sendall(b"GET /events HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            while b"data: first" not in client.recv(4096):
                pass
            gateway.wait_for(lambda: self.told(gateway)["idle_at"] is None, "look at what is open")
            told = self.told(gateway)
            self.assertEqual((told["state"], told["open"]), ("ready", 1))
            self.assertIn("1 request is open.", told["explanation"])
            metrics = self.ask(gateway, "/metrics").text
            self.assertIn('baton_service_open_requests{service="shop"} 1', metrics)
            gateway.let_go("shop")
        gateway.wait_state("shop", "stopped")
        self.assertEqual(self.told(gateway)["open"], 0)
        self.assertIn("The reason: nothing was open for its idle time.", self.told(gateway)["explanation"])

    def test_orders(self):
        gateway = self.managed(listening())
        answer = self.order(gateway, "start")
        self.assertEqual(answer.status, 202)
        self.assertEqual((answer.json["order"], answer.json["name"], answer.json["state"]),
                         ("start", "shop", "starting"))
        gateway.wait_state("shop", "ready")
        first = self.told(gateway)["last_starts"][0]
        self.assertEqual(first["cause"], "order")
        self.assertEqual(self.order(gateway, "restart").status, 202)
        gateway.wait_state("shop", "ready", 2)
        self.assertNotEqual(self.told(gateway)["pid"], first["pid"])
        self.assertFalse(os.path.exists(f"/proc/{first['pid']}"))
        self.assertEqual(self.order(gateway, "stop").status, 202)
        gateway.wait_state("shop", "stopped", 2)
        self.assertEqual(self.order(gateway, "start").status, 202)
        gateway.wait_state("shop", "ready", 3)
        self.assertEqual(self.order(gateway, "kill").status, 202)
        gateway.wait_state("shop", "stopped", 3)
        self.assertEqual(self.told(gateway)["because"], "the operator wants it to end at once")

    def test_orders_that_make_no_sense(self):
        gateway = self.managed({"name": "far", "target": "127.0.0.1:1", "routes": [{"host": "far.example"}]},
                               listening(always=1))
        error = self.assert_error(self.order(gateway, "start", "far"), 409)
        self.assertIn("only passed on to", error["reason"])
        error = self.assert_error(self.order(gateway, "stop"), 409)
        self.assertIn("always", error["reason"])
        gateway.wait_state("shop", "ready")
        error = self.assert_error(self.order(gateway, "start", "sho"), 404)
        self.assertEqual(error["value"], "sho")
        self.assertIn("far, shop", error["remedy"])
        self.assert_error(self.ask(gateway, "/services//start", "POST"), 404)
        for path in ("/services/shop/x", "/services/shop/", "/services/%zz", "/services/shop/why/x"):
            self.assert_error(self.ask(gateway, path), 404)

    def test_methods(self):
        gateway = self.managed(listening())
        for path, method, allow in (("/services", "POST", "GET, HEAD, OPTIONS"),
                                    ("/services/shop", "DELETE", "GET, HEAD, OPTIONS"),
                                    ("/services/shop/why", "POST", "GET, HEAD, OPTIONS"),
                                    ("/services/events", "PUT", "GET, HEAD, OPTIONS"),
                                    ("/services/shop/start", "GET", "POST, OPTIONS")):
            answer = self.ask(gateway, path, method)
            self.assert_error(answer, 405)
            self.assertEqual(answer.headers["allow"], allow)
            self.assertEqual(self.ask(gateway, path, "OPTIONS").status, 204)
        for path in ("/services", "/services/", "/services/events", "/services/shop"):
            answer = self.ask(gateway, path, "HEAD")
            self.assertEqual((answer.status, answer.text), (200, ""))
        self.assertEqual(gateway.starts("shop"), [])

    def test_the_last_lines(self):
        gateway = self.managed(listening(backend=["exit=3"], ready="notify", backoff=60000))
        self.assertEqual(self.curl(gateway)[0], 503)
        gateway.wait_state("shop", "failed")
        told = self.ask(gateway, "/services/shop/log")
        self.assertEqual(told.json["service"], "shop")
        self.assertIn("no database", "\n".join(told.json["lines"]))
        told = self.ask(gateway, "/services/shop/log", Accept="text/plain")
        self.assertEqual(told.headers["content-type"], "text/plain; charset=utf-8")
        self.assertIn("no database", told.text)

    def test_metrics(self):
        gateway = self.managed(listening(backoff=1), held(name="slow", routes=[{"host": "slow.example"}]))
        self.curl(gateway)
        with connect(gateway.where[1]) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: slow.example\r\n\r\n")
            gateway.wait_state("slow", "starting")
            told = self.ask(gateway, "/metrics").text
        for line in ('baton_service_state{service="shop",state="ready"} 1',
                     'baton_service_state{service="slow",state="starting"} 1',
                     'baton_service_starts_total{service="shop"} 1',
                     'baton_service_waiting_requests{service="slow"} 1',
                     'baton_service_start_seconds_count{service="shop"} 1'):
            self.assertIn(line + "\n", told)
        os.kill(gateway.starts("shop")[0], signal.SIGKILL)
        gateway.wait_state("shop", "failed")
        self.assertIn('baton_service_failures_total{service="shop"} 1\n', self.ask(gateway, "/metrics").text)


class Access(FacesCase):
    def test_the_token(self):
        gateway = self.managed(listening(), keys=[f"token={TOKEN}"])
        for path, method in (("/services", "GET"), ("/services/events", "GET"), ("/services/shop", "GET"),
                             ("/services/shop/start", "POST"), ("/services/", "POST")):
            self.assert_error(self.ask(gateway, path, method), 401)
        page = self.ask(gateway, "/services/")
        self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertNotIn("shop", page.text)
        self.assertEqual(gateway.starts("shop"), [])
        bearer = f"Bearer {TOKEN}"
        self.assertEqual(self.ask(gateway, "/services", Authorization=bearer).status, 200)
        self.assertEqual(self.order(gateway, "start", Authorization=bearer).status, 202)
        gateway.wait_state("shop", "ready")

    def test_pages_of_other_sites(self):
        gateway = self.managed(listening())
        for fields in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "http://evil.example"}):
            self.assert_error(self.order(gateway, "start", **fields), 403)
        self.assert_error(self.order(gateway, "start", host="evil.example"), 403)
        self.assertEqual(self.order(gateway, "start", Sec_Fetch_Site="same-origin").status, 202)
        gateway.wait_state("shop", "ready")

    def test_only_the_peers_own_address_counts(self):
        gateway = self.managed(listening(), keys=["allowed=192.0.2.0/24"])
        for fields in ({}, {"X_Forwarded_For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
            self.assert_error(self.ask(gateway, "/services", **fields), 403)
            self.assert_error(self.order(gateway, "start", **fields), 403)


class Events(FacesCase):
    def test_every_change_in_order(self):
        gateway = self.managed(listening())
        events = self.follow(gateway)
        self.assertEqual(events.type, "text/event-stream")
        hello = events.until("hello")
        self.assertEqual([each["name"] for each in hello["services"]], ["shop"])
        self.assertEqual((hello["generation"], hello["resumed"], hello["journal"]), (1, False, []))
        self.curl(gateway, "/x")
        ready = events.until_state("ready")
        self.assertEqual([ready["pid"]], gateway.starts("shop"))
        start = events.until("start", lambda told: told["first_byte_us"] is not None)
        self.assertEqual((start["service"], start["path"]), ("shop", "/x"))
        self.order(gateway, "stop")
        events.until_state("stopped")
        self.assertEqual(events.states(), ["starting", "ready", "draining", "stopping", "stopped"])
        numbers = [number for number, name, _ in events.seen if name == "state"]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_who_comes_back_is_told_what_it_missed(self):
        gateway = self.managed(listening())
        events = self.follow(gateway)
        events.until("hello")
        self.curl(gateway)
        events.until_state("ready")
        last = max(number for number, _, _ in events.seen if number is not None)
        events.close()
        self.order(gateway, "stop")
        gateway.wait_state("shop", "stopped")
        events = self.follow(gateway, Last_Event_ID=str(last))
        self.assertTrue(events.until("hello")["resumed"])
        events.until_state("stopped")
        self.assertEqual(events.states(), ["draining", "stopping", "stopped"], "neither more nor less")
        self.curl(gateway)
        events.until_state("ready")
        self.assertEqual(events.states()[3:], ["starting", "ready"])

    def test_an_id_that_is_none_begins_anew(self):
        gateway = self.managed(listening())
        self.curl(gateway)
        for given in ("x", "-1", "99999", ""):
            hello = self.follow(gateway, Last_Event_ID=given).until("hello")
            self.assertFalse(hello["resumed"], given)
            self.assertEqual([each["to"] for each in hello["journal"]], ["starting", "ready"])

    def test_figures_once_a_second(self):
        gateway = self.managed(listening())
        events = self.follow(gateway, "?figures=true")
        plain = self.follow(gateway)
        self.curl(gateway)
        told = events.until("services", lambda told: told["services"][0]["state"] == "ready")
        self.assertEqual(told["services"][0]["starts"], 1)
        plain.until_state("ready")
        self.assertNotIn("services", [name for _, name, _ in plain.seen])

    def test_followers_that_leave_are_forgotten(self):
        gateway = self.managed(listening(), keys=["threads=2"])

        def descriptors():
            return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))

        self.ask(gateway, "/services")
        gateway.wait_for(lambda: gateway.count_log("admin") >= 0, "log")
        before = descriptors()
        for _ in range(3):
            some = [self.follow(gateway, "?figures=true") for _ in range(10)]
            for each in some:
                each.until("hello")
            self.order(gateway, "restart")
            for each in some:
                each.until_state("ready")
                each.close()
        gateway.wait_for(lambda: descriptors() <= before + 3, "end of the connections")
        self.assertEqual(self.follow(gateway).until("hello")["services"][0]["state"], "ready")

    def test_the_gateway_leaves_although_somebody_follows(self):
        gateway = self.managed(listening())
        events = self.follow(gateway, "?figures=true")
        events.until("hello")
        self.curl(gateway)
        events.until_state("ready")
        gateway.process.send_signal(signal.SIGQUIT)
        while events.next():
            pass
        self.assertEqual(gateway.gone(), 0)


class Restart(FacesCase):
    def upgraded(self, gateway):
        gateway.process.send_signal(signal.SIGUSR1)
        gateway.wait_log(r"start new process success")
        return gateway.wait_for(
            lambda: self.ask(gateway, "/services").json["generation"] == 2, "generation 2")

    def test_what_happened_is_known_to_the_next_generation(self):
        gateway = self.managed(held(), listening(name="other", routes=[{"host": "other.example"}]))
        events = self.follow(gateway)
        events.until("hello")
        self.curl(gateway, "/x", host="other.example")
        events.until_state("ready", "other")
        self.order(gateway, "stop", "other")
        last = events.until_state("stopping", "other")["sequence"]
        events.until_state("stopped", "other")
        self.upgraded(gateway)
        while events.next():
            pass  # it ends, as the gateway drains
        events = self.follow(gateway, Last_Event_ID=str(last))
        hello = events.until("hello")
        self.assertEqual((hello["generation"], hello["resumed"]), (2, True))
        events.until_state("stopped", "other")
        self.assertEqual(events.states(), ["stopped"])
        told = self.told(gateway, "other")
        self.assertEqual([(each["number"], each["path"]) for each in told["last_starts"]], [(1, "/x")])
        self.curl(gateway, host="other.example")
        events.until_state("ready", "other")
        self.assertGreater(events.seen[-1][0], last)
        self.assertEqual([each["number"] for each in self.told(gateway, "other")["last_starts"]], [1, 2])
        self.assertIn('baton_service_starts_total{service="other"} 2\n', self.ask(gateway, "/metrics").text)

    def test_who_has_what_starts_is_told(self):
        gateway = self.managed(held())
        asking = threading.Thread(target=self.curl, args=(gateway,))
        asking.start()
        gateway.wait_state("shop", "starting")
        self.upgraded(gateway)
        self.assertIn("The reason: an earlier generation of the gateway has it, until it stands still.",
                      self.told(gateway)["explanation"])
        self.let_start(gateway)
        asking.join()
        told = gateway.wait_for(lambda: self.told(gateway)["pid"] and self.told(gateway), "the service")
        self.assertEqual((told["state"], told["starts"]), ("ready", 1))

    def test_what_runs_is_known_too(self):
        gateway = self.managed(listening())
        self.curl(gateway, "/x")
        pid = self.told(gateway)["pid"]
        self.upgraded(gateway)
        told = gateway.wait_for(lambda: self.told(gateway)["pid"] == pid and self.told(gateway), "the service")
        self.assertEqual((told["state"], told["last_starts"][0]["path"]), ("ready", "/x"))
        metrics = self.ask(gateway, "/metrics").text
        self.assertIn('baton_service_state{service="shop",state="ready"} 1\n', metrics)
        self.assertIn('baton_service_starts_total{service="shop"} 1\n', metrics)
        self.assertEqual(self.order(gateway, "stop").status, 202)
        gateway.wait_for(lambda: self.told(gateway)["state"] == "stopped", "end of the service")
        self.assertEqual(self.told(gateway)["because"], "the operator wants it to stop")


if __name__ == "__main__":
    unittest.main()
