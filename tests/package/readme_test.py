"""The README's programs do what the README says they do."""

import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from program import Program

SOURCE = Path(os.environ["BATON_SOURCE"])
PROGRAMS = Path(os.environ["BATON_BUILD"], "tests", "package")


class Readme(unittest.TestCase):
    def start(self, name, pid_file="service.pid", files=()):
        program = Program([str(PROGRAMS / f"readme_{name}")], pid_file, files)
        self.addCleanup(program.close)
        program.wait_ready()
        return program

    def leave(self, program, signal_number=3):
        pid = program.serving_pid()
        os.kill(pid, signal_number)
        self.assertEqual(0, program.exit_status(pid), program.log_text())

    def restart(self, program):
        old = program.serving_pid()
        new = program.upgrade()
        self.assertEqual(0, program.exit_status(old), program.log_text())
        return new

    def test_the_ten_line_program_restarts_and_leaves(self):
        program = self.start("ten_lines", "pong.pid")
        first = program.serving_pid()
        self.assertEqual((200, f"pong by pid:{first}\n"), program.ask())
        second = self.restart(program)
        self.assertNotEqual(first, second)
        self.assertEqual((200, f"pong by pid:{second}\n"), program.ask())
        self.leave(program)

    def test_a_program_with_its_own_loop_restarts_and_leaves(self):
        program = self.start("own_loop", "pong.pid")
        self.assertEqual((200, f"pong by pid:{program.serving_pid()}\n"), program.ask())
        second = self.restart(program)
        self.assertEqual((200, f"pong by pid:{second}\n"), program.ask())
        self.leave(program)

    @unittest.skipUnless((PROGRAMS / "readme_grpc").exists(), "built without BATON_GRPC")
    def test_grpc_shares_the_port_with_http(self):
        program = self.start("grpc")
        web = {"content-type": "application/grpc-web"}
        status, body = program.ask("/greeter.Greeter/Hello", "POST",
                                   b"\0\0\0\0\x04\x0a\x02me", web)
        self.assertEqual(200, status)
        self.assertIn("hello, me from unix:", body)
        self.assertTrue(body.endswith("grpc-status: 0\r\n"), body)
        status, body = program.ask("/greeter.Greeter/Sum", "POST",
                                   b"\0\0\0\0\x02\x08\x02" * 3, web)
        self.assertTrue(body.startswith("\0\0\0\0\x02\x08\x06"), body)
        self.restart(program)
        self.assertEqual(404, program.ask("/")[0])
        self.leave(program)

    @unittest.skipUnless((PROGRAMS / "readme_on_demand").exists(), "built without BATON_ONDEMAND")
    def test_a_service_on_demand_that_is_not_there(self):
        program = self.start("on_demand", "gateway.pid")
        status, body = program.ask("/", fields={"host": "shop.example"})
        self.assertEqual(503, status)
        self.assertIn("/srv/shop/shop", json.loads(body)["message"])
        self.assertEqual(404, program.ask("/")[0])
        self.leave(program)

    def test_every_kind_of_handler_answers(self):
        program = self.start("handlers")
        self.assertEqual((200, '{"user":"7"}'), program.ask("/users/7"))
        self.assertEqual((200, "an hour early\n"), program.ask("/later"))
        self.assertEqual((200, "slept well\n"), program.ask("/coroutine"))
        self.assertEqual((200, "300000 bytes\n"), program.ask("/upload", "POST", b"x" * 300_000))
        self.assertEqual((200, "1\n2\n3\n"), program.ask("/count"))
        self.assertEqual(405, program.ask("/upload")[0])
        self.assertEqual(404, program.ask("/nowhere")[0])
        self.leave(program)

    def test_hints_lengths_and_other_protocols_pass(self):
        program = self.start("passing")
        said = subprocess.run(["curl", "--silent", "--include", "--unix-socket", program.socket,
                               "http://localhost/page"], capture_output=True, text=True,
                              check=True, timeout=60).stdout
        self.assertTrue(said.startswith("HTTP/1.1 103 Early Hints\nLink: "
                                        "</style.css>; rel=preload\n\nHTTP/1.1 200 OK\n"), said)
        self.assertIn("\nContent-Length: 13\n", said)
        self.assertTrue(said.endswith("\n\nfirst, second"), said)
        self.assertEqual(426, program.ask("/echo")[0])
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(program.socket)
            client.sendall(b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n"
                           b"Upgrade: echo\r\n\r\n" + b"x" * 300_000)
            client.shutdown(socket.SHUT_WR)
            heard = b"".join(iter(lambda: client.recv(65536), b""))
        head, _, body = heard.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        self.assertEqual(b"x" * 300_000, body)
        self.leave(program)

    def test_every_protocol_is_served(self):
        folder = tempfile.mkdtemp(prefix="baton-readme-")
        self.addCleanup(shutil.rmtree, folder)
        key, certificate = Path(folder, "server.key"), Path(folder, "server.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
                        certificate, "-days", "2", "-subj", "/CN=localhost"],
                       check=True, capture_output=True, timeout=60)
        program = self.start("protocols", files=(key, certificate))
        for flags in (["--http1.1"], ["--http2-prior-knowledge"], ["--http2", "--insecure"]):
            scheme = "https" if "--insecure" in flags else "http"
            events = subprocess.Popen(
                ["curl", "--silent", "--no-buffer", *flags, "--unix-socket",
                 program.socket, f"{scheme}://localhost/events"],
                stdout=subprocess.PIPE, text=True)
            self.addCleanup(lambda one=events: one.poll() is None and one.kill())
            lines = [events.stdout.readline() for _ in range(4)]
            self.assertEqual("data: hello\n", lines[3], lines)
            events.kill()
            events.wait(60)
            events.stdout.close()
        self.restart(program)
        self.leave(program)

    def test_logs_go_where_they_are_sent_and_state_crosses(self):
        program = self.start("tour")
        self.assertEqual((200, "visit 1\n"), program.ask("/visits"))
        self.assertEqual((200, "visit 2\n"), program.ask("/visits"))
        self.restart(program)
        self.assertEqual((200, "visit 3\n"), program.ask("/visits"))
        self.leave(program, 15)
        records = [json.loads(line) for line in program.log_text().splitlines()
                   if line.startswith("{")]
        self.assertIn("USR1", " ".join(record["message"] for record in records))
        self.assertLessEqual({1, 2}, {record["generation"] for record in records})

    def test_the_admin_service_answers_beside_a_configured_one(self):
        folder = tempfile.mkdtemp(prefix="baton-readme-")
        self.addCleanup(shutil.rmtree, folder)
        file = Path(folder, "service.yaml")
        file.write_text("server: {pid_file: service.pid}\nlisteners: [{address: 'unix:web.sock'}]\n",
                        encoding="utf-8")
        program = self.start("operations", files=(file,))
        for _ in range(2):
            told = subprocess.run(
                ["curl", "--silent", "--unix-socket", Path(program.socket).with_name("admin.sock"),
                 "http://localhost/health?detailed=true"], capture_output=True, text=True,
                check=True, timeout=60).stdout
            self.assertIn("database", told)
            self.restart(program)
        self.leave(program)

    def test_the_picture_is_what_its_script_draws(self):
        drawn = runpy.run_path(str(SOURCE / "docs" / "draw_upgrade.py"))["document"]()
        self.assertEqual(drawn, (SOURCE / "docs" / "upgrade.svg").read_text(encoding="utf-8"))

    def test_every_file_the_readme_names_is_there(self):
        text = (SOURCE / "README.md").read_text(encoding="utf-8")
        named = set(re.findall(r"(?:main_test|tests|include/baton|docs)/[\w/.-]+\w", text))
        self.assertGreater(len(named), 5)
        self.assertEqual([], sorted(name for name in named if not (SOURCE / name).exists()))


if __name__ == "__main__":
    unittest.main()
