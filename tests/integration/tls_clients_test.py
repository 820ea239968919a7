"""Client certificates, revocation lists, and session tickets, also across restarts (F34)."""

import hashlib
import json
import os
import select
import ssl
import subprocess
import unittest

from support import PATIENCE, PROGRAM
from tls_support import BOTH, V1_2, V1_3, TlsCase

RESUMED = "resumed=true"


class Clients(TlsCase):
    """Who must show a certificate, and whose is taken."""

    @classmethod
    def issue_all(cls):
        cls.alice = cls.authority.issue("alice", client=True)
        cls.rsa = cls.authority.issue("rsa-client", client=True, key="rsa")
        cls.bob = cls.authority.issue("bob", client=True)
        cls.expired = cls.authority.issue("expired", client=True, days=-1)
        cls.wrong = cls.authority.issue("wrong-purpose", usage="serverAuth")
        other = type(cls.authority)(cls.authority.file("other"), subject="/CN=another CA")
        cls.stranger = other.issue("stranger", client=True)
        # Signed by somebody with our authority's name, and another key.
        namesake = type(cls.authority)(cls.authority.file("namesake"))
        cls.forged = namesake.issue("forged", client=True)

    def asking(self, name="web", clients="require", **more):
        more.setdefault("ca", self.authority.file("ca.pem"))
        return self.listener(name, mode="manual", clients=clients, **more)

    def fingerprint(self, of):
        with open(of["certificate"], encoding="ascii") as file:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()

    def test_the_handler_sees_who_it_is(self):
        service = self.start(self.asking("asked", "request"), self.asking("required"),
                             self.listener("mutual", mode="mutual", ca=self.authority.file("ca.pem")))
        for version in BOTH:
            for name in ("asked", "required", "mutual"):
                for who, subject in ((self.alice, "CN=alice"), (self.rsa, "CN=rsa-client")):
                    with self.subTest(version=version, listener=name, subject=subject):
                        seen = self.seen(self.context(version, who), service.port(name))
                        self.assertEqual(seen["client_subject"], subject)
                        self.assertEqual(seen["client_fingerprint"], self.fingerprint(who))
            seen = self.seen(self.context(version), service.port("asked"))
            self.assertEqual((seen["client_subject"], seen["client_fingerprint"]), ("", ""))
        service.quit()

    def test_who_is_refused_is_told_why(self):
        service = self.start(self.asking("asked", "request"), self.asking("required"))
        for version in BOTH:
            self.assertEqual(self.refusal(self.context(version), service.port("required")),
                             "SSLV3_ALERT_HANDSHAKE_FAILURE" if version == V1_2
                             else "TLSV13_ALERT_CERTIFICATE_REQUIRED")
            for name in ("asked", "required"):
                for who, alert in ((self.stranger, "TLSV1_ALERT_UNKNOWN_CA"),
                                   (self.expired, "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
                                   (self.wrong, "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"),
                                   (self.forged, "TLSV1_ALERT_UNKNOWN_CA")):
                    with self.subTest(version=version, listener=name, alert=alert):
                        self.assertEqual(
                            self.refusal(self.context(version, who), service.port(name)), alert)
        service.wait_log("client certificate refused: certificate has expired")
        service.quit()

    def test_the_authorities_are_named_to_the_client(self):
        service = self.start(self.asking())
        self.assertRegex(self.s_client(service.port(), "-tls1_2"),
                         "Acceptable client certificate CA names\nCN = test CA\n")
        service.quit()

    def test_who_was_revoked_is_refused(self):
        crl = self.authority.revocation_list("bob")
        service = self.start(self.asking(crl=crl))
        port = service.port()
        sessions = {}
        for version in BOTH:
            self.assertEqual(self.refusal(self.context(version, self.bob), port),
                             "SSLV3_ALERT_CERTIFICATE_REVOKED")
            context = self.context(version, self.alice)
            sessions[version] = context, self.resume(context, port)[1]
            self.assertTrue(self.resume(context, port, sessions[version][1])[2])
            sessions[version] = context, self.resume(context, port)[1]
        # A ticket does not speak for who was revoked since.
        self.authority.revocation_list("alice")
        service.wait_log("loaded again")
        for version in BOTH:
            context, session = sessions[version]
            self.assertEqual(self.refusal(context, port, session=session),
                             "SSLV3_ALERT_CERTIFICATE_REVOKED")
            self.assertEqual(self.seen(self.context(version, self.bob), port)["client_subject"],
                             "CN=bob")
        self.authority.write("crl.pem", "garbage\n")
        service.wait_log(r"crl\.pem holds no revocation list.*stays in use")
        self.seen(self.context(V1_3, self.bob), port)
        service.quit()

    def test_authorities_below_others(self):
        """Who is named in `ca` needs no list above it, but must not be named by one."""
        root = self.authority
        below = type(root)(root.file("below"), subject="/CN=below", signed_by=root)
        carol, dave = (below.issue(name, client=True) for name in ("carol", "dave"))
        chain = root.write("carol-chain.pem", below.text("carol.pem", "ca.pem"))
        through = {"certificate": chain, "key": carol["key"]}
        both = root.write("both.pem", below.text("ca.pem") + root.text("ca.pem"))
        own = below.revocation_list("dave")
        root.revocation_list("bob", out="root-crl.pem")
        lists = root.write("lists.pem", below.text("crl.pem") + root.text("root-crl.pem"))
        service = self.start(self.asking("below", ca=below.file("ca.pem"), crl=own),
                             self.asking("both", ca=both, crl=lists),
                             self.asking("root", crl=lists))
        for version in BOTH:
            for name, let_in, refused in (("below", [carol, through], [dave]),
                                          ("both", [carol, through, self.alice], [dave, self.bob]),
                                          ("root", [through, self.alice], [self.bob])):
                for who in let_in:
                    with self.subTest(version=version, listener=name, who=who):
                        self.seen(self.context(version, who), service.port(name))
                for who in refused:
                    with self.subTest(version=version, listener=name, who=who):
                        self.assertEqual(
                            self.refusal(self.context(version, who), service.port(name)),
                            "SSLV3_ALERT_CERTIFICATE_REVOKED")
        root.revocation_list("below/ca", out="root-crl.pem")
        self.put(lists, below.text("crl.pem") + root.text("root-crl.pem"))
        service.wait_log("loaded again", 2)
        service.wait_log("certificate 1 of the CA file .*both.pem was revoked")
        for version in BOTH:
            for name in ("both", "root"):
                self.assertEqual(self.refusal(self.context(version, through), service.port(name)),
                                 "SSLV3_ALERT_CERTIFICATE_REVOKED")
                self.seen(self.context(version, self.bob), service.port(name))
            self.assertEqual(self.refusal(self.context(version, carol), service.port("both")),
                             "TLSV1_ALERT_UNKNOWN_CA")
        service.quit()

    def test_a_list_of_somebody_else_lets_nobody_in(self):
        other = type(self.authority)(self.authority.file("third"), subject="/CN=third CA")
        other.issue("nobody", client=True)
        service = self.start(self.asking(crl=other.revocation_list("nobody")))
        self.assertEqual(self.refusal(self.context(V1_3, self.alice), service.port()),
                         "TLSV1_ALERT_UNKNOWN_CA")
        service.wait_log("unable to get certificate CRL")
        service.quit()


class Tickets(TlsCase):
    """Session tickets: good at their listener, in all its generations, for as long as they live."""

    @classmethod
    def issue_all(cls):
        cls.alice = cls.authority.issue("alice", client=True)

    def test_f34_sessions_resume_across_three_restarts(self):
        service = self.start(self.listener("open"),
                             self.listener("mutual", mode="mutual", ca=self.authority.file("ca.pem")))
        sessions = {}
        for version in BOTH:
            for name in ("open", "mutual"):
                context = self.context(version, self.alice)
                _, session, reused = self.resume(context, service.port(name))
                self.assertFalse(reused)
                sessions[version, name] = context, session
        for _ in range(3):
            pid = service.upgrade()
            for (version, name), (context, session) in sessions.items():
                with self.subTest(version=version, listener=name):
                    text, fresh, reused = self.resume(context, service.port(name), session)
                    self.assertTrue(reused)
                    self.assertIn(b"pid=%d\n" % pid, text)
                    self.assertIn(RESUMED.encode(), text)
                    if name == "mutual":
                        self.assertIn(b"client_subject=CN=alice\n", text)
                    # In TLS 1.3 a ticket is for one time; in TLS 1.2 this is the first one still.
                    sessions[version, name] = context, fresh
        service.quit()

    def test_openssl_resumes_across_three_restarts(self):
        service = self.start()
        tickets = {version: self.authority.file("session" + version)
                   for version in ("-tls1_2", "-tls1_3")}
        for version, ticket in tickets.items():
            self.assertIn("\nNew, TLSv1.", self.s_client(service.port(), version, "-sess_out", ticket))
        for _ in range(3):
            service.upgrade()
            for version, ticket in tickets.items():
                output = self.s_client(service.port(), version, "-sess_in", ticket, "-sess_out", ticket)
                self.assertIn("\nReused, TLSv1.", output)
                self.assertIn(RESUMED, output)
        service.quit()

    def test_a_ticket_is_good_at_its_listener_only(self):
        service = self.start(self.listener("open"), self.listener("too"),
                             self.listener("mutual", mode="mutual", ca=self.authority.file("ca.pem")))
        for restarted in (False, True):
            if restarted:
                service.upgrade()
            for version in BOTH:
                with self.subTest(version=version, restarted=restarted):
                    context = self.context(version)
                    session = self.resume(context, service.port("open"))[1]
                    self.assertFalse(self.resume(context, service.port("too"), session)[2])
                    self.assertEqual(
                        self.refusal(context, service.port("mutual"), session=session),
                        "SSLV3_ALERT_HANDSHAKE_FAILURE" if version == V1_2
                        else "TLSV13_ALERT_CERTIFICATE_REQUIRED")
                    self.assertTrue(self.resume(context, service.port("open"), session)[2])
        service.quit()

    def test_keys_rotate(self):
        """A ticket is renewed once its key is an old one, and in the end it is worth nothing."""
        service = self.start(self.listener(ticket_lifetime_s=4))
        context = self.context(V1_2)
        _, first, _ = self.resume(context, service.port())
        renewed = False
        for _ in range(int(PATIENCE * 10)):
            _, session, reused = self.resume(context, service.port(), first)
            if not reused:
                break
            renewed = renewed or session.id != first.id or session.ticket_lifetime_hint == 0 or \
                session.time > first.time
            select.select([], [], [], 0.1)
        self.assertFalse(reused, "a ticket outlived its life")
        self.assertTrue(renewed, "it was never opened by an old key")
        service.quit()

    def test_none(self):
        service = self.start(self.listener(ticket_lifetime_s=0))
        for version in BOTH:
            context = self.context(version)
            _, session, _ = self.resume(context, service.port())
            self.assertFalse(session.has_ticket)
            self.assertFalse(self.resume(context, service.port(), session)[2])
        service.quit()

    def test_early_data_is_not_accepted(self):
        service = self.start()
        ticket, data = self.authority.file("ticket"), self.authority.file("early")
        output = self.s_client(service.port(), "-tls1_3", "-sess_out", ticket)
        self.assertIn("Max Early Data: 0", output)
        self.authority.write("early", "GET /early HTTP/1.1\r\nHost: h\r\n\r\n")
        output = self.s_client(service.port(), "-tls1_3", "-sess_in", ticket, "-early_data", data)
        self.assertIn("Early data was not sent", output)
        self.assertIn(RESUMED, output)
        service.quit()

    def test_one_ticket_a_handshake_and_another_with_each_resumption(self):
        service = self.start()
        ticket = self.authority.file("ticket")
        for how in (["-sess_out", ticket], ["-sess_in", ticket]):
            output = self.s_client(service.port(), "-tls1_3", "-msg", *how)
            self.assertEqual(output.count("NewSessionTicket"), 1, output)
        self.assertIn(RESUMED, output)
        service.quit()


class Setup(TlsCase):
    """What cannot be served is an error that names the file, the reason and the remedy."""

    @classmethod
    def issue_all(cls):
        cls.locked = cls.authority.issue("locked", names=["localhost"], passphrase="open sesame")
        cls.other = cls.authority.issue("other", names=["localhost"])

    def refused(self, *says, **tls):
        service = self.service({"listeners": [self.listener(**tls)]})
        self.assertEqual(service.gone(), 1)
        for part in ("TLS on the listener web", *says):
            self.assertIn(part, service.log())

    def test_an_encrypted_key(self):
        service = self.start(self.listener(certificates=[{**self.locked,
                                                          "passphrase": "open sesame"}]))
        self.ask(self.context(), service.port())
        service.upgrade()
        self.ask(self.context(), service.port())
        service.quit()
        self.refused(self.locked["key"], "encrypted and no passphrase is given",
                     certificates=[self.locked])
        self.refused(self.locked["key"], "cannot be decrypted with the passphrase given",
                     "check tls_certificate::passphrase",
                     certificates=[{**self.locked, "passphrase": "open barley"}])

    def test_a_key_of_another_certificate(self):
        self.refused(self.other["key"], self.server["certificate"], "does not belong to",
                     "key values mismatch",
                     certificates=[{"certificate": self.server["certificate"],
                                    "key": self.other["key"]}])

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody else")
    def test_a_key_that_this_user_may_not_read(self):
        nobody = 65534
        os.chmod(self.authority.folder, 0o755)
        os.chmod(self.server["key"], 0o600)
        config = self.authority.write("config.json", json.dumps({"listeners": [self.listener()]}))
        done = subprocess.run([PROGRAM, config], user=nobody, group=nobody, extra_groups=[],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        for part in (self.server["key"], "EACCES", f"uid {nobody}"):
            self.assertIn(part, done.stderr)

    def test_a_revocation_list_without_authorities(self):
        self.refused("tls_options::crl is set", mode="manual", crl="crl.pem")


if __name__ == "__main__":
    unittest.main()
