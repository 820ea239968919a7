"""Logs of real processes: they hold no request up, lose no line to a rotation, and every line parses."""

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import unittest

from support import PATIENCE, PROGRAM, Case, KeepAlive, connect, read_response

COMBINED = re.compile(r'^\S+ - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                      r'"((?:[^"\\]|\\.)*)" (\d{3}|-) \d+ "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$')


def lines_of(*paths):
    """The lines of files, each of which must be whole."""
    lines = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if text and not text.endswith("\n"):
            raise AssertionError(f"{path} ends within a line: {text[-200:]!r}")
        lines += text.splitlines()
    return lines


class Load:
    """Keep-alive clients that ask until told to stop; a client whose connection is told to close
    takes another."""

    def __init__(self, port, clients=4):
        self.port = port
        self.answered = [0] * clients
        self.failed = []
        self._stop = threading.Event()
        self._more = threading.Condition()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, number):
        client = None
        try:
            while not self._stop.is_set():
                client = client or KeepAlive(self.port)
                status, headers, _ = client.ask(f"/ping?client={number}")
                if status != 200:
                    self.failed.append(status)
                with self._more:
                    self.answered[number] += 1
                    self._more.notify_all()
                if headers.get("connection") == "close":
                    client.close()
                    client = None
        except OSError as error:
            self.failed.append(error)
        finally:
            if client:
                client.close()

    def wait_for(self, more):
        """Until each client was answered `more` times more."""
        with self._more:
            goals = [count + more for count in self.answered]
            if not self._more.wait_for(
                    lambda: self.failed or all(a >= g for a, g in zip(self.answered, goals)),
                    PATIENCE):
                raise AssertionError("the clients are not answered any more")

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return sum(self.answered)


class Fifo:
    """A named pipe that is read when the test says so; all that ever came is in `lines`."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self._fd, True)
        self.lines = []
        self._more = threading.Condition()
        self._thread = None

    def read_on(self):
        """Reads until no process has it open any more."""
        def run():
            with os.fdopen(self._fd, encoding="utf-8") as pipe:
                for line in pipe:
                    with self._more:
                        self.lines.append(line.rstrip("\n"))
                        self._more.notify_all()
        self._thread = threading.Thread(target=run)
        self._thread.start()

    def wait_for(self, text):
        with self._more:
            if not self._more.wait_for(lambda: any(text in line for line in self.lines), PATIENCE):
                raise AssertionError(f"no line with {text!r} came")

    def close(self):
        if self._thread is None:
            os.close(self._fd)
        else:
            self._thread.join(PATIENCE)


class LogCase(Case):
    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="baton-logs-")
        self.addCleanup(folder.cleanup)
        return folder.name

    def fifo(self, path):
        pipe = Fifo(path)
        self.addCleanup(pipe.close)
        return pipe


class Format(LogCase):
    def test_json_lines_of_all_generations_parse(self):
        file = os.path.join(self.folder(), "log")
        service = self.service({"log": {"format": "json", "file": file}})
        first = service.ready()
        self.get(service.port(), "/say/notice/3")
        os.kill(first, signal.SIGUSR1)
        service.wait_for(lambda: service.pid() != first and service.pid(), "next generation")
        self.assertEqual(service.quit(), 0)
        records = [json.loads(line) for line in lines_of(file)]
        said = [r for r in records if r.get("event") == "said"]
        self.assertEqual([r["message"] for r in said],
                         [f"said number {n} of 3" for n in (1, 2, 3)])
        self.assertEqual(said[0]["text"], 'a "quoted"\nline')
        self.assertEqual((said[0]["level"], said[0]["pid"], said[0]["generation"]),
                         ("notice", first, 1))
        self.assertEqual({r["generation"] for r in records} - {0}, {1, 2})
        for record in records:
            self.assertRegex(record["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            self.assertIn(record["level"], ("info", "notice", "error"))

    def test_text_is_one_line_a_record(self):
        service = self.service()
        service.ready()
        self.get(service.port(), "/say/error/1")
        match = service.wait_log(r"\[error\] \[generation 1, pid \d+\] said number 1 of 1 (.*)$")
        self.assertEqual(match.group(1), r'event=said text="a \"quoted\"\nline"')
        service.quit()

    def test_the_level_changes_at_run_time(self):
        service = self.service({"log": {"level": "error"}})
        service.ready()
        port = service.port()
        self.get(port, "/say/notice/1")
        self.get(port, "/log-level/notice")
        self.get(port, "/say/info/2")
        self.get(port, "/say/notice/3")
        service.wait_log("said number 3 of 3")
        self.assertEqual(service.count_log("said number"), 3)
        self.assertEqual(service.count_log("listening"), 0)
        service.quit()

    def test_a_file_that_cannot_be_opened_is_a_setup_error(self):
        folder = self.folder()
        for key, name in (("log", "the log file"), ("access_log", "the access log")):
            path = os.path.join(folder, key + ".json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"listeners": [], key: {"file": folder + "/no/such/file"}}, file)
            done = subprocess.run([PROGRAM, path], capture_output=True, text=True, timeout=PATIENCE,
                                  check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f'{name} "{folder}/no/such/file" cannot be opened: ENOENT', done.stderr)

    def test_the_last_words_before_exit_are_there(self):
        service = self.service({"drain_timeout_ms": 60000})
        service.ready()
        self.get(service.port(), "/say/info/500")
        self.assertEqual(service.quit(), 0)
        self.assertEqual(service.count_log(r"said number \d+ of 500"), 500)
        self.assertRegex(service.lines[-1], "left after")


class StoppedReader(LogCase):
    def test_of_the_log_holds_no_request_up(self):
        folder = self.folder()
        pipe = self.fifo(os.path.join(folder, "pipe"))
        service = self.service({"log": {"file": pipe.path, "queue": 500}})
        service.ready()
        client = KeepAlive(service.port())
        for _ in range(50):
            self.assertEqual(client.ask("/say/info/100")[0], 200)
        pipe.read_on()
        pipe.wait_for(" dropped: ")  # before anything else is said
        client.close()
        self.assertEqual(service.quit(), 0)
        pipe.close()
        said = sum("said number" in line for line in pipe.lines)
        drops = [re.search(r"(\d+) log lines? \w+ dropped: .* did not take them", line)
                 for line in pipe.lines]
        drops = [int(m.group(1)) for m in drops if m]
        self.assertTrue(drops)
        # What is missing among the 5,000 is what was said to be dropped.
        self.assertEqual(said + sum(drops), 5000)

    def test_of_the_access_log_holds_no_request_up(self):
        folder = self.folder()
        pipe = self.fifo(os.path.join(folder, "pipe"))
        service = self.service({"access_log": {"file": pipe.path, "queue": 100}})
        service.ready()
        client = KeepAlive(service.port())
        for number in range(3000):
            self.assertEqual(client.ask(f"/ping?number={number}")[0], 200)
        client.close()
        pipe.read_on()
        self.assertEqual(service.quit(), 0)
        pipe.close()
        match = service.wait_log(r"(\d+) lines of the access log dropped: .* did not take them")
        dropped = sum(int(m.group(1)) for m in
                      (re.search(r"(\d+) lines? of the access log dropped", l)
                       for l in service.lines) if m)
        self.assertGreater(int(match.group(1)), 0)
        numbers = [json.loads(line)["query"] for line in pipe.lines]
        self.assertEqual(len(set(numbers)), len(numbers))
        self.assertEqual(len(numbers) + dropped, 3000)

    def test_of_standard_error_lets_the_service_leave(self):
        """Nobody reads what the service says, and it drains and exits all the same."""
        folder = self.folder()
        path = os.path.join(folder, "config.json")
        pid_file = os.path.join(folder, "pid")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"listeners": [{"address": "127.0.0.1:0", "name": "web"}],
                       "pid_file": pid_file}, file)
        with subprocess.Popen([PROGRAM, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            port = int(process.stdout.readline().rsplit(":", 1)[1])
            client = KeepAlive(port)
            for _ in range(20):
                self.assertEqual(client.ask("/say/error/100")[0], 200)
            client.close()
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
            process.stderr.read()


class Rotation(LogCase):
    def rotate(self, service, *files):
        """What logrotate(8) does: moves the files away and has them opened anew."""
        for path in files:
            number = sum(name.startswith(os.path.basename(path) + ".")
                         for name in os.listdir(os.path.dirname(path))) + 1
            os.rename(path, f"{path}.{number}")
        self.assertEqual(self.get(service.port(), "/reopen"), "opened\n")

    def files(self, path):
        folder = os.path.dirname(path)
        return [os.path.join(folder, name) for name in os.listdir(folder)
                if name.startswith(os.path.basename(path))]

    def check(self, fmt, parse):
        folder = self.folder()
        log, access = os.path.join(folder, "log"), os.path.join(folder, "access")
        service = self.service({"threads": 2, "log": {"format": "json", "file": log},
                                "access_log": {"format": fmt, "file": access, "queue": 1000000}})
        service.pid()
        port = service.port()
        load = Load(port)
        others = 0
        for _ in range(3):
            load.wait_for(20)
            self.rotate(service, log, access)
            others += 1
            load.wait_for(20)
            before = service.pid()
            os.kill(before, signal.SIGUSR1)
            service.wait_for(lambda: service.pid() != before, "next generation")
        load.wait_for(20)
        answered = load.stop()
        self.assertEqual(load.failed, [])
        self.assertEqual(service.quit(), 0)
        self.assertEqual(len(self.files(access)), 4)
        asked = [parse(line) for line in lines_of(*self.files(access))]
        self.assertEqual(sum("/ping" in each for each in asked), answered)
        self.assertEqual(sum("/reopen" in each for each in asked), others)
        self.assertEqual(len(asked), answered + others)
        records = [json.loads(line) for line in lines_of(*self.files(log))]
        self.assertEqual({r["generation"] for r in records} - {0}, {1, 2, 3, 4})
        for generation in (1, 2, 3, 4):  # the last words of each
            self.assertEqual(sum(r["generation"] == generation and r.get("event") == "left"
                                 for r in records), 1)

    def test_under_load_and_across_restarts_no_json_line_is_lost_or_torn(self):
        self.check("json", lambda line: json.loads(line)["path"])

    def test_under_load_and_across_restarts_no_combined_line_is_lost_or_torn(self):
        def parse(line):
            match = COMBINED.match(line)
            self.assertTrue(match, line)
            return match.group(1)
        self.check("combined", parse)

    def test_the_supervisor_follows_by_itself(self):
        log = os.path.join(self.folder(), "log")
        service = self.service({"supervise": "always", "log": {"format": "json", "file": log}})
        supervisor = service.ready()
        def records(*paths):
            return [json.loads(line) for line in lines_of(*paths)]
        def serving(count):
            def look():
                found = [r for r in records(*self.files(log))
                         if r["pid"] == supervisor and " serves, pid " in r["message"]]
                return found if len(found) >= count else None
            return service.wait_for(look, f"word of the supervisor that {count} serve")
        serving(1)
        self.rotate(service, log)
        service.kill(signal.SIGUSR1)
        serving(2)
        later = [r for r in records(log) if r["pid"] == supervisor]
        self.assertTrue(any("generation 2 serves" in r["message"] for r in later), later)
        service.kill(signal.SIGTERM)
        self.assertEqual(service.gone(), 0)


class Trace(LogCase):
    PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    def test_handler_and_access_log_have_the_same_ids(self):
        access = os.path.join(self.folder(), "access")
        service = self.service({"access_log": {"file": access}})
        service.ready()
        sock = connect(service.port())
        told = []
        for fields in ("", f"traceparent: {self.PARENT}\r\n",
                       f"traceparent: {self.PARENT}\r\ntraceparent: {self.PARENT}\r\n",
                       f"traceparent: {self.PARENT.replace('00-', 'ff-', 1)}\r\n"):
            sock.sendall(f"GET /trace HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
            told.append(read_response(sock)[2].decode().split(" "))
        sock.close()
        self.assertEqual(service.quit(), 0)
        written = [json.loads(line) for line in lines_of(access)]
        self.assertEqual([(w["trace_id"], w["span_id"]) for w in written],
                         [(t[0], t[1]) for t in told])
        self.assertEqual(told[1][::2], ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"])
        for other in (told[0], told[2], told[3]):
            self.assertNotEqual(other[0], told[1][0])
            self.assertEqual(other[2], "")

    def test_over_http2_and_in_a_websockets_handshake(self):
        access = os.path.join(self.folder(), "access")
        service = self.service({"access_log": {"file": access}})
        service.ready()
        port = service.port()
        out = self.run_client("curl", "-sS", "--http2-prior-knowledge", "-H",
                              f"traceparent: {self.PARENT}", f"http://127.0.0.1:{port}/trace")
        told = out.decode().split(" ")
        sock = connect(port)
        sock.sendall((f"GET /ws HTTP/1.1\r\nHost: x\r\ntraceparent: {self.PARENT}\r\n"
                      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        self.assertIn(b"101", sock.recv(4096))
        sock.close()
        service.quit()
        over_http2, websocket = [json.loads(line) for line in lines_of(access)]
        self.assertEqual((over_http2["http"], over_http2["trace_id"], over_http2["span_id"]),
                         ("2.0", told[0], told[1]))
        self.assertEqual((websocket["status"], websocket["trace_id"]),
                         (101, "4bf92f3577b34da6a3ce929d0e0e4736"))


class Children(LogCase):
    def test_no_generation_inherits_a_log(self):
        folder = self.folder()
        log, access = os.path.join(folder, "log"), os.path.join(folder, "access")
        service = self.service({"log": {"file": log}, "access_log": {"file": access}})
        first = service.ready()

        def opened(pid):
            links = []
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try:
                    links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
                except FileNotFoundError:
                    pass
            return links
        self.assertEqual([opened(first).count(path) for path in (log, access)], [1, 1])
        os.kill(first, signal.SIGUSR1)
        service.wait_for(lambda: service.pid() != first and service.pid(), "next generation")
        self.assertEqual([opened(service.pid()).count(path) for path in (log, access)], [1, 1])
        service.quit()


if __name__ == "__main__":
    unittest.main()
