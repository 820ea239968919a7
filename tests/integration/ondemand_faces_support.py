"""What the tests of the gateway's faces share: its admin service, and clients that follow it."""

import http.client
import json
import os
import socket

from admin_support import AdminCase
from ondemand_support import OndemandCase, listening
from support import PATIENCE, connect

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def held(**changes):
    """A service whose start comes to its end when `FacesCase.let_start` says so."""
    return listening(ready="command", ready_command=["/usr/bin/test", "-e", "FOLDER/ready"],
                     start_timeout=3600000, **changes)


class FacesCase(OndemandCase, AdminCase):
    def managed(self, *services, keys=()):
        """A gateway with an admin service."""
        made = self.gateway(*services, keys=["admin=127.0.0.1:0", *keys])
        made.address()
        made.admin = self.admin_address(made)
        return made

    def let_start(self, gateway, name="shop"):
        with open(os.path.join(gateway.folders[name], "ready"), "wb"):
            pass

    def order(self, gateway, verb, name="shop", **fields):
        return self.ask(gateway, f"/services/{name}/{verb}", "POST", **fields)

    def told(self, gateway, name="shop"):
        """All of a service, as the admin service has it."""
        answer = self.ask(gateway, f"/services/{name}")
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json

    def follow(self, gateway, query="", **fields):
        made = Follower(gateway, query, **fields)
        self.addCleanup(made.close)
        return made

    def visit(self, gateway, path="/", *flags, host="shop.example", accept=BROWSER):
        """Status, fields and body of what a browser is shown."""
        out = self.run_client("curl", "-s", "-D", "-", "--max-time", "60", "-H", f"Accept: {accept}",
                              "-H", f"Host: {host}", *flags, f"http://{gateway.web}{path}").decode()
        head, _, body = out.partition("\r\n\r\n")
        lines = head.split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), fields, body


class Follower:
    """A client of /services/events: (id, event, value), in order."""

    def __init__(self, gateway, query="", **fields):
        self.sock = connect(gateway.admin, PATIENCE)
        lines = [f"GET /services/events{query} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.sock.sendall("\r\n".join(lines + ["", ""]).encode())
        self.response = http.client.HTTPResponse(self.sock)
        self.response.begin()
        self.type = self.response.getheader("Content-Type")
        self.seen = []

    def next(self):
        """The next event, or None at the end of the stream."""
        number, name, data = None, "message", ""
        while line := self.response.readline().decode():
            key, _, value = line.rstrip("\n").partition(": ")
            if key == "id":
                number = int(value)
            elif key == "event":
                name = value
            elif key == "data":
                data += value
            elif not key and data:
                self.seen.append((number, name, json.loads(data)))
                return self.seen[-1]
        return None

    def until(self, wanted, condition=lambda value: True):
        while event := self.next():
            if event[1] == wanted and condition(event[2]):
                return event[2]
        raise AssertionError(f"the stream ended without a {wanted} as wanted: {self.seen}")

    def until_state(self, state, service="shop"):
        return self.until("state", lambda told: (told["service"], told["to"]) == (service, state))

    def states(self):
        return [value["to"] for _, name, value in self.seen if name == "state"]

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the gateway was faster
        self.response.close()
        self.sock.close()
