"""What the integration tests share: a service with all its generations, seen from outside.

A `Service` starts the program, reads the log of every generation through one pipe (they all inherit
standard error), and waits for lines instead of sleeping. The end of that pipe is the proof that no
process of the service is left; `Case` demands it after every test.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

BUILD = os.environ.get("BATON_BUILD", "build/dev")
PROGRAM = os.path.join(BUILD, "tests/integration/integration_service")
# Sanitizers and a busy machine slow everything down; a wait that fails is a failure all the same.
PATIENCE = float(os.environ.get("BATON_PATIENCE", "30"))


class Service:
    """One service and its generations.

    `config` is written to a JSON file that each generation reads anew; change it with `configure`.
    `faults` names steps at which processes are to die ("child.hello:kill"); change it with `fault`.
    """

    def __init__(self, config=None, program=None, arguments=None, environment=None, wrapper=None,
                 folder=None, **popen):
        self.folder = folder or tempfile.mkdtemp(prefix="baton-test-")
        self._is_ours = folder is None
        self.pid_file = os.path.join(self.folder, "service.pid")
        self.config_file = os.path.join(self.folder, "config.json")
        self.fault_file = os.path.join(self.folder, "fault")
        self.config = {"listeners": [{"address": "127.0.0.1:0", "name": "web"}],
                       "pid_file": self.pid_file, **(config or {})}
        self.configure()
        self.fault("")
        self.lines = []
        self.output = []
        self._changed = threading.Condition()
        self._ended = {"log": False, "output": False}
        argv = list(wrapper or []) + [program or PROGRAM] + (
            arguments if arguments is not None else [self.config_file])
        env = {**os.environ, "BATON_FAULT": "@" + self.fault_file, **(environment or {})}
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
            **popen)
        self._readers = []
        for name, pipe, sink in (("log", self.process.stderr, self.lines),
                                 ("output", self.process.stdout, self.output)):
            reader = threading.Thread(target=self._read, args=(name, pipe, sink), daemon=True)
            reader.start()
            self._readers.append(reader)

    # --- what the next generation will be like

    def configure(self, **changes):
        self.config.update(changes)
        self._write(self.config_file, json.dumps(self.config))

    def fault(self, plan):
        self._write(self.fault_file, plan + "\n")

    @staticmethod
    def _write(path, text):
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)

    # --- the log

    def _read(self, name, pipe, sink):
        for raw in pipe:
            with self._changed:
                sink.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended[name] = True
            self._changed.notify_all()

    def wait_for(self, condition, what, patience=None):
        """Waits until `condition()` is true; it is asked again at every log line."""
        deadline = time.monotonic() + (patience or PATIENCE)
        with self._changed:
            while True:
                answer = condition()
                if answer:
                    return answer
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no {what} in time; the log so far:\n" + self.log())
                self._changed.wait(min(left, 0.2))

    def wait_log(self, pattern, count=1, patience=None):
        """The match of `pattern` in the `count`-th log line that has one."""
        regex = re.compile(pattern)

        def found():
            matches = [m for m in map(regex.search, list(self.lines)) if m]
            return matches[count - 1] if len(matches) >= count else None

        return self.wait_for(found, f"log line /{pattern}/ number {count}", patience)

    def count_log(self, pattern):
        return sum(1 for line in list(self.lines) if re.search(pattern, line))

    def log(self):
        return "\n".join(list(self.lines)[-60:])

    # --- addresses and processes

    def address(self, name="web", generation=1):
        match = self.wait_for(
            lambda: [line for line in list(self.output) if line.startswith(f"listener {name} ")],
            f"listener {name}")
        return match[min(generation, len(match)) - 1].split(" ", 2)[2]

    def port(self, name="web"):
        return int(self.address(name).rsplit(":", 1)[1])

    def pid(self):
        """The serving generation's pid as the pid file has it."""
        def read():
            try:
                with open(self.pid_file, encoding="utf-8") as file:
                    return int(file.read() or 0)
            except FileNotFoundError:
                return 0
        return self.wait_for(read, "pid file")

    def ready(self):
        """Waits until generation 1 serves; returns its pid."""
        return self.pid()

    def kill(self, number, pid=None):
        os.kill(pid or self.pid(), number)

    def upgrade(self, number=signal.SIGUSR1):
        """Upgrades by signal and returns the pid of the generation that serves then."""
        old = self.pid()
        before = self.count_log(r"start new process success, pid \d+")
        os.kill(old, number)
        match = self.wait_log(r"start new process success, pid (\d+)", before + 1)
        new = int(match.group(1))
        self.wait_for(lambda: self.pid() == new, f"pid {new} in the pid file")
        return new

    def gone(self, patience=None):
        """Waits until no process of the service is left; returns the first one's exit status."""
        self.wait_for(lambda: self._ended["log"] and self._ended["output"],
                      "end of all generations", patience)
        return self.process.wait(PATIENCE)

    def quit(self, patience=None):
        self.kill(signal.SIGQUIT)
        return self.gone(patience)

    def end(self):
        """Ends whatever is left, for a test that failed, and removes the folder if it made it."""
        pids = {int(m.group(1)) for m in (re.search(r"pid (\d+)\]", l) for l in self.lines) if m}
        pids.add(self.process.pid)
        for pid in pids:
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if self.fault_file.encode() in file.read():
                        os.kill(pid, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass
        self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        if self._is_ours:
            shutil.rmtree(self.folder, ignore_errors=True)


def is_alive(pid):
    """Whether `pid` runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Case(unittest.TestCase):
    """A test whose services must all be gone, to the last process, when it ends."""

    def service(self, *args, **kwargs):
        service = Service(*args, **kwargs)

        def finish():
            alive = not (service._ended["log"] and service._ended["output"])
            log = service.log()
            service.end()
            result = self._outcome.result
            if any(self in (test, getattr(test, "test_case", None))
                   for test, _ in result.failures + result.errors):
                print(f"--- log of {self.id()}\n{log}\n---", flush=True)
            elif alive:
                self.fail("processes of the service were left behind:\n" + log)

        self.addCleanup(finish)
        return service

    def run_client(self, *command, status=0):
        """Standard output of a client program that must end with `status` (or one of several)."""
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE * 2, check=False)
        wanted = status if isinstance(status, tuple) else (status,)
        self.assertIn(done.returncode, wanted, (command, done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout

    def get(self, where, path="/ping", patience=PATIENCE):
        """GET on a fresh connection; `where` is a port or a unix path. Returns the body's text."""
        connection = connect(where, patience)
        try:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
                               .encode())
            status, _, body = read_response(connection)
            self.assertEqual(status, 200, body)
            return body.decode()
        finally:
            connection.close()

    def served_by(self, where):
        return int(re.search(r"pid:(\d+)", self.get(where)).group(1))


def connect(where, patience=PATIENCE):
    """A connected socket with a time-out; `where` is a port on 127.0.0.1 or a unix path."""
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where), patience)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(patience)
    sock.connect("\0" + where[1:] if where.startswith("@") else where)
    return sock


def read_response(sock, method="GET"):
    """(status, headers, body) of one answer; EOF before its end is an error."""
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    body = response.read()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, body


class KeepAlive:
    """One keep-alive connection whose every answer is checked."""

    def __init__(self, where):
        self.sock = connect(where)

    def request(self, path="/ping"):
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())

    def answer(self):
        return read_response(self.sock)

    def ask(self, path="/ping"):
        self.request(path)
        return self.answer()

    def close(self):
        self.sock.close()
