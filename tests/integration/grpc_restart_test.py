"""No call is lost over restarts, with clients in Python, JavaScript and C++: unary calls and streams
on channels that last, and calls on a new channel each, in the clear and under TLS."""

import os
import unittest

from grpc_support import GrpcCase
from support import is_alive

RESTARTS = int(os.environ.get("BATON_RESTARTS", "5"))


class Restarts(GrpcCase):
    def restart(self, service, times=1):
        """The pids of the generations; each old one has left."""
        pids = {service.pid()}
        for _ in range(times):
            old = service.pid()
            pids.add(service.upgrade())
            service.wait_for(lambda pid=old: not is_alive(pid), f"end of pid {old}")
        return pids

    def follow(self, **config):
        service = self.start(**config)
        followers = self.followers(service)
        pids = self.restart(service, RESTARTS)
        self.assertEqual(len(pids), RESTARTS + 1)
        for who, follower in followers.items():
            seen, errors = follower.stop()
            with self.subTest(client=who):
                self.assertEqual(errors, "")
                for kind in ("unary", "stream", "channel"):
                    self.assertEqual(seen[kind]["failed"], 0, kind)
                    self.assertGreater(seen[kind]["answered"], 0, kind)
                self.assertLessEqual(set(seen["pids"]), pids)
                self.assertIn(service.pid(), seen["pids"], "nobody found the last generation")
        service.quit()

    def test_one_thread(self):
        self.follow()

    def test_two_threads(self):
        self.follow(threads=2)

    def test_stream_that_is_older_than_the_restart_goes_on(self):
        service = self.start()
        for name in ("web", "tls"):
            client = self.session(service, name)
            old = service.pid()
            self.assertEqual(client.tell("talk", call=1, text="before")["pid"], old)
            self.assertEqual(client.tell("who")["pid"], old)
            new = service.upgrade()
            self.assertEqual(client.tell("talk", call=1, text="after")["pid"], old)
            # The old generation says GOAWAY: new calls of the same channel go to the new one.
            service.wait_for(lambda pid=new: client.tell("who")["pid"] == pid, f"answer of {new}")
            self.assertEqual(client.tell("talk", call=1, text="long after")["pid"], old)
            self.assertTrue(is_alive(old))
            self.assertEqual(client.tell("end", call=1), {"code": "OK", "details": ""})
            service.wait_for(lambda pid=old: not is_alive(pid), f"end of pid {old}")
            self.assertEqual(client.tell("who")["pid"], new)
            client.close()
        service.quit()

    def test_unary_call_that_is_older_than_the_restart_is_answered(self):
        service = self.start()
        for name in ("web", "tls"):
            client = self.session(service, name)
            old = service.pid()
            client.tell("wait", call=1)
            self.assertEqual(client.tell("steer", call=2, **{"await": 1})["pid"], old)
            service.upgrade()
            client.tell("steer", call=2, release=True)
            self.assertEqual(client.tell("end", call=1)["pid"], old)
            self.assertEqual(client.tell("end", call=2)["code"], "OK")
            service.wait_for(lambda pid=old: not is_alive(pid), f"end of pid {old}")
            client.close()
        service.quit()


if __name__ == "__main__":
    unittest.main()
