"""Other protocols through the proxy: raw bytes both ways behind the upstream's 101."""

import os
import socket
import struct
import threading
import unittest

from proxy_support import ProxyCase, always, answer

ASK = (b"GET /live HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
YES = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
       b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def echo(behind=b""):
    def script(peer):
        peer.read_head()
        peer.send(YES + behind)
        while True:
            data = peer.some()
            if not data:
                return
            peer.send(data)
    return script


class Tunnels(ProxyCase):
    def test_bytes_flow_both_ways_behind_the_upstreams_101(self):
        upstream = self.upstream(echo(b"welcome"))
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        client.send(ASK + b"early")
        line, fields = client.read_head()
        named = dict(fields)
        self.assertEqual(line, "HTTP/1.1 101 Switching Protocols")
        self.assertEqual((named["upgrade"], named["connection"].lower()), ("websocket", "upgrade"))
        self.assertEqual(named["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertEqual(client.exactly(12), b"welcomeearly")
        for _ in range(3):
            client.send(b"ping")
            self.assertEqual(client.exactly(4), b"ping")
        _, asked = upstream.requests[0]
        self.assertEqual((dict(asked)["upgrade"], dict(asked)["connection"]),
                         ("websocket", "Upgrade"))
        client.close()
        self.finished(proxy, "[a-z_]+ status 101")

    def test_an_upstream_may_say_no(self):
        upstream = self.upstream(always(answer(b"no", "403 Forbidden")))
        client = self.client(self.proxy(upstream))
        for _ in range(2):
            client.send(ASK)
            line, _, body, _ = client.read_message()
            self.assertEqual((line.split()[1], body), ("403", b"no"))
        self.assertEqual(upstream.connections, 1)

    def test_each_side_ends_for_itself(self):
        def script(peer):
            peer.read_head()
            peer.send(YES)
            self.assertEqual(peer.to_end(), b"all of mine")
            peer.send(b"and all of ours")
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(ASK)
        client.read_head()
        client.send(b"all of mine")
        client.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(client.to_end(), b"and all of ours")
        self.finished(proxy, "none status 101 request 11 answer 15")

    def test_the_upstream_may_end_first(self):
        def script(peer):
            peer.read_head()
            peer.send(YES + b"bye")
            peer.sock.shutdown(socket.SHUT_WR)
            self.assertEqual(peer.to_end(), b"one word more")
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(ASK)
        client.read_head()
        self.assertEqual(client.to_end(), b"bye")
        client.send(b"one word more")
        client.sock.shutdown(socket.SHUT_WR)
        self.finished(proxy, "none status 101 request 13 answer 3")

    def test_a_reset_of_either_side_ends_both(self):
        for who in ("client", "upstream"):
            ready, ended = threading.Event(), threading.Event()

            def script(peer):
                peer.read_head()
                peer.send(YES)
                ready.wait(60)
                if who == "upstream":
                    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                         struct.pack("ii", 1, 0))
                    return
                try:
                    peer.to_end()
                except ConnectionError:
                    pass
                ended.set()
            proxy = self.proxy(self.upstream(script))
            client = self.client(proxy)
            client.send(ASK)
            client.read_head()
            ready.set()
            if who == "client":
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
                client.close()
                self.assertTrue(ended.wait(60))
            else:
                with self.assertRaises((ConnectionError, EOFError)):
                    client.exactly(1)
            self.finished(proxy, "[a-z_]+ status 101")

    def test_a_slow_side_holds_the_other_back_and_nothing_is_lost(self):
        total = 64 * 1024 * 1024
        data = os.urandom(1 << 20) * (total >> 20)
        proxy = self.proxy(self.upstream(echo()))
        client = self.client(proxy)
        client.send(ASK)
        client.read_head()
        client.sock.settimeout(1)
        sent = 0
        with self.assertRaises(TimeoutError):
            while sent < total:
                sent += client.sock.send(data[sent:sent + 65536])
        self.assertLess(sent, total)
        client.sock.settimeout(60)
        sender = threading.Thread(target=lambda: client.sock.sendall(data[sent:]))
        sender.start()
        self.assertEqual(client.exactly(total), data)
        sender.join()
        with open(f"/proc/{proxy.process.pid}/status", encoding="ascii") as file:
            peak = int(file.read().split("VmHWM:")[1].split()[0])
        self.assertLess(peak, 400 * 1024 if "san" in proxy.process.args[0] else 40 * 1024)


if __name__ == "__main__":
    unittest.main()
