"""Clients that run on node.js: `ws`, `undici`, and node's own for HTTP and HTTP/2."""

import json
import os
import shutil
import subprocess
import unittest

from protocols import CLIENTS, Protocols
from support import PATIENCE, is_alive

RESTARTS = 10
NODE = shutil.which("node")
# Debian's packages put modules here; only Debian's own node looks there by itself.
MODULES = "/usr/share/nodejs"


def missing():
    if not NODE:
        return "node is not installed (package nodejs)"
    gone = [name for name in ("ws", "undici") if not os.path.isdir(os.path.join(MODULES, name))]
    return f"{MODULES} has no {', '.join(gone)} (packages node-ws, node-undici)" if gone else ""


@unittest.skipIf(missing(), missing())
class NodeClients(Protocols):
    def command(self, script, *arguments):
        return ["env", "NODE_PATH=" + MODULES, NODE, os.path.join(CLIENTS, script), *arguments]

    def run_node(self, script, *arguments):
        """What a client that ends by itself prints as JSON."""
        return json.loads(self.run_client(*self.command(script, *arguments)))

    def where(self):
        """The arguments that name each of the server's two ports: URL, CA."""
        clear, tls = self.urls()
        return (clear, ""), (tls, self.file("ca.pem"))

    def over_restarts(self, service, *command, connected=1):
        """Restarts the service under a client that goes on until its input ends; its report."""
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: client.poll() is None and client.kill())
        for _ in range(connected):
            self.assertEqual(client.stdout.readline(), "connected\n")
        pids = {service.pid()}
        for _ in range(RESTARTS):
            old = service.pid()
            pids.add(service.upgrade())
            service.wait_for(lambda pid=old: not is_alive(pid), f"end of pid {old}")
        output, errors = client.communicate("", timeout=PATIENCE)
        self.assertEqual(client.returncode, 0, output + errors)
        seen = json.loads(output.splitlines()[-1])
        self.assertEqual(seen["failed"], 0, (seen, errors[-4000:]))
        self.assertEqual(errors, "")
        if seen.get("pids"):
            self.assertLessEqual(set(seen["pids"]), pids, "nobody but our generations answered")
            self.assertGreater(len(seen["pids"]), RESTARTS // 2)
        return seen


class Ws(NodeClients):
    def test_echo(self):
        service = self.start()
        for where in self.where():
            # The client offers permessage-deflate; the route does not take it.
            self.assertEqual(self.run_node("node_ws.cjs", "echo", *where),
                             {"protocol": "echo", "extensions": "", "code": 4001, "reason": ""})
        service.quit()

    def test_close_codes(self):
        service = self.start()
        for where in self.where():
            self.assertEqual(self.run_node("node_ws.cjs", "codes", *where), {
                "normal": 1000, "none": 1005, "own": 4999, "badText": 1007, "binary": 1003,
                "noLine": 1008, "tooBig": 1009, "otherOrigin": 403, "noRoute": 404,
                "notWebSocket": 200})
        service.quit()

    def test_clients_follow_1001_and_lose_nothing(self):
        service = self.start()
        for where in self.where():
            seen = self.over_restarts(service, *self.command("node_ws.cjs", "follow", *where),
                                      connected=8)
            self.assertEqual(seen["lost"], 0)
            # One that comes back just then meets the next generation and need not move.
            self.assertGreaterEqual(seen["moves"], 8)
            self.assertGreater(seen["echoed"], 8 * RESTARTS)
        service.quit()


class Undici(NodeClients):
    def test_pool_over_restarts(self):
        service = self.start()
        for where in self.where():
            for pipelining in ("1", "10"):
                with self.subTest(url=where[0], pipelining=pipelining):
                    self.over_restarts(
                        service, *self.command("node_undici.cjs", "pool", *where, pipelining))
        service.quit()

    def test_streams_both_ways_over_restarts(self):
        service = self.start()
        for where in self.where():
            seen = self.over_restarts(service, *self.command("node_undici.cjs", "stream", *where))
            self.assertGreater(seen["answered"], RESTARTS)
        service.quit()


class NodeItself(NodeClients):
    def test_http2_follows_goaway(self):
        service = self.start()
        for where in self.where():
            seen = self.over_restarts(service, *self.command("node_http2.cjs", *where))
            self.assertGreater(seen["sessions"], 1)
            self.assertEqual({code for code, _ in seen["goaways"]}, {0})
        service.quit()

    def test_keep_alive_agent(self):
        service = self.start()
        for where in self.where():
            seen = self.over_restarts(service, *self.command("node_agent.cjs", *where))
            self.assertGreater(seen["reused"], seen["answered"] // 2)
        service.quit()
