"""The file of baton-ondemand changes while it runs."""

import unittest

from ondemand_app_support import AppCase, child
from support import is_alive, read_response

HEAD = "HTTP/1.1\r\nHost: shop.example\r\n\r\n"
IN_FORCE = r"configuration version %d is in force"


class Live(AppCase):
    def start(self, *keys, **more):
        app = self.app({"shop": child(*keys, routes=["shop.example"], **more)})
        self.first = app.ready()
        return app

    def in_force(self, app, version):
        app.wait_log(IN_FORCE % version)
        self.assertEqual(app.pid(), self.first, "nothing was restarted")

    def test_the_idle_time_of_a_service_that_runs(self):
        app = self.start(idle_timeout="1h")
        self.seen(app)
        app.change("shop", idle_timeout="50ms")
        self.in_force(app, 2)
        app.wait_log(r"services\.shop\.idle_timeout 1h -> 50ms \(runtime\)")
        app.wait_state("shop", "stopped")

    def test_how_requests_are_passed_on(self):
        app = self.start()
        pid = self.seen(app)["pid"]
        app.change("shop", forward={"via": "edge", "host": "inner", "strip_prefix": "/a", "x_forwarded": False})
        self.in_force(app, 2)
        seen = self.seen(app, "/a/b")
        self.assertEqual((seen["pid"], seen["path"]), (pid, "/b"))
        self.assertEqual((seen["fields"]["Host"], seen["fields"]["Via"]), ("inner", "1.1 edge"))
        self.assertNotIn("X-Forwarded-For", seen["fields"])

    def test_who_is_believed(self):
        app = self.start()
        told = {"X_Forwarded_For": "198.51.100.7"}
        self.assertEqual(self.seen(app, **told)["fields"]["X-Forwarded-For"], "127.0.0.1")
        app.write(gateway={"trusted": ["127.0.0.0/8"]})
        self.in_force(app, 2)
        self.assertEqual(self.seen(app, **told)["fields"]["X-Forwarded-For"], "198.51.100.7, 127.0.0.1")

    def test_how_many_may_wait_and_how_long(self):
        app = self.start("gate=1", "notify=1", ready={"by": "notify"})
        with self.send(app, f"GET / {HEAD}") as first:
            app.wait_started("shop")
            app.change("shop", max_waiting=1)
            self.in_force(app, 2)
            self.assertIn(b"too many requests wait", self.ask(app)[2])
            app.change("shop", max_waiting=10, wait_timeout="50ms")
            self.in_force(app, 3)
            self.assertIn(b"not ready in time", self.ask(app)[2])
            app.write_byte("shop", "gate")
            self.assertEqual(read_response(first)[0], 200)

    def test_connections_to_it_at_once(self):
        app = self.start(forward={"max_connections": 1})
        with self.send(app, f"GET /held {HEAD}") as first, self.send(app, f"GET / {HEAD}") as second:
            app.wait_log("a held request")
            app.change("shop", forward={"max_connections": 2})
            self.in_force(app, 2)
            self.assertEqual(read_response(second)[0], 200, "it need not wait for the first")
            app.write_byte("shop", "hold")
            self.assertEqual(read_response(first)[0], 200)

    def test_the_time_for_an_answer(self):
        app = self.start(forward={"head_timeout": "1h"})
        self.seen(app)
        app.change("shop", forward={"head_timeout": "50ms"})
        self.in_force(app, 2)
        self.assertEqual(self.ask(app, "/held")[0], 504)
        app.write_byte("shop", "hold")

    def test_a_bad_file_changes_nothing(self):
        app = self.start()
        pid = self.seen(app)["pid"]
        app.change("shop", routes=["http://shop.example/"])
        app.wait_log(r"services\.shop\.routes: .*a route has no scheme")
        app.change("shop", routes=["shop.example"], idle_timeout="soon")
        app.wait_log(r"services\.shop\.idle_timeout: 'soon' is not a time")
        self.assertEqual(self.seen(app)["pid"], pid)
        self.assertEqual(app.pid(), self.first)


class Critical(AppCase):
    @staticmethod
    def wait_handover(app, first):
        """From then on nobody is accepted by the generation before."""
        app.wait_log("handed over to pid")
        app.wait_log("shutdown step 2 of 5")
        app.wait_for(lambda: app.pid() != first, "another generation")

    def test_a_service_that_comes_and_one_that_goes(self):
        app = self.app({"shop": child(routes=["shop.example"]), "wiki": child(routes=["wiki.example"])})
        first = app.ready()
        shop = self.seen(app)["pid"]
        wiki = self.seen(app, host="wiki.example")["pid"]
        app.write({"shop": child(routes=["shop.example"]), "news": child(routes=["news.example"])})
        app.wait_log(r"in force in the next generation: services\.wiki given -> none \(critical\), "
                     r"services\.news none -> given \(critical\)")
        self.wait_handover(app, first)
        self.assertEqual(self.seen(app)["pid"], shop, "it runs on")
        self.seen(app, host="news.example")
        self.assertEqual(self.ask(app, host="wiki.example")[0], 404)
        app.wait_for(lambda: not is_alive(wiki), "end of what is gone from the file")
        self.assertEqual(app.starts("shop"), [shop])

    def test_a_route_that_changes(self):
        app = self.app({"shop": child(routes=["shop.example"])})
        first = app.ready()
        pid = self.seen(app)["pid"]
        app.change("shop", routes=["new.example"])
        self.wait_handover(app, first)
        self.assertEqual(self.seen(app, host="new.example")["pid"], pid)
        self.assertEqual(self.ask(app)[0], 404)

    def test_a_program_that_changes_is_the_next_starts(self):
        app = self.app({"shop": child(routes=["shop.example"], environment={"AS": "one"})})
        first = app.ready()
        before = self.seen(app)
        app.change("shop", environment={"AS": "two"})
        self.wait_handover(app, first)
        self.assertNotIn("two", app.log())
        self.assertEqual(self.seen(app)["as"], "one", "it was started before")
        self.question(app, "restart", "shop")
        app.wait_for(lambda: len(app.starts("shop")) == 2, "the next start")
        after = self.seen(app)
        self.assertEqual((before["as"], after["as"]), ("one", "two"))

    def test_a_change_that_cannot_be_started_changes_nothing(self):
        app = self.app({"shop": child(routes=["shop.example"])})
        first = app.ready()
        pid = self.seen(app)["pid"]
        app.change("shop", socket={"address": "/no/such/folder/socket"})
        app.wait_log(r"the configuration is not taken over, version 1 stays in force")
        self.assertEqual(app.pid(), first)
        self.assertEqual(self.seen(app)["pid"], pid)


if __name__ == "__main__":
    unittest.main()
