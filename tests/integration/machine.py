"""A real systemd in namespaces, with the units of main_test/deploy installed as an operator would."""

import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from deploy_support import CONFIG, PROGRAM, deployed, tool
from support import PATIENCE

HERE = os.path.dirname(os.path.abspath(__file__))

# What only this machine needs: nothing of the system is booted, and there is no journal.
DROP_IN = """[Unit]
DefaultDependencies=no
Wants=
After=
[Service]
StandardOutput=append:{log}
StandardError=append:{log}
"""


class Machine:
    """Invariant: everything that runs in it ends with it."""

    def __init__(self, network, unit="graceful.service", drop_ins=(), units=(),
                 service="graceful.service"):
        tool("unshare", "nsenter", "systemctl")
        if not os.path.exists("/lib/systemd/systemd"):
            raise unittest.SkipTest("there is no systemd on this machine")
        self.service = service
        self.folder = tempfile.mkdtemp(prefix="baton-machine-")
        self.log_file = os.path.join(self.folder, "log")
        self._install(drop_ins, units)
        self._group = self._make_group()
        self._console = open(os.path.join(self.folder, "console"), "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [*network.enter, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc",
             "--uts", "--cgroup", os.path.join(HERE, "machine.sh"), unit, self.folder],
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.STDOUT,
            preexec_fn=self._enter_group)
        try:
            self.init = self.wait(self._find_init, "a first process")
            self.wait(lambda: os.path.exists(f"/proc/{self.init}/root/run/systemd/private"),
                       "systemd's socket")
        except BaseException:
            self.close()
            raise

    def _install(self, drop_ins, units):
        etc = os.path.join(self.folder, "etc")
        system = os.path.join(etc, "systemd/system")
        own = os.path.join(system, self.service + ".d")
        binaries = os.path.join(self.folder, "usr/local/bin")
        for folder in (own, binaries, os.path.join(etc, "graceful")):
            os.makedirs(folder)
        shutil.copy(PROGRAM, binaries)
        shutil.copy(CONFIG, os.path.join(etc, "graceful"))
        for name in ("graceful.service", "graceful.socket"):
            shutil.copy(deployed("systemd/" + name), system)
        for name in drop_ins:
            shutil.copy(deployed("systemd/" + name), own)
        for name, text in (*units, (self.service + ".d/machine.conf",
                                    DROP_IN.format(log=self.log_file))):
            path = os.path.join(system, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        with open(self.log_file, "w", encoding="utf-8"):
            pass

    def _make_group(self):
        """A control group of its own, so that systemd makes its groups there."""
        with open("/proc/mounts", encoding="utf-8") as file:
            mounts = [line.split() for line in file]
        roots = [fields[1] for fields in mounts if fields[2] == "cgroup2"]
        if not roots:
            raise unittest.SkipTest("no control groups (version 2) are mounted")
        group = os.path.join(roots[0], os.path.basename(self.folder))
        try:
            os.mkdir(group)
        except OSError as error:
            raise unittest.SkipTest(f"no control group can be made: {error}") from None
        return group

    def _enter_group(self):
        with open(os.path.join(self._group, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")

    def _find_init(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE
        while True:
            answer = condition()
            if answer:
                return answer
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"no {what}; the machine said:\n{self.console()}")
            time.sleep(0.02)

    def console(self):
        with open(self._console.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def systemctl(self, *arguments, check=True):
        done = subprocess.run(
            ["nsenter", f"--target={self.init}", "--mount", "--pid", "systemctl", *arguments],
            capture_output=True, text=True, timeout=PATIENCE * 3, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"systemctl {arguments}: {done.stderr}\n{self.console()}\n"
                                 f"{self.log()}")
        return done.stdout.strip()

    def property(self, name):
        return self.systemctl("show", self.service, "--property", name, "--value")

    def wait_property(self, name, wanted):
        """Until a property of the service is `wanted`, or what a function says yes to."""
        good = wanted if callable(wanted) else lambda value: value == wanted
        return self.wait(lambda: (lambda value: value if good(value) else None)(
            self.property(name)), f"{name} {wanted}")

    def wait_unit(self, unit):
        self.wait(lambda: self.systemctl("is-active", unit, check=False) == "active", unit)

    def outside(self, inside):
        """Our pid of the process that the machine calls `inside`."""
        namespace = os.readlink(f"/proc/{self.init}/ns/pid")
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/status", encoding="utf-8", errors="replace") as file:
                    pids = re.search(r"NSpid:([\d\s]+)\n", file.read()).group(1).split()
                if os.readlink(f"/proc/{entry}/ns/pid") == namespace and int(pids[-1]) == inside:
                    return int(entry)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        raise AssertionError(f"the machine has no process {inside}")

    def start(self):
        self.systemctl("start", self.service)
        self.wait_property("ActiveState", "active")
        return int(self.property("MainPID"))

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self._console.close()
        self._remove_group()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_group(self):
        """What was in it has been killed, but may not have ended yet."""
        end = time.monotonic() + PATIENCE
        for path, _, _ in os.walk(self._group, topdown=False):
            while True:
                try:
                    os.rmdir(path)
                    break
                except OSError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.02)
