"""Real clients through the proxy to real upstreams: curl, h2load, nghttp; nginx and Node."""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from proxy_support import ProxyCase, always, answer
from support import PATIENCE

NODE = """
const http = require('http');
const server = http.createServer((request, response) => {
  if (request.url === '/echo') {
    response.setHeader('X-Length', request.headers['content-length'] || 'chunked');
    return request.pipe(response);
  }
  response.end(request.method + ' ' + request.url + ' ' + request.headers['x-forwarded-for']);
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


class Clients(ProxyCase):
    def url(self, proxy, path="/"):
        return f"http://127.0.0.1:{proxy.port()}{path}"

    def node(self):
        if shutil.which("node") is None:
            self.skipTest("node is not installed")
        process = subprocess.Popen(["node", "-e", NODE], stdout=subprocess.PIPE)

        def end():
            process.kill()
            process.wait()
            process.stdout.close()
        self.addCleanup(end)
        return f"127.0.0.1:{int(process.stdout.readline())}"

    def test_curl_over_http_1_and_2(self):
        proxy = self.proxy(self.node())
        for flag in ("--http1.0", "--http1.1", "--http2", "--http2-prior-knowledge"):
            said = self.run_client("curl", "-sS", flag, self.url(proxy, "/x?y"))
            self.assertEqual(said, b"GET /x?y 127.0.0.1")
            said = self.run_client("curl", "-sS", "-I", flag, self.url(proxy))
            self.assertIn(b" 200", said)

    def test_uploads_over_http_1_and_2(self):
        proxy = self.proxy(self.node())
        data = os.urandom(3_000_000)
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            for flags in (["--http1.1"], ["--http2-prior-knowledge"],
                          ["--http1.1", "-H", "Transfer-Encoding: chunked"],
                          ["--http1.1", "-H", "Expect:"]):
                said = self.run_client("curl", "-sS", *flags, "--data-binary", f"@{file.name}",
                                       self.url(proxy, "/echo"))
                self.assertEqual(hashlib.sha256(said).digest(), hashlib.sha256(data).digest(),
                                 flags)

    def test_many_requests_at_once(self):
        proxy = self.proxy(self.node(), quiet=1, max_connections=8)
        for flags in (["--h1", "-c", "32"], ["-c", "8", "-m", "16"]):
            said = self.run_client("h2load", "-n", "2000", *flags, self.url(proxy)).decode()
            self.assertIn("2000 succeeded, 0 failed, 0 errored, 0 timeout", said)

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_nginx_as_the_upstream(self):
        folder = tempfile.mkdtemp(prefix="baton-proxy-")
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        data = os.urandom(1_000_000)
        with open(os.path.join(folder, "file"), "wb") as file:
            file.write(data)
        config = os.path.join(folder, "nginx.conf")
        where = os.path.join(folder, "nginx.sock")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"""
{'user root;' if os.geteuid() == 0 else ''} daemon off; master_process off; pid {folder}/pid;
error_log {folder}/error.log; events {{ }}
http {{
  access_log off; gzip on; gzip_min_length 1; gzip_types application/octet-stream;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  default_type application/octet-stream;
  server {{ listen unix:{where}; root {folder}; }}
}}
""")
        process = subprocess.Popen(["nginx", "-p", folder, "-c", config, "-e",
                                    f"{folder}/error.log"], stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        end = time.monotonic() + PATIENCE
        while True:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(where) == 0:
                    break
            self.assertLess(time.monotonic(), end, "nginx does not listen")
            time.sleep(0.01)
        proxy = self.proxy(where)
        self.assertEqual(self.run_client("curl", "-sS", self.url(proxy, "/file")), data)
        self.assertEqual(self.run_client("curl", "-sS", "--compressed", self.url(proxy, "/file")),
                         data)
        said = self.run_client("curl", "-sS", "-r", "10-19", self.url(proxy, "/file"))
        self.assertEqual(said, data[10:20])
        said = self.run_client("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
                               self.url(proxy, "/nothing"))
        self.assertEqual(said, b"404")

    def test_interim_answers_and_trailers_over_http_2(self):
        upstream = self.upstream(always(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n"))
        said = self.run_client("nghttp", "-v", self.url(self.proxy(upstream))).decode()
        for expected in (":status: 103", "link: </a.css>", ":status: 200", "abc", "x-sum: 3"):
            self.assertIn(expected, said)

    def test_an_answer_that_breaks_off_resets_the_stream_of_http_2(self):
        def script(peer):
            peer.read_head()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        proxy = self.proxy(self.upstream(script))
        self.run_client("curl", "-sS", "--http2-prior-knowledge", self.url(proxy), status=92)
        self.finished(proxy, "lost_in_answer status 200")

    def test_a_stream_taken_back_ends_the_upstreams_connection(self):
        def script(peer):
            peer.read_head()
            peer.send(b"HTTP/1.1 200 OK\r\n\r\nfirst")
            try:
                peer.to_end()
            except ConnectionError:
                pass
        proxy = self.proxy(self.upstream(script))
        self.run_client("curl", "-sS", "--http2-prior-knowledge", "-m", "0.5", self.url(proxy),
                        status=28)
        self.finished(proxy, "client_left status 200")


if __name__ == "__main__":
    unittest.main()
