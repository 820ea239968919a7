"""The configuration changes while the service runs: what is applied, how, and what is refused."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from config_support import IN_FORCE, ConfigCase
from support import KeepAlive, connect, read_response


class Reload(ConfigCase):
    def start(self, **settings):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        service = self.configured(folder, **settings)
        service.ready()
        return service

    @staticmethod
    def post(client, size):
        client.sock.sendall(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        return read_response(client.sock)[0]

    def test_runtime_keys_reach_open_connections(self):
        service = self.start()
        pid = service.pid()
        client = KeepAlive(self.port_of(service))
        self.assertEqual(self.post(client, 100), 200)
        self.change("limits", max_body=10)
        service.wait_log(r"configuration version 2 is in force: limits.max_body 16MiB -> 10 \(runtime\)")
        self.assertEqual(self.post(client, 100), 413)
        client.close()
        self.assertEqual(service.pid(), pid, "nothing was restarted")
        self.change("limits", max_body="1k")
        service.wait_log(r"configuration version 3 is in force")
        client = KeepAlive(self.port_of(service))
        self.assertEqual(self.post(client, 100), 200)
        client.close()
        service.quit()

    def test_an_idle_deadline_follows_at_its_next_arming(self):
        service = self.start()
        client = KeepAlive(self.port_of(service))
        self.change("limits", idle_timeout="100ms")
        service.wait_log(r"configuration version 2 is in force")
        self.assertEqual(client.ask()[0], 200)
        self.assertEqual(client.sock.recv(1), b"", "closed after 100 ms, not after 75 s")
        client.close()
        service.quit()

    def test_the_cap_of_a_listener(self):
        service = self.start(listeners=[{"address": "127.0.0.1:0", "name": "web", "max_connections": 1}])
        port = self.port_of(service)
        first = KeepAlive(port)
        self.assertEqual(first.ask()[0], 200)
        second = KeepAlive(port)
        second.request()
        self.settings["listeners"][0]["max_connections"] = 2
        self.write()
        self.assertEqual(second.answer()[0], 200, "served as soon as there is room")
        service.wait_log(r"listeners\[web\]\.max_connections 1 -> 2 \(runtime\)")
        first.close()
        second.close()
        service.quit()

    def test_a_bad_file_changes_nothing(self):
        service = self.start()
        pid = service.pid()
        client = KeepAlive(self.port_of(service))
        self.write("server: {threads: many}\nlimits: {max_body: 1k, max_bodi: 2}\n")
        service.wait_log(r"not taken over, version 1 stays in force: .*service.yaml:1: server.threads: 'many'")
        service.wait_log(r"service.yaml:2: limits.max_bodi: there is no such key; did you mean 'max_body'\?")
        self.assertEqual(self.post(client, 2000), 200)
        self.assertEqual(service.pid(), pid)
        self.change("limits", max_body=10)
        service.wait_log(r"configuration version 2 is in force")
        self.assertEqual(self.post(client, 2000), 413)
        client.close()
        service.quit()

    def test_critical_keys_by_a_restart_whose_port_never_closes(self):
        service = self.start()
        old = service.pid()
        port = self.port_of(service)
        self.settings["limits"] = {"max_body": 10}
        self.settings["listeners"].append({"address": "127.0.0.1:0", "name": "second"})
        self.change("server", threads=2)
        service.wait_log(r"configuration version 2 is in force in the next generation: server.threads 1 -> 2 "
                         r"\(critical\)")
        service.wait_for(lambda: service.pid() != old, "new generation")
        self.assertNotEqual(self.served_by(port), old)
        self.assertEqual(self.served_by(self.port_of(service, "second")), self.served_by(port))
        client = KeepAlive(port)
        self.assertEqual(self.post(client, 100), 413, "the runtime keys beside it are in force too")
        client.close()
        self.change("limits", max_body="1k")
        service.wait_log(r"configuration version 3 is in force: limits.max_body 10 -> 1KiB")
        service.quit()

    def test_a_new_generation_that_cannot_start_changes_nothing(self):
        service = self.start()
        pid = service.pid()
        port = self.port_of(service)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.settings["listeners"].append({"address": "127.0.0.1:%d" % taken.getsockname()[1]})
            self.change("limits", max_body=10)
            service.wait_log(r"not taken over, version 1 stays in force: the new process \(pid \d+\) refused: .*"
                             r"127\.0\.0\.1:%d.*EADDRINUSE.*; remove the reason it gave and try again"
                             % taken.getsockname()[1])
            client = KeepAlive(port)
            self.assertEqual(self.post(client, 100), 200)
            client.close()
            self.assertEqual(service.pid(), pid)
            # Taken to the end, and however it comes in force: a slow service may be about to read the file a
            # second time, and to try a restart that finds it mended.
            del self.settings["listeners"][1]
            self.write()
            service.wait_log(r"configuration version 2 is in force.*: limits.max_body")
        client = KeepAlive(port)
        self.assertEqual(self.post(client, 100), 413)
        client.close()
        service.quit()

    def test_the_version_counts_over_a_restart_by_signal_too(self):
        service = self.start()
        service.upgrade()
        self.change("limits", max_body=11)
        service.wait_log(r"configuration version 2 is in force")
        service.upgrade()
        self.change("limits", max_body=12)
        service.wait_log(r"configuration version 3 is in force")
        service.quit()

    def test_the_log_level_and_format(self):
        service = self.start(logging={"level": "error"})
        self.assertEqual(service.lines, [])
        self.change("logging", level="info")
        service.wait_log(r"configuration version 2 is in force: logging.level error -> info \(runtime\)")
        self.change("logging", format="json")
        service.wait_log(r'^\{.*configuration version 3 is in force: logging.format text -> json \(monitoring\)')
        service.quit()

    def test_the_history_of_the_metrics(self):
        path = os.path.join(tempfile.mkdtemp(prefix="baton-test-"), "admin.sock")
        self.addCleanup(shutil.rmtree, os.path.dirname(path), ignore_errors=True)
        service = self.start(admin={"address": "unix:" + path}, metrics={"history_step": "1s", "history_size": 3})
        pid = service.pid()

        def history():
            with connect(path) as client:
                client.sendall(b"GET /metrics?history=true HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return json.loads(read_response(client)[2])["history"]

        service.wait_for(lambda: len(history()) == 3, "three samples")
        self.change("metrics", history_step="1h", history_size=2)
        service.wait_log(r"configuration version 2 is in force: metrics.history_step 1s -> 1h \(monitoring\), "
                         r"metrics.history_size 3 -> 2 \(monitoring\)")
        kept = history()
        self.assertEqual(len(kept), 2)
        self.change("metrics", history_step="1s", history_size=3)
        service.wait_log(r"configuration version 3 is in force")
        more = service.wait_for(lambda: len(found := history()) == 3 and found, "one sample more")
        self.assertEqual(more[:2], kept, "what there was is kept")
        self.assertEqual(service.pid(), pid, "nothing was restarted")
        service.quit()

    def test_the_buckets_of_the_metrics_by_a_restart(self):
        path = os.path.join(tempfile.mkdtemp(prefix="baton-test-"), "admin.sock")
        self.addCleanup(shutil.rmtree, os.path.dirname(path), ignore_errors=True)
        service = self.start(admin={"address": "unix:" + path}, metrics={"latency_buckets": [0.01, "250ms", 1]})
        client = KeepAlive(self.port_of(service))
        self.assertEqual(client.ask()[0], 200)
        client.close()

        def buckets():
            with connect(path) as scrape:
                scrape.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                text = read_response(scrape)[2].decode()
            return re.findall(r'baton_http_request_duration_seconds_bucket\{listener="web",le="([^"]*)"\}', text)

        service.wait_for(lambda: buckets() == ["0.01", "0.25", "1", "+Inf"], "the buckets")
        self.change("metrics", latency_buckets=[0.5])
        service.wait_log(r"version 2 is in force in the next generation: metrics.latency_buckets "
                         r"\[0.01, 0.25, 1\] -> \[0.5\] \(critical\)")
        service.wait_for(lambda: buckets() == ["0.5", "+Inf"], "the other buckets")
        self.change("metrics", latency_buckets=[0.5, 0.25])
        service.wait_log(r"metrics.latency_buckets: element 1: '0.25' is not greater than 0.5, which stands before it")
        service.quit()

    def test_a_log_that_cannot_be_opened_changes_nothing(self):
        service = self.start()
        self.settings["logging"] = {"file": os.path.join(self.folder, "no", "such", "folder.log")}
        self.change("limits", max_body=10)
        service.wait_log(r"not taken over, version 1 stays in force: .*folder\.log")
        client = KeepAlive(self.port_of(service))
        self.assertEqual(self.post(client, 100), 200)
        client.close()
        del self.settings["logging"]
        self.write()
        service.wait_log(r"configuration version 2 is in force: limits.max_body")
        service.quit()

    def test_certificates_that_nobody_else_watches(self):
        certificates = certificates_in(self)
        service = self.start(
            listeners=[{"address": "127.0.0.1:0", "name": "web", "tls": "main"}],
            tls={"main": {"watch_files": False, "certificates": [
                {"certificate": certificates.path, "key": certificates.key}]}})
        pid = service.pid()
        port = self.port_of(service)
        # Whoever starts looks once more, for what was written meanwhile: let that be over.
        self.change("limits", max_body=9)
        service.wait_log(r"configuration version 2 is in force: limits.max_body ")
        before = served_certificate(port)
        certificates.renew()
        self.assertEqual(served_certificate(port), before, "nobody asked yet")
        self.change("limits", max_body=10)
        service.wait_log(r"configuration version 3 is in force: limits.max_body .*, tls none -> ")
        self.assertNotEqual(served_certificate(port), before)
        self.assertEqual(service.pid(), pid)
        service.quit()


class Certificates:
    """A self-signed certificate that can be replaced."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "server.pem")
        self.key = os.path.join(folder, "server.key")
        self.renew()

    def renew(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "30", "-keyout", self.key, "-out", self.path, "-subj", "/CN=localhost"],
                       check=True, capture_output=True)


def certificates_in(case):
    folder = tempfile.mkdtemp(prefix="baton-test-")
    case.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return Certificates(folder)


def served_certificate(port):
    return ssl.get_server_certificate(("127.0.0.1", port))


class Watch(ConfigCase):
    """Each change is one reload, however the file is written."""

    def start(self, folder=None, path=None):
        folder = folder or tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        service = self.configured(folder)
        service.ready()
        return service

    def expect_versions(self, service, count):
        service.wait_log(IN_FORCE, count)
        self.assertEqual(service.count_log(IN_FORCE), count)
        self.assertEqual(service.count_log("not taken over"), 0)

    def test_written_in_place_renamed_and_linked(self):
        service = self.start()
        self.change("limits", max_body=1)
        self.expect_versions(service, 1)
        with open(self.path, encoding="utf-8") as file:
            text = file.read().replace('"max_body": 1', '"max_body": 2')
        with open(self.path, "w", encoding="utf-8") as file:
            for piece in text.splitlines(keepends=True):
                file.write(piece)
                file.flush()
        self.expect_versions(service, 2)
        # As vim does: the old file moves away, the new one comes in its place.
        os.rename(self.path, self.path + "~")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text.replace('"max_body": 2', '"max_body": 3'))
        self.expect_versions(service, 3)
        os.utime(self.path)
        self.change("limits", max_body=4)
        self.expect_versions(service, 4)
        service.quit()
        self.expect_versions(service, 4)

    def test_the_link_that_kubernetes_flips(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        for number in (1, 2, 3):
            os.mkdir(os.path.join(folder, f"..{number}"))
        os.symlink("..1", os.path.join(folder, "..data"))
        os.symlink("..data/service.yaml", os.path.join(folder, "service.yaml.link"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        service = self.configured(folder)  # ends at once below: only its settings are wanted
        service.ready()
        service.quit()
        for number in (1, 2, 3):
            self.settings["limits"] = {"max_body": number}
            self.path = os.path.join(folder, f"..{number}", "service.yaml")
            self.write()
        os.replace(os.path.join(folder, "service.yaml.link"), os.path.join(folder, "service.yaml"))
        again = self.service(program=service.process.args[0], folder=folder,
                             arguments=["--config", os.path.join(folder, "service.yaml")])
        again.pid_file = os.path.join(folder, "service.pid")
        again.wait_log("listening")
        again.wait_for(lambda: again.pid() == again.process.pid, "pid file")
        for number in (2, 3):
            os.symlink(f"..{number}", os.path.join(folder, "..data_tmp"))
            os.replace(os.path.join(folder, "..data_tmp"), os.path.join(folder, "..data"))
            self.expect_versions(again, number - 1)
        again.quit()


class Check(ConfigCase):
    def test_exit_codes_and_precedence(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, "service.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("listeners: [{address: '127.0.0.1:1'}]\nserver: {threads: 5000}\n")
        status, text = self.check(path)
        self.assertEqual(status, 1)
        self.assertIn(f"{path}:2: server.threads: '5000' is out of range; allowed: 0 to 1024", text)
        self.assertIn("1 problem\n", text)
        self.assertEqual(self.check(path, environment={"BATON_SERVER_THREADS": "2"})[0], 0)
        self.assertEqual(self.check(path, "--threads", "2")[0], 0)
        status, text = self.check(path, "--threads", "x", environment={"BATON_SERVER_THREADS": "2"})
        self.assertEqual(status, 1)
        self.assertIn("--threads: server.threads: 'x' is not a whole number", text)
        status, text = self.check(path, "--threads", "2", "--port", "77", "--address", "127.0.0.1")
        self.assertEqual(status, 0, text)
        self.assertIn("1 listener: 127.0.0.1:77", text)
        self.assertEqual(self.check("/no/such/file")[0], 1)

    def test_environment_and_flags_come_before_the_file(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        other = os.path.join(folder, "other.pid")
        service = self.configured(folder, flags=["--pid-file", other], limits={"max_body": "1k"},
                                  environment={"BATON_LIMITS_MAX_BODY": "10"})
        service.pid_file = other
        service.ready()
        client = KeepAlive(self.port_of(service))
        self.assertEqual(Reload.post(client, 100), 413)
        client.close()
        self.assertFalse(os.path.exists(os.path.join(folder, "service.pid")))
        self.change("limits", max_body="2k", max_header_count=50)
        line = service.wait_log(IN_FORCE + r".*").group(0)
        self.assertNotIn("max_body", line, "the environment's value stays")
        service.quit()


if __name__ == "__main__":
    unittest.main()
