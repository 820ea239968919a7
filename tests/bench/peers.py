"""The servers that protocols.py and memory.py start: each with one fixed answer, under TLS if a
folder with a certificate (see harness.make_certificate) is given."""

import os
import shutil

import harness
from harness import Nginx, Server


def ours(build, body=16, cpu=None, certificate=None, **_):
    port = harness.free_port()
    command = [harness.program(build, "bench_fixed_server"), "--port", str(port), "--body",
               str(body)]
    if certificate:
        command += ["--certificate", f"{certificate}/server.pem", "--key",
                    f"{certificate}/server.key"]
    return Server("ours", command, port, cpu)


def nginx(_build, body=16, cpu=None, certificate=None, http2=False, **options):
    """Tickets with nginx's own key, no session cache, which would need a lock; frames and records
    as large as suits it best."""
    listen, directives = [], []
    if certificate:
        listen.append("ssl")
        directives += [f"ssl_certificate {certificate}/server.pem;",
                       f"ssl_certificate_key {certificate}/server.key;",
                       "ssl_protocols TLSv1.2 TLSv1.3;", "ssl_session_cache off;",
                       "ssl_session_tickets on;", "ssl_buffer_size 16k;"]
    if http2:
        listen.append("http2")
        directives.append("http2_chunk_size 16k;")
    return Nginx(harness.free_port(), body, cpu, listen=" ".join(listen),
                 directives=" ".join(directives), **options)


class H2o(Server):
    """h2o with one thread; its answers are files, which it keeps open."""

    def __init__(self, body, cpu, certificate):
        port = harness.free_port()
        super().__init__("h2o", [shutil.which("h2o") or "h2o", "-c"], port, cpu)
        (self.folder / "html").mkdir()
        (self.folder / "html/index.html").write_bytes(b"x" * body)
        os.chmod(self.folder, 0o755)  # started by root, it serves as somebody else
        tls = (f"  ssl:\n    certificate-file: {certificate}/server.pem\n"
               f"    key-file: {certificate}/server.key\n") if certificate else ""
        config = self.folder / "h2o.yaml"
        config.write_text(f"""\
num-threads: 1
max-connections: 20000
http1-request-timeout: 600
http2-idle-timeout: 600
error-log: {self.folder}/error.log
listen:
  port: {port}
  host: 127.0.0.1
{tls}hosts:
  default:
    paths:
      /:
        file.dir: {self.folder}/html
""")
        self.command.append(str(config))


def h2o(_build, body=16, cpu=None, certificate=None, **_):
    return H2o(body, cpu, certificate)


SERVERS = {"nginx": nginx, "ours": ours, "h2o": h2o}
