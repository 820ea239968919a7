"""TLS changes in the configuration while the service runs: for new connections, without a restart."""

import os
import re
import shutil
import ssl
import tempfile
import unittest

from config_support import IN_FORCE, ConfigCase
from support import connect, read_response
from tls_support import BOTH, GET, V1_2, V1_3, TlsCase, read_all


class ConfigTls(ConfigCase, TlsCase):
    """One listener with TLS; what changes is `self.settings["tls"]`."""

    @classmethod
    def issue_all(cls):
        cls.renewed = cls.authority.issue("renewed", names=["localhost"])
        cls.other = cls.authority.issue("other", names=["other.test"])
        cls.client = cls.authority.issue("client", client=True)
        cls.broken = {"certificate": cls.authority.write("broken.pem", "no certificate\n"), "key": cls.server["key"]}

    def begin(self, main=None, more=None, **settings):
        """`main`: keys of that block; `more`: blocks beside it."""
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        settings.setdefault("listeners", [{"address": "127.0.0.1:0", "name": "web", "tls": "main"}])
        blocks = {"main": {"certificates": [self.server], **(main or {})}, **(more or {})}
        service = self.configured(folder, tls=blocks, **settings)
        self.first = service.ready()
        self.version = 1
        return service

    def change_tls(self, service, block="main", **keys):
        """The next version is in force, in the same process; returns the log line about it."""
        self.settings["tls"][block].update(keys)
        return self.applied(service)

    def applied(self, service):
        self.write()
        self.version += 1
        found = service.wait_log(rf"configuration version {self.version} is in force: .*")
        self.assertEqual(service.pid(), self.first)
        self.assertEqual(service.count_log("start new process|asks for a restart"), 0)
        return found.group(0)

    def refused(self, service, pattern, count=1):
        self.write()
        found = service.wait_log(rf"not taken over, version {self.version} stays in force: .*{pattern}", count)
        self.assertEqual(service.pid(), self.first)
        return found.group(0)

    def served(self, port, name="localhost", **how):
        """Whose certificate a new client sees, which it verifies."""
        with self.wrap(self.context(**how), port, name=name) as client:
            client.sendall(GET % b"/ping")
            self.assertIn(b"200 OK", read_all(client))
            return dict(pair[0] for pair in client.getpeercert()["subject"])["commonName"]

    def keep_alive(self, port, **how):
        client = self.wrap(self.context(**how), port)
        self.addCleanup(client.close)
        self.go_on(client)
        return client

    def go_on(self, client):
        client.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertEqual(read_response(client)[0], 200)


class Certificates(ConfigTls):
    def test_at_another_path(self):
        service = self.begin()
        port = self.port_of(service)
        self.assertEqual(self.served(port), "server")
        open_one = self.keep_alive(port)
        line = self.change_tls(service, certificates=[self.renewed])
        self.assertIn(f"tls.main.certificates[0].certificate {self.server['certificate']} -> "
                      f"{self.renewed['certificate']} (runtime)", line)
        self.assertEqual(self.served(port), "renewed")
        self.assertIn("subject=CN = renewed", self.s_client(port, path="/ping"))
        self.assertIn(b"pong by pid:", self.run_client(
            "curl", "--silent", "--show-error", "--cacert", self.authority.file("ca.pem"), "--resolve",
            f"localhost:{port}:127.0.0.1", f"https://localhost:{port}/ping"))
        self.go_on(open_one)
        self.assertEqual(open_one.getpeercert()["subject"], ((("commonName", "server"),),))
        service.quit()

    def test_the_new_files_are_watched(self):
        service = self.begin()
        port = self.port_of(service)
        moving = {what: self.authority.file("moving." + what) for what in ("certificate", "key")}
        for what, path in moving.items():
            shutil.copy(self.other[what], path)
        self.change_tls(service, certificates=[moving])
        self.assertEqual(self.served(port, "other.test"), "other")
        for what, path in moving.items():
            shutil.copy(self.renewed[what], path)
        service.wait_log(r"TLS on the listener web: loaded again for new connections")
        self.assertEqual(self.served(port), "renewed")
        self.change_tls(service, watch_files=False)
        for what, path in moving.items():
            shutil.copy(self.other[what], path)
        self.assertEqual(self.served(port), "renewed")
        line = self.change_tls(service, handshake_timeout="9s")
        self.assertIn("tls none -> " + moving["certificate"], line)
        self.assertEqual(self.served(port, "other.test"), "other", "read with the configuration")
        self.change_tls(service, watch_files=True)
        for what, path in moving.items():
            shutil.copy(self.renewed[what], path)
        service.wait_log(r"TLS on the listener web: loaded again for new connections", 2)
        self.assertEqual(self.served(port), "renewed")
        service.quit()

    def test_a_second_name_comes_and_goes(self):
        service = self.begin()
        port = self.port_of(service)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.served(port, "other.test")
        line = self.change_tls(service, certificates=[self.server, self.other])
        self.assertIn(f"tls.main.certificates[1] none -> {self.other['certificate']} (runtime)", line)
        self.assertEqual(self.served(port, "other.test"), "other")
        self.assertEqual(self.served(port), "server")
        self.change_tls(service, certificates=[self.server])
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.served(port, "other.test")
        service.quit()

    def test_a_bad_path_changes_nothing_and_is_named(self):
        service = self.begin(more={"office": {"certificates": [self.server]}},
                             listeners=[{"address": "127.0.0.1:0", "name": "web", "tls": "main"},
                                        {"address": "127.0.0.1:0", "name": "second", "tls": "office"}])
        blocks = self.settings["tls"]
        port, second = self.port_of(service), self.port_of(service, "second")
        open_one = self.keep_alive(port)
        missing = self.authority.file("missing.pem")
        blocks["main"]["certificates"] = [self.renewed]
        blocks["office"]["certificates"] = [{**self.renewed, "certificate": missing}]
        self.refused(service, "tls.office.*" + re.escape(missing) + ".*ENOENT")
        blocks["office"]["certificates"] = [self.broken]
        self.refused(service, re.escape(self.broken["certificate"]))
        blocks["office"]["certificates"] = [{**self.renewed, "key": self.other["key"]}]
        self.refused(service, "does not belong")
        self.assertEqual((self.served(port), self.served(second)), ("server", "server"))
        self.go_on(open_one)
        blocks["office"]["certificates"] = [self.renewed]
        self.applied(service)
        self.assertEqual((self.served(port), self.served(second)), ("renewed", "renewed"))
        service.quit()

    def test_a_passphrase_is_shown_nowhere(self):
        service = self.begin()
        port = self.port_of(service)
        self.authority.issue("locked", names=["localhost"], passphrase="open sesame")
        locked = {what: self.authority.file("locked." + end)
                  for what, end in (("certificate", "pem"), ("key", "key"))}
        self.settings["tls"]["main"]["certificates"] = [{**locked, "passphrase": "open barley"}]
        self.refused(service, "locked.key.*cannot be decrypted")
        line = self.change_tls(service, certificates=[{**locked, "passphrase": "open sesame"}])
        self.assertIn("tls.main.certificates[0].passphrase none -> ******** (runtime)", line)
        self.assertEqual(self.served(port), "locked")
        self.assertEqual(service.count_log("sesame|barley"), 0)
        service.quit()


class Rules(ConfigTls):
    def test_the_oldest_version(self):
        service = self.begin({"mode": "manual"})
        port = self.port_of(service)
        open_one = self.keep_alive(port, version=V1_2)
        line = self.change_tls(service, minimum_version="1.3")
        self.assertIn("tls.main.minimum_version 1.2 -> 1.3 (runtime)", line)
        self.assertEqual(self.refusal(self.context(V1_2), port), "TLSV1_ALERT_PROTOCOL_VERSION")
        self.assertIn("alert protocol version", self.s_client(port, "-tls1_2", path="/ping"))
        self.assertEqual(self.served(port, version=V1_3), "server")
        self.go_on(open_one)
        self.assertEqual(open_one.version(), "TLSv1.2")
        self.change_tls(service, minimum_version="1.2")
        self.assertEqual(self.served(port, version=V1_2), "server")
        service.quit()

    def test_client_certificates_are_required(self):
        alert = {V1_2: "SSLV3_ALERT_HANDSHAKE_FAILURE", V1_3: "TLSV13_ALERT_CERTIFICATE_REQUIRED"}
        service = self.begin()
        port = self.port_of(service)
        contexts = {version: self.context(version) for version in BOTH}
        sessions = {version: self.resume(contexts[version], port, path="/ping")[1] for version in BOTH}
        for version in BOTH:
            self.assertTrue(self.resume(contexts[version], port, sessions[version])[2])
        open_ones = [self.keep_alive(port, version=version) for version in BOTH]
        line = self.change_tls(service, mode="mutual", ca=self.authority.file("ca.pem"))
        self.assertIn("tls.main.mode automatic -> mutual (runtime)", line)
        for version in BOTH:
            self.assertEqual(self.refusal(self.context(version), port), alert[version])
            self.assertEqual(self.refusal(contexts[version], port, session=sessions[version]), alert[version],
                             "a session that was begun without a certificate is no way in")
            self.assertEqual(self.served(port, version=version, client=self.client), "server")
        for each in open_ones:
            self.go_on(each)
        del self.settings["tls"]["main"]["ca"]
        self.change_tls(service, mode="automatic")
        self.assertEqual(self.served(port), "server")
        service.quit()

    def test_sessions_go_on_over_a_change_and_into_the_next_generation(self):
        service = self.begin()
        port = self.port_of(service)
        context = self.context(V1_2)
        session = self.resume(context, port, path="/ping")[1]
        self.change_tls(service, certificates=[self.renewed])
        self.assertTrue(self.resume(context, port, session)[2])
        self.change_tls(service, ticket_lifetime="1h")
        self.assertFalse(self.resume(context, port, session)[2], "another lifetime, other keys")
        session = self.resume(context, port)[1]
        service.upgrade()
        self.assertTrue(self.resume(context, port, session)[2])
        self.assertEqual(service.count_log("shake hands in full"), 0)
        service.quit()

    def resume(self, context, port, session=None, path="/ping", **how):
        """TlsCase's, for a path that the demonstration program has."""
        with self.wrap(context, port, session=session, **how) as client:
            client.sendall(GET % path.encode())
            return read_all(client), client.session, client.session_reused


class Listeners(ConfigTls):
    def test_that_of_the_administration(self):
        service = self.begin(admin={"address": "127.0.0.1:0", "tls": "main"})
        web, admin = self.port_of(service), self.port_of(service, "admin")
        def asked():
            with self.wrap(self.context(), admin) as client:
                client.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                self.assertIn(b"200 OK", read_all(client))
                return client.getpeercert()["subject"]

        self.assertEqual(asked(), ((("commonName", "server"),),))
        self.change_tls(service, certificates=[self.renewed])
        self.assertEqual(self.served(web), "renewed")
        self.assertEqual(asked(), ((("commonName", "renewed"),),))
        service.quit()

    def test_one_without_a_name(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, "x.sock")
        service = self.begin(listeners=[{"address": path, "tls": "main", "max_connections": 5}])
        self.settings["listeners"][0]["max_connections"] = 6
        self.change_tls(service, certificates=[self.renewed])
        self.assertEqual(self.served(path), "renewed")
        service.quit()

    def test_those_of_protocols_keep_theirs(self):
        service = self.begin(listeners=[], protocols=[{"address": "127.0.0.1:0", "name": "many", "tls": "main",
                                                       "protocols": ["https", "http2"]}])
        https, http2 = self.port_of(service, "many.https"), self.port_of(service, "many.http2")
        self.change_tls(service, certificates=[self.renewed])
        self.assertEqual(self.served(https), "renewed")
        both = self.context()
        both.set_alpn_protocols(["h2", "http/1.1"])
        with self.wrap(both, http2) as client:
            self.assertEqual(client.selected_alpn_protocol(), "h2")
            self.assertEqual(client.getpeercert()["subject"], ((("commonName", "renewed"),),))
        old = self.context()
        old.set_alpn_protocols(["http/1.1"])
        self.refusal(old, http2)
        service.wait_log("many.http2 was refused: no application protocol")
        service.quit()

    def test_a_block_comes_goes_and_is_referred_to(self):
        service = self.begin()
        port = self.port_of(service)
        self.settings["tls"]["spare"] = {"certificates": [self.renewed]}
        self.assertIn("tls.spare none -> given (runtime)", self.applied(service))
        del self.settings["tls"]["spare"]
        self.assertIn("tls.spare given -> none (runtime)", self.applied(service))
        self.settings["tls"]["spare"] = {"certificates": [self.renewed]}
        self.settings["tls"]["main"]["handshake_timeout"] = "5s"
        self.settings["listeners"][0]["tls"] = "spare"
        self.write()
        service.wait_log(r"configuration version 4 is in force in the next generation: "
                         r"listeners\[web\]\.tls main -> spare \(critical\)")
        service.wait_for(lambda: service.pid() != self.first, "new generation")
        self.assertEqual(self.served(port), "renewed")
        self.assertEqual(service.count_log(IN_FORCE), 3)
        service.quit()

    def test_a_handshake_has_the_new_deadline(self):
        service = self.begin()
        port = self.port_of(service)
        waits = connect(port)
        self.addCleanup(waits.close)
        self.change_tls(service, handshake_timeout="100ms")
        with connect(port) as late:
            late.sendall(b"\x16\x03\x01")
            self.assertEqual(late.recv(1), b"", "closed after 100 ms, not after 10 s")
        service.wait_log(r"it took longer than 100 ms to introduce itself")
        with self.wrap(self.context(), port, raw=waits) as client:
            self.go_on(client)
        service.quit()


if __name__ == "__main__":
    unittest.main()
