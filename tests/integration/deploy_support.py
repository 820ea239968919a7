"""What the tests of main_test/deploy share: its files, and a network where their ports are free.

The files are run as they are, with the ports that they name. So each test has a network namespace of
its own: programs enter it by a prefix, threads of this process by a system call.
"""

import contextlib
import ctypes
import fcntl
import http.client
import os
import shutil
import socket
import struct
import subprocess
import threading
import unittest

from support import BUILD, PATIENCE, Case

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEPLOY = os.path.join(ROOT, "main_test/deploy")
PROGRAM = os.path.join(os.path.abspath(BUILD), "main_test/graceful_main")
CONFIG = os.path.join(DEPLOY, "graceful.yaml")

CLONE_NEWNET = 0x40000000


def deployed(name):
    """The path of one of the files to deploy."""
    return os.path.join(DEPLOY, name)


def read(name):
    with open(deployed(name), encoding="utf-8") as file:
        return file.read()


def yaml():
    """The module, or a skipped test."""
    try:
        import yaml as module  # pylint: disable=import-outside-toplevel
        return module
    except ImportError:
        raise unittest.SkipTest("there is no module yaml (python3-yaml)") from None


def tool(*names):
    """Skips a test where one of these programs is missing; else the path of the first."""
    search = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for name in names:
        if not shutil.which(name, path=search):
            raise unittest.SkipTest(f"there is no {name} on this machine")
    return shutil.which(names[0], path=search)


def seconds(text):
    """The seconds of a duration as configurations write it: 500ms, 40s, 2m."""
    for unit, factor in (("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)):
        if text.endswith(unit) and text[:-len(unit)].isdigit():
            return int(text[:-len(unit)]) * factor
    raise ValueError(f"{text!r} is no duration")


def system_call(number_of_error, name):
    if number_of_error != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


class Network:
    """A network namespace with nothing but a loopback in it."""

    def __init__(self):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._in_thread(self._make)
        # The way into it for programs that we start.
        self.enter = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self._descriptor}"]

    @staticmethod
    def _in_thread(work):
        """What `work()` returns or raises; the thread, and the namespace it is in, then end."""
        outcome = {}

        def run():
            try:
                outcome["value"] = work()
            except BaseException as error:  # pylint: disable=broad-except
                outcome["error"] = error

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    def _make(self):
        try:
            system_call(self._libc.unshare(CLONE_NEWNET), "unshare")
        except PermissionError:
            raise unittest.SkipTest("making a network namespace needs CAP_SYS_ADMIN") from None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            get_flags, set_flags, up = 0x8913, 0x8914, 1
            request = struct.pack("16sh14x", b"lo", 0)
            flags = struct.unpack("16sh14x", fcntl.ioctl(sock, get_flags, request))[1]
            fcntl.ioctl(sock, set_flags, struct.pack("16sh14x", b"lo", flags | up))
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def join(self):
        """Moves the calling thread in, for good."""
        system_call(self._libc.setns(self._descriptor, CLONE_NEWNET), "setns")

    def inside(self, work):
        """What `work()` returns or raises, in this network; a socket stays there."""
        def enter_and_work():
            self.join()
            return work()
        return self._in_thread(enter_and_work)

    def connect(self, port, host="127.0.0.1"):
        return self.inside(lambda: socket.create_connection((host, port), PATIENCE))

    def get(self, port, path="/ping", headers=None):
        """(status, text) of a GET on a fresh connection."""
        def ask():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            with contextlib.closing(connection):
                connection.request("GET", path, headers=headers or {})
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
        return self.inside(ask)

    def close(self):
        os.close(self._descriptor)


class Load:
    """Clients that ask without a pause, and count whatever is not a good answer.

    `keep_alive` of them stay on their connection as long as the server lets them, `one_shot` of them
    open one for each request. They do what a strict client does: none retries.
    """

    def __init__(self, network, port, path="/ping", keep_alive=4, one_shot=2, headers=None):
        self._network, self._port, self._path = network, port, path
        self._headers = headers or {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answers = 0
        self.servers = set()
        self.failures = []
        self._threads = [threading.Thread(target=self._run, args=(stays,), daemon=True)
                         for stays in [True] * keep_alive + [False] * one_shot]
        for thread in self._threads:
            thread.start()

    def _run(self, stays):
        self._network.join()
        connection = None
        while not self._stop.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self._port,
                                                            timeout=PATIENCE)
                connection.request("GET", self._path, headers={
                    **self._headers, **({} if stays else {"Connection": "close"})})
                answer = connection.getresponse()
                body = answer.read().decode()
                with self._lock:
                    self.answers += 1
                    self.servers.add(body)
                    if answer.status != 200:
                        self.failures.append(f"{answer.status}: {body[:200]}")
                if not stays or answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                with self._lock:
                    self.failures.append(repr(error))
                connection = None
        if connection is not None:
            connection.close()

    def finish(self):
        """Stops asking; returns what failed."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE * 2)
        return self.failures


class DeployCase(Case):
    """A test in a network of its own, with programs that end with it."""

    def setUp(self):
        self.network = Network()
        self.addCleanup(self.network.close)

    def start(self, *command, **popen):
        """A program in the network, killed at the end of the test."""
        process = subprocess.Popen([*self.network.enter, *command], stdin=subprocess.DEVNULL,
                                   **popen)

        def finish():
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()

        self.addCleanup(finish)
        return process

    def run_inside(self, *command, status=0):
        return self.run_client(*self.network.enter, *command, status=status).decode()

    def load(self, *args, **kwargs):
        load = Load(self.network, *args, **kwargs)
        self.addCleanup(load.finish)
        return load
