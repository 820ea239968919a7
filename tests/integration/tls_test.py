"""TLS as clients see it: certificates by name, protocols, versions, stapling, loading again."""

import os
import re
import ssl
import threading
import unittest

from protocols import Protocols
from support import connect, read_response
from tls_support import BOTH, V1_2, V1_3, TlsCase, read_all


class Ends(Protocols):
    """Of the demonstration program: every end is said, and sessions cross a restart."""

    def client(self, **versions):
        """To whom an end without close_notify is an error (RFC 8446 section 6.1)."""
        return self.context(**versions).wrap_socket(
            connect(self.tls), server_hostname="localhost", suppress_ragged_eofs=False)

    def test_every_end_is_said(self):
        service = self.start()
        for version in BOTH:
            with self.client(maximum_version=version) as client:
                client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                self.assertIn(b"200 OK", read_all(client))
            with self.client(maximum_version=version) as client:
                client.sendall(b"no request at all\r\n\r\n")
                self.assertIn(b"400 Bad Request", read_all(client))
            with self.client(maximum_version=version) as client:
                client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertEqual(read_response(client)[0], 200)
                client.unwrap()  # ends its side, and waits for the answer
        with self.client() as client:
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(read_response(client)[0], 200)
            service.upgrade()
            service.wait_log(r"step 3 of 5")  # from here on the old one says so
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertIn(b"Connection: close", read_all(client))
        service.quit()

    def test_the_flag_for_client_certificates(self):
        service = self.start("--client-ca", self.file("ca.pem"))
        url = self.urls()[1] + "/ping"
        # What curl says depends on when it sees the alert: while it sends, or later.
        self.run_client("curl", "--silent", "--cacert", self.file("ca.pem"), url, status=(35, 55, 56))
        answer = self.curl("--cert", self.file("client.pem"), "--key", self.file("client.key"), url)
        self.assertIn(b"pong by pid:", answer)
        service.quit()


class Names(TlsCase):
    """The server name and what the client can verify choose the certificate."""

    @classmethod
    def issue_all(cls):
        cls.both_ec = cls.authority.issue("both-ec", names=["both.test", "*.wild.test"])
        cls.both_rsa = cls.authority.issue("both-rsa", names=["both.test"], key="rsa")
        cls.wild_rsa = cls.authority.issue("wild-rsa", names=["*.wild.test"], key="rsa")

    def test_the_name_chooses(self):
        service = self.start(self.listener(
            certificates=[self.server, self.both_ec, self.both_rsa, self.wild_rsa]))
        port = service.port()
        for name, subject in (("localhost", "server"), ("both.test", "both-ec"),
                              ("BOTH.test", "both-ec"), ("a.wild.test", "both-ec"),
                              ("a.b.wild.test", "server"), ("unknown.test", "server"),
                              (None, "server")):
            with self.subTest(name=name):
                output = self.s_client(port, name=name)
                self.assertIn(f"subject=CN = {subject}\n", output)
                self.assertIn(f"\nserver_name={name or ''}\n", output)
        for name in ("both.test", "a.wild.test"):
            answer = self.s_client(port, "-sigalgs", "RSA-PSS+SHA256:ECDSA+SHA384", "-tls1_2",
                                   "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", name=name)
            self.assertRegex(answer, r"subject=CN = (both|wild)-rsa\n")
        service.quit()

    def test_the_clients_signature_algorithms_choose(self):
        # Signed with ECDSA all of them, so a client that verifies them must know ECDSA for that.
        service = self.start(self.listener(certificates=[self.both_ec, self.both_rsa]))
        for version in ("-tls1_2", "-tls1_3"):
            for algorithms, subject, kind in (("RSA-PSS+SHA256", "both-rsa", "RSA-PSS"),
                                              ("ECDSA+SHA256", "both-ec", "ECDSA"),
                                              ("ECDSA+SHA256:RSA-PSS+SHA256", "both-ec", "ECDSA")):
                with self.subTest(version=version, algorithms=algorithms):
                    output = self.s_client(service.port(), version, "-sigalgs", algorithms,
                                           name="both.test")
                    self.assertIn(f"subject=CN = {subject}\n", output)
                    self.assertIn(f"Peer signature type: {kind}\n", output)
        service.quit()

    def test_curl_verifies_the_name(self):
        service = self.start(self.listener(certificates=[self.server, self.both_ec]))
        port = service.port()
        for name, status in (("both.test", 0), ("other.wild.test", 0), ("unknown.test", 60)):
            with self.subTest(name=name):
                self.run_client("curl", "--silent", "--cacert", self.authority.file("ca.pem"),
                                "--resolve", f"{name}:{port}:127.0.0.1",
                                f"https://{name}:{port}/ping", status=status)
        service.quit()


class Protocol(TlsCase):
    """Application protocols (RFC 7301)."""

    def test_the_first_of_ours_that_the_client_offers(self):
        service = self.start()
        for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"),
                                (["http/1.1"], "http/1.1"), (["acme/1", "http/1.1"], "http/1.1"),
                                (None, None)):
            context = self.context()
            if offered is not None:
                context.set_alpn_protocols(offered)
            with self.subTest(offered=offered), self.wrap(context, service.port()) as client:
                self.assertEqual(client.selected_alpn_protocol(), chosen)
        service.quit()

    def test_none_in_common_is_fatal(self):
        service = self.start()
        for version in ("-tls1_2", "-tls1_3"):
            output = self.s_client(service.port(), version, "-alpn", "acme-tls/1,imap")
            self.assertIn("alert no application protocol", output)
            self.assertNotIn("HTTP/1.1", output)
        service.wait_log("no application protocol")
        service.quit()

    def test_what_is_agreed_is_what_is_spoken(self):
        service = self.start(self.listener(alpn=["http/1.1"]))
        url = f"https://localhost:{service.port()}/tls"
        answer = self.run_client("curl", "--silent", "--cacert", self.authority.file("ca.pem"),
                                 "--http2", "-w", "%{http_version}", url).decode()
        self.assertIn("protocol=http/1.1\n", answer)
        self.assertTrue(answer.endswith("1.1"), answer)
        service.quit()


class Versions(TlsCase):
    """Versions and ciphers: the standard ones, and those that were chosen."""

    def test_nothing_before_1_2(self):
        service = self.start()
        for flag in ("-tls1", "-tls1_1"):
            output = self.s_client(service.port(), flag, "-cipher", "ALL:@SECLEVEL=0")
            self.assertIn("alert protocol version", output)
        self.assertEqual(self.seen(self.context(V1_2), service.port())["version"], "TLSv1.2")
        self.assertEqual(self.seen(self.context(V1_3), service.port())["version"], "TLSv1.3")
        service.quit()

    def test_1_3_only(self):
        service = self.start(self.listener(mode="manual", minimum_version="1.3"))
        self.assertEqual(self.refusal(self.context(V1_2), service.port()),
                         "TLSV1_ALERT_PROTOCOL_VERSION")
        self.assertEqual(self.seen(self.context(V1_3), service.port())["version"], "TLSv1.3")
        service.quit()

    def test_the_standard_ciphers_are_good_ones_only(self):
        service = self.start()
        for cipher in ("kRSA", "3DES", "RC4", "NULL", "aNULL", "EXPORT", "SHA1", "CBC", "PSK",
                       "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"):
            output = self.s_client(service.port(), "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
            # Some are no longer built in: then the client has nothing to offer.
            self.assertRegex(output, "handshake failure|no cipher match|no ciphers available", cipher)
            self.assertNotIn("HTTP/1.1 200", output)
        output = self.s_client(service.port(), "-tls1_2")
        self.assertIn("Cipher is ECDHE-ECDSA-", output)
        self.assertIn("Compression: NONE", output)
        self.assertIn("Secure Renegotiation IS supported", output)
        self.assertIn("Extended master secret: yes", output)
        service.quit()

    def test_ciphers_and_whose_order_counts(self):
        chosen = {"mode": "manual", "ciphersuites": "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384",
                  "ciphers": "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"}
        service = self.start(self.listener("ours", **chosen),
                             self.listener("theirs", prefer_server_ciphers=False, **chosen))

        def cipher(port, *flags):
            return re.search(r"^cipher=(.*)$", self.s_client(service.port(port), *flags), re.M)[1]

        old = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
        self.assertEqual(cipher("ours", *old), "ECDHE-ECDSA-AES256-GCM-SHA384")
        self.assertEqual(cipher("theirs", *old), "ECDHE-ECDSA-AES128-GCM-SHA256")
        new = ("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
        self.assertEqual(cipher("ours", *new), "TLS_CHACHA20_POLY1305_SHA256")
        self.assertEqual(cipher("theirs", *new), "TLS_AES_256_GCM_SHA384")
        output = self.s_client(service.port("ours"), "-tls1_3", "-ciphersuites",
                               "TLS_AES_128_GCM_SHA256")
        self.assertIn("alert handshake failure", output)
        service.quit()


class Stapling(TlsCase):
    """An OCSP response from a file (RFC 6066 section 8)."""

    @classmethod
    def issue_all(cls):
        cls.other = cls.authority.issue("other", names=["other.test"], key="rsa")

    def test_stapled_and_loaded_again(self):
        file = self.authority.ocsp_response("server")
        of_other = self.authority.ocsp_response("other", revoked=True)
        service = self.start(self.listener(certificates=[{**self.server, "ocsp_response": file},
                                                         {**self.other, "ocsp_response": of_other}]))
        service.wait_log("other.ocsp says that .* is revoked")
        port = service.port()
        for version in ("-tls1_2", "-tls1_3"):
            output = self.s_client(port, version, "-status")
            self.assertIn("OCSP Response Status: successful", output)
            self.assertIn("Cert Status: good", output)
            self.assertIn(self.authority.field("server", "serial"), output)
            output = self.s_client(port, version, "-status", name="other.test")
            self.assertIn("Cert Status: revoked", output)
            self.assertIn("HTTP/1.1 200", output)
            self.assertNotIn("OCSP", self.s_client(port, version))
        self.authority.ocsp_response("server", revoked=True)
        service.wait_log("loaded again")
        self.assertIn("Cert Status: revoked", self.s_client(port, "-status"))
        self.authority.write("server.ocsp", "nothing of the kind\n")
        service.wait_log(r"server\.ocsp cannot be stapled: it is no DER.*stays in use")
        self.assertIn("Cert Status: revoked", self.s_client(port, "-status"))
        service.quit()

    def test_curl_demands_it(self):
        file = self.authority.ocsp_response("server")
        # It looks for the issuer in what the server sends.
        chain = self.authority.write("chain.pem", "".join(
            self.authority.openssl("x509", "-in", name) for name in ("server.pem", "ca.pem")))
        chained = {**self.server, "certificate": chain}
        service = self.start(
            self.listener("with", certificates=[{**chained, "ocsp_response": file}]),
            self.listener("without", certificates=[chained]))
        for name, status in (("with", 0), ("without", 91)):
            self.run_client("curl", "--silent", "--cert-status", "--cacert",
                            self.authority.file("ca.pem"),
                            f"https://localhost:{service.port(name)}/ping", status=status)
        service.quit()

    def test_of_another_certificate(self):
        file = self.authority.ocsp_response("other")
        service = self.service({"listeners": [self.listener(
            certificates=[{**self.server, "ocsp_response": file}])]})
        service.wait_log(r"other\.ocsp cannot be stapled: it says nothing about")
        self.assertEqual(service.gone(), 1)


class Reload(TlsCase):
    """Files that change are loaded again; connections do not notice."""

    def place(self, source):
        """Copies of a certificate and its key that a test may replace; returns both contents."""
        made = {}
        for kind, path in source.items():
            with open(path, encoding="ascii") as file:
                made[kind] = file.read()
        return made

    def serial(self, port):
        with self.wrap(self.context(), port) as client:
            return client.getpeercert()["serialNumber"]

    def setUp(self):
        self.old = self.place(self.server)
        self.new = self.place(self.authority.issue("renewed", names=["localhost"]))
        self.files = {kind: self.authority.file(f"{self.id().rsplit('.', 1)[1]}.{kind}")
                      for kind in self.old}
        self.write(self.old)

    def write(self, contents):
        for kind, text in contents.items():
            self.put(self.files[kind], text)

    def test_only_new_connections_see_it(self):
        service = self.start(self.listener(certificates=[self.files]))
        port = service.port()
        before = self.serial(port)
        with self.wrap(self.context(), port) as client:
            self.write(self.new)
            service.wait_log("TLS on the listener web: loaded again")
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200 OK", read_all(client))
        self.assertNotEqual(self.serial(port), before)
        service.quit()

    def test_what_cannot_be_loaded_leaves_the_old(self):
        service = self.start(self.listener(certificates=[self.files]))
        port = service.port()
        before = self.serial(port)
        for kind, text, says in (
                ("certificate", "garbage\n", "holds no certificate"),
                ("certificate", self.old["certificate"][:300] + "\n", "damaged at certificate 1"),
                ("key", self.new["key"], "does not belong to .*key values mismatch"),
                ("key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                 "holds no usable private key")):
            with self.subTest(says=says):
                self.put(self.files[kind], text)
                # No newline in between: one line names file and reason.
                service.wait_log(f"{os.path.basename(self.files[kind])}.*{says}.*stays in use")
                self.assertEqual(self.serial(port), before)
                self.put(self.files[kind], self.old[kind])
                service.wait_log("loaded again", service.count_log("loaded again") + 1)
        os.unlink(self.files["certificate"])
        service.wait_log("ENOENT.*stays in use")
        self.assertEqual(self.serial(port), before)
        self.write(self.new)
        service.wait_for(lambda: self.serial(port) != before, "the new certificate")
        service.quit()

    def test_written_in_place_piece_by_piece(self):
        """Whoever copies over a file shows it half done, and then with the wrong key."""
        service = self.start(self.listener(certificates=[self.files]))
        port = service.port()
        before = self.serial(port)
        for kind, mode, text, says in (
                ("certificate", "w", self.new["certificate"][:300], "damaged at certificate 1.*stays"),
                ("certificate", "a", self.new["certificate"][300:], "does not belong to.*stays"),
                ("key", "w", self.new["key"], "TLS on the listener web: loaded again")):
            self.assertEqual(self.serial(port), before)
            with open(self.files[kind], mode, encoding="ascii") as file:
                file.write(text)
            service.wait_log(says)
        self.assertNotEqual(self.serial(port), before)
        service.quit()

    def test_a_link_that_flips(self):
        """As Kubernetes changes a mounted secret: both files at once, by one link to a folder."""
        mount = self.authority.file("mount")
        for number, contents in ((1, self.old), (2, self.new)):
            os.makedirs(f"{mount}/..{number}")
            for kind, text in contents.items():
                with open(f"{mount}/..{number}/{kind}", "w", encoding="ascii") as file:
                    file.write(text)
        os.symlink("..1", f"{mount}/..data")
        for kind in self.old:
            os.symlink(f"..data/{kind}", f"{mount}/{kind}")
        service = self.start(self.listener(
            certificates=[{kind: f"{mount}/{kind}" for kind in self.old}]))
        port = service.port()
        before = self.serial(port)
        with self.wrap(self.context(), port) as client:
            os.symlink("..2", f"{mount}/..data_tmp")
            os.replace(f"{mount}/..data_tmp", f"{mount}/..data")
            service.wait_log("TLS on the listener web: loaded again")
            self.assertNotEqual(self.serial(port), before)
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200 OK", read_all(client))
        self.assertEqual(service.count_log("stays in use"), 0)
        service.quit()

    def test_under_load(self):
        service = self.start(self.listener(certificates=[self.files]), threads=2)
        port, over, failures, serials = service.port(), threading.Event(), [], set()

        def load(context):
            try:
                while not over.is_set():
                    with self.wrap(context, port) as client:
                        serials.add(client.getpeercert()["serialNumber"])
                        for _ in range(3):
                            client.sendall(b"GET /bytes/50000 HTTP/1.1\r\nHost: h\r\n\r\n")
                            if len(read_response(client)[2]) != 50000:
                                failures.append("short")
            except (OSError, ValueError) as error:
                failures.append(repr(error))

        clients = [threading.Thread(target=load, args=(self.context(version),))
                   for version in BOTH * 2]
        for client in clients:
            client.start()
        try:
            for number in range(1, 7):
                self.write(self.new if number % 2 else self.old)
                service.wait_log("loaded again", number)
        finally:
            over.set()
            for client in clients:
                client.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(serials), 2)
        self.assertEqual(service.count_log("stays in use"), 0)
        service.quit()


if __name__ == "__main__":
    unittest.main()
