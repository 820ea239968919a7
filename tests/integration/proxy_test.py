"""Requests through the proxy to an upstream that answers by script."""

import os
import threading
import unittest

from proxy_support import ProxyCase, always, answer, once

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


class Answers(ProxyCase):
    def test_an_answer_comes_through_and_both_connections_are_used_again(self):
        upstream = self.upstream(always(answer(b"hello")))
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        for _ in range(3):
            client.send(GET)
            line, fields, body, _ = client.read_message()
            self.assertEqual((line, body), ("HTTP/1.1 200 OK", b"hello"))
            self.assertEqual(fields["content-length"], "5")
        self.assertEqual(upstream.connections, 1)

    def test_fields_come_through_as_they_are_but_those_of_the_connection(self):
        upstream = self.upstream(always(answer(
            b"x", "200 OK", "Set-Cookie: a=1", "Set-Cookie: b=2", "Server: theirs",
            "Date: Thu, 01 Jan 1970 00:00:00 GMT", "Connection: keep-alive, X-Own", "X-Own: 1",
            "Keep-Alive: timeout=5", "X-Odd:tight")))
        client = self.client(self.proxy(upstream))
        client.send(GET)
        _, fields = client.read_head()
        self.assertEqual([v for n, v in fields if n == "set-cookie"], ["a=1", "b=2"])
        self.assertEqual([v for n, v in fields if n == "date"], ["Thu, 01 Jan 1970 00:00:00 GMT"])
        self.assertEqual([v for n, v in fields if n == "server"], ["theirs"])
        self.assertEqual(dict(fields)["x-odd"], "tight")
        for name in ("connection", "x-own", "keep-alive"):
            self.assertNotIn(name, dict(fields))

    def test_chunks_and_trailers_come_through(self):
        upstream = self.upstream(always(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            b"3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX-Sum: 8\r\n\r\n"))
        client = self.client(self.proxy(upstream))
        for _ in range(2):
            client.send(GET)
            _, fields, body, trailers = client.read_message()
            self.assertEqual((body, trailers), (b"abcdefgh", ["X-Sum: 8"]))
            self.assertNotIn("content-length", fields)
        self.assertEqual(upstream.connections, 1)

    def test_an_answer_may_end_with_its_connection(self):
        upstream = self.upstream(once(b"HTTP/1.0 200 OK\r\nX-A: b\r\n\r\nall of it"))
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        for _ in range(2):
            client.send(GET)
            _, fields, body, _ = client.read_message()
            self.assertEqual(body, b"all of it")
            self.assertEqual(fields["transfer-encoding"], "chunked")
        self.assertEqual(upstream.connections, 2)
        self.finished(proxy, count=2)

    def test_close_is_of_the_upstreams_connection_alone(self):
        upstream = self.upstream(once(answer(b"ok", "200 OK", "Connection: close")))
        client = self.client(self.proxy(upstream))
        for _ in range(2):
            client.send(GET)
            _, fields, body, _ = client.read_message()
            self.assertEqual(body, b"ok")
            self.assertNotIn("connection", fields)
        self.assertEqual(upstream.connections, 2)

    def test_answers_without_a_body(self):
        for head, told in ((b"HTTP/1.1 204 No Content\r\n\r\n", None),
                           (b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", None),
                           (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "7")):
            with self.subTest(head):
                upstream = self.upstream(always(head))
                client = self.client(self.proxy(upstream))
                for _ in range(2):
                    client.send(GET)
                    line, fields, _, _ = client.read_message(body=False)
                    self.assertEqual(line.split()[1], head.split()[1].decode())
                    self.assertEqual(fields.get("content-length"), told)
                    self.assertNotIn("transfer-encoding", fields)
                self.assertEqual(upstream.connections, 1)

    def test_head_tells_what_get_would(self):
        for head, told in ((b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n",
                            ("12345", None)),
                           (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                            (None, "chunked")),
                           (b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n", (None, None))):
            with self.subTest(head):
                upstream = self.upstream(always(head))
                client = self.client(self.proxy(upstream))
                for _ in range(2):
                    client.send(b"HEAD / HTTP/1.1\r\nHost: test\r\n\r\n")
                    _, fields, _, _ = client.read_message(body=False)
                    self.assertEqual((fields.get("content-length"),
                                      fields.get("transfer-encoding")), told)
                self.assertEqual(upstream.connections, 1)

    def test_a_client_of_http_1_0_gets_what_it_understands(self):
        upstream = self.upstream(always(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
        line, fields, body, _ = self.ask(self.proxy(upstream), b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(body, b"abc")
        self.assertNotIn("transfer-encoding", fields)

    def test_pipelined_requests_are_answered_in_their_order(self):
        def script(peer):
            while True:
                try:
                    line, _, _, _ = peer.read_message()
                except EOFError:
                    return
                peer.send(answer(line.split()[1].encode()))
        upstream = self.upstream(script)
        client = self.client(self.proxy(upstream))
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: t\r\n\r\n" % i for i in range(20)))
        for i in range(20):
            self.assertEqual(client.read_message()[2], b"/%d" % i)

    def test_large_answers_come_through_whole(self):
        data = os.urandom(3_000_000)
        chunked = b"".join(b"%x\r\n%s\r\n" % (len(data[i:i + 70_000]), data[i:i + 70_000])
                           for i in range(0, len(data), 70_000)) + b"0\r\n\r\n"
        for whole in (answer(data),
                      b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked):
            client = self.client(self.proxy(self.upstream(always(whole))))
            for _ in range(2):
                client.send(GET)
                self.assertEqual(client.read_message()[2], data)

    def test_a_slow_client_holds_the_upstream_back(self):
        sent = []
        done = threading.Event()
        total = 64 * 1024 * 1024

        def script(peer):
            peer.read_message()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
            peer.sock.settimeout(1)
            try:
                while sum(sent) < total:
                    sent.append(peer.sock.send(b"x" * 65536))
            except TimeoutError:
                done.set()
            peer.sock.settimeout(60)
            while sum(sent) < total:
                sent.append(peer.sock.send(b"x" * min(65536, total - sum(sent))))
        upstream = self.upstream(script)
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        client.send(GET)
        client.read_head()
        self.assertTrue(done.wait(60), "the upstream was never held back")
        self.assertLess(sum(sent), total // 2)
        with open(f"/proc/{proxy.process.pid}/status", encoding="ascii") as file:
            resident = int(file.read().split("VmRSS:")[1].split()[0])
        self.assertLess(resident, 400 * 1024 if "san" in proxy.process.args[0] else 40 * 1024)
        self.assertEqual(len(client.exactly(total)), total)
        self.finished(proxy, f"none status 200 request 0 answer {total}")

    def test_interim_answers_come_through(self):
        upstream = self.upstream(always(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: keep-alive\r\n\r\n"
            + answer(b"ok")))
        client = self.client(self.proxy(upstream))
        for _ in range(2):
            client.send(GET)
            line, fields = client.read_head()
            self.assertEqual((line.split()[1], fields), ("103", [("link", "</a.css>")]))
            self.assertEqual(client.read_message()[2], b"ok")


class Requests(ProxyCase):
    def seen(self, request, peer_fields=(), **options):
        upstream = self.upstream(always(answer()))
        client = self.client(self.proxy(upstream, **options))
        client.send(request)
        client.read_message()
        return upstream.requests[0]

    def test_where_it_came_from_is_told_and_nobody_else_is_believed(self):
        line, fields = self.seen(
            b"GET /a?b=c HTTP/1.1\r\nHost: example.org:81\r\nX-Forwarded-For: 6.6.6.6\r\n"
            b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\n\r\n")
        self.assertEqual(line, "GET /a?b=c HTTP/1.1")
        self.assertEqual(fields, [
            ("host", "example.org:81"),
            ("forwarded", 'for=127.0.0.1;host="example.org:81";proto=http'),
            ("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "example.org:81"), ("x-forwarded-port", "81")])

    def test_a_trusted_proxy_is_believed_and_appended_to(self):
        _, fields = self.seen(
            b"GET / HTTP/1.1\r\nHost: inner\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8"
            b"\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer\r\nX-Forwarded-Port: 443\r\n"
            b"Forwarded: for=1.2.3.4\r\n\r\n", trusted="127.0.0.0/8")
        self.assertEqual(fields, [
            ("host", "inner"), ("forwarded", "for=1.2.3.4, for=127.0.0.1;host=inner;proto=http"),
            ("x-forwarded-for", "1.2.3.4, 5.6.7.8, 127.0.0.1"), ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "outer"), ("x-forwarded-port", "443")])

    def test_what_is_of_the_clients_connection_stays_behind(self):
        _, fields = self.seen(
            b"GET / HTTP/1.1\r\nHost: t\r\nConnection: keep-alive, X-Own, TE\r\nX-Own: 1\r\n"
            b"Keep-Alive: 5\r\nTE: trailers, deflate\r\nProxy-Connection: a\r\nX-Kept: yes\r\n"
            b"Upgrade: h3\r\nCookie: a=b\r\n\r\n", forwarded=0, via="us")
        self.assertEqual(fields, [("host", "t"), ("x-kept", "yes"), ("cookie", "a=b"),
                                  ("via", "1.1 us"), ("te", "trailers"), ("connection", "TE")])

    def test_host_and_prefixes_are_rewritten(self):
        for target, expected in (("/app/x?y", "/v1/x?y"), ("/app", "/v1/"), ("/app?q", "/v1/?q"),
                                 ("/apple", "/v1/apple"), ("http://h/app/z", "/v1/z")):
            line, fields = self.seen(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode(),
                                     host="inner:8080", strip="/app", add="/v1/")
            self.assertEqual(line, f"GET {expected} HTTP/1.1")
            self.assertEqual(fields[0], ("host", "inner:8080"))

    def test_an_absolute_target_becomes_the_origins(self):
        line, fields = self.seen(b"GET http://example.org/x?y HTTP/1.1\r\nHost: other\r\n\r\n")
        self.assertEqual((line, fields[0]), ("GET /x?y HTTP/1.1", ("host", "example.org")))

    def bodies(self):
        """An upstream that answers with what it was sent."""
        def script(peer):
            while True:
                try:
                    line, fields, body, trailers = peer.read_message()
                except EOFError:
                    return
                told = "chunked" if "transfer-encoding" in fields else fields.get("content-length")
                peer.send(answer(body, "200 OK", f"X-Told: {told}", f"X-Line: {line}",
                                 f"X-Trailers: {';'.join(trailers)}"))
        return self.upstream(script)

    def test_bodies_come_through(self):
        upstream = self.bodies()
        client = self.client(self.proxy(upstream))
        large = os.urandom(2_000_000)
        for method, body in (("POST", b"hello"), ("PUT", large), ("POST", b""), ("DELETE", b"why")):
            client.send(f"{method} / HTTP/1.1\r\nHost: t\r\nContent-Length: {len(body)}\r\n\r\n"
                        .encode() + body)
            _, fields, got, _ = client.read_message()
            self.assertEqual(got, body)
            self.assertEqual(fields["x-told"], str(len(body)))
            self.assertEqual(fields["x-line"], f"{method} / HTTP/1.1")
        self.assertEqual(upstream.connections, 1)

    def test_chunked_bodies_and_trailers_come_through(self):
        client = self.client(self.proxy(self.bodies()))
        for _ in range(2):
            client.send(b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 7\r\n\r\n")
            _, fields, got, _ = client.read_message()
            self.assertEqual((got, fields["x-told"], fields["x-trailers"]),
                             (b"abcdefg", "chunked", "X-Sum: 7"))

    def test_a_header_does_not_wait_for_its_body(self):
        seen = threading.Event()

        def script(peer):
            peer.read_head()
            seen.set()
            self.assertEqual(peer.exactly(5), b"hello")
            peer.send(answer())
        client = self.client(self.proxy(self.upstream(script)))
        client.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n")
        self.assertTrue(seen.wait(60))
        client.send(b"hello")
        self.assertEqual(client.read_message()[2], b"ok")

    def test_a_slow_upstream_holds_the_client_back(self):
        go_on = threading.Event()
        total = 64 * 1024 * 1024

        def script(peer):
            peer.read_head()
            go_on.wait(60)
            peer.exactly(total)
            peer.send(answer())
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % total)
        client.sock.settimeout(1)
        sent = 0
        with self.assertRaises(TimeoutError):
            while sent < total:
                sent += client.sock.send(b"x" * 65536)
        self.assertLess(sent, total // 2)
        client.sock.settimeout(60)
        go_on.set()
        while sent < total:
            sent += client.sock.send(b"x" * min(65536, total - sent))
        self.assertEqual(client.read_message()[2], b"ok")
        self.finished(proxy, f"none status 200 request {total} answer 2")

    def test_the_body_waits_for_the_upstreams_100(self):
        def script(peer):
            _, fields = peer.read_head()
            self.assertEqual(dict(fields)["expect"], "100-continue")
            peer.sock.settimeout(0.1)
            with self.assertRaises(TimeoutError):
                peer.exactly(1)
            peer.sock.settimeout(60)
            peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.assertEqual(peer.exactly(5), b"hello")
            peer.send(answer())
        client = self.client(self.proxy(self.upstream(script)))
        client.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        self.assertEqual(client.read_head()[0], "HTTP/1.1 100 Continue")
        client.send(b"hello")
        self.assertEqual(client.read_message()[2], b"ok")

    def test_the_body_is_sent_though_no_100_comes(self):
        def script(peer):
            peer.read_head()
            self.assertEqual(peer.exactly(5), b"hello")
            peer.send(answer())
        client = self.client(self.proxy(self.upstream(script)))
        client.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        self.assertEqual(client.read_head()[0], "HTTP/1.1 100 Continue")
        client.send(b"hello")
        self.assertEqual(client.read_message()[2], b"ok")

    def test_a_body_that_is_refused_is_not_asked_for(self):
        def script(peer):
            peer.read_head()
            peer.send(answer(b"no", "417 Expectation Failed"))
            self.assertEqual(peer.to_end(), b"")
        client = self.client(self.proxy(self.upstream(script)))
        client.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        self.assertEqual(client.read_message()[0], "HTTP/1.1 417 Expectation Failed")


if __name__ == "__main__":
    unittest.main()
