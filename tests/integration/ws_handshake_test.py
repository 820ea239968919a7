"""How WebSockets over HTTP/1.1 begin, and what is refused (RFC 6455 section 4.2)."""

import unittest

from raw_websocket import TEXT, RawWebSocket, Refused, frame
from support import Case, connect, read_response


class Handshakes(Case):
    ASKED = {"Host": "h", "Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

    def start(self, **websocket):
        self.web = self.service({"websocket": websocket})
        self.web.ready()
        self.port = self.web.port()

    def ask(self, method="GET", version="1.1", more=(), **changes):
        """`more`: lines behind the fields; a field that is None is left out."""
        changes = {name.replace("_", "-"): value for name, value in changes.items()}
        fields = {**self.ASKED, **changes}
        lines = [f"{method} /ws HTTP/{version}"]
        lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
        client = connect(self.port)
        client.sendall("\r\n".join([*lines, *more, "", ""]).encode())
        status, headers, body = read_response(client, method)
        client.close()
        return status, headers, body

    def answers(self, *cases):
        for status, changes in cases:
            with self.subTest(changes=changes):
                got, headers, body = self.ask(**changes)
                self.assertEqual(got, status, body)
                self.assertEqual(headers.get("sec-websocket-version"),
                                 "13" if status == 426 else None)
                if status == 426:
                    self.assertEqual((headers["upgrade"], headers["connection"].lower()),
                                     ("websocket", "upgrade"))
                self.assertEqual(headers.get("sec-websocket-accept"),
                                 "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" if status == 101 else None)
                self.assertNotIn("sec-websocket-protocol", headers)
                self.assertNotIn("sec-websocket-extensions", headers)

    def test_the_request(self):
        """Sections 4.1 and 4.2.1: a GET of HTTP/1.1, with a Host, and no body."""
        self.start()
        self.answers((101, {}), (405, {"method": "POST"}), (400, {"method": "HEAD"}),
                     (400, {"version": "1.0"}), (400, {"Host": None}), (400, {"more": ["Host: h"]}),
                     (400, {"Content_Length": "5", "more": ["", "12345"]}),
                     (101, {"Content_Length": "0"}))
        self.web.quit()

    def test_the_upgrade(self):
        self.start()
        self.answers((426, {"Upgrade": None}), (426, {"Upgrade": "h2c"}),
                     (426, {"Upgrade": "websockets"}), (426, {"Upgrade": ""}),
                     (101, {"Upgrade": "WebSocket"}), (101, {"Upgrade": "h2c, websocket"}),
                     (101, {"Upgrade": "other", "more": ["Upgrade: websocket"]}),
                     (426, {"Connection": None}), (426, {"Connection": "keep-alive"}),
                     (426, {"Connection": "upgraded"}), (101, {"Connection": "UPGRADE"}),
                     (101, {"Connection": "keep-alive, upgrade"}),
                     (101, {"Connection": "keep-alive", "more": ["Connection: ,Upgrade ,"]}))
        self.web.quit()

    def test_the_version_and_the_key(self):
        self.start()
        version = "Sec-WebSocket-Version: 13"
        self.answers((426, {"Sec_WebSocket_Version": "8"}), (426, {"Sec_WebSocket_Version": None}),
                     (426, {"Sec_WebSocket_Version": "13, 8"}),
                     (426, {"Sec_WebSocket_Version": "13.0"}), (426, {"more": [version]}),
                     (400, {"Sec_WebSocket_Key": None}), (400, {"Sec_WebSocket_Key": "short"}),
                     (400, {"Sec_WebSocket_Key": ""}), (400, {"Sec_WebSocket_Key": "x" * 24}),
                     (400, {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25j"}),  # 15 octets
                     (400, {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZSE="}),  # 17
                     (400, {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZ-=="}),
                     (400, {"more": [self.KEY]}))
        self.web.quit()

    def test_subprotocols(self):
        """Section 4.2.2: the one that the server likes best; none, if it knows none of them."""
        self.start(subprotocols=["v2", "v1"])
        for offered, chosen in ((["v1"], "v1"), (["v1, v2"], "v2"), (["v3,v1", "v2"], "v2"),
                                (["nobody, speaks, this"], None), (["V1"], None), ([], None)):
            with self.subTest(offered=offered):
                status, headers, _ = self.ask(
                    more=["Sec-WebSocket-Protocol: " + each for each in offered])
                self.assertEqual((status, headers.get("sec-websocket-protocol")), (101, chosen))
        self.answers((400, {"Sec_WebSocket_Protocol": "a b"}),
                     (400, {"Sec_WebSocket_Protocol": "v1, v1"}),
                     (400, {"Sec_WebSocket_Protocol": "v1",
                            "more": ["Sec-WebSocket-Protocol: v1"]}))
        self.web.quit()

    def test_extensions(self):
        """Section 9.1: several offers, in one field or in more; the first good one is taken."""
        self.start(compression={"server_context_takeover": True, "client_context_takeover": True,
                                "server_max_window_bits": 12, "client_max_window_bits": 10})
        deflate = "permessage-deflate"
        for offers, answer in (
                ([deflate], "; client_no_context_takeover; server_max_window_bits=12"),
                ([deflate + "; client_max_window_bits"],
                 "; server_max_window_bits=12; client_max_window_bits=10"),
                ([deflate + "; server_max_window_bits=9; client_max_window_bits=8"],
                 "; server_max_window_bits=9; client_max_window_bits=8"),
                (["unknown; a=1, " + deflate + "; server_no_context_takeover"],
                 "; server_no_context_takeover; client_no_context_takeover"
                 "; server_max_window_bits=12"),
                (["unknown", deflate + "; nonsense", deflate + "; client_max_window_bits=9"],
                 "; server_max_window_bits=12; client_max_window_bits=9"),
                (["unknown; a=\"b\", another"], None), (["x-webkit-deflate-frame"], None)):
            with self.subTest(offers=offers):
                status, headers, _ = self.ask(
                    more=["Sec-WebSocket-Extensions: " + each for each in offers])
                self.assertEqual((status, headers.get("sec-websocket-extensions")),
                                 (101, answer and deflate + answer))
        self.answers((400, {"Sec_WebSocket_Extensions": "x; ="}),
                     (400, {"more": [f"Sec-WebSocket-Extensions: {deflate}",
                                     "Sec-WebSocket-Extensions: ;"]}))
        self.web.quit()

    def test_no_compression_unless_it_is_switched_on(self):
        self.start()
        self.answers((101, {"Sec_WebSocket_Extensions": "permessage-deflate"}))
        self.web.quit()

    def test_origins(self):
        """The same host's pages, and whoever is no browser, unless the service says otherwise."""
        self.start()
        self.answers((101, {}), (101, {"Origin": "http://h"}), (101, {"Origin": "https://h:443"}),
                     (403, {"Origin": "http://elsewhere"}), (403, {"Origin": "http://h:8080"}),
                     (403, {"Origin": "null"}), (403, {"Origin": ""}),
                     (403, {"Origin": "http://h", "more": ["Origin: http://h"]}))
        self.web.quit()
        self.start(origins=["https://friend.example", "null"])
        self.answers((101, {"Origin": "https://friend.example"}), (101, {"Origin": "null"}),
                     (403, {}), (403, {"Origin": "http://h"}))
        self.web.quit()

    def test_nothing_is_promised_before_the_answer(self):
        """Frames may come in one piece with the handshake (and do)."""
        service = self.service()
        service.ready()
        client = connect(service.port())
        lines = ["GET /ws HTTP/1.1"] + [f"{name}: {value}" for name, value in self.ASKED.items()]
        client.sendall("\r\n".join([*lines, "", ""]).encode() + frame(TEXT, b"early"))
        text = b""
        while b"early" not in text:
            text += client.recv(4096)
        self.assertTrue(text.endswith(b"\r\n\r\n\x81\x05early"), text)
        client.close()
        with self.assertRaises(Refused) as told:
            RawWebSocket(service.port(), path="/ping")
        self.assertEqual(told.exception.status, 200)
        service.quit()


if __name__ == "__main__":
    unittest.main()
