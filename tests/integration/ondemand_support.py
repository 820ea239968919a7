"""The gateway with services of the tests behind it."""

import json
import os
import signal
import sys
import tempfile

from support import BUILD, Case, Service, is_alive

PROGRAM = os.path.join(BUILD, "tests/integration/ondemand_service")
BACKEND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ondemand_backend.py")


class ServicesBehind(Service):
    """A gateway; `folders` has those of its services by their names, which a backend writes to."""

    def write_byte(self, name, fifo):
        with open(os.path.join(self.folders[name], fifo), "wb") as file:
            file.write(b"x")

    def let_go(self, name):
        """Ends the request, or the event stream, that the service holds."""
        self.write_byte(name, "hold")

    def starts(self, name):
        """The pids of what was started, in their order."""
        try:
            with open(os.path.join(self.folders[name], "started"), encoding="ascii") as file:
                return [int(line) for line in file]
        except FileNotFoundError:
            return []

    def wait_started(self, name, count=1):
        return self.wait_for(lambda: len(self.starts(name)) >= count and self.starts(name),
                             f"start {count} of {name}")

    def wait_state(self, name, state, count=1):
        self.wait_log(rf"{name}: {state}, was", count)


class ServicesCase(Case):
    def watch(self, gateway):
        """To its end: it leaves well, nothing of its services stays, no sanitizer has complained."""
        self.addCleanup(self._finish, gateway)
        return gateway

    def _finish(self, gateway):
        stayed = None
        if not all(gateway._ended.values()):
            try:
                gateway.quit()
            except ProcessLookupError:
                pass  # a test that ended it
            except AssertionError as error:
                stayed = error
                gateway.process.kill()
        pids = [pid for name in gateway.folders for pid in gateway.starts(name)]
        log = gateway.log()
        told = [line for line in gateway.lines if "Sanitizer" in line or "runtime error" in line]
        gateway.end()
        self.assertEqual(told, [], log)
        left = [pid for pid in pids if is_alive(pid)]
        self.assertEqual(left, [], "services were left behind:\n" + log)
        if stayed is not None:
            raise stayed


class Gateway(ServicesBehind):
    """`services`: as in ondemand_service's file; "backend" stands for a child that is ours, FOLDER
    and BACKEND for its folder and program."""

    def __init__(self, services, keys=()):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.folders = {}
        for each in services:
            own = self.folders[each["name"]] = os.path.join(folder, each["name"])
            os.mkdir(own)
            os.mkfifo(os.path.join(own, "hold"))
            if "backend" in each:
                each["run"] = [sys.executable, BACKEND, own, *each.pop("backend")]
            for key, value in each.items():
                if isinstance(value, str):
                    each[key] = value.replace("FOLDER", own)
                elif isinstance(value, list) and all(isinstance(x, str) for x in value):
                    each[key] = [x.replace("FOLDER", own).replace("BACKEND", BACKEND)
                                 for x in value]
        described = os.path.join(folder, "services.json")
        with open(described, "w", encoding="utf-8") as file:
            json.dump(services, file)
        self.fifo = os.path.join(folder, "commands")
        os.mkfifo(self.fifo)
        super().__init__(program=PROGRAM, folder=folder, arguments=[
            "127.0.0.1:0", described, f"commands={self.fifo}", f"pid_file={folder}/service.pid",
            *keys])
        self._is_ours = True
        self.web = self.address()
        self.where = ("127.0.0.1", self.port())

    def command(self, text):
        with open(self.fifo, "w", encoding="ascii") as file:
            file.write(text + "\n")

    def upgrade(self, number=signal.SIGUSR1):
        """The same; commands are the new generation's from then on."""
        before = self.count_log("accepting ends here")
        new = super().upgrade(number)
        self.wait_log("accepting ends here", before + 1)
        return new

    def status(self, name):
        seen = len(self.output)
        self.command("status")
        line = self.wait_for(lambda: next((x for x in self.output[seen:] if x.startswith("{")), None),
                             "status")
        return json.loads(line)[name]


def listening(**changes):
    """A service that is given its socket."""
    return {"name": "shop", "backend": [], "socket": "@", "ready": "listening",
            "routes": [{"host": "shop.example"}], **changes}


class OndemandCase(ServicesCase):
    def gateway(self, *services, keys=()):
        return self.watch(Gateway([dict(each) for each in services], keys))

    def curl(self, gateway, path="/", *flags, host="shop.example"):
        """Status and body."""
        out = self.run_client("curl", "-s", "--max-time", "60", "-w", "\n%{http_code}",
                              "-H", f"Host: {host}", *flags, f"http://{gateway.web}{path}").decode()
        body, _, status = out.rpartition("\n")
        return int(status), body
