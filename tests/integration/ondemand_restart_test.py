"""The gateway is restarted while its services run, start, stop and fail, and nobody notices."""

import json
import os
import re
import signal
import socket
import threading
import time
import unittest

from ondemand_support import OndemandCase, listening
from raw_websocket import CLOSE, TEXT, close_payload, frame
from support import PATIENCE, descriptors, is_alive, read_response

HOST = "Host: shop.example\r\n"


def is_running(pid):
    return os.path.exists(f"/proc/{pid}") and is_alive(pid)


RESTARTS = int(os.environ.get("BATON_RESTARTS", "20"))


class Restarts(OndemandCase):
    """`restart` waits until the old generation has given everything that stands still."""

    def restart(self, gateway, taken="shop"):
        before = gateway.count_log(f"{taken}: taken over, ") if taken else 0
        new = gateway.upgrade()
        if taken:
            gateway.wait_log(f"{taken}: taken over, ", before + 1)
        return new

    def wait_gone(self, gateway, pid):
        gateway.wait_for(lambda: not is_alive(pid), f"end of generation {pid}")

    def test_a_running_service_goes_over_and_answers(self):
        gateway = self.gateway(listening())
        _, first = self.curl(gateway)
        pid = gateway.starts("shop")[0]
        old = gateway.pid()
        self.restart(gateway)
        self.assertEqual(self.curl(gateway), (200, first), "the same process")
        self.wait_gone(gateway, old)
        self.assertTrue(is_running(pid), "it outlives the generation that started it")
        self.assertEqual(self.curl(gateway), (200, first))
        now = gateway.status("shop")
        self.assertEqual((now["state"], now["starts"], now["pid"]), ("ready", 1, pid))

    def test_it_is_stopped_by_the_generation_that_took_it_over(self):
        gateway = self.gateway(listening(backend=["family=1"]))
        self.curl(gateway)
        old = gateway.pid()
        self.restart(gateway)
        self.wait_gone(gateway, old)
        gateway.command("stop shop")
        self.assertTrue(gateway.wait_log(r"shop: 2 processes ended within .*1 had forked away"))
        gateway.wait_state("shop", "stopped")
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(len(gateway.starts("shop")), 2)

    def test_it_is_killed_by_the_generation_that_took_it_over(self):
        gateway = self.gateway(listening(backend=["deaf=1"], stop_timeout=3600000))
        self.curl(gateway)
        self.restart(gateway)
        gateway.command("kill shop")
        gateway.wait_state("shop", "stopped")
        self.assertFalse(is_running(gateway.starts("shop")[0]))

    def test_a_request_that_waits_for_a_start_is_answered_and_there_is_one_start(self):
        gateway = self.gateway(listening(ready="command", backend=[],
                                         ready_command=["/bin/sh", "-c", "test -e FOLDER/go"]))
        answers = []
        old = gateway.pid()
        asking = threading.Thread(target=lambda: answers.append(self.curl(gateway)))
        asking.start()
        gateway.wait_state("shop", "starting")
        gateway.upgrade()
        late = threading.Thread(target=lambda: answers.append(self.curl(gateway)))
        late.start()
        gateway.wait_for(lambda: gateway.status("shop")["waiting"] == 1, "a waiting request")
        with open(os.path.join(gateway.folders["shop"], "go"), "w", encoding="ascii"):
            pass
        asking.join()
        late.join()
        self.assertEqual([status for status, _ in answers], [200, 200])
        self.assertEqual(len(gateway.starts("shop")), 1)
        gateway.wait_log("shop: taken over, ready")
        self.wait_gone(gateway, old)
        self.assertEqual(gateway.status("shop")["state"], "ready")

    def stream(self, gateway):
        client = socket.create_connection(gateway.where, PATIENCE)
        self.addCleanup(client.close)
        client.sendall(f"GET /events HTTP/1.1\r\n{HOST}\r\n".encode())
        seen = b""
        while b"data: first" not in seen:
            seen += client.recv(4096)
        return client

    def still_ready(self, gateway):
        """Whenever one looks, for several idle times: each look of its own finds the stream."""
        self.assertEqual(self.curl(gateway)[0], 200)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            self.assertEqual(gateway.status("shop")["state"], "ready")

    def test_an_event_stream_at_the_old_generation_keeps_it(self):
        gateway = self.gateway(listening(idle_timeout=100))
        client = self.stream(gateway)
        self.restart(gateway)
        self.still_ready(gateway)
        gateway.let_go("shop")
        seen = b""
        while b"data: last" not in seen:
            seen += client.recv(4096)
        gateway.wait_state("shop", "stopped")
        self.assertEqual(len(gateway.starts("shop")), 1)

    def test_a_stream_over_two_restarts_keeps_it(self):
        gateway = self.gateway(listening(idle_timeout=100))
        client = self.stream(gateway)
        middle = self.restart(gateway)
        self.restart(gateway)
        self.wait_gone(gateway, middle)
        self.still_ready(gateway)
        gateway.let_go("shop")
        seen = b""
        while b"data: last" not in seen:
            seen += client.recv(4096)
        gateway.wait_state("shop", "stopped")
        self.assertEqual(len(gateway.starts("shop")), 1)

    def test_the_idle_clock_goes_on(self):
        gateway = self.gateway(listening(idle_timeout=3000))
        self.curl(gateway)
        asked = time.monotonic()
        while time.monotonic() < asked + 1.5:
            self.restart(gateway)
        gateway.wait_state("shop", "stopped")
        self.assertLess(time.monotonic() - asked, 4.4, "it was begun anew")
        self.assertGreater(time.monotonic() - asked, 2.9, "it ran too fast")

    def test_a_crash_behind_a_restart_is_seen_at_once_and_why(self):
        gateway = self.gateway(listening(backoff=1))
        self.curl(gateway)
        client = self.stream(gateway)  # keeps the old generation
        self.restart(gateway)
        os.kill(gateway.starts("shop")[0], signal.SIGSEGV)
        gateway.wait_log("shop: was killed by SIGSEGV")
        client.close()
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(len(gateway.starts("shop")), 2)

    def test_a_crash_when_its_parent_has_left_is_seen_at_once(self):
        gateway = self.gateway(listening(backoff=1))
        self.curl(gateway)
        old = gateway.pid()
        self.restart(gateway)
        self.wait_gone(gateway, old)
        os.kill(gateway.starts("shop")[0], signal.SIGSEGV)
        gateway.wait_log("shop: ended .its status is known only")
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(len(gateway.starts("shop")), 2)

    def test_a_failed_service_stays_failed_with_its_reason(self):
        gateway = self.gateway(listening(backend=["exit=3"], ready="notify", backoff=60000))
        self.assertEqual(self.curl(gateway)[0], 503)
        gateway.wait_state("shop", "failed")
        self.restart(gateway)
        status, body = self.curl(gateway, "/", "-D", "-")
        self.assertEqual(status, 503)
        self.assertIn("exited with status 3", body)
        self.assertRegex(body, r"(?i)retry-after: (60|5\d)\r")
        self.assertEqual(len(gateway.starts("shop")), 1, "the back-off goes on")
        self.assertIn("no database", gateway.status("shop")["output"])

    def test_an_upgrade_that_fails_changes_nothing(self):
        gateway = self.gateway(listening())
        _, first = self.curl(gateway)
        gateway.fault("child.before_ready:kill")
        gateway.kill(signal.SIGUSR1)
        gateway.wait_log("start new process failed")
        gateway.fault("")
        self.assertEqual(self.curl(gateway), (200, first))
        self.assertEqual(gateway.count_log("taken over, "), 0)
        self.restart(gateway)
        self.assertEqual(self.curl(gateway), (200, first))

    def test_a_generation_that_dies_in_its_probation_gives_back(self):
        gateway = self.gateway(listening(), keys=["probation_ms=60000"])
        _, first = self.curl(gateway)
        new = self.restart(gateway)
        os.kill(new, signal.SIGKILL)
        gateway.wait_log("shop: taken back")
        self.assertEqual(self.curl(gateway), (200, first))
        self.assertEqual(len(gateway.starts("shop")), 1)
        self.assertEqual(gateway.status("shop")["state"], "ready")

    def test_what_is_given_back_is_still_stopped_when_idle(self):
        gateway = self.gateway(listening(idle_timeout=2000), keys=["probation_ms=60000"])
        self.curl(gateway)
        new = self.restart(gateway)
        os.kill(new, signal.SIGKILL)
        gateway.wait_log("shop: taken back")
        gateway.wait_state("shop", "stopped")
        self.assertEqual(self.curl(gateway)[0], 200)

    def test_commands_go_over(self):
        run = "BACKEND FOLDER unix=1"
        gateway = self.gateway({
            "name": "unit", "routes": [{"host": "shop.example"}], "target": "unix:FOLDER/socket",
            "start": ["/bin/sh", "-c",
                      f"rm -f FOLDER/socket; python3 {run} & echo $! >FOLDER/pid"],
            "stop": ["/bin/sh", "-c", "kill $(cat FOLDER/pid)"],
            "check": ["/bin/sh", "-c", "test -e FOLDER/pid && kill -0 $(cat FOLDER/pid)"],
            "ready": "tcp"})
        self.curl(gateway)
        pid = gateway.starts("unit")[0]
        old = gateway.pid()
        self.restart(gateway, "unit")
        self.wait_gone(gateway, old)
        # It writes to the pipe that the old generation read.
        holding = threading.Thread(target=lambda: self.curl(gateway, "/held"))
        holding.start()
        gateway.wait_log("unit: a held request")
        gateway.let_go("unit")
        holding.join()
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(gateway.starts("unit"), [pid])
        gateway.command("stop unit")
        gateway.wait_state("unit", "stopped")
        self.assertFalse(is_running(pid))

    def describe(self, gateway, change):
        """What the next generation reads."""
        path = os.path.join(gateway.folder, "services.json")
        with open(path, encoding="utf-8") as file:
            services = json.load(file)
        change(services)
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(services, file)
        os.replace(path + ".new", path)

    def test_a_fixed_socket_goes_over(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = "127.0.0.1:%d" % probe.getsockname()[1]
        gateway = self.gateway(listening(socket=address))
        _, first = self.curl(gateway)
        old = gateway.pid()
        self.restart(gateway)
        self.wait_gone(gateway, old)
        self.assertEqual(self.curl(gateway), (200, first))
        gateway.command("stop shop")
        gateway.wait_state("shop", "stopped")
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(gateway.status("shop")["target"], address)

    def test_a_socket_with_a_file_goes_over(self):
        gateway = self.gateway(listening(socket="unix:FOLDER/its"))
        _, first = self.curl(gateway)
        old = gateway.pid()
        self.restart(gateway)
        self.wait_gone(gateway, old)
        self.assertEqual(self.curl(gateway), (200, first))
        self.assertTrue(os.path.exists(os.path.join(gateway.folders["shop"], "its")))
        gateway.quit()
        self.assertFalse(os.path.exists(os.path.join(gateway.folders["shop"], "its")))

    def test_a_changed_definition_counts_from_the_next_start_on(self):
        gateway = self.gateway(listening())
        _, first = self.curl(gateway)
        self.describe(gateway, lambda all: all[0].update(socket="unix:FOLDER/other".replace(
            "FOLDER", gateway.folders["shop"])))
        old = gateway.pid()
        self.restart(gateway)
        self.wait_gone(gateway, old)
        self.assertEqual(self.curl(gateway), (200, first), "as it runs")
        gateway.command("stop shop")
        gateway.wait_state("shop", "stopped")
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertIn("/other", gateway.status("shop")["target"])

    def test_a_service_that_is_gone_is_ended_and_a_new_one_is_there(self):
        gateway = self.gateway(listening())
        self.curl(gateway)
        self.describe(gateway, lambda all: all[0].update(name="other"))
        old = gateway.pid()
        self.restart(gateway, None)
        self.wait_gone(gateway, old)
        self.assertFalse(is_running(gateway.starts("shop")[0]))
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(gateway.status("other")["starts"], 1)

    def test_one_of_another_kind_is_stopped_first(self):
        gateway = self.gateway(listening())
        self.curl(gateway)
        pid = gateway.starts("shop")[0]

        def change(services):
            run = services[0].pop("run")
            del services[0]["socket"]
            services[0].update(
                target="unix:" + gateway.folders["shop"] + "/socket", ready="tcp",
                start=["/bin/sh", "-c", " ".join(run) + " unix=1 >/dev/null 2>&1 & echo $! >"
                       + gateway.folders["shop"] + "/pid"],
                stop=["/bin/sh", "-c", "kill $(cat " + gateway.folders["shop"] + "/pid)"])

        self.describe(gateway, change)
        self.restart(gateway)
        self.assertFalse(is_running(pid))
        self.assertEqual(self.curl(gateway)[0], 200)
        self.assertEqual(len(gateway.starts("shop")), 2)
        gateway.command("stop shop")  # by a command, behind which nobody looks
        gateway.wait_for(lambda: not is_running(gateway.starts("shop")[1]), "its end")

    def test_what_always_runs_goes_over_and_is_started_again(self):
        gateway = self.gateway(listening(always=1, backoff=1))
        gateway.wait_state("shop", "ready")
        gateway.wait_for(lambda: gateway.starts("shop"), "first start")
        old = gateway.pid()
        self.restart(gateway)
        self.wait_gone(gateway, old)
        self.assertEqual(len(gateway.starts("shop")), 1)
        os.kill(gateway.starts("shop")[0], signal.SIGKILL)
        gateway.wait_state("shop", "ready", 2)
        self.assertEqual(gateway.status("shop")["starts"], 2)
        gateway.wait_for(lambda: len(gateway.starts("shop")) == 2, "second start")

    def test_requests_at_the_old_generation_go_on(self):
        gateway = self.gateway(listening())
        with socket.create_connection(gateway.where, PATIENCE) as client:
            client.sendall(f"GET /held HTTP/1.1\r\n{HOST}\r\n".encode())
            gateway.wait_log("a held request")
            self.restart(gateway)
            gateway.command("stop shop")
            gateway.wait_state("shop", "draining")
            gateway.let_go("shop")
            status, _, body = read_response(client)
        self.assertEqual(status, 200)
        self.assertIn(b"pid %d " % gateway.starts("shop")[0], body)
        gateway.wait_state("shop", "stopped")

    def test_a_websocket_at_the_old_generation_is_told_to_come_back_and_keeps_it_until_then(self):
        gateway = self.gateway(listening(idle_timeout=100), keys=["threads=2"])
        client = socket.create_connection(gateway.where, PATIENCE)
        self.addCleanup(client.close)
        client.sendall((f"GET /websocket HTTP/1.1\r\n{HOST}Connection: Upgrade\r\n"
                        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += client.recv(4096)
        self.assertIn(b" 101 ", seen)
        client.sendall(frame(TEXT, b"to and fro"))
        self.assertEqual(len(client.recv(4096)), 16)
        self.restart(gateway)
        self.assertEqual(client.recv(4096), frame(CLOSE, close_payload(1001), mask=False))
        self.still_ready(gateway)
        client.sendall(frame(CLOSE, close_payload(1001)))
        client.close()
        gateway.wait_state("shop", "stopped")
        self.assertEqual(len(gateway.starts("shop")), 1)

    def test_many_restarts_under_load_with_cold_starts(self):
        gateway = self.gateway(listening(), listening(
            name="cold", routes=[{"host": "cold.example"}]))
        stop = threading.Event()
        results = []

        def ask():
            while not stop.is_set():
                results.append(self.curl(gateway)[0])

        askers = [threading.Thread(target=ask) for _ in range(2)]
        for each in askers:
            each.start()
        gateway.wait_state("shop", "ready")
        first = None
        for number in range(RESTARTS):
            cold = []
            started = len(gateway.starts("cold"))
            asking = threading.Thread(
                target=lambda: cold.append(self.curl(gateway, host="cold.example")[0]))
            asking.start()
            self.restart(gateway, None)
            asking.join()
            self.assertEqual(cold, [200])
            self.assertEqual(len(gateway.starts("cold")), started + 1)
            gateway.wait_log("cold: taken over, ", number + 1)
            gateway.command("stop cold")
            gateway.wait_state("cold", "stopped", number + 1)
            if number == 4:
                first = self.settled(gateway)
        stop.set()
        for each in askers:
            each.join()
        self.assertEqual(set(results), {200})
        self.assertEqual(len(gateway.starts("shop")), 1)
        self.assertEqual(gateway.status("cold")["starts"], RESTARTS)
        self.assertLessEqual(self.settled(gateway), first + 2, "descriptors are leaked")

    def settled(self, gateway):
        """Descriptors of the serving generation once all others have left."""
        generations = [int(m.group(1)) for m in
                       (re.search(r"pid (\d+)\.$", line) for line in list(gateway.lines)
                        if "start new process success" in line) if m]
        for pid in [gateway.process.pid, *generations[:-1]]:
            self.wait_gone(gateway, pid)
        return descriptors(gateway.pid())

    def test_leaving_ends_what_an_earlier_generation_started(self):
        gateway = self.gateway(listening(backend=["family=1"]))
        self.curl(gateway)
        pid = gateway.starts("shop")[0]
        old = gateway.pid()
        self.restart(gateway)
        self.wait_gone(gateway, old)
        gateway.quit()
        self.assertFalse(is_running(pid))

    def test_a_new_generation_that_is_told_to_leave_during_the_take_over(self):
        gateway = self.gateway(listening(ready="command", backend=[],
                                         ready_command=["/bin/sh", "-c", "test -e FOLDER/go"]))
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.curl(gateway)))
        asking.start()
        gateway.wait_state("shop", "starting")
        new = gateway.upgrade()
        os.kill(new, signal.SIGQUIT)
        self.wait_gone(gateway, new)
        with open(os.path.join(gateway.folders["shop"], "go"), "w", encoding="ascii"):
            pass
        asking.join()
        self.assertEqual([status for status, _ in answers], [200])
        gateway.gone()
        self.assertFalse(is_running(gateway.starts("shop")[0]))

    def test_the_operators_wish_during_the_take_over_is_done_behind_it(self):
        gateway = self.gateway(listening(ready="command", backend=[],
                                         ready_command=["/bin/sh", "-c", "test -e FOLDER/go"]))
        asking = threading.Thread(target=lambda: self.curl(gateway))
        asking.start()
        gateway.wait_state("shop", "starting")
        gateway.upgrade()
        gateway.wait_log("accepting ends here")
        gateway.command("stop shop")
        gateway.status("shop")  # it has heard it
        with open(os.path.join(gateway.folders["shop"], "go"), "w", encoding="ascii"):
            pass
        asking.join()
        gateway.wait_state("shop", "stopped")
        self.assertFalse(is_running(gateway.starts("shop")[0]))

    def test_a_crash_under_a_supervisor_leaves_no_second_one(self):
        gateway = self.gateway(listening(backend=["family=1"]), keys=["supervise"])
        self.curl(gateway)
        os.kill(int(gateway.wait_log(r"generation 1 serves, pid (\d+)").group(1)), signal.SIGKILL)
        self.assertEqual(self.curl(gateway)[0], 200)
        first, second = gateway.starts("shop")
        self.assertFalse(is_running(first))
        self.assertTrue(is_running(second))


if __name__ == "__main__":
    unittest.main()
