"""The cases of gRPC's interoperability tests, with clients in Python, JavaScript and C++."""

import unittest

from grpc_support import CASES, LANGUAGES, PEER, GrpcCase


class Baton(GrpcCase):
    """Services as generated code has them, sync and callback, in the clear and under TLS."""

    def every_case(self, api):
        service = self.start(api=api)
        for language in LANGUAGES:
            for name in ("web", "tls"):
                with self.subTest(language=language, listener=name):
                    # A handler does not see how a message came.
                    self.run_cases(language, service, name, *CASES, "compressed_unary")
        service.quit()

    def test_sync(self):
        self.every_case("sync")

    def test_callback(self):
        self.every_case("callback")

    def test_packed_answers(self):
        service = self.start(pack=True)
        for language in LANGUAGES:
            with self.subTest(language=language):
                self.run_cases(language, service, "web", *CASES, "compressed_unary")
        self.run_cases("c++", service, "web", "packed_unary")
        service.quit()


class Clients(GrpcCase):
    """The same clients against grpc++ itself: what fails there is the client's fault."""

    def every_case(self, api, *listeners):
        for listener in listeners:
            service = self.start(listener, program=PEER, api=api)
            for language in LANGUAGES:
                with self.subTest(language=language, listener=listener["name"]):
                    self.run_cases(language, service, listener["name"], *CASES,
                                   "client_compressed_unary", "server_compressed_unary")
            service.quit()

    def test_sync(self):
        self.every_case("sync", self.clear())

    def test_callback(self):
        self.every_case("callback", self.clear(), self.tls())


if __name__ == "__main__":
    unittest.main()
