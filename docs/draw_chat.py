#!/usr/bin/env python3
"""Draws docs/chat.png: the chat page in a browser, after two restarts of its server.

    docs/draw_chat.py [PROGRAM]     PROGRAM: build/release/main_test/graceful_main by default

It needs chromium, and talks as two visitors do.
"""

import base64
import os
import signal
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ["BATON_BUILD"] = str(ROOT / "build/release")
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/integration"))

from browser import Browser  # noqa: E402
from browser_test import say  # noqa: E402
from support import Service  # noqa: E402

WIDTH, HEIGHT = 820, 600
BEFORE = ((0, "Can we deploy while people talk?"), (1, "Try it: kill -USR1 and go on."))
BETWEEN = ((0, "That was a new process. Did you notice?"), (1, "Only because the page says so."))
AFTER = ((0, "Once more, then."),)


def visitor(browser, base, name):
    tab = browser.tab()
    tab.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1,
             mobile=False)
    tab.open(base + "/ping")  # to choose a name before the page does
    tab.evaluate(f'sessionStorage.name = "{name}"')
    tab.open(base + "/chat")
    tab.until('!document.getElementById("state").className')
    return tab


def talk(tabs, lines, heard):
    for who, text in lines:
        say(tabs[who], text)
        heard += 1
        for tab in tabs:
            tab.until(f'document.querySelectorAll("#log .text").length === {heard}')
    return heard


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build/release/main_test/graceful_main")
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} is not there: `main_test/run.sh` builds it, or name another one")
    try:
        browser = Browser()
    except unittest.SkipTest as none:
        sys.exit(str(none))
    service = Service(program=program, arguments=["--address", "127.0.0.1", "--port", "0"])
    try:
        port = service.wait_log(r"listening http on 127\.0\.0\.1:(\d+)$").group(1)
        base = f"http://127.0.0.1:{port}"
        tabs = [visitor(browser, base, name) for name in ("Keen otter", "Calm heron")]
        heard, pid = 0, service.process.pid
        for generation, lines in enumerate((BEFORE, BETWEEN, AFTER), 1):
            if generation > 1:
                service.kill(signal.SIGUSR1, pid)
                pid = int(service.wait_log(r"start new process success, pid (\d+)",
                                           generation - 1).group(1))
                for tab in tabs:
                    tab.until(f'document.getElementById("generation").textContent === "{generation}"')
            heard = talk(tabs, lines, heard)
        shot = tabs[0].call("Page.captureScreenshot", format="png")["data"]
        (ROOT / "docs/chat.png").write_bytes(base64.b64decode(shot))
        service.kill(signal.SIGQUIT, pid)
        service.gone()
    finally:
        service.end()
        browser.close()


if __name__ == "__main__":
    main()
