"""A program built on baton, seen from outside: started, asked, restarted, told to leave."""

import contextlib
import ctypes
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE = float(os.environ.get("BATON_PATIENCE", "30"))
PR_SET_CHILD_SUBREAPER = 36


def until(condition, what):
    """Asks until `condition()` is true, and no longer than PATIENCE."""
    end = time.monotonic() + PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.01)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class Program:
    """Runs in a folder of its own, listens on `web.sock` there, writes its pid to a file there."""

    def __init__(self, command, pid_file, files=()):
        # Generations that outlive their parent become our children: we see how each one ends.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.folder = tempfile.TemporaryDirectory(prefix="baton-package-")
        self.socket = os.path.join(self.folder.name, "web.sock")
        self.pid_file = Path(self.folder.name, pid_file)
        for file in files:
            shutil.copy(file, self.folder.name)
        self.log = open(os.path.join(self.folder.name, "log"), "wb")
        self.process = subprocess.Popen(command, cwd=self.folder.name, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        self.pids = [self.process.pid]

    def close(self):
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self.log.close()
        self.folder.cleanup()

    def log_text(self):
        return Path(self.folder.name, "log").read_text(encoding="utf-8", errors="replace")

    def serving_pid(self):
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self.pid_file.read_text(encoding="ascii"))
        return None

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"exit status {self.process.returncode}: {self.log_text()}")
            return self.serving_pid()
        until(ready, f"the first {self.pid_file.name}")

    def ask(self, path="/ping", method="GET", body=None, fields=None):
        """(status, body) of an HTTP request on a connection of its own."""
        connection = UnixConnection(self.socket)
        try:
            connection.request(method, path, body, fields or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def greeting(self):
        """What a server says that speaks first."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(self.socket)
            with client.makefile("r") as lines:
                return lines.read()

    def upgrade(self):
        """USR1; returns the next generation's pid once it serves."""
        old = self.serving_pid()
        os.kill(old, signal.SIGUSR1)
        new = until(lambda: self.serving_pid() not in (old, None) and self.serving_pid(),
                    "another pid in the file after USR1:\n" + self.log_text())
        self.pids.append(new)
        return new

    def exit_status(self, pid):
        """As the shell counts, negative for a signal; waits for the end."""
        if pid == self.process.pid:
            return self.process.wait(PATIENCE)

        def ended():
            done, status = os.waitpid(pid, os.WNOHANG)
            return [os.waitstatus_to_exitcode(status)] if done else None
        return until(ended, f"the end of pid {pid}")[0]
