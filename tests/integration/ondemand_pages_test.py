"""What visitors are shown instead of a service, and the page of the services for the operator."""

import base64
import json
import os
import signal
import threading
import unittest

from admin_support import TOKEN
from browser import Browser
from ondemand_faces_support import BROWSER, FacesCase, held
from ondemand_support import listening

SHOTS = os.environ.get("BATON_SCREENSHOTS")  # a folder for pictures of what was tested


def failing(**changes):
    """Its start fails, and is not tried again by itself."""
    return listening(**{"backend": ["exit=3"], "ready": "notify", "backoff": 60000, **changes})


class Pages(FacesCase):
    def assert_page(self, answer, status, text):
        got, fields, body = answer
        self.assertEqual(got, status, body)
        self.assertEqual(fields["content-type"], "text/html; charset=utf-8")
        self.assertEqual(fields["cache-control"], "no-store")
        self.assertEqual(fields["x-robots-tag"], "noindex")
        self.assertIn("default-src 'none'", fields["content-security-policy"])
        self.assertIn(text, body)
        self.assertLessEqual(len(body), 8192)
        return fields, body

    def test_a_start_that_failed(self):
        gateway = self.gateway(failing())
        fields, body = self.assert_page(self.visit(gateway), 503, "shop could not be started")
        self.assertIn("Exited with status 3", body)
        self.assertIn("no database", body)
        self.assertEqual(fields["retry-after"], "60")
        self.assertNotIn("http-equiv=\"refresh\"", body)
        gateway.wait_state("shop", "failed")
        status, body = self.curl(gateway)
        told = json.loads(body)
        self.assertEqual((status, told["error"], told["service"], told["retry_after"]),
                         (503, "not_started", "shop", 60))
        self.assertIn("exited with status 3", told["message"])
        self.assertIn("no database", told["detail"])
        self.assertEqual(told["state"], "failed")
        self.assertEqual(len(gateway.starts("shop")), 1, "a visitor cannot start it before its time")

    def test_what_it_wrote_is_not_for_everybody(self):
        gateway = self.gateway(failing(show_output=0))
        _, body = self.assert_page(self.visit(gateway), 503, "Exited with status 3")
        self.assertNotIn("no database", body)
        gateway.wait_state("shop", "failed")
        told = json.loads(self.curl(gateway)[1])
        self.assertEqual(told["detail"], "")

    def test_only_browsers_that_go_to_a_page_are_shown_one(self):
        gateway = self.gateway(failing())
        self.visit(gateway)
        gateway.wait_state("shop", "failed")
        for accept, *flags in ((BROWSER, "-H", "Sec-Fetch-Mode: cors"), ("application/json",), ("*/*",),
                               (BROWSER, "-d", "order")):
            status, fields, body = self.visit(gateway, "/", *flags, accept=accept)
            self.assertEqual((status, fields["content-type"]), (503, "application/json"), body)
        status, fields, _ = self.visit(gateway, "/", "-H", "Sec-Fetch-Mode: navigate")
        self.assertEqual((status, fields["content-type"]), (503, "text/html; charset=utf-8"))

    def test_no_service(self):
        gateway = self.gateway(listening())
        answer = self.visit(gateway, "/<b>", host="other.example")
        _, body = self.assert_page(answer, 404, "There is nothing here")
        self.assertIn("other.example", body)
        self.assertNotIn("<b>", body)

    def test_no_answer(self):
        gateway = self.gateway(listening(backoff=1),
                               listening(name="slow", head_timeout=1, routes=[{"host": "slow.example"}]))
        self.assert_page(self.visit(gateway, "/crash"), 502, "shop did not answer")
        answer = self.visit(gateway, "/held", host="slow.example")
        self.assert_page(answer, 504, "slow did not answer in time")

    def test_who_waits_is_shown_how_it_goes(self):
        gateway = self.gateway(held(waiting_page_after=1))
        fields, body = self.assert_page(self.visit(gateway, "/a"), 503, "shop is starting")
        self.assertEqual(fields["retry-after"], "1")
        self.assertIn('data-poll="/.baton/services/shop"', body)
        self.assertIn(">starting<", body)
        self.let_start(gateway)
        gateway.wait_state("shop", "ready")
        status, _, body = self.visit(gateway, "/a")
        self.assertEqual((status, len(gateway.starts("shop"))), (200, 1))

    def test_who_waits_for_one_with_its_own_socket_is_shown_it_too(self):
        gateway = self.gateway(listening(backend=["hold=1"], waiting_page_after=1))
        self.assert_page(self.visit(gateway, "/a"), 503, "shop is starting")
        gateway.let_go("shop")
        gateway.wait_state("shop", "ready")
        status, _, _ = self.visit(gateway, "/a")
        self.assertEqual((status, len(gateway.starts("shop"))), (200, 1))

    def test_who_is_no_page_waits(self):
        gateway = self.gateway(held(waiting_page_after=1))
        answers = []
        asking = [threading.Thread(target=lambda flags=flags: answers.append(self.curl(gateway, "/", *flags)))
                  for flags in ([], ["-d", "order"], ["-H", "Accept: text/html", "-H", "Sec-Fetch-Mode: cors"])]
        for each in asking:
            each.start()
        gateway.wait_for(lambda: gateway.status("shop")["waiting"] == 3, "three who wait")
        self.assertEqual(self.visit(gateway)[0], 503)
        self.let_start(gateway)
        for each in asking:
            each.join()
        self.assertEqual([status for status, _ in answers], [200, 200, 200])

    def test_a_service_without_such_a_page_lets_browsers_wait(self):
        gateway = self.gateway(held())
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.visit(gateway)))
        asking.start()
        gateway.wait_for(lambda: gateway.status("shop")["waiting"] == 1, "one who waits")
        self.let_start(gateway)
        asking.join()
        self.assertEqual(answers[0][0], 200)

    def ask_state(self, gateway, page="/", host="shop.example", name="shop"):
        status, body = self.curl(gateway, f"/.baton/services/{name}?path={page}", host=host)
        return status, json.loads(body)

    def test_the_state_is_for_those_whom_the_service_is_for(self):
        gateway = self.gateway(held(waiting_page_after=1, routes=[{"host": "shop.example", "path": "/app"}]),
                               listening(name="other", routes=[{"path": "/"}]))
        self.assertEqual(self.ask_state(gateway)[0], 404)
        self.assertEqual(self.ask_state(gateway, "/app", "else.example")[0], 404)
        self.assertEqual(self.ask_state(gateway, "/app", name="other")[0], 404)
        status, told = self.ask_state(gateway, "/app/x")
        self.assertEqual((status, told["service"], told["state"], told["output"]), (200, "shop", "stopped", []))
        for path in ("/.baton", "/.baton/", "/.baton/x", "/.baton/services/", "/.baton/services/shop/x"):
            self.assertEqual(self.curl(gateway, path)[0], 404, path)
        self.assertEqual(self.curl(gateway, "/.baton/services/shop?path=/app", "-d", "x")[0], 404)
        self.assertEqual(gateway.starts("shop") + gateway.starts("other"), [], "asking starts nothing")
        self.assertEqual(self.curl(gateway, "/.batonx", host="any")[0], 200, "is somebody else's")

    def test_many_may_ask(self):
        gateway = self.gateway(held(waiting_page_after=1, routes=[{}]), keys=["threads=2"])
        self.visit(gateway)
        out = self.run_client("h2load", "--h1", "-n3000", "-c50",
                              f"http://{gateway.web}/.baton/services/shop").decode()
        self.assertIn("3000 succeeded, 0 failed", out)
        self.assertIn("3000 2xx", out)
        self.let_start(gateway)
        gateway.wait_for(lambda: self.ask_state(gateway)[1]["state"] == "ready", "ready")


class Browsing(FacesCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def tab(self, scheme="light"):
        tab = self.browser.tab()
        self.addCleanup(tab.close)
        tab.call("Emulation.setDeviceMetricsOverride", width=1180, height=1150, deviceScaleFactor=1,
                 mobile=False)
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme",
                                                          "value": scheme}])
        return tab

    def shot(self, tab, name):
        picture = base64.b64decode(tab.call("Page.captureScreenshot", format="png")["data"])
        if SHOTS:
            with open(os.path.join(SHOTS, name + ".png"), "wb") as file:
                file.write(picture)
        return picture

    @staticmethod
    def own_errors(tab):
        """Without what a browser says of every page that is no 200."""
        return [each for each in tab.errors if "Failed to load resource" not in str(each)]


class Visitors(Browsing):
    def test_the_page_reloads_itself_once_the_service_is_ready(self):
        gateway = self.gateway(held(waiting_page_after=1, routes=[{}]))
        tab = self.tab()
        tab.open(f"http://{gateway.web}/page?a=b")
        tab.until('document.getElementById("elapsed")?.textContent === "1 s"')
        self.assertEqual(tab.text("#state"), "starting")
        self.assertEqual(tab.evaluate("document.title"), "shop is starting")
        self.shot(tab, "waiting-light")
        self.assertEqual(self.own_errors(tab), [])
        self.let_start(gateway)
        pid = gateway.wait_for(lambda: gateway.starts("shop"), "start")[0]
        self.browser.wait_for(lambda: f"pid {pid} " in self.body(tab), "the service's page")
        self.assertEqual(tab.evaluate("location.search"), "?a=b")

    def test_without_a_script_it_reloads_too(self):
        gateway = self.gateway(held(waiting_page_after=1, routes=[{}]))
        tab = self.tab()
        tab.call("Emulation.setScriptExecutionDisabled", value=True)
        tab.open(f"http://{gateway.web}/page")
        self.let_start(gateway)
        pid = gateway.wait_for(lambda: gateway.starts("shop"), "start")[0]
        self.browser.wait_for(lambda: f"pid {pid} " in self.body(tab), "the service's page")

    def body(self, tab):
        """What is shown; nothing while one page makes way for another."""
        try:
            return tab.evaluate("document.body?.innerText ?? ''") or ""
        except AssertionError:
            return ""

    def test_a_start_that_fails_is_shown_in_its_place(self):
        gateway = self.gateway(failing(waiting_page_after=1, routes=[{}], backend=["exit=3", "hold=1"]))
        tab = self.tab("dark")
        tab.open(f"http://{gateway.web}/")
        tab.until('document.title === "shop is starting"')
        gateway.let_go("shop")
        self.browser.wait_for(lambda: "could not be started" in self.body(tab), "the failure")
        text = self.body(tab)
        self.assertIn("Exited with status 3", text)
        self.assertIn("no database", text)
        self.shot(tab, "failure-dark")
        self.assertEqual(tab.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(15, 19, 24)")
        self.assertEqual(self.own_errors(tab), [])


class ServicesPage(Browsing):
    def page(self, gateway, scheme="light", hash_=""):
        tab = self.tab(scheme)
        tab.open(f"http://127.0.0.1:{gateway.admin}/services/{hash_}")
        tab.until('document.getElementById("link").textContent === "live" || '
                  'document.getElementById("login").open')
        return tab

    def cell(self, tab, name, number):
        return tab.text(f'#services tr[data-name="{name}"] td:nth-child({number})')

    def state(self, tab, name, state):
        tab.until(f'document.querySelector(`#services tr[data-name="{name}"] .state`)?.textContent === "{state}"')

    def press(self, tab, name, verb):
        tab.evaluate(f'''[...document.querySelectorAll(`#services tr[data-name="{name}"] .orders button`)]
                         .find((each) => each.textContent === "{verb}").click()''')

    def test_it_shows_what_happens(self):
        gateway = self.managed(listening(idle_timeout=3600000),
                               failing(name="bad", routes=[{"host": "bad.example"}]))
        pictures = set()
        for scheme in ("light", "dark"):
            tab = self.page(gateway, scheme, "#shop")
            if scheme == "light":
                self.state(tab, "shop", "stopped")
                self.curl(gateway, "/shown?hidden")
                self.curl(gateway, host="bad.example")
            self.state(tab, "shop", "ready")
            self.state(tab, "bad", "failed")
            self.assertEqual(self.cell(tab, "shop", 4), str(gateway.starts("shop")[0]))
            tab.until('document.querySelectorAll("#waterfall rect.answers").length === 1')
            self.assertEqual(tab.evaluate('[...document.querySelectorAll("#waterfall rect:not(.back)")]'
                                          '.map((each) => each.getAttribute("class"))'),
                             ["waits", "spawns", "comes", "answers"])
            self.assertIn("a request for shop.example/shown from 127.0.0.1", tab.text("#waterfall-title"))
            tab.until('document.getElementById("sentences").textContent.includes("If nothing comes it is stopped")')
            tab.until('document.querySelectorAll("#journal li").length >= 4')
            tab.until('document.querySelector(`#services tr[data-name="shop"] td:nth-child(8)`)'
                      '.textContent.startsWith("59 min")')
            tab.evaluate('document.querySelector(`#services tr[data-name="bad"] .name`).click()')
            tab.until('document.getElementById("lines").textContent.includes("no database")')
            self.assertIn("exited with status 3", tab.text("#sentences"))
            tab.evaluate('location.hash = "#shop"')
            tab.until('document.getElementById("chosen").textContent === "shop"')
            dark = tab.evaluate('getComputedStyle(document.body).backgroundColor')
            self.assertEqual(dark == "rgb(15, 19, 24)", scheme == "dark", dark)
            pictures.add(self.shot(tab, f"services-{scheme}"))
            self.assertEqual(tab.errors, [])
        self.assertEqual(len(pictures), 2)

    def test_its_buttons(self):
        gateway = self.managed(listening())
        tab = self.page(gateway)
        self.press(tab, "shop", "start")
        self.state(tab, "shop", "ready")
        self.press(tab, "shop", "stop")
        self.state(tab, "shop", "stopped")
        self.press(tab, "shop", "start")
        self.state(tab, "shop", "ready")
        self.press(tab, "shop", "kill")
        self.assertTrue(tab.evaluate('document.getElementById("ask").open'))
        tab.evaluate('document.querySelector(`#ask button[value=""]`).click()')
        tab.until('!document.getElementById("ask").open')
        self.assertEqual(self.told(gateway)["state"], "ready")
        self.press(tab, "shop", "restart")
        tab.evaluate('document.getElementById("ask-yes").click()')
        gateway.wait_state("shop", "ready", 3)
        self.state(tab, "shop", "ready")
        self.assertEqual(tab.errors, [])

    def test_it_asks_for_the_token(self):
        gateway = self.managed(listening(), keys=[f"token={TOKEN}"])
        tab = self.page(gateway)
        self.assertTrue(tab.evaluate('document.getElementById("login").open'))
        tab.evaluate(f'''document.getElementById("token").value = "{TOKEN}";
                         document.querySelector("#login button").click()''')
        self.state(tab, "shop", "stopped")
        self.press(tab, "shop", "start")
        self.state(tab, "shop", "ready")

    def test_the_dashboard_leads_here_and_back(self):
        gateway = self.managed(listening())
        tab = self.tab()
        tab.open(f"http://127.0.0.1:{gateway.admin}/")
        tab.until('document.querySelector("#links a")?.textContent === "Services"')
        tab.evaluate('document.querySelector("#links a").click()')
        self.browser.wait_for(lambda: self.where(tab) == "/services/", "the services")
        tab.until('document.querySelector(`#services tr[data-name="shop"]`)')
        tab.evaluate('document.querySelector("#links a").click()')
        self.browser.wait_for(lambda: self.where(tab) == "/", "the dashboard")

    def where(self, tab):
        try:
            return tab.evaluate("document.readyState === 'complete' ? location.pathname : ''")
        except AssertionError:
            return ""

    def test_it_stays_over_a_restart_of_the_gateway(self):
        gateway = self.managed(listening())
        tab = self.page(gateway)
        gateway.process.send_signal(signal.SIGUSR1)
        tab.until('document.getElementById("generation").textContent === "2"')
        self.press(tab, "shop", "start")
        self.state(tab, "shop", "ready")
        tab.until('document.querySelectorAll("#journal li").length === 2')


if __name__ == "__main__":
    unittest.main()
