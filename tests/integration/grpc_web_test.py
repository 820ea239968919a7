"""gRPC-Web: calls with what a browser has, over HTTP/1.1 and HTTP/2, beside gRPC on one port."""

import base64
import json
import os
import struct
import unittest

from grpc_support import NODE, GrpcCase
from protocols import CLIENTS
from support import PATIENCE

SERVICE = "/grpc.testing.TestService/"
TWO_SIZES = "1202080312020805"      # StreamingOutputCallRequest: sizes 3 and 5
FAILING = "3a0908021205776f727365"     # SimpleRequest: status 2, "worse"
TYPES = {"binary": "application/grpc-web+proto", "text": "application/grpc-web-text+proto"}


def frame(message):
    return struct.pack(">BI", 0, len(message)) + message


class Web(GrpcCase):
    def setUp(self):
        super().setUp()
        self.target = self.start(self.clear(), one_port=True)
        self.addCleanup(self.target.quit)

    def call(self, form, method, *messages):
        if not NODE:
            raise unittest.SkipTest("node is not installed (package nodejs)")
        output = self.run_client(NODE, os.path.join(CLIENTS, "grpc_web.cjs"),
                                 f"http://127.0.0.1:{self.target.port('web')}", form, method,
                                 *messages)
        heard = json.loads(output)
        self.assertEqual((200, TYPES[form], 0), (heard["status"], heard["type"], heard["rest"]))
        return heard

    def test_a_call_and_its_answer(self):
        for form in TYPES:
            with self.subTest(form=form):
                heard = self.call(form, SERVICE + "EmptyCall", "")
                self.assertEqual([0], heard["lengths"])
                self.assertEqual({"grpc-status": "0"}, heard["trailers"])

    def test_a_stream_of_answers(self):
        for form in TYPES:
            with self.subTest(form=form):
                heard = self.call(form, SERVICE + "StreamingOutputCall", TWO_SIZES)
                self.assertEqual(2, len(heard["lengths"]))
                self.assertEqual(2, heard["lengths"][1] - heard["lengths"][0])
                self.assertEqual("0", heard["trailers"]["grpc-status"])

    def test_a_failure_and_its_message(self):
        for form in TYPES:
            with self.subTest(form=form):
                heard = self.call(form, SERVICE + "UnaryCall", FAILING)
                self.assertEqual([], heard["lengths"])
                self.assertEqual({"grpc-status": "2", "grpc-message": "worse"}, heard["trailers"])
                heard = self.call(form, SERVICE + "Unknown", "")
                self.assertEqual("12", heard["trailers"]["grpc-status"])

    def test_text_over_http2(self):
        body = base64.b64encode(frame(b"")).decode()
        answer = self.run_client(
            "curl", "--silent", "--show-error", "--max-time", str(PATIENCE),
            "--http2-prior-knowledge", "-H", "content-type: application/grpc-web-text",
            "--data-binary", body, "-w", "\n%{http_version} %{http_code}",
            f"http://127.0.0.1:{self.target.port('web')}{SERVICE}EmptyCall").decode()
        text, version = answer.split("\n")
        self.assertEqual("2 200", version)
        self.assertEqual(frame(b""), base64.b64decode(text[:8]))
        trailers = base64.b64decode(text[8:])
        self.assertEqual(b"\x80" + struct.pack(">I", 16) + b"grpc-status: 0\r\n", trailers)


if __name__ == "__main__":
    unittest.main()
