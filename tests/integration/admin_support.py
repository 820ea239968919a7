"""What the tests of the admin service share."""

import http.client
import json
import socket

from support import PATIENCE, Case, connect

TOKEN = "0123456789abcdef0123456789abcdef"


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = body.decode()

    @property
    def json(self):
        return json.loads(self.text)


class AdminCase(Case):
    """A service with an admin service; `self.admin` is where that is."""

    def start(self, admin=None, **config):
        service = self.service({"admin": {"address": "127.0.0.1:0", **(admin or {})}, **config})
        service.ready()
        service.admin = self.admin_address(service)
        return service

    @staticmethod
    def admin_address(service):
        found = service.wait_log(r"(?:listening|inherited) http on (\S+) as 'admin'").group(1)
        found = found.removeprefix("unix:")
        return found if found.startswith(("/", "@")) else int(found.rsplit(":", 1)[1])

    def ask(self, service, path, method="GET", body=None, host=None, sock=None, **fields):
        """One request; on a connection of its own unless `sock` is given."""
        own = sock is None
        sock = sock or connect(service.admin)
        try:
            lines = [f"{method} {path} HTTP/1.1", f"Host: {host or '127.0.0.1'}"]
            lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
            if own:
                lines.append("Connection: close")
            data = (body or "").encode()
            if data:
                lines.append(f"Content-Length: {len(data)}")
            sock.sendall("\r\n".join(lines + ["", ""]).encode() + data)
            response = http.client.HTTPResponse(sock, method=method)
            response.begin()
            return Answer(response, response.read())
        finally:
            if own:
                sock.close()

    def until(self, service, condition, what):
        """Waits until `condition()` holds; what it asks changes by itself, without a log line."""
        return service.wait_for(condition, what)

    def assert_error(self, answer, status):
        self.assertEqual(answer.status, status, answer.text)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        error = answer.json["error"]
        self.assertEqual(error["status"], status)
        for part in ("value", "reason", "remedy"):
            self.assertIn(part, error)
        return error


class Events:
    """A client of /events: its events as (name, value), in order."""

    def __init__(self, service, **fields):
        self.sock = connect(service.admin, PATIENCE)
        lines = ["GET /events HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.sock.sendall("\r\n".join(lines + ["", ""]).encode())
        self.response = http.client.HTTPResponse(self.sock)
        self.response.begin()

    def next(self):
        """The next event, or None at the end of the stream."""
        name, data = "message", ""
        while line := self.response.readline().decode():
            line = line.rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data += line[6:]
            elif not line and data:
                return name, json.loads(data)
        return None

    def until(self, wanted, condition=lambda value: True):
        while event := self.next():
            if event[0] == wanted and condition(event[1]):
                return event[1]
        raise AssertionError(f"the stream ended without a {wanted} as wanted")

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.response.close()
        self.sock.close()
