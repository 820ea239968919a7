"""Bad input: a sentence that names the value and the remedy, and exit status 1."""

import os
import socket
import subprocess
import unittest

from support import BUILD, Case

DEMONSTRATION = os.path.join(BUILD, "main_test/graceful_main")


class Refusals(Case):
    def refuse(self, *flags, says):
        done = subprocess.run([DEMONSTRATION, *flags], capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        for part in says:
            self.assertIn(part, done.stderr)

    def test_bad_address(self):
        self.refuse("--address", "300.1.2.3", "--port", "0", says=["300.1.2.3"])

    def test_an_address_of_nobody(self):
        self.refuse("--address", "192.0.2.1", "--port", "0", says=["192.0.2.1", "EADDRNOTAVAIL"])

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            self.refuse("--address", "127.0.0.1", "--port", port, says=[port, "EADDRINUSE"])

    def test_a_cap_of_zero(self):
        self.refuse("--address", "127.0.0.1", "--port", "0", "--max-connections", "0",
                    says=["0", "at least 1"])

    def test_pid_file_in_no_directory(self):
        self.refuse("--address", "127.0.0.1", "--port", "0", "--pid-file", "/nowhere/at/all.pid",
                    says=["/nowhere/at/all.pid", "ENOENT"])

    def test_pid_file_is_a_directory(self):
        self.refuse("--address", "127.0.0.1", "--port", "0", "--pid-file", "/tmp", says=["/tmp"])

    def test_too_many_threads(self):
        self.refuse("--address", "127.0.0.1", "--port", "0", "--threads", "5000", says=["5000"])

    def test_a_foreign_handoff_variable(self):
        done = subprocess.run([DEMONSTRATION, "--port", "0"], capture_output=True, text=True,
                              timeout=30, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "BATON_HANDOFF": "pony"})
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("BATON_HANDOFF", done.stderr)
        self.assertIn("pony", done.stderr)


class Help(unittest.TestCase):
    def test_every_flag_is_described(self):
        text = subprocess.run([DEMONSTRATION, "--help"], capture_output=True, text=True, timeout=30,
                              check=True).stdout
        for flag in ("--address", "--port", "--threads", "--max-connections", "--pid-file",
                     "--supervise", "--drain-timeout", "--ready-delay", "--version"):
            self.assertIn(flag, text)

    def test_version(self):
        done = subprocess.run([DEMONSTRATION, "--version"], capture_output=True, text=True,
                              timeout=30, check=True)
        self.assertRegex(done.stdout, r"^graceful_main \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
