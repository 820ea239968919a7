"""A headless Chromium, driven by the DevTools protocol over a pipe: no driver, no other module.

The protocol (https://chromedevtools.github.io/devtools-protocol/) is JSON with a NUL behind each
message, on descriptors 3 and 4 of the browser. The end of its standard error is the proof that no
process of it is left.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from support import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--disable-extensions", "--disable-background-networking",
         "--disable-breakpad", "--disable-background-timer-throttling",
         "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
         "--disable-component-update", "--password-store=basic", "--hide-scrollbars",
         # The certificate is one that the test made.
         "--ignore-certificate-errors", "--remote-debugging-pipe")


# Stays behind the browser and removes its folder, even if the test is killed: the browser ends when
# its pipe does.
START = """folder=$1 input=$2 output=$3
shift 3
"$@" 3<&"$input" 4>&"$output" {input}<&- {output}>&-
status=$?
rm -rf "$folder"
exit "$status"
"""


class Browser:
    """One browser with a profile of its own. `close` ends it and leaves nothing behind.

    SkipTest if there is none that starts: Ubuntu's package, for example, is but a stub that asks
    for a snap, and a snap may not see the profile's folder.
    """

    def __init__(self, *flags):
        tried = []
        for program in filter(None, map(shutil.which, NAMES)):
            self._start(program, flags)
            try:
                self.call("Browser.getVersion")
                return
            except AssertionError:
                self._end()
                tried.append(f"{program} does not start: "
                             + ("".join(self._said[-5:]).strip() or "it says nothing"))
        raise unittest.SkipTest("\n".join(
            tried or [f"no browser is installed ({', '.join(NAMES)}); Debian's package is chromium"]))

    def _start(self, program, flags):
        self.folder = tempfile.mkdtemp(prefix="baton-browser-")
        ours = [self._high(end) for end in os.pipe()], [self._high(end) for end in os.pipe()]
        (its_input, self._input), (self._output, its_output) = ours
        # A home of its own too: the browser keeps caches there.
        self.process = subprocess.Popen(
            ["bash", "-c", START, "browser", self.folder, str(its_input), str(its_output), program,
             *FLAGS, *flags, "--user-data-dir=" + os.path.join(self.folder, "profile"), "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=(its_input, its_output), start_new_session=True,
            env={**os.environ, "HOME": self.folder, "TMPDIR": self.folder})
        os.close(its_input)
        os.close(its_output)
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._answers = {}
        self._number = 0
        self._ended = False
        self._said = []
        self._listeners = {}
        self._threads = [threading.Thread(target=target, daemon=True)
                         for target in (self._read, self._read_errors)]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _high(descriptor):
        """The same, out of the way of 3 and 4."""
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
        os.close(descriptor)
        return moved

    def _read(self):
        rest = b""
        while piece := os.read(self._output, 1 << 20):
            *messages, rest = (rest + piece).split(b"\0")
            for message in map(json.loads, messages):
                with self._changed:
                    if "id" in message:
                        self._answers[message["id"]] = message
                    elif listener := self._listeners.get(message.get("sessionId")):
                        listener(message["method"], message["params"])
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_errors(self):
        for line in self.process.stderr:
            self._said.append(line.decode("utf-8", "replace"))

    def wait_for(self, condition, what):
        """Waits until `condition()` is true; it is asked again at every message of the browser."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while not (answer := condition()):
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(
                        f"the browser {'has ended' if self._ended else 'gives no answer'}: {what}\n"
                        + "".join(self._said[-20:]))
                self._changed.wait(left)
            return answer

    def call(self, method, session=None, **parameters):
        with self._writing:
            self._number += 1
            number = self._number
            message = {"id": number, "method": method, "params": parameters}
            if session:
                message["sessionId"] = session
            data = json.dumps(message).encode() + b"\0"
            try:
                while data:
                    data = data[os.write(self._input, data):]
            except BrokenPipeError:
                pass  # it has ended, as the wait below says
        answer = self.wait_for(lambda: self._answers.pop(number, None), f"{method} {parameters}")
        if "error" in answer:
            raise AssertionError(f"{method} {parameters}: {answer['error']['message']}")
        return answer["result"]

    def tab(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Tab(self, target, session)

    def listen(self, session, listener):
        with self._changed:
            self._listeners[session] = listener

    def close(self):
        """Ends the browser, and shows that all its processes have gone."""
        try:
            self.call("Browser.close")
            self.process.wait(PATIENCE)
        finally:
            self._end()

    def _end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)
        if any(thread.is_alive() for thread in self._threads):
            raise AssertionError("processes of the browser were left behind")
        os.close(self._input)
        os.close(self._output)
        self.process.stderr.close()


class Tab:
    """A page; what it complains about is kept in `errors`."""

    def __init__(self, browser, target, session):
        self.browser = browser
        self.target = target
        self.session = session
        self.errors = []
        self._loads = 0
        browser.listen(session, self._hear)
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def _hear(self, method, params):
        if method == "Page.loadEventFired":
            self._loads += 1
        elif method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(params["args"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            # It asks for an icon of its own accord.
            if not params["entry"].get("url", "").endswith("/favicon.ico"):
                self.errors.append(params["entry"])

    def call(self, method, **parameters):
        return self.browser.call(method, session=self.session, **parameters)

    def open(self, url):
        loads = self._loads
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise AssertionError(f"{url}: {failed}")
        self.browser.wait_for(lambda: self._loads > loads, f"load of {url}")

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, condition):
        """Waits until a JavaScript condition holds; it is asked again whenever the page changes."""
        try:
            self.evaluate(f"""new Promise((done) => {{
                const look = () => {{ if ({condition}) {{ watch.disconnect(); done(); }} }};
                const watch = new MutationObserver(look);
                watch.observe(document, {{subtree: true, childList: true, attributes: true,
                                          characterData: true}});
                look();
            }})""")
        except AssertionError as error:
            page = self.evaluate("document.body.innerText")
            raise AssertionError(f"not in time: {condition}; the page:\n{page[:300]}\n...\n"
                                 f"{page[-900:]}\n{self.errors}") from error

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
