"""Other protocols through the proxy: raw bytes both ways behind the upstream's 101."""

import os
import socket
import struct
import threading
import unittest

from protocols import CLIENTS, PYTHON, Protocols
from proxy_support import ProxyCase, always, answer
from raw_websocket import CLOSE, TEXT, RawWebSocket, close_payload, frame

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


GOING_AWAY = frame(CLOSE, close_payload(1001), mask=False)


class Leaving(ProxyCase):
    """A proxy that drains tells the clients of WebSockets that it goes."""

    def test_who_is_told_closes_and_the_upstream_hears_it(self):
        heard = []

        def script(peer):
            peer.read_head()
            peer.send(YES + frame(TEXT, b"hello", mask=False))
            heard.append(peer.exactly(8))
            peer.send(frame(CLOSE, close_payload(1001), mask=False))  # nobody's any more
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(ASK)
        client.read_head()
        client.exactly(7)
        proxy.process.terminate()
        self.assertEqual(client.exactly(4), GOING_AWAY)
        bye = frame(CLOSE, close_payload(1001))
        client.send(bye)
        self.assertEqual(client.to_end(), b"")
        client.close()
        self.assertEqual(proxy.gone(), 0)
        self.assertEqual(heard, [bye])

    def test_the_word_never_comes_within_a_frame(self):
        sizes = (0, 1, 125, 126, 4000, 65536)

        def script(peer):
            peer.read_head()
            peer.send(YES)
            reader = threading.Thread(target=peer.exactly, args=(8,))
            reader.start()
            while reader.is_alive():
                for size in sizes:
                    whole = frame(TEXT, b"x" * size, mask=False)
                    peer.send(whole[:len(whole) // 2])
                    peer.send(whole[len(whole) // 2:])
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(ASK)
        client.read_head()
        proxy.process.terminate()
        while True:
            first, second = client.exactly(2)
            size = {126: 2, 127: 8}.get(second, 0)
            size = int.from_bytes(client.exactly(size), "big") if size else second
            payload = client.exactly(size)
            if first == 0x88:
                break
            self.assertEqual((first, size in sizes, payload), (0x81, True, b"x" * size))
        self.assertEqual(payload, close_payload(1001))
        client.send(frame(CLOSE, close_payload(1001)))
        self.assertEqual(client.to_end(), b"")
        client.close()
        self.assertEqual(proxy.gone(), 0)

    def test_what_is_closed_already_is_not_told_again(self):
        bye = frame(CLOSE, close_payload(1000), mask=False)

        def script(peer):
            peer.read_head()
            peer.send(YES + bye)
            peer.to_end()
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(ASK)
        client.read_head()
        self.assertEqual(client.exactly(4), bye)
        proxy.process.terminate()
        proxy.wait_log("step 3 of 5, drain")
        client.send(frame(CLOSE, close_payload(1000)))
        client.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(client.to_end(), b"")
        client.close()
        self.assertEqual(proxy.gone(), 0)

    def test_a_close_that_has_begun_is_not_followed_by_another(self):
        drains = threading.Event()
        bye = frame(CLOSE, close_payload(1000), mask=False)

        def script(peer):
            peer.read_head()
            peer.send(YES + frame(TEXT, b"hello", mask=False) + bye[:1])
            drains.wait(60)
            peer.send(bye[1:])
            peer.to_end()
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(ASK)
        client.read_head()
        self.assertEqual(client.exactly(8)[7:], bye[:1])
        proxy.process.terminate()
        proxy.wait_log("step 3 of 5, drain")
        drains.set()
        self.assertEqual(client.exactly(3), bye[1:])
        client.send(frame(CLOSE, close_payload(1000)))
        client.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(client.to_end(), b"", "one close is enough")
        client.close()
        self.assertEqual(proxy.gone(), 0)


class UnderTls(Protocols, ProxyCase):
    """WebSockets over TLS, of HTTP/1.1 and of HTTP/2 (RFC 8441), in front of a service that speaks
    HTTP/1.1 in the clear."""

    def secure_proxy(self):
        return self.proxy(f"127.0.0.1:{self.clear}", certificate=self.file("server.pem"),
                          key=self.file("server.key"))

    def test_messages_until_the_proxy_leaves(self):
        service = self.start()
        proxy = self.secure_proxy()
        client = RawWebSocket(proxy.port(), context=self.context())
        for message in (b"hello", b"x" * 100_000, b""):
            client.send(TEXT, message)
            self.assertEqual(client.event(), ("text", message.decode()))
        proxy.process.terminate()
        self.assertEqual(client.event(), ("close", 1001))
        client.send_close(1001)
        self.assertEqual(client.event(), ("end",))
        client.close()
        self.assertEqual(proxy.gone(), 0)
        service.quit()

    def test_messages_resets_and_many_over_http_2(self):
        service = self.start("--ws-deflate")
        proxy = self.secure_proxy()
        for part in ("echo", "deflate", "many", "cancel"):
            with self.subTest(part=part):
                self.assertEqual(self.run_client(PYTHON, os.path.join(CLIENTS, "h2_ws_client.py"),
                                                 part, str(proxy.port()), self.file("ca.pem")).strip(),
                                 b"ok")
        self._end(proxy)
        service.quit()

    def test_an_upstream_that_does_not_know_the_key_is_no_websocket(self):
        proxy = self.proxy(self.upstream(echo()))
        done = self.run_client(PYTHON, os.path.join(CLIENTS, "h2_ws_client.py"), "refused",
                               str(proxy.port()), "502")
        self.assertEqual(done.strip(), b"ok")
        proxy.wait_log("without knowing its key")


if __name__ == "__main__":
    unittest.main()
