#!/usr/bin/env python3
"""Draws docs/services.png: the page of the services on demand, with one that serves, one that starts,
one that failed and one that nobody wants.

    docs/draw_services.py [PROGRAM]     PROGRAM: build/release/src/apps/ondemand/baton-ondemand

It needs chromium.
"""

import base64
import json
import os
import signal
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ["BATON_BUILD"] = str(ROOT / "build/release")
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/integration"))

from browser import Browser  # noqa: E402
from support import Service, connect  # noqa: E402

WIDTH, HEIGHT = 1180, 900
SHOP = """
import http.server, socket, sys, time
print("reading the catalogue, 12,000 articles", flush=True)
time.sleep(0.3)
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"shop\\n")
        if self.path == "/slow":
            time.sleep(60)
    def log_message(self, form, *what):
        print(form % what, flush=True)
class Server(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(None, Shop, bind_and_activate=False)
        self.socket = socket.socket(fileno=3)
Server().serve_forever()
"""


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(
        ROOT / "build/release/src/apps/ondemand/baton-ondemand")
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} is not there: `main_test/run.sh` builds it, or name another one")
    try:
        browser = Browser()
    except unittest.SkipTest as none:
        sys.exit(str(none))
    folder = tempfile.mkdtemp(prefix="baton-draw-")
    config = Path(folder, "gateway.yaml")
    config.write_text(json.dumps({
        "listeners": [{"address": "127.0.0.1:0", "name": "web"}],
        "admin": {"enabled": True, "address": "127.0.0.1:0"},
        "services": {
            "shop": {"routes": ["shop.example"], "run": [sys.executable, "-c", SHOP],
                     "socket": {"address": "@"}, "idle_timeout": "5m"},
            "wiki": {"routes": ["wiki.example"], "run": ["/bin/sleep", "60"],
                     "socket": {"address": "@"}, "ready": {"by": "notify"}},
            "mail": {"routes": ["mail.example"], "backoff": "30s",
                     "run": "echo 'cannot open /var/mail: no such directory' >&2; exit 3",
                     "socket": {"address": "@"}},
            "archive": {"routes": ["archive.example"], "run": ["/srv/archive/archive"],
                        "socket": {"address": "@"}},
            "intranet": {"routes": ["/intranet"], "target": "127.0.0.1:9"}}}))
    service = Service(program=program, folder=folder, arguments=[str(config)])
    try:
        port, admin = (int(service.wait_log(
            rf"listening http on 127\.0\.0\.1:(\d+) as '{name}'").group(1)) for name in ("web", "admin"))
        tab = browser.tab()
        tab.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1,
                 mobile=False)
        tab.open(f"http://127.0.0.1:{admin}/services/")
        open_ones = []
        for host, path in (("mail", "/"), ("shop", "/"), ("shop", "/slow"), ("wiki", "/"), ("wiki", "/")):
            client = connect(port)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}.example\r\n\r\n".encode())
            if host != "wiki":
                client.recv(65536)
            open_ones.append(client)
        tab.until('document.body.innerText.includes("failed") && document.body.innerText.includes("starting")')
        # What is drawn is time.
        tab.evaluate("new Promise(done => setTimeout(done, 2500))")
        shot = tab.call("Page.captureScreenshot", format="png")["data"]
        (ROOT / "docs/services.png").write_bytes(base64.b64decode(shot))
        for each in open_ones:
            each.close()
        service.process.send_signal(signal.SIGTERM)
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(60)
    finally:
        service.end()
        browser.close()


if __name__ == "__main__":
    main()
