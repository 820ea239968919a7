"""What the proxy makes of upstreams and clients that fail, and what it may send twice."""

import json
import socket
import struct
import threading
import unittest

from proxy_support import ProxyCase, always, answer, once

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello"
PUT = b"PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello"


def reset(peer):
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.sock.close()


def silent(peer):
    """Takes the request and says nothing until the connection ends."""
    peer.read_head()
    peer.to_end()


class Failures(ProxyCase):
    def told(self, proxy, status, error, request=GET):
        line, fields, body, _ = self.ask(proxy, request)
        self.assertEqual(line.split()[1], str(status))
        self.assertEqual(fields["content-type"], "application/json")
        said = json.loads(body)
        self.assertEqual((said["error"], said["status"]), (error, status))
        self.finished(proxy, error)
        return said["message"]

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        proxy = self.proxy(address)
        self.assertIn(address, self.told(proxy, 502, "connect_refused"))
        self.told(proxy, 502, "connect_refused", POST)
        self.told(self.proxy("unix:/nowhere/at/all.sock"), 502, "connect_refused")

    def test_the_connection_is_not_made_in_time(self):
        where = f"@baton-proxy-late-{id(self)}"
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as fills:
            listener.bind("\0" + where[1:])
            listener.listen(0)
            fills.connect("\0" + where[1:])
            self.told(self.proxy(where, connect_timeout_ms=200), 504, "connect_timed_out")

    def test_no_connection_becomes_free_in_time(self):
        upstream = self.upstream(silent)
        proxy = self.proxy(upstream, max_connections=1, wait_timeout_ms=200)
        first = self.client(proxy)
        first.send(GET)
        self.assertIn("200 ms", self.told(proxy, 503, "upstream_busy"))
        reset(first)
        self.finished(proxy, "client_left status 0")

    def test_too_many_wait(self):
        proxy = self.proxy(self.upstream(silent), max_connections=1, max_waiting=0)
        first = self.client(proxy)
        first.send(GET)
        # Whether the first request has the connection yet, nobody else may wait.
        self.told(proxy, 503, "upstream_busy")
        reset(first)
        self.finished(proxy, "client_left status 0")

    def test_who_waits_is_served_when_a_connection_becomes_free(self):
        upstream = self.upstream(always(answer(b"in turn")))
        proxy = self.proxy(upstream, max_connections=2)
        clients = [self.client(proxy) for _ in range(16)]
        for client in clients:
            client.send(GET)
        for client in clients:
            self.assertEqual(client.read_message()[2], b"in turn")
        self.assertLessEqual(upstream.connections, 2)

    def test_the_upstream_ends_instead_of_answering(self):
        for script in (lambda peer: peer.read_head(), lambda peer: (peer.read_head(), reset(peer)),
                       once(b"HTTP/1.1 200 OK\r\nContent-")):
            self.told(self.proxy(self.upstream(script)), 502, "connection_lost_before_answer")

    def test_no_answer_in_time(self):
        proxy = self.proxy(self.upstream(silent), head_timeout_ms=200)
        self.told(proxy, 504, "head_timed_out")

    def test_what_is_no_answer_is_not_passed_on(self):
        for said, error in ((b"SSH-2.0-OpenSSH\r\n\r\n", "answer_malformed"),
                            (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "answer_malformed"),
                            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"
                             b"\r\n\r\n", "answer_malformed"),
                            (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                             b"Connection: upgrade\r\n\r\n", "answer_malformed"),
                            (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70000 + b"\r\n\r\n",
                             "answer_too_large")):
            self.told(self.proxy(self.upstream(once(said))), 502, error)

    def cut_off(self, proxy, failure):
        client = self.client(proxy)
        client.send(GET)
        line, fields = client.read_head()
        self.assertEqual(line, "HTTP/1.1 200 OK")
        with self.assertRaises((ConnectionError, EOFError)):
            client.read_chunks() if "transfer-encoding" in dict(fields) else client.exactly(100)
        self.finished(proxy, f"{failure} status 200")
        proxy.wait_log("the client is cut off")

    def test_an_answer_that_breaks_off_is_not_taken_for_whole(self):
        for said in (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nx\r\n"):
            self.cut_off(self.proxy(self.upstream(once(said))), "lost_in_answer")

    def test_a_reset_is_not_the_end_of_an_answer_without_length(self):
        def script(peer):
            peer.read_head()
            peer.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
            peer.upstream.seen.wait(60)
            reset(peer)
        upstream = self.upstream(script)
        upstream.seen = threading.Event()
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        client.send(GET)
        client.read_head()
        upstream.seen.set()
        with self.assertRaises((ConnectionError, EOFError)):
            client.read_chunks()
        self.finished(proxy, "lost_in_answer")

    def test_an_answer_that_stands_still_is_given_up(self):
        def script(peer):
            peer.read_head()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            peer.to_end()
        self.cut_off(self.proxy(self.upstream(script), piece_timeout_ms=200), "answer_stalled")

    def test_event_streams_may_be_silent(self):
        def script(peer):
            peer.read_head()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            peer.sock.settimeout(0.6)
            with self.assertRaises(TimeoutError):
                peer.exactly(1)
            peer.send(b"data: 2\n\n")
        proxy = self.proxy(self.upstream(script), piece_timeout_ms=150, head_timeout_ms=150)
        _, _, body, _ = self.ask(proxy)
        self.assertEqual(body, b"data: 1\n\ndata: 2\n\n")

    def test_a_client_that_leaves_ends_the_upstreams_connection(self):
        gone = threading.Event()

        def script(peer):
            peer.read_head()
            peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
            peer.upstream.answered.set()
            try:
                while True:
                    peer.send(b"x" * 1000)
            except OSError:
                gone.set()
        upstream = self.upstream(script)
        upstream.answered = threading.Event()
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        client.send(GET)
        client.read_head()
        reset(client)
        self.assertTrue(gone.wait(60))
        self.finished(proxy, "client_left status 200")

    def test_a_client_that_leaves_within_its_body_ends_the_upstreams_connection(self):
        seen, gone = threading.Event(), threading.Event()

        def script(peer):
            peer.read_head()
            peer.exactly(4)
            seen.set()
            peer.to_end()
            gone.set()
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nhalf")
        self.assertTrue(seen.wait(60))
        client.close()
        self.assertTrue(gone.wait(60))
        self.finished(proxy, "client_left")

    def test_an_early_answer_ends_the_upload(self):
        def script(peer):
            peer.read_head()
            peer.exactly(1)
            peer.send(answer(b"too large", "413 Content Too Large"))
            try:
                peer.to_end()
            except ConnectionError:
                pass
        proxy = self.proxy(self.upstream(script))
        client = self.client(proxy)
        client.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\nstart")
        line, _, body, _ = client.read_message()
        self.assertEqual((line.split()[1], body), ("413", b"too large"))
        self.finished(proxy, "none status 413")


class Repeats(ProxyCase):
    """An upstream that ends a connection just when it is used again."""

    def ends_at_the_second(self):
        def first(peer):
            peer.read_message()
            peer.send(answer(b"first"))
            peer.read_message()  # and nothing
        return self.upstream(first, always(answer(b"second")))

    def second(self, request):
        upstream = self.ends_at_the_second()
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        client.send(GET)
        self.assertEqual(client.read_message()[2], b"first")
        client.send(request)
        return upstream, client.read_message()

    def test_an_idempotent_request_is_sent_again(self):
        for request in (GET, GET.replace(b"GET", b"DELETE"), GET.replace(b"GET", b"OPTIONS")):
            upstream, (_, _, body, _) = self.second(request)
            self.assertEqual(body, b"second")
            self.assertEqual(upstream.connections, 2)

    def test_a_request_that_may_have_been_done_is_not(self):
        for request in (POST, GET.replace(b"GET", b"POST"), PUT):
            upstream, (line, _, body, _) = self.second(request)
            self.assertEqual(line.split()[1], "502")
            self.assertEqual(json.loads(body)["error"], "connection_lost_before_answer")
            self.assertEqual(upstream.connections, 1)

    def test_once_is_enough(self):
        def ends(peer):
            peer.read_message()

        def first_then_end(peer):
            peer.read_message()
            peer.send(answer())
            peer.read_message()
        upstream = self.upstream(first_then_end, ends)
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        client.send(GET)
        client.read_message()
        client.send(GET)
        self.assertEqual(client.read_message()[0].split()[1], "502")
        self.assertEqual(upstream.connections, 2)

    def test_a_connection_that_ended_while_it_rested_is_not_used(self):
        ended = threading.Event()

        def script(peer):
            peer.read_message()
            peer.send(answer(b"one"))
            peer.sock.shutdown(socket.SHUT_RDWR)
            ended.set()
        upstream = self.upstream(script)
        proxy = self.proxy(upstream)
        client = self.client(proxy)
        for round_ in range(1, 6):
            client.send(POST)
            line, _, body, _ = client.read_message()
            self.assertTrue(ended.wait(60))
            ended.clear()
            # The proxy learns of the end in its next turn; a POST in between is not sent twice.
            self.finished(proxy, count=round_)
            self.assertEqual((line.split()[1], body), ("200", b"one"))

    def test_the_gateway_may_forward_again(self):
        upstream = self.upstream(lambda peer: peer.read_head(), always(answer(b"again")))
        proxy = self.proxy(upstream, repeat=1)
        self.assertEqual(self.ask(proxy)[2], b"again")
        self.finished(proxy, "connection_lost_before_answer")
        self.finished(proxy)


if __name__ == "__main__":
    unittest.main()
