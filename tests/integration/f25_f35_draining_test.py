"""F25, F29, F31, F32, F35: draining and limits over HTTP/1.1, and the five steps of a shutdown."""

import os
import resource
import signal
import threading
import time
import unittest

from support import Case, KeepAlive, connect, descriptors, is_alive, read_response

SUCCESS = r"start new process success, pid (\d+)"


class F25KeepAliveRace(Case):
    """A request already on its way on an idle connection is answered, never reset."""

    def test_writes_in_every_phase_of_a_restart(self):
        """64 idle clients, each writes at its own moment around the handover."""
        service = self.service()
        service.ready()
        for round_number in range(5):
            clients = [KeepAlive(service.port()) for _ in range(64)]
            for client in clients:
                client.ask()
            old = service.pid()
            failures = []

            def write(client):
                try:
                    status, headers, _ = client.ask()
                    if status != 200:
                        failures.append(status)
                    if headers.get("connection") == "close" and client.sock.recv(1) != b"":
                        failures.append("bytes after the last answer")
                except Exception as error:
                    failures.append(repr(error))

            threads = [threading.Thread(target=write, args=(client,)) for client in clients]
            os.kill(old, signal.SIGUSR1)
            for thread in threads[:32]:
                thread.start()  # while the child starts and takes over
            service.wait_log(r"accepting ends here", round_number + 1)
            for thread in threads[32:]:
                thread.start()  # when the parent drains already
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            for client in clients:
                client.close()
            service.wait_for(lambda: service.pid() != old and not is_alive(old), "end of the old")
        service.quit()

    def test_a_request_after_quit_is_answered_and_told(self):
        service = self.service()
        service.ready()
        client = KeepAlive(service.port())
        client.ask()
        service.kill(signal.SIGQUIT)
        service.wait_log(r"step 3 of 5")
        status, headers, _ = client.ask()
        self.assertEqual((status, headers.get("connection")), (200, "close"))
        self.assertEqual(client.sock.recv(1), b"")
        client.close()
        self.assertEqual(service.gone(), 0)

    def test_a_half_written_request_is_answered(self):
        service = self.service()
        service.ready()
        sock = connect(service.port())
        sock.sendall(b"GET /ping HTTP/1.1\r\nHo")
        self.get(service.port())  # a round trip: the first bytes have been read
        service.upgrade()
        service.wait_log(r"step 3 of 5")
        sock.sendall(b"st: t\r\n\r\n")
        status, headers, _ = read_response(sock)
        self.assertEqual((status, headers.get("connection")), (200, "close"))
        sock.close()
        service.quit()

    def test_an_idle_connection_ends_after_its_grace_without_a_reset(self):
        service = self.service({"idle_grace_ms": 100})
        service.ready()
        client = KeepAlive(service.port())
        client.ask()
        service.kill(signal.SIGQUIT)
        self.assertEqual(client.sock.recv(1), b"", "FIN, not a reset")
        client.close()
        self.assertEqual(service.gone(), 0)


class F29DrainDeadline(Case):
    """Past the drain deadline the old generation is gone, whatever clients do."""

    def test_a_client_that_never_ends(self):
        service = self.service({"drain_timeout_ms": 500})
        parent = service.ready()
        client = KeepAlive(service.port())
        client.request("/slow/600000")
        self.get(service.port())
        service.upgrade()
        service.wait_for(lambda: not is_alive(parent), "end of the old generation")
        service.wait_log(r"forced to leave .* 1 dropped")
        status, headers, _ = client.answer()
        self.assertEqual((status, headers.get("connection")), (503, "close"),
                         "what cannot be finished is answered, not cut")
        client.close()
        self.assertEqual(service.quit(), 1, "the first generation's status tells of the drop")

    def test_many_generations_behind(self):
        """Up to max_draining generations linger; then the oldest is ended first."""
        service = self.service({"max_draining": 2, "drain_timeout_ms": 600000})
        pids, clients = [service.ready()], []
        for _ in range(4):
            client = KeepAlive(service.port())
            client.request("/slow/600000")
            self.get(service.port())
            clients.append(client)
            pids.append(service.upgrade())
        service.wait_for(lambda: not is_alive(pids[0]), "end of the oldest")
        self.assertTrue(is_alive(pids[-1]) and is_alive(pids[-2]) and is_alive(pids[-3]))
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGTERM)
        for client in clients:
            client.close()
        service.gone()


class F31AtTheCap(Case):
    """At the connection cap, stop and upgrade still act at once."""

    def full_service(self):
        service = self.service({"listeners": [
            {"address": "127.0.0.1:0", "name": "web", "max_connections": 2}]})
        service.ready()
        holders = [KeepAlive(service.port()) for _ in range(2)]
        for holder in holders:
            holder.ask()
        waiting = [connect(service.port()) for _ in range(20)]
        for sock in waiting:
            sock.sendall(b"GET /ping HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        return service, holders, waiting

    def test_upgrade(self):
        service, holders, waiting = self.full_service()
        child = service.upgrade()
        for sock in waiting:
            self.assertEqual(read_response(sock)[2], f"pong by pid:{child}\n".encode())
            sock.close()
        for holder in holders:
            holder.ask()
            holder.close()
        service.quit()

    def test_stop_answers_who_waited(self):
        service, holders, waiting = self.full_service()
        service.kill(signal.SIGQUIT)
        service.wait_log(r"step 3 of 5")
        for holder in holders:
            holder.ask()
            holder.close()
        for sock in waiting:
            sock.close()
        self.assertEqual(service.gone(), 0)

    def test_excess_clients_use_no_descriptor(self):
        service, holders, waiting = self.full_service()
        pid = service.pid()
        at_cap = descriptors(pid)
        more = [connect(service.port()) for _ in range(50)]
        self.assertEqual(descriptors(pid), at_cap)
        for sock in holders + waiting + more:
            sock.close()
        service.quit()


class F32Descriptors(Case):
    """Descriptors used up: no busy loop, and accept resumes when one is free."""

    def test_emfile(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        service = self.service({"max_connections": 1000, "listeners": [
            {"address": "127.0.0.1:0", "name": "web", "max_connections": 1000}]}, preexec_fn=few)
        pid = service.ready()
        # Use up what the clamped caps leave, so that accept4 itself fails.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(pid) + 2, 64))
        holders = [KeepAlive(service.port()) for _ in range(2)]
        for holder in holders:
            holder.ask()
        late = KeepAlive(service.port())
        late.request()
        service.wait_log(r"EMFILE.*ulimit -n")
        before, begun = self.cpu(pid), time.monotonic()
        late.sock.settimeout(1.5)
        with self.assertRaises(TimeoutError):
            late.sock.recv(1)  # nobody answers while no descriptor is free
        used = (self.cpu(pid) - before) / (time.monotonic() - begun)
        self.assertLess(used, 0.05)
        holders.pop().close()
        late.sock.settimeout(30)
        self.assertEqual(late.answer()[0], 200)
        for client in holders + [late]:
            client.close()
        service.quit()

    @staticmethod
    def cpu(pid):
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e9


class F35SlowClients(Case):
    """A client that sends one byte at a time cannot hold a slot past the header deadline."""

    def test_dribbled_header(self):
        service = self.service({"header_timeout_ms": 400})
        service.ready()
        sock = connect(service.port())
        begun = time.monotonic()
        received = b""
        sock.settimeout(0.05)
        for byte in b"GET /ping HTTP/1.1\r\nHost: test\r\n" + b"X-Slow: y\r\n" * 200:
            try:
                sock.sendall(bytes([byte]))
                received = sock.recv(4096)
                break
            except TimeoutError:
                continue
        self.assertTrue(received.startswith(b"HTTP/1.1 408"), received)
        self.assertLess(time.monotonic() - begun, 10)
        sock.close()
        service.quit()


class Shutdown(Case):
    """The five steps."""

    def test_hooks_run_and_steps_are_logged(self):
        service = self.service()
        service.configure(hook_file=os.path.join(service.folder, "hook"))
        service.upgrade()
        self.assertEqual(service.quit(), 0)
        with open(os.path.join(service.folder, "hook"), encoding="ascii") as file:
            self.assertEqual(file.read(), "left")
        for step in (1, 2, 3, 5):
            self.assertGreaterEqual(service.count_log(f"shutdown step {step} of 5"), 1)
        self.assertFalse(os.path.exists(service.pid_file), "the last owner removes the pid file")

    def test_open_work_finishes(self):
        service = self.service()
        service.ready()
        client = KeepAlive(service.port())
        client.request("/slow/700")
        self.get(service.port())
        service.kill(signal.SIGQUIT)
        status, headers, body = client.answer()
        self.assertEqual((status, headers.get("connection")), (200, "close"), body)
        client.close()
        self.assertEqual(service.gone(), 0)

    def test_a_second_signal_drops_at_once(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            with self.subTest(signal=number):
                service = self.service({"drain_timeout_ms": 600000})
                service.ready()
                client = KeepAlive(service.port())
                client.request("/slow/600000")
                self.get(service.port())
                service.kill(signal.SIGQUIT)
                service.wait_log(r"step 3 of 5")
                os.kill(service.process.pid, number)
                self.assertEqual(service.gone(), 1)
                client.close()

    def test_lame_duck_still_accepts(self):
        service = self.service({"lame_duck_ms": 700})
        service.ready()
        service.kill(signal.SIGTERM)
        service.wait_log(r"step 1 of 5")
        self.get(service.port())
        self.assertEqual(service.gone(), 0)

    def test_an_idle_service_leaves_at_once(self):
        service = self.service()
        service.ready()
        self.assertEqual(service.quit(patience=5), 0)

    def test_clients_in_the_backlog_are_answered_before_the_door_closes(self):
        service = self.service()
        pid = service.ready()
        os.kill(pid, signal.SIGSTOP)
        waiting = []
        for _ in range(200):
            sock = connect(service.port())
            sock.sendall(b"GET /ping HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
            waiting.append(sock)
        os.kill(pid, signal.SIGQUIT)
        os.kill(pid, signal.SIGCONT)
        for sock in waiting:
            self.assertEqual(read_response(sock)[0], 200)
            sock.close()
        self.assertEqual(service.gone(), 0)


class Probation(Case):
    """A child that dies within its probation gives the door back."""

    def test_rollback_and_final(self):
        service = self.service({"probation_ms": 60000})
        parent = service.ready()
        port = service.port()
        service.configure(abort_after_ms=100)
        service.kill(signal.SIGUSR1)
        service.wait_log(SUCCESS)
        service.wait_for(lambda: service.count_log(r"probation") and self.served_by(port) == parent,
                         "rollback")
        client = KeepAlive(port)
        self.assertNotEqual(client.ask()[1].get("connection"), "close")
        client.close()
        service.configure(abort_after_ms=-1, probation_ms=100)
        child = service.upgrade()
        self.assertEqual(self.served_by(port), child)
        # The parent still has the long probation: its child must leave for it to end.
        service.kill(signal.SIGQUIT, child)
        service.wait_log(r"generation \d+, pid %d\] left" % child)
        service.wait_for(lambda: not is_alive(child), "end of the child")
        if is_alive(parent):
            os.kill(parent, signal.SIGQUIT)
        service.gone()


if __name__ == "__main__":
    unittest.main()
