#!/usr/bin/env python3
"""Draws docs/dashboard.png: the dashboard in a browser, while a new generation has taken over and the
old one still drains.

    docs/draw_dashboard.py [PROGRAM]     PROGRAM: build/release/main_test/graceful_main by default

It needs chromium. Beside it the same in the dark as docs/dashboard-dark.png, if asked for by --dark.
"""

import base64
import os
import signal
import sys
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ["BATON_BUILD"] = str(ROOT / "build/release")
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/integration"))

from browser import Browser  # noqa: E402
from support import KeepAlive, Service, connect  # noqa: E402

WIDTH, HEIGHT = 1180, 1130
BEFORE, AFTER = 14, 6  # seconds that the page follows the old generation, and the new one


class Clients:
    """A few clients that ask again and again, on connections that they keep."""

    def __init__(self, port, count):
        self.port, self.ended = port, threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.ended.is_set():
            client = KeepAlive(self.port)
            try:
                while not self.ended.is_set():
                    if client.ask("/bytes/2000")[1].get("connection") == "close":
                        break
                    self.ended.wait(0.004)
            finally:
                client.close()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def main():
    arguments = [each for each in sys.argv[1:] if each != "--dark"]
    dark = "--dark" in sys.argv
    program = arguments[0] if arguments else str(ROOT / "build/release/main_test/graceful_main")
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} is not there: `main_test/run.sh` builds it, or name another one")
    try:
        browser = Browser()
    except unittest.SkipTest as none:
        sys.exit(str(none))
    service = Service(program=program, arguments=["--address", "127.0.0.1", "--port", "0", "--admin",
                                                  "127.0.0.1:0", "--ready-delay", "1500"])
    try:
        port = int(service.wait_log(r"listening http on 127\.0\.0\.1:(\d+)(?! as 'admin')(?:\s|$)").group(1))
        admin = service.wait_log(r"listening http on 127\.0\.0\.1:(\d+) as 'admin'").group(1)
        tab = browser.tab()
        tab.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1,
                 mobile=False)
        tab.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        clients = Clients(port, 6)
        tab.open(f"http://127.0.0.1:{admin}/")
        tab.until('document.getElementById("link").textContent === "live"')
        idle = [connect(port) for _ in range(40)]
        slow = connect(port)
        slow.sendall(b"GET /slow/25000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(BEFORE)  # what is drawn is time
        service.kill(signal.SIGUSR1, service.process.pid)
        new = int(service.wait_log(r"start new process success, pid (\d+)").group(1))
        tab.until('document.querySelector("#timeline [data-generation=\\"1\\"][data-phase=draining]")')
        time.sleep(AFTER)
        shot = tab.call("Page.captureScreenshot", format="png")["data"]
        name = "dashboard-dark.png" if dark else "dashboard.png"
        (ROOT / "docs" / name).write_bytes(base64.b64decode(shot))
        clients.stop()
        for each in (slow, *idle):
            each.close()
        service.kill(signal.SIGQUIT, new)
        service.gone(60)
    finally:
        service.end()
        browser.close()


if __name__ == "__main__":
    main()
