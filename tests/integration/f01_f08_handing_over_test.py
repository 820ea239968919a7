"""F01-F08: what may go wrong while one generation hands over to the next."""

import os
import re
import signal
import socket
import threading
import unittest

from support import Case, KeepAlive, connect, descriptors, is_alive, read_response

SUCCESS = r"start new process success, pid (\d+)"
FAILURE = r"start new process failed"


class F01ChildDies(Case):
    """The child dies at any step before ready: the parent serves on, the next upgrade works."""

    STEPS = ("child.spawned", "child.hello", "child.accepted", "child.between_chunks",
             "child.before_ready")

    def test_killed_at_each_step(self):
        service = self.service({"extra_ports": 250})  # more than one chunk of descriptors
        parent = service.ready()
        port = service.port()
        for number, step in enumerate(self.STEPS, 1):
            with self.subTest(step=step):
                service.fault(step + ":kill")
                service.kill(signal.SIGUSR1, parent)
                line = service.wait_log(FAILURE + ".*", number).group(0)
                self.assertRegex(line, r"SIGKILL|signal 9|KILL", "the cause of death is named")
                self.assertEqual(self.served_by(port), parent)
        service.fault("")
        child = service.upgrade()
        self.assertEqual(self.served_by(port), child)
        self.assertEqual(service.quit(), 0)

    def test_an_exit_status_is_named(self):
        service = self.service()
        parent = service.ready()
        service.configure(exit=7)
        service.kill(signal.SIGUSR1)
        self.assertRegex(service.wait_log(FAILURE + ".*").group(0), r"status 7")
        self.assertEqual(self.served_by(service.port()), parent)
        service.configure(exit=-1)
        service.upgrade()
        service.quit()

    def test_a_hanging_child_is_killed_at_its_deadline(self):
        service = self.service({"ready_timeout_ms": 300})
        parent = service.ready()
        service.fault("child.before_ready:hang")
        service.kill(signal.SIGUSR1)
        service.wait_log(FAILURE)
        self.assertEqual(self.served_by(service.port()), parent)
        service.fault("")
        service.upgrade()
        service.quit()

    def test_a_refusal_is_passed_on_with_its_reason(self):
        service = self.service()
        service.ready()
        service.configure(fail="the database is on fire")
        service.kill(signal.SIGUSR1)
        service.wait_log(FAILURE)
        service.configure(fail="")
        service.upgrade()
        service.quit()


class F02ParentDies(Case):
    """The parent is killed after the descriptors crossed: the child goes on and serves."""

    def test_killed_at_each_step(self):
        for step in ("parent.descriptors_sent", "parent.before_ready_read", "parent.after_ready"):
            with self.subTest(step=step):
                service = self.service()
                parent = service.ready()
                port = service.port()
                service.fault(step + ":kill")
                service.kill(signal.SIGUSR1, parent)
                service.wait_for(lambda: service.pid() not in (0, parent), "new pid")
                service.process.wait(30)
                service.fault("")
                child = service.pid()
                self.assertEqual(self.served_by(port), child)
                next_one = service.upgrade()
                self.assertEqual(self.served_by(port), next_one)
                service.quit()


class F03ManyFailures(Case):
    """100 failed upgrades in a row leave nothing behind, and the 101st works."""

    def test_by_signal(self):
        service = self.service()
        parent = service.ready()
        service.configure(exit=1)
        service.kill(signal.SIGUSR1)
        service.wait_log(FAILURE, 1)
        before = descriptors(parent)
        for number in range(2, 101):
            service.kill(signal.SIGHUP if number % 2 else signal.SIGUSR1, parent)
            service.wait_log(FAILURE, number)
        self.assertEqual(descriptors(parent), before)
        with open(f"/proc/{parent}/status", encoding="ascii") as file:
            blocked = re.search(r"SigBlk:\s*(\w+)", file.read()).group(1)
        self.assertEqual(int(blocked, 16), 0, "no signal stays blocked")
        service.configure(exit=-1)
        child = service.upgrade()
        self.assertEqual(self.served_by(service.port()), child)
        service.quit()


class F04FailedBind(Case):
    """A configuration that cannot bind leaves the old state as it was."""

    def test_the_port_of_another(self):
        service = self.service()
        parent = service.ready()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            other = taken.getsockname()[1]
            service.configure(listeners=[
                {"address": "127.0.0.1:0", "name": "web"},
                {"address": f"127.0.0.1:{other}", "name": "second"}])
            service.kill(signal.SIGUSR1)
            line = service.wait_log(FAILURE + ".*").group(0)
            self.assertIn(str(other), line, "the address is named")
            self.assertEqual(self.served_by(service.port()), parent)
        service.kill(signal.SIGUSR1)  # the port is free now
        service.wait_log(SUCCESS)
        self.get(service.port("second"))
        service.quit()


class F05Progress(Case):
    """A slow start that reports progress gets more time, up to the cap."""

    def test_progress_extends_the_deadline(self):
        service = self.service({"ready_timeout_ms": 1500})
        service.ready()
        service.configure(progress=[700, 700, 700, 700])
        child = service.upgrade()
        self.assertEqual(self.served_by(service.port()), child)
        service.quit()

    def test_not_beyond_the_cap(self):
        service = self.service({"ready_timeout_ms": 600, "ready_timeout_cap_ms": 1200})
        parent = service.ready()
        service.configure(progress=[300] * 20)
        service.kill(signal.SIGUSR1)
        service.wait_log(FAILURE)
        self.assertEqual(self.served_by(service.port()), parent)
        service.quit()


class F06DoubleSignal(Case):
    """Two USR1 at once: exactly one child; the other is refused by name and logged."""

    def test_two_signals(self):
        service = self.service()
        parent = service.ready()
        service.configure(progress=[300])  # the first child is not ready when the second signal comes
        os.kill(parent, signal.SIGUSR1)
        os.kill(parent, signal.SIGHUP)
        service.wait_log(r"refused|in progress|not ready yet")
        service.wait_log(SUCCESS)
        self.assertEqual(service.count_log(SUCCESS), 1)
        service.quit()


class F07EarlySignal(Case):
    """A signal in the first microseconds of a child's life is acted on once it can."""

    def early(self, number):
        service = self.service()
        service.ready()
        service.fault("child.spawned:stop")
        service.kill(signal.SIGUSR1)
        child = int(service.wait_log(r"next generation is starting, pid (\d+)").group(1))
        os.kill(child, number)
        service.fault("")
        os.kill(child, signal.SIGCONT)
        service.wait_log(SUCCESS)
        return service, child

    def test_upgrade_signals(self):
        for number in (signal.SIGUSR1, signal.SIGHUP):
            with self.subTest(signal=number):
                service, _ = self.early(number)
                service.wait_log(SUCCESS, 2)
                service.quit()

    def test_quit(self):
        service, child = self.early(signal.SIGQUIT)
        service.gone()
        service.wait_for(lambda: not is_alive(child), "end of the child")
        self.assertEqual(service.count_log(SUCCESS), 1)


class F08NoGap(Case):
    """At every instant of a restart some process accepts."""

    def test_new_connections_through_many_restarts(self):
        service = self.service({"threads": 2})
        service.ready()
        port = service.port()
        stop = threading.Event()
        failures, served = [], set()

        def hammer():
            while not stop.is_set():
                try:
                    sock = connect(port)
                    sock.sendall(b"GET /ping HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
                    served.add(read_response(sock)[2])
                    sock.close()
                except Exception as error:  # every failure counts, whatever its kind
                    failures.append(repr(error))

        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                service.upgrade()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertGreater(len(served), 5)
        service.quit()

    def test_keep_alive_is_told_before_it_ends(self):
        service = self.service()
        parent = service.ready()
        client = KeepAlive(service.port())
        self.assertEqual(client.ask()[2], f"pong by pid:{parent}\n".encode())
        service.upgrade()
        service.wait_log(r"step 3 of 5")
        status, headers, body = client.ask()
        self.assertEqual((status, body), (200, f"pong by pid:{parent}\n".encode()))
        self.assertEqual(headers.get("connection"), "close")
        client.close()
        service.quit()


if __name__ == "__main__":
    unittest.main()
