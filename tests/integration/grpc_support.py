"""gRPC: the services of tests/integration/grpc, and the clients in three languages."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from certificates import Authority
from protocols import CLIENTS, PYTHON
from support import BUILD, PATIENCE, Case

HERE = os.path.dirname(os.path.abspath(__file__))
ROOM = os.path.join(os.path.abspath(BUILD), "tests/integration/grpc")
SERVICE = os.path.join(ROOM, "grpc_service")
PEER = os.path.join(ROOM, "grpc_peer")
NODE = shutil.which("node")
NPM = shutil.which("npm")
NODE_FOLDER = os.path.join(ROOM, "node")

CASES = ("empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong",
         "empty_stream", "cancel_after_begin", "cancel_after_first_response",
         "timeout_on_sleeping_server", "custom_metadata", "status_code_and_message",
         "special_status_message", "unimplemented_method", "unimplemented_service")


def missing_python():
    """Why there is no client in Python; empty if there is."""
    if not os.path.isdir(os.path.join(ROOM, "python")):
        return "grpc_python_plugin was not there at build time (package protobuf-compiler-grpc)"
    done = subprocess.run([PYTHON, "-c", "import grpc, google.protobuf"], capture_output=True,
                          check=False)
    return "" if done.returncode == 0 else (
        f"{PYTHON} has no grpc or no protobuf (packages python3-grpcio, python3-protobuf)")


def missing_node():
    """Why there is no client in JavaScript; empty if there is. Installs its modules once."""
    if not NODE or not NPM:
        return "node or npm is not installed (packages nodejs, npm)"
    os.makedirs(NODE_FOLDER, exist_ok=True)
    with open(os.path.join(NODE_FOLDER, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = os.path.join(CLIENTS, "grpc_node", "package-lock.json")
        done = os.path.join(NODE_FOLDER, "installed-lock.json")
        if os.path.exists(done) and read(done) == read(wanted):
            return ""
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(CLIENTS, "grpc_node", name), NODE_FOLDER)
        try:
            made = subprocess.run(
                [NPM, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"],
                cwd=NODE_FOLDER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=PATIENCE * 4, check=False)
        except subprocess.TimeoutExpired:
            return "npm ci did not end in time"
        if made.returncode != 0:
            return "npm ci failed: " + made.stdout.decode()[-500:]
        shutil.copy(wanted, done)
    return ""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


MISSING = {"python": missing_python(), "node": missing_node(), "c++": ""}
COMMANDS = {
    "python": ["env", f"PYTHONPATH={ROOM}/python", PYTHON, f"{CLIENTS}/grpc_client.py"],
    "node": ["env", f"NODE_PATH={NODE_FOLDER}/node_modules", f"BATON_PROTO={HERE}/grpc",
             NODE or "node", f"{CLIENTS}/grpc_client.cjs"],
    # It is not what is tested, and libgrpc's false alarms would fill the pipe that nobody reads.
    "c++": ["env", "TSAN_OPTIONS=report_bugs=0", os.path.join(ROOM, "grpc_client")]}
LANGUAGES = tuple(COMMANDS)


class GrpcCase(Case):
    """One authority for all tests of a class."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.authority = Authority(tempfile.mkdtemp(prefix="baton-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.authority.folder, ignore_errors=True)
        cls.certificate = cls.authority.issue("server", names=["localhost"])

    def start(self, *listeners, program=SERVICE, **config):
        """A service with a port in the clear and one with TLS, or with these listeners."""
        listeners = list(listeners) or [self.clear(), self.tls()]
        service = self.service({"listeners": listeners, **config}, program=program)
        service.ready()
        return service

    @staticmethod
    def clear(name="web"):
        return {"address": "127.0.0.1:0", "name": name}

    def tls(self, name="tls", **how):
        return {"address": "127.0.0.1:0", "name": name,
                "tls": {"certificates": [self.certificate], **how}}

    def file(self, name):
        return self.authority.file(name)

    def credentials(self, name, client=None):
        """What a client is told for the listener `name`."""
        if name != "tls":
            return "-"
        mine = [client["certificate"], client["key"]] if client else []
        return ",".join([self.file("ca.pem"), *mine])

    def need(self, language):
        if MISSING[language]:
            raise unittest.SkipTest(MISSING[language])

    def command(self, language, what, service, name, *more, client=None):
        return [*COMMANDS[language], what, f"127.0.0.1:{service.port(name)}",
                self.credentials(name, client), *more]

    def followers(self, service):
        """A `Follower` in each language for each of the two ports."""
        return {(language, name): Follower(self, self.command(language, "follow", service, name))
                for language in LANGUAGES if not MISSING[language] for name in ("web", "tls")}

    def session(self, service, name, client=None):
        self.need("python")
        return Session(self, f"127.0.0.1:{service.port(name)}", self.credentials(name, client))

    def run_cases(self, language, service, name, *cases, client=None):
        """All of these interoperability tests pass."""
        self.need(language)
        done = subprocess.run(self.command(language, "cases", service, name, *cases, client=client),
                              capture_output=True, text=True, timeout=PATIENCE * 4, check=False)
        self.assertEqual(done.stdout.splitlines(), [f"{case} ok" for case in cases],
                         done.stderr[-4000:])
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])


class Follower:
    """A client that calls without end until `stop`."""

    def __init__(self, test, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        test.addCleanup(lambda: self.process.poll() is None and self.process.kill())
        line = self.process.stdout.readline()
        if line != "connected\n":
            self.process.kill()
            said = self.process.communicate()
            raise AssertionError((line, said, self.process.returncode))

    def stop(self):
        """(what it counted, what it complained of)"""
        output, errors = self.process.communicate("", timeout=PATIENCE * 2)
        return json.loads(output.splitlines()[-1]), errors


class Session:
    """A client that does as it is told (clients/grpc_session.py)."""

    def __init__(self, test, target, credentials):
        self.process = subprocess.Popen(
            [*COMMANDS["python"][:-1], f"{CLIENTS}/grpc_session.py", target, credentials],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.close)

    def close(self):
        """Ends it; what it had open is cancelled. Returns what it complained of."""
        if self.process.poll() is None and not self.process.stdin.closed:
            try:
                return self.process.communicate("", timeout=PATIENCE)[1]
            except subprocess.TimeoutExpired:
                self.process.kill()
        if not self.process.stdout.closed:
            self.process.communicate()
        return ""

    def begin(self, do, **order):
        """Gives an order, whose answer `answer` returns."""
        self.process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the client ended: " + self.process.stderr.read())
        return json.loads(line)

    def tell(self, do, **order):
        self.begin(do, **order)
        return self.answer()
