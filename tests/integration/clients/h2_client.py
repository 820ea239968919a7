"""An HTTP/2 client on python3-h2: `h2_client.py ping|drain|follow HOST PORT [CA]`.

ping: one request; prints the answer.
drain: keeps a few requests going until the server has sent its final GOAWAY; prints both GOAWAYs,
the last stream it was answered on, and how many of its requests stayed unanswered.
follow: keeps 100 requests in flight, connection after connection, until standard input ends; a
request behind a GOAWAY's last stream is sent again on the next connection, as RFC 9113 allows.
"""

import json
import selectors
import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.events


class Client:
    def __init__(self, host, port, ca=None):
        self.sock = socket.create_connection((host, int(port)), 30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca:
            context = ssl.create_default_context(cafile=ca)
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.http.initiate_connection()
        self.open = {}
        self.answers = []
        self.goaways = []
        self.failed = 0
        self.ended = False
        self.flush()

    def flush(self):
        data = self.http.data_to_send()
        if data:
            self.sock.sendall(data)

    def request(self, path="/ping"):
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, [(":method", "GET"), (":scheme", "http"),
                                        (":authority", "localhost"), (":path", path)],
                               end_stream=True)
        self.open[stream] = [0, b""]
        return stream

    def receive(self):
        data = self.sock.recv(65536)
        if not data:
            self.ended = True
            return
        # h2 ends a connection at the first GOAWAY; the server means it as a notice.
        for event in self.feed(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.open[event.stream_id][0] = int(dict(event.headers)[b":status"])
            elif isinstance(event, h2.events.DataReceived):
                self.open[event.stream_id][1] += event.data
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                status, body = self.open.pop(event.stream_id)
                self.answers.append((event.stream_id, status, body))
            elif isinstance(event, h2.events.StreamReset):
                self.open.pop(event.stream_id, None)
                self.failed += 1
        self.flush()

    buffer = b""

    def feed(self, data):
        """Takes GOAWAY frames out, and passes the others on."""
        self.buffer += data
        passed = b""
        while len(self.buffer) >= 9:
            size = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + size:
                break
            frame, self.buffer = self.buffer[:9 + size], self.buffer[9 + size:]
            if frame[3] == 7:
                last = int.from_bytes(frame[9:13], "big") & 0x7FFFFFFF
                self.goaways.append([int.from_bytes(frame[13:17], "big"), last])
            else:
                passed += frame
        return self.http.receive_data(passed) if passed else []


def ping(*where):
    client = Client(*where)
    client.request()
    while not client.answers:
        client.receive()
        assert not client.ended, "the connection ended"
    print(client.answers[0][2].decode(), end="")


def drain(*where):
    client = Client(*where)
    told = False
    while len(client.goaways) < 2:
        while len(client.open) < 4:
            client.request()
        client.flush()
        client.receive()
        assert not client.ended, client.goaways
        if not told:
            print("connected", flush=True)
            told = True
    final = client.goaways[-1][1]
    while [stream for stream in client.open if stream <= final]:
        client.receive()
        assert not client.ended, (client.open, client.goaways)
    last = max(stream for stream, _, _ in client.answers)
    print(json.dumps({"goaways": client.goaways, "last_stream": last,
                      "unanswered": len([s for s in client.open if s <= final])}))


def follow(*where):
    count = {"answered": 0, "failed": 0, "connections": 0}
    waiting = selectors.DefaultSelector()
    waiting.register(sys.stdin, selectors.EVENT_READ)
    told = False
    while not waiting.select(0):
        client = Client(*where)
        count["connections"] += 1
        final = None
        while True:
            stopping = bool(waiting.select(0))
            if not client.goaways and not stopping:
                while len(client.open) < 100:
                    client.request()
                client.flush()
            if client.goaways and client.goaways[-1][1] < 2**31 - 1:
                final = client.goaways[-1][1]
            owed = [s for s in client.open if final is None or s <= final]
            if not owed and (stopping or client.goaways):
                break
            client.receive()
            if client.ended:
                count["failed"] += len(owed)
                break
            for _, status, body in client.answers:
                good = status == 200 and body.startswith(b"pong by pid:")
                count["answered" if good else "failed"] += 1
            client.answers.clear()
            if not told and count["answered"]:
                print("connected", flush=True)
                told = True
        count["failed"] += client.failed
        client.sock.close()
    print(json.dumps(count))


if __name__ == "__main__":
    {"ping": ping, "drain": drain, "follow": follow}[sys.argv[1]](*sys.argv[2:])
