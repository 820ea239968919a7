"""F21-F24: systemd, containers, and what their processes must not see."""

import os
import re
import signal
import socket
import tempfile
import threading
import unittest

from support import Case, KeepAlive, connect, is_alive, read_response


class Manager:
    """Plays systemd's part of sd_notify(3): collects the messages and who sent them."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="baton-notify-")
        self.path = os.path.join(self.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.messages = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            data, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
            if data == b"end":
                return
            pid = 0
            for _, kind, raw in ancillary:
                if kind == socket.SCM_CREDENTIALS:
                    pid = int.from_bytes(raw[:4], "little")
            with self.changed:
                self.messages.append((pid, data.decode().splitlines()))
                self.changed.notify_all()

    def wait(self, wanted, after=0, patience=30):
        """Index of the first message from `after` on that has a line matching `wanted`."""
        regex = re.compile(wanted)

        def find():
            for index, (_, lines) in enumerate(self.messages[after:], after):
                if any(regex.fullmatch(line) for line in lines):
                    return index
            return None

        with self.changed:
            if not self.changed.wait_for(lambda: find() is not None, patience):
                raise AssertionError(f"no message {wanted}; there are {self.messages}")
            return find()

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"end", self.path)
        self.reader.join()
        self.socket.close()
        os.unlink(self.path)
        os.rmdir(self.folder)


class Notified(Case):
    def manager(self):
        manager = Manager()
        self.addCleanup(manager.close)
        return manager


class F21MainPid(Notified):
    """Under Type=notify the main pid moves before the old process leaves."""

    def test_the_child_is_main_while_the_parent_still_serves(self):
        manager = self.manager()
        service = self.service(environment={"NOTIFY_SOCKET": manager.path})
        parent = service.ready()
        manager.wait("READY=1")
        busy = KeepAlive(service.port())
        busy.request("/slow/2000")
        child = service.upgrade()
        manager.wait(f"MAINPID={child}")
        self.assertTrue(is_alive(parent), "MAINPID moved before the old process left")
        self.assertEqual(busy.answer()[0], 200)
        busy.close()
        self.assertEqual(service.quit(), 0)
        manager.wait("STOPPING=1")
        stopping = [pid for pid, lines in manager.messages if "STOPPING=1" in lines]
        self.assertEqual(stopping, [child], "the parent that handed over does not say STOPPING")

    def test_supervisor_mode_never_changes_the_pid(self):
        manager = self.manager()
        service = self.service({"supervise": "always"},
                               environment={"NOTIFY_SOCKET": manager.path})
        stable = service.ready()
        first = self.served_by(service.port())
        manager.wait("READY=1")
        os.kill(stable, signal.SIGUSR1)
        service.wait_log(r"start new process success")
        service.wait_for(lambda: self.served_by(service.port()) != first, "second generation")
        self.assertEqual(service.pid(), stable)
        self.assertEqual({pid for pid, _ in manager.messages}, {stable})
        self.assertEqual(service.quit(), 0)


class SlowStart(Notified):
    """Progress of a slow start gives more time from systemd as well."""

    def check(self, mode):
        manager = self.manager()
        service = self.service({"supervise": mode, "progress": [50, 50]},
                               environment={"NOTIFY_SOCKET": manager.path})
        service.ready()
        extended = manager.wait(r"EXTEND_TIMEOUT_USEC=[1-9]\d+")
        manager.wait("READY=1", extended)
        service.quit()

    def test_plain(self):
        self.check("never")

    def test_supervised(self):
        self.check("always")


class F22Reloading(Notified):
    """RELOADING carries MONOTONIC_USEC; READY follows, whether the upgrade worked or not."""

    def test_success_and_failure(self):
        manager = self.manager()
        service = self.service(environment={"NOTIFY_SOCKET": manager.path})
        service.ready()
        first = manager.wait("READY=1")
        service.upgrade()
        reloading = manager.wait("RELOADING=1", first + 1)
        self.assertTrue(any(re.fullmatch(r"MONOTONIC_USEC=\d+", line)
                            for line in manager.messages[reloading][1]))
        ready = manager.wait("READY=1", reloading + 1)
        service.configure(exit=4)
        service.kill(signal.SIGUSR1)
        again = manager.wait("RELOADING=1", ready + 1)
        manager.wait("READY=1", again + 1)
        service.configure(exit=-1)
        service.quit()


class F23Environment(Notified):
    """LISTEN_*, NOTIFY_SOCKET and BATON_* reach no process that should not have them."""

    NAMES = ("NOTIFY_SOCKET", "BATON_HANDOFF", "BATON_SUPERVISOR", "LISTEN_PID", "LISTEN_FDS",
             "LISTEN_FDNAMES")

    def check(self, mode):
        manager = self.manager()
        service = self.service({"supervise": mode}, environment={"NOTIFY_SOCKET": manager.path})
        service.ready()
        first = self.served_by(service.port())
        for name in self.NAMES:
            self.assertEqual(self.get(service.port(), f"/environment/{name}"), "unset", name)
        os.kill(service.pid(), signal.SIGUSR1)
        service.wait_log(r"start new process success")
        service.wait_for(lambda: self.served_by(service.port()) != first, "second generation")
        for name in self.NAMES:
            self.assertEqual(self.get(service.port(), f"/environment/{name}"), "unset", name)
        service.quit()

    def test_plain(self):
        self.check("never")

    def test_supervised(self):
        self.check("always")


class F24Container(Case):
    """As pid 1: zombies are reaped, TERM works, a hot restart does not end the container."""

    def container(self, **config):
        return self.service({"supervise": "automatic", **config},
                            wrapper=["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"])

    def outside_pid(self, service, inside):
        """The pid that we see of the process that the container calls `inside`."""
        def look():
            for entry in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{entry}/status", encoding="ascii", errors="replace") as file:
                        match = re.search(r"NSpid:\s+\d+\s+(\d+)\n", file.read())
                    if not match or int(match.group(1)) != inside:
                        continue
                    with open(f"/proc/{entry}/environ", "rb") as file:
                        if service.fault_file.encode() in file.read():
                            return int(entry)
                except (FileNotFoundError, ProcessLookupError):
                    continue
            return None
        return service.wait_for(look, f"process {inside} of the container")

    def test_restart_reaping_and_term(self):
        service = self.container()
        self.assertEqual(service.ready(), 1, "the supervisor is pid 1")
        init = self.outside_pid(service, 1)
        first = self.served_by(service.port())
        os.kill(init, signal.SIGUSR1)
        service.wait_log(r"start new process success")
        service.wait_for(lambda: self.served_by(service.port()) != first, "second generation")
        self.assertEqual(self.get(service.port(), "/orphan"), "0\n")
        service.wait_for(lambda: not self.zombies(init), "reaped orphan")
        os.kill(init, signal.SIGTERM)
        self.assertEqual(service.gone(), 0)

    @staticmethod
    def zombies(init):
        found = []
        with open(f"/proc/{init}/task/{init}/children", encoding="ascii") as file:
            for child in file.read().split():
                try:
                    with open(f"/proc/{child}/stat", encoding="ascii") as status:
                        if status.read().rsplit(")", 1)[1].split()[0] == "Z":
                            found.append(child)
                except FileNotFoundError:
                    pass
        return found

    def test_a_crash_loses_no_client_that_waits(self):
        service = self.container(listeners=[
            {"address": "127.0.0.1:0", "name": "web", "max_connections": 1}])
        service.ready()
        port = service.port()
        first = self.served_by(port)
        holder = KeepAlive(port)
        holder.ask()
        waiting = []
        for _ in range(50):
            sock = connect(port)
            sock.sendall(b"GET /ping HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
            waiting.append(sock)
        os.kill(self.outside_pid(service, first), signal.SIGKILL)
        for sock in waiting:
            self.assertEqual(read_response(sock)[0], 200)
            sock.close()
        holder.close()
        os.kill(self.outside_pid(service, 1), signal.SIGTERM)
        self.assertEqual(service.gone(), 0)


if __name__ == "__main__":
    unittest.main()
