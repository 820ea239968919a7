"""The units of main_test/deploy/systemd: verified, measured for exposure, and run by systemd."""

import contextlib
import os
import re
import shutil
import signal
import tempfile
import unittest

from deploy_support import CONFIG, PROGRAM, DeployCase, read, seconds, tool, yaml
from machine import Machine
from support import Case, read_response

WEB = 9090


def section(text, name):
    """{key: [values]} of a section of a unit file."""
    found, inside = {}, False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line == f"[{name}]"
        elif inside and line and line[0] not in "#;":
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


class UnitFiles(Case):
    """What can be said of the files without running them."""

    def place(self, *drop_ins):
        """A folder with the units, whose program is there."""
        folder = tempfile.mkdtemp(prefix="baton-units-")
        self.addCleanup(shutil.rmtree, folder)
        for name in ("graceful.service", "graceful.socket"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(read("systemd/" + name).replace("/usr/local/bin/graceful_main", PROGRAM))
        os.mkdir(os.path.join(folder, "graceful.service.d"))
        for name in drop_ins:
            with open(os.path.join(folder, "graceful.service.d", name), "w",
                      encoding="utf-8") as file:
                file.write(read("systemd/" + name).replace("/usr/local/bin/graceful_main", PROGRAM))
        return folder

    def analyze(self, folder, *arguments):
        analyze = tool("systemd-analyze")
        paths = [os.path.join(folder, name) for name in ("graceful.service", "graceful.socket")]
        return self.run_client(analyze, *arguments, *paths)

    def test_systemd_accepts_them_without_a_warning(self):
        for drop_ins in ((), ("supervised.conf",)):
            with self.subTest(drop_ins=drop_ins):
                folder = self.place(*drop_ins)
                tool("systemd-analyze")
                done = self.run_client("bash", "-c", 'systemd-analyze verify --man=no "$@" 2>&1', "-",
                                       *(os.path.join(folder, name)
                                         for name in ("graceful.service", "graceful.socket")))
                ours = [line for line in done.decode().splitlines() if "graceful" in line]
                self.assertEqual(ours, [])

    def test_systemd_accepts_the_unit_of_baton_run(self):
        tool("systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            unit = os.path.join(folder, "run.service")
            with open(unit, "w", encoding="utf-8") as file:
                file.write(read("systemd/run.service").replace("/usr/local/bin/baton", PROGRAM))
            done = self.run_client("bash", "-c", 'systemd-analyze verify --man=no "$1" 2>&1', "-", unit)
        self.assertEqual([x for x in done.decode().splitlines() if "run.service" in x], [])
        service = section(read("systemd/run.service"), "Service")
        self.assertIn("--stop-timeout 30s", service["ExecStart"][0])
        self.assertEqual(service["TimeoutStopSec"], ["40"])

    def test_the_service_is_exposed_to_little(self):
        folder = self.place()
        tool("systemd-analyze")
        self.run_client("systemd-analyze", "security", "--offline=true", "--threshold=20",
                        os.path.join(folder, "graceful.service"))

    def test_systemd_waits_longer_than_the_drain_takes(self):
        shutdown = yaml().safe_load(read("graceful.yaml"))["shutdown"]
        service = section(read("systemd/graceful.service"), "Service")
        drain = seconds(shutdown["drain_timeout"]) + seconds(shutdown["hook_timeout"])
        self.assertEqual(int(service["TimeoutStopSec"][0]), drain + 10)
        self.assertLess(seconds(shutdown["lame_duck"]), seconds(shutdown["drain_timeout"]))

    def test_descriptors_are_enough_for_the_connections(self):
        server = yaml().safe_load(read("graceful.yaml"))["server"]
        service = section(read("systemd/graceful.service"), "Service")
        self.assertGreater(int(service["LimitNOFILE"][0]), server["max_connections"] + 1000)

    def test_the_socket_is_that_of_the_configuration(self):
        listeners = {each["name"]: each["address"]
                     for each in yaml().safe_load(read("graceful.yaml"))["listeners"]}
        socket = section(read("systemd/graceful.socket"), "Socket")
        self.assertEqual(socket["ListenStream"], [listeners[socket["FileDescriptorName"][0]]])

    def test_the_configuration_is_a_good_one(self):
        self.run_client(PROGRAM, "--config", CONFIG, "--check")


class SocketActivation(DeployCase):
    """systemd-socket-activate(1) holds the port and starts the program, which adopts it."""

    def test_the_sockets_of_the_manager_survive_upgrades(self):
        activate = tool("systemd-socket-activate")
        service = self.service(
            program=activate,
            # By that variable the harness knows what to end if the test fails.
            arguments=["--setenv=BATON_FAULT", "--listen=0.0.0.0:9090", "--fdname=web", PROGRAM,
                       "--config", CONFIG],
            wrapper=self.network.enter)
        service.wait_log("Listening on 0.0.0.0:9090")
        # The first client starts it, and is answered.
        status, text = self.network.get(WEB)
        self.assertEqual(status, 200)
        self.assertEqual(text, f"pong by pid:{service.process.pid}\n")
        inode = self.listening_inode(service.process.pid)
        load = self.load(WEB)
        pid = service.process.pid
        for number in range(1, 4):
            os.kill(pid, signal.SIGUSR1)
            pid = int(service.wait_log(r"start new process success, pid (\d+)", number).group(1))
            self.assertEqual(self.listening_inode(pid), inode, "the manager's socket goes on")
        self.assertEqual(load.finish(), [])
        os.kill(pid, signal.SIGTERM)
        service.gone()

    def listening_inode(self, pid):
        """The inode of the socket that `pid` listens on port 9090 with."""
        with open(f"/proc/{pid}/net/tcp", encoding="ascii") as file:
            lines = [line.split() for line in file.readlines()[1:]]
        inodes = [fields[9] for fields in lines
                  if fields[1].endswith(f":{WEB:04X}") and fields[3] == "0A"]
        self.assertEqual(len(inodes), 1, "one socket listens there")
        self.assertIn(f"socket:[{inodes[0]}]", self.descriptors(pid))
        return inodes[0]

    @staticmethod
    def descriptors(pid):
        """What the descriptors of `pid` are; it may close some meanwhile."""
        links = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                links.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        return links


class SystemdCase(DeployCase):
    """The units as they are, under a systemd of their own."""

    def machine(self, *args, **kwargs):
        machine = Machine(self.network, *args, **kwargs)

        def finish():
            result = self._outcome.result
            if any(self is test for test, _ in result.failures + result.errors):
                print(f"--- {self.id()}\n{machine.console()}\n{machine.log()}\n---", flush=True)
            machine.close()

        self.addCleanup(finish)
        return machine

    def reload(self, machine):
        """A hot restart; returns the pid of the generation that serves then."""
        before = self.network.get(WEB)[1]
        machine.systemctl("reload", machine.service)
        machine.wait(lambda: self.network.get(WEB)[1] != before, "next generation")
        return int(re.search(r"pid:(\d+)", self.network.get(WEB)[1]).group(1))

    def stop(self, machine):
        """Ends the service, which must leave in order."""
        machine.systemctl("stop", machine.service)
        self.assertEqual([machine.property(name) for name in ("Result", "ExecMainStatus")],
                         ["success", "0"])

    def replace_program(self, machine):
        """Puts one that cannot serve in the place of the program; returns how to undo it."""
        program = f"/proc/{machine.init}/root/usr/local/bin/graceful_main"
        os.rename(program, program + ".good")
        with open(program, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 3\n")
        os.chmod(program, 0o755)
        return lambda: os.rename(program + ".good", program)

    def open_request(self):
        """A connection that waits for the answer to its request."""
        client = self.network.connect(WEB)
        self.addCleanup(client.close)
        client.sendall(b"GET /slow/3000 HTTP/1.1\r\nHost: test\r\n\r\n")
        # Whoever came before this answer has been let in.
        self.assertEqual(self.network.get(WEB)[0], 200)
        return client


class RealSystemd(SystemdCase):

    def test_reload_moves_the_main_process_and_loses_no_client(self):
        machine = self.machine()
        first = machine.start()
        load = self.load(WEB)
        served = [first]
        for _ in range(5):
            pid = self.reload(machine)
            self.assertNotIn(pid, served)
            served.append(pid)
            machine.wait_property("MainPID", str(pid))
            machine.wait_property("ActiveState", "active")
        self.assertEqual(load.finish(), [])
        self.assertGreater(load.answers, 0)
        self.assertEqual(machine.property("NRestarts"), "0")
        self.assertEqual(machine.property("StatusText"), "generation 6 serves")
        self.stop(machine)

    def test_stop_finishes_what_is_open(self):
        machine = self.machine()
        machine.start()
        client = self.open_request()
        self.stop(machine)
        self.assertEqual(read_response(client)[0], 200)

    def test_stop_waits_for_a_main_process_that_is_no_child_of_systemd(self):
        machine = self.machine()
        machine.start()
        # The first generation lives on while the second one becomes the main process.
        first = self.open_request()
        pid = self.reload(machine)
        machine.wait_property("MainPID", str(pid))
        self.assertEqual(read_response(first)[0], 200)
        second = self.open_request()
        self.stop(machine)
        self.assertEqual(read_response(second)[0], 200)

    def test_a_reload_that_fails_changes_nothing(self):
        machine = self.machine()
        pid = machine.start()
        undo = self.replace_program(machine)
        machine.systemctl("reload", machine.service)
        machine.wait_property("StatusText", "generation 1 serves on")
        machine.wait_property("ActiveState", "active")
        self.assertEqual(machine.property("MainPID"), str(pid))
        self.assertEqual(self.network.get(WEB)[1], f"pong by pid:{pid}\n")
        undo()
        self.assertNotEqual(self.reload(machine), pid)
        self.stop(machine)

    def test_systemd_starts_what_crashed_anew(self):
        machine = self.machine()
        machine.start()
        pid = self.reload(machine)
        machine.wait_property("MainPID", str(pid))
        machine.systemctl("kill", "--kill-whom=main", "--signal=SIGKILL", machine.service)
        machine.wait_property("NRestarts", "1")
        machine.wait_property("ActiveState", "active")
        self.assertNotEqual(machine.property("MainPID"), str(pid))
        self.assertEqual(self.network.get(WEB)[0], 200)
        self.stop(machine)

    def test_a_crash_beside_an_older_generation_is_seen_too(self):
        machine = self.machine()
        machine.start()
        client = self.open_request()
        pid = self.reload(machine)
        machine.wait_property("MainPID", str(pid))
        # Its parent, the older generation, is the one that hears of it.
        machine.systemctl("kill", "--kill-whom=main", "--signal=SIGKILL", machine.service)
        machine.wait_property("NRestarts", "1")
        machine.wait_property("ActiveState", "active")
        self.assertEqual(read_response(client)[0], 200)
        self.assertEqual(self.network.get(WEB)[0], 200)
        self.stop(machine)

    def test_a_loop_that_hangs_is_started_anew(self):
        machine = self.machine(units=[
            ("graceful.service.d/watchdog.conf", "[Service]\nWatchdogSec=3\nLimitCORE=0\n")])
        machine.start()
        pid = self.reload(machine)
        machine.wait_property("MainPID", str(pid))
        # The watchdog is the new generation's: it has to ping, or systemd would end it.
        stamp = machine.property("WatchdogTimestampMonotonic")
        machine.wait_property("WatchdogTimestampMonotonic", lambda value: value != stamp)
        self.assertEqual(machine.property("NRestarts"), "0")
        machine.systemctl("kill", "--kill-whom=main", "--signal=SIGSTOP", machine.service)
        machine.wait_property("NRestarts", "1")
        machine.wait_property("ActiveState", "active")
        self.assertEqual(self.network.get(WEB)[0], 200)
        self.stop(machine)

    def test_the_socket_unit_keeps_clients_through_a_crash(self):
        machine = self.machine(unit="graceful.socket", units=[
            ("graceful.socket.d/machine.conf", "[Unit]\nDefaultDependencies=no\n")])
        machine.wait_unit("graceful.socket")
        self.assertNotEqual(machine.property("ActiveState"), "active")
        # The first client starts the service.
        status, text = self.network.get(WEB)
        self.assertEqual(status, 200)
        machine.wait_property("ActiveState", "active")
        self.assertEqual(text, f"pong by pid:{machine.property('MainPID')}\n")
        pid = self.reload(machine)
        machine.wait_property("MainPID", str(pid))
        machine.systemctl("kill", "--kill-whom=main", "--signal=SIGKILL", machine.service)
        # Nobody is refused, though nothing serves for a moment.
        for _ in range(20):
            self.assertEqual(self.network.get(WEB)[0], 200)
        machine.wait_property("NRestarts", "1")
        machine.systemctl("stop", "graceful.socket")
        self.stop(machine)


class SupervisedSystemd(SystemdCase):
    """The same, with supervised.conf: the main process never changes."""

    def machine(self, *args, **kwargs):
        return super().machine(*args, drop_ins=["supervised.conf"], **kwargs)

    def test_reload_keeps_the_main_process_and_loses_no_client(self):
        machine = self.machine()
        main = machine.start()
        load = self.load(WEB)
        for _ in range(5):
            self.assertNotEqual(self.reload(machine), main)
            self.assertEqual(machine.property("MainPID"), str(main))
        self.assertEqual(load.finish(), [])
        self.stop(machine)

    def test_a_reload_that_fails_changes_nothing(self):
        machine = self.machine()
        main = machine.start()
        answer = self.network.get(WEB)[1]
        self.replace_program(machine)
        machine.systemctl("reload", machine.service)
        machine.wait_property("StatusText", lambda text: text.endswith("the last upgrade failed"))
        machine.wait_property("ActiveState", "active")
        self.assertEqual(machine.property("MainPID"), str(main))
        self.assertEqual(self.network.get(WEB)[1], answer)
        self.stop(machine)

    def test_the_supervisor_starts_what_crashed_anew(self):
        machine = self.machine()
        main = machine.start()
        served = int(re.search(r"pid:(\d+)", self.network.get(WEB)[1]).group(1))
        os.kill(machine.outside(served), signal.SIGKILL)
        for _ in range(20):
            self.assertEqual(self.network.get(WEB)[0], 200)
        self.assertNotEqual(self.network.get(WEB)[1], f"pong by pid:{served}\n")
        self.assertEqual(machine.property("MainPID"), str(main))
        self.assertEqual(machine.property("NRestarts"), "0")
        self.stop(machine)

    def test_stop_waits_for_an_older_generation_too(self):
        machine = self.machine()
        machine.start()
        client = self.open_request()
        self.reload(machine)
        self.stop(machine)
        self.assertEqual(read_response(client)[0], 200)


if __name__ == "__main__":
    unittest.main()
