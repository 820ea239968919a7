"""gRPC under TLS: one-way and mutual, certificates that change, and who a client is."""

import os
import shutil
import ssl
import subprocess
import unittest

from certificates import Authority
from grpc_support import LANGUAGES, PEER, SERVICE, GrpcCase
from support import connect

# How the clients write UNAVAILABLE.
REFUSED = r"^empty_unary failed: (?s:.*)(UNAVAILABLE|status 14)"


class Tls(GrpcCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.known = cls.authority.issue("known", client=True)
        cls.strangers = Authority(cls.authority.file("strangers"))
        cls.stranger = cls.strangers.issue("stranger", client=True)

    def mutual(self, **config):
        return self.start(self.clear(), self.tls(mode="mutual", ca=self.file("ca.pem")), **config)

    def test_nobody_is_served_in_the_clear_where_tls_is_asked_for(self):
        service = self.start()
        client = self.session(service, "tls")
        client.tell("connect", channel="clear", credentials="-")
        self.assertEqual(client.tell("who", channel="clear")["code"], "UNAVAILABLE")
        self.assertEqual(client.tell("who")["pid"], service.pid())
        other = self.session(service, "web")
        other.tell("connect", channel="tls", credentials=self.credentials("tls"))
        self.assertEqual(other.tell("who", channel="tls")["code"], "UNAVAILABLE")
        client.close()
        other.close()
        service.quit()

    def test_a_client_trusts_only_whom_its_authority_signed(self):
        service = self.start()
        client = self.session(service, "tls")
        client.tell("connect", channel="other", credentials=self.strangers.file("ca.pem"))
        self.assertEqual(client.tell("who", channel="other")["code"], "UNAVAILABLE")
        client.close()
        service.quit()

    def test_mutual(self):
        for program in (SERVICE, PEER):
            service = self.start(self.tls(mode="mutual", ca=self.file("ca.pem")), program=program)
            for language in LANGUAGES:
                with self.subTest(language=language, program=os.path.basename(program)):
                    self.run_cases(language, service, "tls", "empty_unary", "ping_pong",
                                   client=self.known)
                    for whom, client in (("nobody", None), ("a stranger", self.stranger)):
                        done = subprocess.run(
                            self.command(language, "cases", service, "tls", "empty_unary",
                                         client=client),
                            capture_output=True, text=True, timeout=60, check=False)
                        self.assertEqual(done.returncode, 1, whom)
                        self.assertRegex(done.stdout, REFUSED)
            service.quit()

    def identity(self):
        fingerprint = self.authority.openssl("x509", "-in", "known.pem", "-noout", "-fingerprint",
                                             "-sha256").strip().split("=")[1]
        return "CN=known", fingerprint.replace(":", "").lower()

    def test_handlers_know_who_calls(self):
        service = self.mutual()
        for name, client, wanted in (("tls", self.known, self.identity()), ("web", None, ("", ""))):
            session = self.session(service, name, client=client)
            for kind in ("Probe", "Native"):
                with self.subTest(service=kind, listener=name):
                    seen = session.tell("who", service=kind)
                    self.assertEqual((seen["subject"], seen["fingerprint"]), wanted)
                    self.assertRegex(seen["peer"], r"^ipv4:127\.0\.0\.1:\d+$")
            stream = session.tell("talk", call=1, text="who")
            self.assertEqual((stream["subject"], stream["fingerprint"]), wanted)
            self.assertEqual(stream["peer"], seen["peer"])
            session.close()
        service.quit()

    def test_a_client_cannot_say_that_it_is_another(self):
        forged = [["baton-peer", "ipv4:10.0.0.1:1"], ["baton-client-subject-bin", "CN=root"],
                  ["baton-client-subject", "CN=root"], ["baton-client-fingerprint", "00" * 32]]
        service = self.mutual()
        for name, client, wanted in (("tls", self.known, self.identity()), ("web", None, ("", ""))):
            session = self.session(service, name, client=client)
            for kind in ("Probe", "Native"):
                with self.subTest(service=kind, listener=name):
                    seen = session.tell("who", service=kind, metadata=[*forged, ["mine", "kept"]])
                    self.assertEqual((seen["subject"], seen["fingerprint"]), wanted)
                    self.assertRegex(seen["peer"], r"^ipv4:127\.0\.0\.1:\d+$")
                    self.assertIn(["mine", "kept"], seen["metadata"])
                    for pair in forged:
                        self.assertNotIn(pair, seen["metadata"])
            session.close()
        service.quit()

    def test_status_of_a_native_route(self):
        service = self.mutual()
        session = self.session(service, "tls", client=self.known)
        self.assertEqual(session.tell("fail", text="not now: 100 % ☺"), {
            "code": "FAILED_PRECONDITION", "details": "not now: 100 % ☺",
            "more": "not now: 100 % ☺"})
        session.close()
        service.quit()


class Reload(GrpcCase):
    def serial(self, port):
        """Of the certificate that a new client is shown."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with context.wrap_socket(connect(port), server_hostname="localhost") as client:
            shown = ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True))
        return self.authority.openssl("x509", "-in", self.authority.write("shown.pem", shown),
                                      "-noout", "-serial").strip().split("=")[1]

    def test_new_channels_see_the_new_certificate_and_old_calls_go_on(self):
        live = {kind: self.file("live." + kind) for kind in ("certificate", "key")}
        for kind, source in self.certificate.items():
            shutil.copy(source, live[kind])
        service = self.start(self.tls(certificates=[live]))
        port = service.port("tls")
        self.assertEqual(self.serial(port), self.authority.field("server", "serial"))
        client = self.session(service, "tls")
        self.assertEqual(client.tell("talk", call=1, text="before")["text"], "before")

        successor = Authority(self.file("successor"))
        renewed = successor.issue("server", names=["localhost"])
        for kind in ("key", "certificate"):
            shutil.copy(renewed[kind], live[kind] + ".new")
            os.replace(live[kind] + ".new", live[kind])
        service.wait_log("TLS on the listener tls: loaded again")
        self.assertEqual(self.serial(port), successor.field("server", "serial"))
        self.assertEqual(client.tell("talk", call=1, text="after")["text"], "after")
        self.assertEqual(client.tell("who")["pid"], service.pid())
        client.tell("connect", channel="late", credentials=self.credentials("tls"))
        self.assertEqual(client.tell("who", channel="late")["code"], "UNAVAILABLE")
        client.tell("connect", channel="new", credentials=successor.file("ca.pem"))
        self.assertEqual(client.tell("who", channel="new")["pid"], service.pid())
        self.assertEqual(client.tell("end", call=1)["code"], "OK")
        client.close()
        service.quit()

    def refuse(self, says, **tls):
        """The program says why, and ends; its other port serves nobody either."""
        service = self.service({"listeners": [self.clear(), self.tls(**tls)]}, program=SERVICE)
        self.assertEqual(service.gone(), 1)
        self.assertRegex(service.log(), says)
        self.assertFalse(os.path.exists(service.pid_file))
        for line in service.output:
            with self.assertRaises(ConnectionRefusedError):
                connect(int(line.rsplit(":", 1)[1]))

    def test_a_certificate_that_does_not_load_ends_the_start(self):
        other = self.authority.issue("other", names=["localhost"])
        broken = self.authority.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n")
        self.refuse("nowhere.pem", certificates=[{**self.certificate,
                                                   "certificate": self.file("nowhere.pem")}])
        self.refuse("broken.pem", certificates=[{**self.certificate, "certificate": broken}])
        self.refuse("other.key", certificates=[{**self.certificate, "key": other["key"]}])
        self.refuse("nobody.pem", mode="mutual", ca=self.file("nobody.pem"))

    def test_a_certificate_that_does_not_load_leaves_the_old_generation_in_place(self):
        service = self.start()
        client = self.session(service, "tls")
        old = service.pid()
        service.configure(listeners=[self.clear(), self.tls(
            certificates=[{**self.certificate, "key": self.file("nowhere.key")}])])
        service.kill(10)
        service.wait_log("nowhere.key")
        service.wait_log("(?i)failed|goes on|still serves")
        self.assertEqual(client.tell("who")["pid"], old)
        client.tell("connect", channel="new", credentials=self.credentials("tls"))
        self.assertEqual(client.tell("who", channel="new")["pid"], old)
        client.close()
        service.quit()


if __name__ == "__main__":
    unittest.main()
