"""A proxy between a client and an upstream that answers by script."""

import os
import socket
import threading

from support import BUILD, PATIENCE, Case

PROGRAM = os.path.join(BUILD, "tests/integration/proxy_service")


class Upstream:
    """Listens; each connection is handed to the next of `scripts` (the last one serves all others).

    What a script raises is kept in `failures`; `requests` are the heads that `read_request` saw.
    """

    def __init__(self, *scripts, where=None):
        self.scripts = list(scripts)
        self.failures = []
        self.requests = []
        self.connections = 0
        self.open = []
        if where is None:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        else:
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind("\0" + where[1:] if where.startswith("@") else where)
            self.listener.listen(128)
            self.address = where
        self.threads = []
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE)
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            self.open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock, script), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, sock, script):
        try:
            with sock:
                script(Peer(sock, self))
        except Exception as failure:  # the test looks at it
            self.failures.append(failure)

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.acceptor.join(PATIENCE)
        for sock in self.open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(PATIENCE)


class Peer:
    """One end of a connection, read by lines and lengths."""

    def __init__(self, sock, upstream=None):
        self.sock = sock
        self.upstream = upstream
        self.buffer = bytearray()

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def _take(self, count):
        found = bytes(self.buffer[:count])
        del self.buffer[:count]
        return found

    def until(self, mark):
        while (at := self.buffer.find(mark)) < 0:
            if not self._more():
                raise EOFError(bytes(self.buffer))
        return self._take(at + len(mark))

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self._more():
                raise EOFError(bytes(self.buffer[:200]))
        return self._take(count)

    def some(self):
        """What came, at least a byte; nothing at the end."""
        if not self.buffer:
            self._more()
        return self._take(len(self.buffer))

    def to_end(self):
        while self._more():
            pass
        return self._take(len(self.buffer))

    def read_head(self):
        """The request's or status line, and the fields as a list of (lower-case name, value)."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if line]
        head = lines[0], [(name.lower(), value) for name, value in fields]
        if self.upstream is not None:
            self.upstream.requests.append(head)
        return head

    def read_chunks(self):
        """(body, trailer lines) of a chunked message."""
        body = b""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        trailers = []
        while (line := self.until(b"\r\n")) != b"\r\n":
            trailers.append(line.decode().strip())
        return body, trailers

    def read_message(self, body=True):
        """(first line, fields as a dict, body, trailers) of one message."""
        line, fields = self.read_head()
        named = dict(fields)
        data, trailers = b"", []
        if body and "transfer-encoding" in named:
            data, trailers = self.read_chunks()
        elif body and "content-length" in named:
            data = self.exactly(int(named["content-length"]))
        elif body and line.startswith("HTTP/1") and line.split()[1] not in ("204", "304"):
            data = self.to_end()
        return line, named, data, trailers

    def close(self):
        self.sock.close()


def answer(body=b"ok", status="200 OK", *fields):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def always(data):
    """A script: each request (its body read) is answered with `data`."""
    def script(peer):
        while True:
            try:
                peer.read_message()
            except (EOFError, ConnectionError):
                return
            peer.send(data)
    return script


def once(data):
    """A script: one request is answered with `data`, then the connection ends."""
    def script(peer):
        peer.read_message()
        peer.send(data)
    return script


class ProxyCase(Case):
    def upstream(self, *scripts, **kwargs):
        made = Upstream(*scripts, **kwargs)
        self.addCleanup(made.stop)
        self.addCleanup(lambda: self.assertEqual(made.failures, []))
        return made

    def proxy(self, upstream, **options):
        """The proxy in front of `upstream`, an Upstream or an address."""
        where = upstream if isinstance(upstream, str) else upstream.address
        arguments = ["127.0.0.1:0", where, "idle_grace_ms=0"]
        proxy = self.service(program=PROGRAM, arguments=arguments + [
            f"{key}={value}" for key, value in options.items()])
        proxy.port()
        self.addCleanup(self._end, proxy)
        return proxy

    def _end(self, proxy):
        if proxy.process.poll() is None:
            proxy.process.terminate()
            self.assertEqual(proxy.gone(), 0, proxy.log())

    def client(self, proxy):
        sock = socket.create_connection(("127.0.0.1", proxy.port()), PATIENCE)
        peer = Peer(sock)
        self.addCleanup(peer.close)
        return peer

    def ask(self, proxy, request=b"GET / HTTP/1.1\r\nHost: test\r\n\r\n", body=True):
        client = self.client(proxy)
        client.send(request)
        return client.read_message(body)

    def finished(self, proxy, pattern="none status 200", count=1):
        return proxy.wait_log(f"finished {pattern}", count)
