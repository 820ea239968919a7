"""nginx and HAProxy in front of the service, with the snippets as they are: restarts are not seen."""

import base64
import os
import re
import shutil
import signal
import tempfile
import unittest

from deploy_support import CONFIG, PROGRAM, DeployCase, deployed, read, seconds, tool, yaml
from support import PATIENCE, Case

RESTARTS = 10


class Proxies(DeployCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="baton-proxy-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        # Also for a proxy's workers, which are of another user.
        os.chmod(self.folder, 0o755)

    def upstream(self):
        service = self.service(program=PROGRAM, arguments=["--config", CONFIG, "--threads", "1"],
                               wrapper=self.network.enter)
        service.wait_log(r"listening http on 127\.0\.0\.1:9091")
        service.wait_for(lambda: self.answers(9900, "/health/ready"), "ready service")
        self.serving = service.process.pid
        return service

    def answers(self, port, path="/ping"):
        """Whether a good answer comes."""
        try:
            return self.network.get(port, path)[0] == 200
        except OSError:
            return False

    def restart(self, service):
        before = service.count_log(r"start new process success")
        os.kill(self.serving, signal.SIGUSR1)
        self.serving = int(service.wait_log(r"start new process success, pid (\d+)",
                                            before + 1).group(1))

    def check_restarts(self, service, port):
        service.wait_for(lambda: self.answers(port), "answer through the proxy")
        load = self.load(port)
        uploads = self.load(port, path="/bytes/100000", keep_alive=2, one_shot=1)
        for number in range(RESTARTS + 1):
            if number > 0:
                self.restart(service)
            # Each generation has clients before it goes.
            answer = f"pong by pid:{self.serving}\n"
            service.wait_for(lambda: answer in load.servers, "answer of this generation")
        self.assertEqual(load.finish(), [])
        self.assertEqual(uploads.finish(), [])
        self.assertEqual(len(load.servers), RESTARTS + 1)

    def check_websocket(self, port):
        sock = self.network.connect(port)
        self.addCleanup(sock.close)
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall((f"GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n"
                      f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
        with sock.makefile("rb") as lines:
            self.assertIn(b" 101 ", lines.readline())
            while lines.readline().strip():
                pass
            # One masked frame (RFC 6455 section 5.2), whose mask is zeros; its echo has none.
            sock.sendall(b"\x81\x85\0\0\0\0hello")
            self.assertEqual(lines.read(7), b"\x81\x05hello")

    def end(self, service):
        os.kill(self.serving, signal.SIGQUIT)
        service.gone()


class Numbers(Case):
    """The time-outs of the proxies agree with the service's."""

    def check(self, name, answer, idle):
        text = read(name)
        configuration = yaml().safe_load(read("graceful.yaml"))
        self.assertLess(seconds(re.search(answer, text).group(1)),
                        seconds(configuration["shutdown"]["drain_timeout"]))
        self.assertLess(seconds(re.search(idle, text).group(1)),
                        seconds(configuration["limits"]["idle_timeout"]))

    def test_nginx(self):
        self.check("nginx/graceful.conf", r"proxy_read_timeout (\w+);", r"keepalive_timeout (\w+);")

    def test_haproxy(self):
        self.check("haproxy/haproxy.cfg", r"timeout server (\w+)", r"pool-purge-delay (\w+)")


class Nginx(Proxies):
    def start_nginx(self):
        nginx = tool("nginx")
        configuration = os.path.join(self.folder, "nginx.conf")
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(f"daemon off; master_process off; pid {self.folder}/pid; error_log stderr; "
                       f"events {{}} http {{ access_log off; {temporary} "
                       f"include {deployed('nginx/graceful.conf')}; }}\n")
        self.run_inside(nginx, "-t", "-q", "-c", configuration)
        self.start(nginx, "-c", configuration)

    def test_restarts_behind_it(self):
        tool("nginx")
        service = self.upstream()
        self.start_nginx()
        self.check_restarts(service, 80)
        self.check_websocket(80)
        self.end(service)


class Haproxy(Proxies):
    def start_haproxy(self):
        haproxy = tool("haproxy")
        configuration = deployed("haproxy/haproxy.cfg")
        self.run_inside(haproxy, "-q", "-c", "-f", configuration)
        self.start(haproxy, "-q", "-db", "-f", configuration)

    def test_restarts_behind_it(self):
        tool("haproxy")
        service = self.upstream()
        self.start_haproxy()
        self.check_restarts(service, 80)
        self.check_websocket(80)
        self.end(service)

    def test_http2_behind_it(self):
        tool("haproxy")
        h2load = tool("h2load")
        service = self.upstream()
        self.start_haproxy()
        service.wait_for(lambda: self.answers(80), "answer through the proxy")
        load = self.start(h2load, "--duration=4", "--clients=4", "--max-concurrent-streams=8",
                          "http://127.0.0.1:81/ping", stdout=-1, stderr=-2)
        for _ in range(3):
            self.restart(service)
        output = load.communicate(timeout=PATIENCE * 2)[0].decode()
        numbers = re.search(r"requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored", output)
        self.assertIsNotNone(numbers, output)
        self.assertGreater(int(numbers.group(1)), 0, output)
        self.assertEqual(numbers.groups()[1:], ("0", "0"), output)
        self.end(service)

    def test_a_service_that_leaves_is_taken_out(self):
        tool("haproxy")
        service = self.upstream()
        self.start_haproxy()
        service.wait_for(lambda: self.answers(80), "answer through the proxy")
        self.assertTrue(self.answers(9900, "/health/ready"))
        self.end(service)
        service.wait_for(lambda: self.network.get(80)[0] == 503, "answer of HAProxy's own")


if __name__ == "__main__":
    unittest.main()
