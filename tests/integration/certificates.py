"""Certificates, revocation lists and OCSP responses for one test, made by openssl(1)."""

import os
import subprocess

from support import PATIENCE

KEYS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
        "rsa": ["-newkey", "rsa:2048"]}

CONFIGURATION = """
[ca]
default_ca = own
[own]
database = {database}
default_md = sha256
default_crl_days = {days}
"""


class Authority:
    """A CA in a folder: `ca.pem` and `ca.key` there, and what it issues as `NAME.pem`, `NAME.key`."""

    def __init__(self, folder, name="ca", subject="/CN=test CA", signed_by=None):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.name = name
        above = [] if signed_by is None else [
            "-CA", signed_by.file(signed_by.name + ".pem"),
            "-CAkey", signed_by.file(signed_by.name + ".key")]
        self.openssl("req", "-x509", *above, *KEYS["ec"], "-nodes", "-keyout", name + ".key",
                     "-out", name + ".pem", "-days", "2", "-subj", subject)

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments}: {done.stderr}")
        return done.stdout

    def file(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.file(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.file(name)

    def issue(self, name, names=(), key="ec", client=False, days=2, passphrase=None, usage=None):
        """A certificate for the DNS `names` (and 127.0.0.1), or for a client."""
        usage = usage or ("clientAuth" if client else "serverAuth")
        lines = [f"extendedKeyUsage={usage}"]
        if names:
            lines.append("subjectAltName=" + ",".join([f"DNS:{each}" for each in names]
                                                      + ["IP:127.0.0.1"]))
        self.write(name + ".ext", "\n".join(lines) + "\n")
        locked = ["-nodes"] if passphrase is None else ["-passout", "pass:" + passphrase]
        self.openssl("req", *KEYS[key], *locked, "-keyout", name + ".key", "-out", name + ".csr",
                     "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", self.name + ".pem", "-CAkey",
                     self.name + ".key", "-CAcreateserial", "-days", str(days), "-extfile",
                     name + ".ext", "-out", name + ".pem")
        return {"certificate": self.file(name + ".pem"), "key": self.file(name + ".key")}

    def text(self, *names):
        """What the files of these names hold, one behind the other."""
        found = ""
        for name in names:
            with open(self.file(name), encoding="ascii") as file:
                found += file.read()
        return found

    def field(self, name, what):
        """One field of a certificate, such as "serial"."""
        return self.openssl("x509", "-in", name + ".pem", "-noout", "-" + what).strip().split(
            "=", 1)[1]

    def index(self, entries):
        """openssl-ca(1)'s database; `entries`: {name: revoked or not}."""
        lines = []
        for name, revoked in entries.items():
            state = "R\t491231235959Z\t200101000000Z" if revoked else "V\t491231235959Z\t"
            lines.append(f"{state}\t{self.field(name, 'serial')}\tunknown\t/CN={name}\n")
        return self.write("index.txt", "".join(lines))

    def revocation_list(self, *names, days=2, out="crl.pem"):
        """A CRL with the certificates `names`."""
        self.index(dict.fromkeys(names, True))
        self.write("ca.cnf", CONFIGURATION.format(database=self.file("index.txt"), days=days))
        self.openssl("ca", "-gencrl", "-config", "ca.cnf", "-keyfile", self.name + ".key",
                     "-cert", self.name + ".pem", "-out", out)
        return self.file(out)

    def ocsp_response(self, name, revoked=False, out=None):
        """A response about `name`, for a day."""
        out = out or name + ".ocsp"
        self.index({name: revoked})
        self.openssl("ocsp", "-index", "index.txt", "-CA", self.name + ".pem", "-rsigner",
                     self.name + ".pem", "-rkey", self.name + ".key", "-issuer",
                     self.name + ".pem", "-cert", name + ".pem", "-respout", out + ".new",
                     "-ndays", "1")
        os.replace(self.file(out + ".new"), self.file(out))
        return self.file(out)
