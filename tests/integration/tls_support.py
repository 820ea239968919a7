"""A service with TLS as the tests ask for it, and the clients that look at it."""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile

from certificates import Authority
from support import PATIENCE, Case, connect, read_response

V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = (V1_2, V1_3)
GET = b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def read_all(client):
    text = b""
    while piece := client.recv(65536):
        text += piece
    return text


class TlsCase(Case):
    """One authority for all tests of a class; `issue_all` makes what they share."""

    @classmethod
    def setUpClass(cls):
        cls.authority = Authority(tempfile.mkdtemp(prefix="baton-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.authority.folder, ignore_errors=True)
        cls.server = cls.authority.issue("server", names=["localhost"])
        cls.issue_all()

    @classmethod
    def issue_all(cls):
        pass

    def listener(self, name="web", **tls):
        tls.setdefault("certificates", [self.server])
        return {"address": "127.0.0.1:0", "name": name, "tls": tls}

    def start(self, *listeners, **config):
        service = self.service({"listeners": list(listeners) or [self.listener()], **config})
        service.ready()
        return service

    def context(self, version=None, client=None, **options):
        """For a client that trusts the authority, and shows the certificate called `client`."""
        made = ssl.create_default_context(cafile=self.authority.file("ca.pem"))
        if version is not None:
            made.minimum_version = made.maximum_version = version
        if client is not None:
            made.load_cert_chain(client["certificate"], client["key"])
        for name, value in options.items():
            setattr(made, name, value)
        return made

    @staticmethod
    def wrap(context, port, session=None, raw=None, name="localhost"):
        """A client to whom an end without close_notify is an error (RFC 8446 section 6.1)."""
        return context.wrap_socket(raw or connect(port), server_hostname=name, session=session,
                                   suppress_ragged_eofs=False)

    def ask(self, context, port, path="/tls", **how):
        """The body of one answer."""
        with self.wrap(context, port, **how) as client:
            client.sendall(GET % path.encode())
            status, _, body = read_response(client)
            self.assertEqual(status, 200, body)
            return body.decode()

    def seen(self, context, port, **how):
        """What the handler sees of the client, as a dictionary."""
        return dict(line.split("=", 1) for line in self.ask(context, port, **how).splitlines())

    def refusal(self, context, port, **how):
        """OpenSSL's name for the alert with which the client is refused. In TLS 1.3 a client is
        done before the server has seen its certificate."""
        try:
            with self.wrap(context, port, **how) as client:
                client.sendall(GET % b"/tls")
                text = read_all(client)
        except ssl.SSLError as error:
            return error.reason
        self.fail(f"the client was not refused: {text}")

    def resume(self, context, port, session=None, **how):
        """(body, session, resumed) of one connection."""
        with self.wrap(context, port, session=session, **how) as client:
            client.sendall(GET % b"/tls")
            return read_all(client), client.session, client.session_reused

    def s_client(self, port, *flags, path="/tls", name="localhost"):
        """openssl s_client's output around one request."""
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile",
                   self.authority.file("ca.pem"), "-ign_eof",
                   *(["-servername", name] if name else ["-noservername"]), *flags]
        done = subprocess.run(command, input=GET % path.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE * 2, check=False)
        return done.stdout.decode("utf-8", "replace")

    def raw(self, port, *pieces):
        """All that comes back for raw bytes; a reset counts as the end."""
        with connect(port) as client:
            answer = b""
            try:
                for piece in pieces:
                    client.sendall(piece)
                client.shutdown(socket.SHUT_WR)
                answer = read_all(client)
            except ConnectionError:
                pass
            return answer

    @staticmethod
    def put(path, text):
        """Replaces a file as a whole."""
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.replace(path + ".new", path)
