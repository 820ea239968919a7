"""The demonstration program, one port in the clear and one with TLS, and its clients."""

import os
import shutil
import ssl
import sys
import tempfile

from certificates import Authority
from support import BUILD, PATIENCE, Case

PROGRAM = os.path.join(BUILD, "main_test/graceful_main")
CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
# Debian's modules (h2, websockets) are for Debian's interpreter.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def make_certificates(folder):
    """A CA, a server's and a client's certificate, as files in `folder`."""
    authority = Authority(folder)
    authority.issue("server", names=["localhost"])
    authority.issue("client", client=True)


class Protocols(Case):
    """One port in the clear and one with TLS, of the demonstration program."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        make_certificates(self.folder)

    def start(self, *flags):
        service = self.service(program=PROGRAM, folder=self.folder, arguments=[
            "--address", "127.0.0.1", "--port", "0", "--pid-file", self.file("service.pid"),
            "--tls-port", "0", "--certificate", self.file("server.pem"),
            "--key", self.file("server.key"), *flags])
        service.ready()
        self.clear = int(
            service.wait_log(r"listening http on 127\.0\.0\.1:(\d+) event=").group(1))
        self.tls = int(service.wait_log(r"listening http on 127\.0\.0\.1:(\d+) as 'tls' with TLS").group(1))
        return service

    def file(self, name):
        return os.path.join(self.folder, name)

    def urls(self):
        return f"http://127.0.0.1:{self.clear}", f"https://localhost:{self.tls}"

    def curl(self, *arguments, status=0):
        return self.run_client("curl", "--silent", "--show-error", "--max-time", str(PATIENCE),
                               "--cacert", self.file("ca.pem"), *arguments, status=status)

    def context(self, **versions):
        made = ssl.create_default_context(cafile=self.file("ca.pem"))
        for name, value in versions.items():
            setattr(made, name, value)
        return made
