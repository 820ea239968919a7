"""A real browser's pages over restarts: the chat, and server-sent events."""

import json
import os
import signal
import threading

from browser import Browser
from protocols import Protocols
from support import is_alive

RESTARTS = 5


def say(tab, text):
    tab.evaluate(f"""document.getElementById("text").value = {json.dumps(text)};
                     document.getElementById("form").requestSubmit()""")


def lines(tab):
    return tab.evaluate('[...document.querySelectorAll("#log .text")].map((each) => each.textContent)')


class Talker(threading.Thread):
    """Says three lines at once, waits until they have come back, and goes on so until told to stop."""

    def __init__(self, tab, name):
        super().__init__(daemon=True)
        self.tab = tab
        self.name = name
        self.said = []
        self.failed = None
        self.ended = threading.Event()

    def run(self):
        try:
            while not self.ended.is_set():
                for _ in range(3):
                    self.said.append(f"{self.name} {len(self.said) + 1}")
                    say(self.tab, self.said[-1])
                self.tab.until('!document.querySelector("#log .pending")')
        except AssertionError as error:
            self.failed = error

    def stop(self):
        self.ended.set()
        self.join()
        if self.failed:
            raise self.failed


class Pages(Protocols):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def tab(self, url):
        tab = self.browser.tab()
        self.addCleanup(tab.close)
        tab.open(url)
        return tab

    def replace(self, service):
        """An upgrade, and the end of the old generation. Returns the new one's pid."""
        old = service.pid()
        new = service.upgrade()
        service.wait_for(lambda: not is_alive(old), f"end of pid {old}")
        return new


class Chat(Pages):
    def enter(self, base):
        tab = self.tab(base + "/chat")
        tab.until('!document.getElementById("state").className')
        return tab

    def start_again(self, service):
        """The same program on the same port, for clients that are there already."""
        again = self.service(program=service.process.args[0], folder=self.folder, arguments=[
            "--address", "127.0.0.1", "--port", str(self.clear),
            "--pid-file", self.file("service.pid")])
        again.ready()
        return again

    def moved(self, tab, times):
        tab.until(f'document.getElementById("moves").textContent === "{times}"')

    def moved_to(self, tab, generation):
        tab.until(f'document.getElementById("generation").textContent === "{generation}"')

    def expect_calm(self, tab, moves):
        self.assertEqual(tab.text("#moves"), str(moves))
        self.assertEqual(tab.text("#missed"), "0")
        self.assertEqual(tab.evaluate('document.getElementById("state").className'), "")
        self.assertEqual(tab.errors, [])

    def test_two_tabs_talk_over_restarts(self):
        service = self.start()
        for base in self.urls():
            tabs = [self.enter(base), self.enter(base)]
            before = lines(tabs[0])
            first = int(tabs[0].text("#generation"))
            if base.startswith("https"):
                for tab in tabs:
                    # Chromium speaks WebSocket over the page's own HTTP/2 connection (RFC 8441).
                    self.assertEqual(tab.text("#state"), "HTTP/2, TLS")
                    self.assertEqual(tab.evaluate(
                        'performance.getEntriesByType("navigation")[0].nextHopProtocol'), "h2")
            talkers = [Talker(tab, f"{name} of {base}:") for tab, name in zip(tabs, ("left", "right"))]
            for talker in talkers:
                talker.start()
            for number in range(1, RESTARTS + 1):
                self.replace(service)
                for tab in tabs:
                    self.moved_to(tab, first + number)
            for talker in talkers:
                talker.stop()
            said = [line for talker in talkers for line in talker.said]
            for tab in tabs:
                tab.until('document.querySelectorAll("#log .text").length === '
                          f'{len(before) + len(said)}')
                self.assertEqual(sorted(lines(tab)), sorted(before + said))
                self.expect_calm(tab, RESTARTS)
            self.assertEqual(lines(tabs[0]), lines(tabs[1]))
            for talker in talkers:
                self.assertEqual([line for line in lines(tabs[0]) if line in set(talker.said)],
                                 talker.said)
        service.quit()

    def test_an_upgrade_that_fails_is_not_noticed(self):
        service = self.start()
        tabs = [self.enter(self.urls()[0]) for _ in range(2)]
        talker = Talker(tabs[0], "line")
        talker.start()
        for step, number in (("child.hello", 1), ("child.before_ready", 2)):
            service.fault(step + ":kill")
            service.kill(signal.SIGUSR1)
            service.wait_log("start new process failed", number)
        service.fault("")
        said = len(talker.said)
        tabs[1].until(f'document.querySelectorAll("#log .text").length > {said}')
        talker.stop()
        for tab in tabs:
            tab.until(f'document.querySelectorAll("#log .text").length === {len(talker.said)}')
            self.assertEqual(lines(tab), talker.said)
            self.expect_calm(tab, 0)
        service.quit()

    def test_lines_that_were_not_taken_stay_ahead_of_later_ones(self):
        service = self.start("--ready-delay", "600")
        tabs = [self.enter(self.urls()[0]) for _ in range(2)]
        service.fault("child.before_ready:kill")
        for number in (1, 2, 3):
            begun = service.count_log("warming up")
            service.kill(signal.SIGUSR1)
            service.wait_log("warming up", begun + 1)
            say(tabs[0], f"line {2 * number - 1}")  # the server takes none now
            service.wait_log("start new process failed", number)
            say(tabs[0], f"line {2 * number}")
            for tab in tabs:
                tab.until(f'document.querySelectorAll("#log .text").length === {2 * number}')
            tabs[0].until('!document.querySelector("#log .pending")')
        for tab in tabs:
            self.assertEqual(lines(tab), [f"line {number}" for number in range(1, 7)])
            self.expect_calm(tab, 0)
        service.quit()

    def test_what_is_said_while_the_next_generation_starts_is_heard_once(self):
        service = self.start("--ready-delay", "600")
        tabs = [self.enter(self.urls()[0]) for _ in range(2)]
        for number in range(1, 4):
            begun = service.count_log("warming up")
            old = service.pid()
            service.kill(signal.SIGUSR1)
            service.wait_log("warming up|took over", begun + 1)
            say(tabs[0], f"line {number}")
            for tab in tabs:
                self.moved_to(tab, number + 1)
                tab.until(f'document.querySelectorAll("#log .text").length === {number}')
                tab.until('!document.querySelector("#log .pending")')
            service.wait_for(lambda pid=old: not is_alive(pid), f"end of pid {old}")
        for tab in tabs:
            self.assertEqual(lines(tab), ["line 1", "line 2", "line 3"])
            self.expect_calm(tab, 3)
        service.quit()

    def test_who_comes_later_reads_what_was_said(self):
        service = self.start()
        tab = self.enter(self.urls()[0])
        texts = ["<b>no markup</b>", 'quotes " and \\ backslashes', "Grüße, 世界 🌍", "世" * 1000]
        for text in texts:
            say(tab, text)
        # What is no text does not make a line too long for the server.
        tab.evaluate(r"""document.getElementById("text").value = "\ud83c\u0001".repeat(499) + "!";
                         document.getElementById("form").requestSubmit()""")
        texts.append("!")
        tab.until('!document.querySelector("#log .pending")')
        self.replace(service)
        self.moved_to(tab, 2)
        later = self.enter(self.urls()[0])
        for each in (tab, later):
            each.until(f'document.querySelectorAll("#log .text").length === {len(texts)}')
            self.assertEqual(lines(each), texts)
        service.quit()

    def test_a_server_that_was_away_is_found_again(self):
        service = self.start()
        tab = self.enter(self.urls()[0])
        say(tab, "before")
        tab.until('!document.querySelector("#log .pending")')
        service.quit()
        tab.until('document.getElementById("state").className === "away"')
        for text in ("meanwhile", "still away"):
            say(tab, text)
        again = self.start_again(service)
        tab.until('!document.getElementById("state").className')
        tab.until('!document.querySelector("#log .pending")')
        self.assertEqual(lines(tab), ["before", "meanwhile", "still away"])
        again.quit()

    def test_a_page_without_a_network_says_so_and_comes_back_with_it(self):
        service = self.start()
        tab = self.enter(self.urls()[0])
        network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        tab.call("Network.enable")
        tab.call("Network.emulateNetworkConditions", offline=True, **network)
        service.quit()
        tab.until('document.getElementById("state").textContent === "offline"')
        say(tab, "offline")
        again = self.start_again(service)
        tab.call("Network.emulateNetworkConditions", offline=False, **network)
        tab.until('!document.getElementById("state").className')
        tab.until('!document.querySelector("#log .pending")')
        self.assertEqual(lines(tab), ["offline"])
        # A connection that lasted may be dead for all one knows: a new network, a new connection.
        tab.evaluate('dispatchEvent(new Event("online"))')
        self.moved(tab, 2)
        again.quit()

    def test_a_generation_that_crashes_is_followed_by_another(self):
        service = self.start("--supervise")
        tabs = [self.enter(self.urls()[0]) for _ in range(2)]
        texts = []
        for number in (1, 2, 3):
            for tab in tabs:
                texts.append(f"line {len(texts) + 1}")
                say(tab, texts[-1])
                for each in tabs:
                    each.until(f'document.querySelectorAll("#heard .text").length === {len(texts)}')
            os.kill(int(tabs[0].text("#pid")), signal.SIGKILL)
            for tab in tabs:
                self.moved(tab, number)
        say(tabs[0], "the end")
        for tab in tabs:
            tab.until('[...document.querySelectorAll("#heard .text")].at(-1).textContent === "the end"')
            self.assertEqual(lines(tab), [*texts, "the end"])
            self.assertEqual(tab.text("#missed"), "0")
        service.kill(signal.SIGQUIT)
        service.gone()

    def test_a_screen_reader_finds_its_way(self):
        service = self.start()
        tab = self.enter(self.urls()[0])
        say(tab, "hello")
        tab.until('!document.querySelector("#log .pending")')
        tab.call("Accessibility.enable")
        nodes = [(node["role"]["value"], node.get("name", {}).get("value", ""))
                 for node in tab.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
        for wanted in (("main", ""), ("heading", "A chat that outlives its server"), ("status", ""),
                       ("log", "What was said"), ("textbox", "Message"), ("button", "Send"),
                       ("StaticText", tab.evaluate("sessionStorage.name")), ("StaticText", "hello")):
            self.assertIn(wanted, nodes)
        service.quit()


class Events(Pages):
    def test_an_event_source_goes_on_where_it_was(self):
        service = self.start()
        for base in self.urls():
            tab = self.tab(base + "/ping")
            tab.evaluate("""{
                const seen = window.seen = {ids: [], opened: 0};
                const source = new EventSource("/events");
                source.onopen = () => ++seen.opened;
                source.onmessage = ({data, lastEventId}) => {
                    seen.ids.push(Number(lastEventId));
                    document.body.dataset.last = data;
                };
            }""")
            pid = service.pid()
            for _ in range(RESTARTS):
                tab.until(f'(document.body.dataset.last ?? "").endsWith(" of pid:{pid}")')
                pid = self.replace(service)
            tab.until(f'(document.body.dataset.last ?? "").endsWith(" of pid:{pid}")')
            seen = tab.evaluate("window.seen")
            self.assertEqual(seen["ids"], list(range(1, len(seen["ids"]) + 1)))
            # It may meet the old generation once more, on a connection that was idle.
            self.assertGreater(seen["opened"], RESTARTS)
            self.assertEqual(tab.errors, [])
        service.quit()
