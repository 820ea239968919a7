"""`baton run`: any program, kept running and replaced on sockets that outlive it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from support import BUILD, Case, PATIENCE, Service, connect, is_alive, read_response

BATON = os.path.join(BUILD, "src/apps/baton")
BACKEND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run_backend.py")


class Running(Service):
    """The backend under `baton run`, with these flags and words."""

    def __init__(self, flags=(), words=(), listen="web=127.0.0.1:0", program=None, **popen):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.sockets = [] if listen is None else ["--listen", listen]
        command = program or [sys.executable, BACKEND, folder, *words]
        super().__init__(program=BATON, folder=folder, arguments=[
            "run", *self.sockets, "--name", "web", "--pid-file", os.path.join(folder, "service.pid"),
            *flags, "--", *command], **popen)
        self._is_ours = True

    def port(self, name="web"):
        return int(self.wait_log(r"holds [^ ]*:(\d+) \(bound\)").group(1))

    def write(self, name, text=""):
        self._write(os.path.join(self.folder, name), text)

    def remove(self, name):
        os.remove(os.path.join(self.folder, name))

    def let_go(self):
        with open(os.path.join(self.folder, "hold"), "wb"):
            pass

    def hold(self):
        os.mkfifo(os.path.join(self.folder, "hold"))

    def instance(self, number):
        """Waits until that instance serves; its pid."""
        return int(self.wait_log(rf"web\[{number}\]: ready after .*, pid (\d+)").group(1))


class RunCase(Case):
    def running(self, *args, **kwargs):
        made = Running(*args, **kwargs)

        def finish():
            alive = not made._ended["log"]
            log = made.log()
            if alive:  # it takes its program with it, which a SIGKILL would leave behind
                for _ in range(2):
                    made.process.send_signal(signal.SIGTERM)
                made.process.wait(PATIENCE)
            made.end()
            if any(self in (test, getattr(test, "test_case", None))
                   for test, _ in self._outcome.result.failures + self._outcome.result.errors):
                print(f"--- log of {self.id()}\n{log}\n---", flush=True)
            elif alive:
                self.fail("processes were left behind:\n" + log)

        self.addCleanup(finish)
        return made

    def ask(self, where, path="/"):
        with connect(where) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            status, _, body = read_response(connection)
        self.assertEqual(status, 200)
        return json.loads(body)

    def leave(self, made, status=0):
        made.process.send_signal(signal.SIGQUIT)
        self.assertEqual(made.gone(), status, made.log())
        self.assertFalse(os.path.exists(made.pid_file))


NOTIFY = ["--ready", "notify"]


class Sockets(RunCase):
    def test_the_program_gets_the_socket_and_its_name(self):
        made = self.running(NOTIFY, ["notify"])
        told = self.ask(made.port())
        self.assertEqual((told["fds"], told["names"]), ("1", "web"))
        self.assertEqual(int(told["listen_pid"]), told["pid"])
        self.assertEqual(made.instance(1), told["pid"])
        self.leave(made)

    def test_unix_sockets_are_removed_at_the_end(self):
        made = self.running(NOTIFY, ["notify"], listen="unix:/tmp/baton-run-%d.sock" % os.getpid())
        made.instance(1)
        path = made.sockets[1].removeprefix("unix:")
        self.assertEqual(self.ask(path)["names"], "unknown")
        self.leave(made)
        self.assertFalse(os.path.exists(path))

    def test_who_comes_before_the_program_runs_waits_in_the_queue(self):
        made = self.running(["--backoff", "10ms", *NOTIFY], ["notify"])
        pid = made.instance(1)
        made.write("fail")
        with self.assertRaises(ConnectionError):
            self.ask(made.port(), "/crash")
        made.wait_log(r"exited with status 3 before it was ready")
        with connect(made.port()) as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            made.remove("fail")
            status, _, body = read_response(waiting)
        self.assertEqual(status, 200)
        self.assertNotEqual(json.loads(body)["pid"], pid)
        self.leave(made)

    def test_sockets_of_systemd_are_held(self):
        with socket.create_server(("127.0.0.1", 0)) as given, socket.create_server(
                ("127.0.0.1", 0)) as second:
            # As systemd does: descriptors 3 and 4, and the pid of whom they are for.
            wrapper = ["/bin/sh", "-c",
                       f'exec 3<&{given.fileno()} 4<&{second.fileno()}; '
                       'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:other exec "$@"', "sh"]
            made = self.running(NOTIFY, ["notify"],
                                listen="web=127.0.0.1:%d" % given.getsockname()[1],
                                wrapper=wrapper,
                                pass_fds=[given.fileno(), second.fileno()])
            made.instance(1)
            for each in (given, second):
                told = self.ask(each.getsockname()[1])
                self.assertEqual((told["fds"], told["names"]), ("2", "web:other"))
        made.wait_log(r"holds .* \(given by the service manager\)")
        self.leave(made)

    def test_an_address_in_use_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            done = subprocess.run([BATON, "run", "--listen", address, "--", "true"],
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 69)
        self.assertRegex(done.stderr, rf"cannot listen on {address}: .*another process listens")


class Replacing(RunCase):
    def test_the_next_one_takes_over_once_it_is_ready(self):
        made = self.running(NOTIFY, ["notify"])
        first = made.instance(1)
        made.write("version", "2")
        made.process.send_signal(signal.SIGUSR1)
        second = made.instance(2)
        made.wait_log(r"web\[1\]: has left: exited with status 0")
        told = self.ask(made.port())
        self.assertEqual((told["pid"], told["version"]), (second, "2"))
        self.assertFalse(is_alive(first))
        self.assertEqual(made.pid(), made.process.pid)
        self.leave(made)

    def test_one_that_fails_changes_nothing(self):
        made = self.running(NOTIFY, ["notify"])
        first = made.instance(1)
        made.write("fail")
        made.process.send_signal(signal.SIGHUP)
        made.wait_log(r"web\[2\]: does not take over: exited with status 3 before it was ready.*"
                      r"web\[1\] goes on")
        made.remove("fail")
        self.assertEqual(self.ask(made.port())["pid"], first)
        made.process.send_signal(signal.SIGUSR1)
        self.assertNotEqual(made.instance(3), first)
        self.leave(made)

    def test_one_that_hangs_changes_nothing(self):
        made = self.running([*NOTIFY, "--ready-timeout", "1500ms", "--backoff", "1ms"], ["notify"])
        # On a busy machine the first ones may take too long.
        found = made.wait_log(r"web\[(\d+)\]: ready after .*, pid (\d+)")
        number, first = int(found.group(1)), int(found.group(2))
        made.write("hang")
        made.process.send_signal(signal.SIGUSR1)
        made.wait_log(rf"web\[{number + 1}\]: starting")
        made.process.send_signal(signal.SIGUSR1)
        made.wait_log(rf"not replaced: web\[{number + 1}\] is being started already")
        made.wait_log(rf"web\[{number + 1}\]: does not take over: not ready after 1.5 s.*"
                      rf"web\[{number}\] goes on")
        # Until it has ended it serves too: it accepts although it is not ready.
        made.wait_log(rf"web\[{number + 1}\]: \d+ process(es)? ended")
        self.assertEqual(self.ask(made.port())["pid"], first)
        self.leave(made)

    def test_open_requests_are_finished_by_the_one_before(self):
        made = self.running(NOTIFY, ["notify"])
        first = made.instance(1)
        made.hold()
        with connect(made.port()) as held:
            held.sendall(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
            made.wait_log(r"holds a request")
            made.process.send_signal(signal.SIGUSR1)
            made.instance(2)
            made.wait_log(r"web\[1\]: asked to leave")
            self.assertTrue(is_alive(first))
            made.let_go()
            _, _, body = read_response(held)
        self.assertEqual(json.loads(body)["pid"], first)
        made.wait_log(r"web\[1\]: has left: exited with status 0")
        self.leave(made)

    def test_one_that_does_not_leave_is_killed(self):
        made = self.running([*NOTIFY, "--stop-timeout", "200ms"], ["notify", "ignore-term"])
        first = made.instance(1)
        made.process.send_signal(signal.SIGUSR1)
        made.instance(2)
        made.wait_log(r"web\[1\]: .*1 killed")
        self.assertFalse(is_alive(first))
        self.leave(made, 137)

    def test_too_many_that_leave(self):
        made = self.running([*NOTIFY, "--max-draining", "1"], ["notify", "ignore-term"])
        first = made.instance(1)
        for number in (2, 3):
            made.process.send_signal(signal.SIGUSR1)
            made.instance(number)
        made.wait_log(r"web\[1\]: killed, since more than 1 replaced ones are still leaving")
        made.wait_log(r"web\[1\]: .*1 killed")
        self.assertFalse(is_alive(first))
        made.process.send_signal(signal.SIGTERM)
        made.wait_log(r"leaving: SIGTERM")
        made.process.send_signal(signal.SIGTERM)
        self.assertEqual(made.gone(), 137)

    def test_without_a_check_it_must_have_lived_for_a_while(self):
        made = self.running(["--settle", "3s"], [])
        first = made.instance(1)
        made.write("fail")
        made.process.send_signal(signal.SIGUSR1)
        made.wait_log(r"web\[2\]: does not take over: exited with status 3")
        made.remove("fail")
        self.assertEqual(self.ask(made.port())["pid"], first)
        made.process.send_signal(signal.SIGUSR1)
        made.instance(3)
        self.leave(made)

    def test_no_connection_is_lost(self):
        made = self.running(NOTIFY, ["notify"])
        made.instance(1)
        port, failed, answered, over = made.port(), [], [0] * 4, threading.Event()

        def load(index):
            while not over.is_set():
                try:
                    self.ask(port)
                    answered[index] += 1
                except (OSError, AssertionError) as error:
                    failed.append(error)

        clients = [threading.Thread(target=load, args=(index,)) for index in range(4)]
        for each in clients:
            each.start()
        try:
            for number in range(2, 12):
                made.process.send_signal(signal.SIGUSR1)
                made.instance(number)
        finally:
            over.set()
            for each in clients:
                each.join()
        self.assertEqual(failed, [])
        self.assertGreater(sum(answered), 10)
        self.leave(made)


class Ends(RunCase):
    def test_a_crash_is_followed_by_a_start(self):
        made = self.running(["--backoff", "10ms", *NOTIFY], ["notify"])
        first = made.instance(1)
        with self.assertRaises(ConnectionError):
            self.ask(made.port(), "/crash")
        made.wait_log(r"web\[1\]: exited with status 3 after")
        self.assertNotEqual(made.instance(2), first)
        self.leave(made)

    def test_backoff_doubles_and_ends(self):
        made = self.running(["--backoff", "10ms", "--backoff-cap", "40ms", "--max-failures", "5",
                             *NOTIFY], ["notify"])
        made.instance(1)
        made.write("fail")
        with self.assertRaises(ConnectionError):
            self.ask(made.port(), "/kill")
        self.assertEqual(made.gone(), 69)
        pauses = [re.search(r"started again in (\d+) ms", line) for line in made.lines]
        self.assertEqual([int(each.group(1)) for each in pauses if each], [10, 20, 40, 40])
        self.assertEqual(made.count_log(r"was killed by SIGKILL"), 1)
        self.assertEqual(made.count_log(r"it failed 5 times in a row \(--max-failures\)"), 1)

    def test_status_0_is_the_end_unless_always(self):
        made = self.running(NOTIFY, ["notify"])
        made.instance(1)
        with self.assertRaises(ConnectionError):
            self.ask(made.port(), "/end")
        self.assertEqual(made.gone(), 0)
        made = self.running(["--restart", "always", "--backoff", "1ms", *NOTIFY], ["notify"])
        made.instance(1)
        with self.assertRaises(ConnectionError):
            self.ask(made.port(), "/end")
        made.instance(2)
        self.leave(made)

    def test_never_gives_the_status_on(self):
        made = self.running(["--restart", "never", *NOTIFY], ["notify"])
        made.instance(1)
        with self.assertRaises(ConnectionError):
            self.ask(made.port(), "/crash")
        self.assertEqual(made.gone(), 3)

    def test_a_signal_is_128_and_its_number(self):
        made = self.running(["--restart", "never", *NOTIFY], ["notify"])
        made.instance(1)
        with self.assertRaises(ConnectionError):
            self.ask(made.port(), "/kill")
        self.assertEqual(made.gone(), 137)

    def test_what_cannot_be_started(self):
        made = self.running(program=["/no/such/program"], listen=None)
        self.assertEqual(made.gone(), 127)
        self.assertGreater(made.count_log(r"cannot execute .*/no/such/program"), 0, made.log())

    def test_all_that_it_started_ends_with_it(self):
        made = self.running(NOTIFY, ["notify", "fork-away"])
        made.instance(1)
        away = int(made.wait_log(r"backend (\d+): left a process behind").group(1))
        self.assertTrue(is_alive(away))
        self.leave(made)
        self.assertFalse(is_alive(away))

    def test_what_it_leaves_behind_is_reaped(self):
        made = self.running(NOTIFY, ["notify", "orphan"])
        made.instance(1)
        away = int(made.wait_log(r"backend (\d+): left a process behind").group(1))
        made.wait_for(lambda: not os.path.exists(f"/proc/{away}"), "end of the zombie")
        self.leave(made)

    def test_a_leave_finishes_what_is_open(self):
        made = self.running(NOTIFY, ["notify"])
        pid = made.instance(1)
        made.hold()
        with connect(made.port()) as held:
            held.sendall(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
            made.wait_log(r"holds a request")
            made.process.send_signal(signal.SIGTERM)
            made.wait_log(r"web\[1\]: asked to leave")
            made.let_go()
            self.assertEqual(json.loads(read_response(held)[2])["pid"], pid)
        self.assertEqual(made.gone(), 0)


class Process(RunCase):
    def test_environment_directory_and_signals(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(os.rmdir, folder)
        made = self.running([*NOTIFY, "--env", "MARK=a=b", "--directory", folder, "--forward",
                             "USR2"], ["notify"])
        made.instance(1)
        told = self.ask(made.port())
        self.assertEqual((told["mark"], told["directory"]), ("a=b", folder))
        made.process.send_signal(signal.SIGUSR2)
        made.wait_log(r"heard USR2")
        self.leave(made)

    def test_the_service_manager_hears_of_it(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            path = os.path.join(folder, "notify")
            manager.bind(path)
            manager.settimeout(PATIENCE)

            def hear(what):
                while True:
                    said = manager.recv(4096).decode()
                    if what in said:
                        return said

            made = self.running(NOTIFY, ["notify"], environment={"NOTIFY_SOCKET": path})
            first = made.instance(1)
            self.assertIn(f"STATUS=web[1] serves, pid {first}", hear("READY=1"))
            self.assertNotEqual(self.ask(made.port())["notify"], path)
            made.process.send_signal(signal.SIGUSR1)
            hear("RELOADING=1")
            made.instance(2)
            hear("READY=1")
            made.process.send_signal(signal.SIGQUIT)
            hear("STOPPING=1")
            self.assertEqual(made.gone(), 0)

    def test_no_descriptor_is_left_over(self):
        made = self.running(NOTIFY, ["notify"])
        made.instance(1)

        def count():
            return len(os.listdir(f"/proc/{made.process.pid}/fd"))

        def replaced(number):
            made.process.send_signal(signal.SIGUSR1)
            made.instance(number)
            made.wait_log(rf"web\[{number - 1}\]: \d+ process(es)? ended")

        replaced(2)
        before = count()
        for number in range(3, 8):
            replaced(number)
        made.wait_for(lambda: count() <= before, "number of descriptors as before")
        self.leave(made)


class Flags(RunCase):
    def wrong(self, *flags):
        done = subprocess.run([BATON, "run", *flags, "--", "true"], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 64, done.stderr)
        return done.stdout + done.stderr

    def test_wrong_ones_are_told_with_what_is_allowed(self):
        for flags, told in (
                (["--ready", "soon"], r"'soon' is not known; allowed: notify, tcp:ADDRESS"),
                (["--ready", "tcp:nowhere"], r"nowhere"),
                (["--stop-timeout", "1x"], r"'1x' is no time; allowed: 250ms"),
                (["--stop-timeout", "nan"], r"'nan' is no time"),
                (["--stop-signal", "FOO"], r"'FOO' is no signal"),
                (["--forward", "USR1"], r"USR1 has a meaning of its own"),
                (["--env", "=x"], r"'=x' is no variable"),
                (["--restart", "often"], r"often"),
                (["--output", "file"], r"'file' is not known"),
                (["--backlog", "0"], r"0")):
            with self.subTest(flags=flags):
                self.assertRegex(self.wrong(*flags), told)

    def test_no_program(self):
        done = subprocess.run([BATON, "run"], capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        self.assertEqual(done.returncode, 64)

    def test_output_may_go_to_the_log_or_a_file(self):
        done = subprocess.run([BATON, "run", "--output", "log", "--restart", "never", "--",
                               "/bin/sh", "-c", "echo out; echo oops >&2; exit 4"],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, r"its last lines: (out / oops|oops / out)")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "out")
            subprocess.run([BATON, "run", "--output", "file:" + path, "--", "echo", "hello"],
                           capture_output=True, timeout=PATIENCE, check=True)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), "hello\n")
