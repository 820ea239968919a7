"""The dashboard in a real browser: what it shows, over restarts, and what its buttons do."""

import base64
import os
import signal
import socket
import struct
import threading
import unittest

from admin_support import TOKEN, AdminCase
from browser import Browser
from support import connect, is_alive

SHOTS = os.environ.get("BATON_SCREENSHOTS")  # a folder for pictures of what was tested


class Traffic(threading.Thread):
    """Requests on a connection, one behind the other, until told to stop."""

    def __init__(self, case, port):
        super().__init__(daemon=True)
        self.case, self.port, self.failed = case, port, []
        self.ended = threading.Event()

    def run(self):
        try:
            while not self.ended.is_set():
                self.case.get(self.port)
        except Exception as error:  # told to the test
            self.failed.append(error)

    def stop(self):
        self.ended.set()
        self.join()
        self.case.assertEqual(self.failed, [])


class Dashboard(AdminCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def page(self, service, scheme="light"):
        tab = self.browser.tab()
        self.addCleanup(tab.close)
        tab.call("Emulation.setDeviceMetricsOverride", width=1180, height=1150, deviceScaleFactor=1,
                 mobile=False)
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme",
                                                          "value": scheme}])
        tab.open(f"http://127.0.0.1:{service.admin}/")
        return tab

    def live(self, tab, generation=None):
        tab.until('document.getElementById("link").textContent === "live"')
        if generation:
            tab.until(f'document.getElementById("generation").textContent === "{generation}"')

    def rows(self, tab):
        """(generation, phase) of each row of the timeline."""
        return [(int(number), phase) for number, phase in tab.evaluate(
            '[...document.querySelectorAll("#timeline .row[data-generation]")]'
            '.map((each) => [each.dataset.generation, each.dataset.phase])')]

    def shot(self, tab, name):
        picture = base64.b64decode(tab.call("Page.captureScreenshot", format="png")["data"])
        self.assertGreater(len(picture), 10_000)
        if SHOTS:
            with open(os.path.join(SHOTS, name + ".png"), "wb") as file:
                file.write(picture)
        return picture

    def press(self, tab, button, answer):
        """Presses a button, reads what it asks, and answers."""
        tab.evaluate(f'document.getElementById("{button}").click()')
        self.assertTrue(tab.evaluate('document.getElementById("ask").open'))
        asked = tab.text("#ask-title")
        tab.evaluate(f'''[...document.querySelectorAll("#ask button")]
                         .find((each) => each.value === "{answer}").click()''')
        return asked

    def test_it_shows_the_service_in_light_and_dark(self):
        service = self.start({"checks": {"database": "healthy"}})
        traffic = Traffic(self, service.port("web"))
        traffic.start()
        pictures = set()
        for scheme in ("light", "dark"):
            tab = self.page(service, scheme)
            self.live(tab, 1)
            tab.until('document.querySelectorAll("#rates path").length >= 3')
            tab.until('document.getElementById("p99").textContent !== "-"')
            self.assertEqual(tab.text("#phase"), "serving")
            self.assertEqual(tab.text("#health"), "healthy")
            self.assertEqual(tab.text("#pid"), str(service.pid()))
            self.assertEqual(self.rows(tab), [(1, "serving")])
            self.assertEqual(tab.evaluate('[...document.querySelectorAll("#listeners tr td:first-child")]'
                                          '.map((each) => each.textContent)'), ["web", "admin"])
            self.assertIn("database", tab.text("#checks"))
            dark = tab.evaluate('getComputedStyle(document.body).backgroundColor')
            self.assertEqual(dark == "rgb(15, 19, 24)", scheme == "dark", dark)
            pictures.add(self.shot(tab, f"dashboard-{scheme}"))
            self.assertEqual(tab.errors, [])
        self.assertEqual(len(pictures), 2)
        traffic.stop()
        self.assertEqual(service.quit(), 0)

    def test_it_shows_both_generations_of_a_restart(self):
        service = self.start()
        tab = self.page(service)
        self.live(tab, 1)
        slow = connect(service.port("web"))
        slow.sendall(b"GET /slow/600000 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.get(service.port("web"))
        service.configure(progress=[1200])
        service.kill(signal.SIGUSR1)
        tab.until('document.querySelector("#timeline [data-generation=\\"2\\"][data-phase=starting]")')
        self.assertEqual(self.rows(tab), [(1, "serving"), (2, "starting")])
        self.live(tab, 2)
        tab.until('document.querySelector("#timeline [data-generation=\\"1\\"][data-phase=draining]")')
        self.assertEqual(self.rows(tab), [(1, "draining"), (2, "serving")])
        self.shot(tab, "dashboard-restart")
        # By a reset: who only closes may wait for the answer yet.
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        slow.close()
        tab.until('document.querySelector("#timeline [data-generation=\\"1\\"][data-phase=gone]")')
        self.assertEqual(tab.errors, [])
        service.configure(progress=[])
        for generation in (3, 4):
            service.upgrade()
            self.live(tab, generation)
        self.assertEqual([number for number, _ in self.rows(tab)][-2:], [3, 4])
        self.assertEqual(tab.errors, [])
        self.assertEqual(service.quit(), 0)

    def test_the_buttons_ask_first(self):
        service = self.start()
        first = service.pid()
        tab = self.page(service)
        self.live(tab, 1)
        self.assertIn("Restart", self.press(tab, "restart", ""))
        self.assertEqual(self.ask(service, "/servers").json["generation"], 1)
        self.press(tab, "restart", "yes")
        self.live(tab, 2)
        tab.until('document.getElementById("notice").className === "good"')
        self.assertIn("Generation 2", tab.text("#notice"))
        service.wait_for(lambda: not is_alive(first), "end of generation 1")
        service.configure(fail="out of order")
        self.press(tab, "restart", "yes")
        tab.until('document.getElementById("notice").className === "bad"')
        self.assertIn("Not restarted", tab.text("#notice"))
        tab.until('document.querySelector("#failures li")')
        self.assertIn("Drain", self.press(tab, "drain", ""))
        self.assertEqual(self.ask(service, "/health/ready").status, 200)
        self.press(tab, "drain", "yes")
        self.assertEqual(service.gone(), 0)
        tab.until('document.getElementById("link").className === "lost"')

    def test_the_log_and_its_level(self):
        service = self.start()
        tab = self.page(service)
        self.live(tab)
        tab.until('document.getElementById("level").value === "info"')
        tab.evaluate('''document.getElementById("level").value = "notice";
                        document.getElementById("level").onchange()''')
        service.wait_for(lambda: self.ask(service, "/log-level").json["level"] == "notice", "the level")
        tab.until('document.getElementById("log").textContent.includes("sets the log level")')
        self.assertEqual(tab.errors, [])
        self.assertEqual(service.quit(), 0)

    def test_it_asks_for_the_token(self):
        service = self.start({"token": TOKEN})
        tab = self.page(service)
        for given, wrong in (("0" * 32, True), (TOKEN, False)):
            tab.until('document.getElementById("login").open')
            tab.evaluate(f'''document.getElementById("token").value = "{given}";
                             document.querySelector("#login button").click()''')
            if wrong:
                tab.until('document.getElementById("login-text").textContent.startsWith("That is not")')
        self.live(tab, 1)
        self.assertEqual(tab.evaluate("sessionStorage.token"), TOKEN)
        service.upgrade()
        self.live(tab, 2)  # it does not ask again
        self.assertFalse(tab.evaluate('document.getElementById("login").open'))
        self.press(tab, "restart", "yes")
        self.live(tab, 3)
        service.wait_for(lambda: service.count_log("start new process success") == 2, "two restarts")
        self.assertEqual(service.quit(), 0)

    def test_nothing_inline_runs_but_its_own(self):
        service = self.start()
        tab = self.page(service)
        self.live(tab)
        tab.evaluate('''document.body.insertAdjacentHTML("beforeend",
                        "<img src=x: onerror='document.title = \\"taken over\\"'>");
                        const more = document.createElement("script");
                        more.textContent = "document.title = 'taken over'";
                        document.body.append(more)''')
        tab.until('document.title !== ""')
        self.assertNotEqual(tab.evaluate("document.title"), "taken over")
        self.assertTrue(any("Content Security Policy" in str(each) for each in tab.errors), tab.errors)
        self.assertEqual(service.quit(), 0)


if __name__ == "__main__":
    unittest.main()
