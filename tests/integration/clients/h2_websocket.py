"""One HTTP/2 connection on python3-h2, its requests and its WebSockets (RFC 8441), which
python3-wsproto frames."""

import collections
import socket
import ssl

import h2.config
import h2.connection
import h2.errors
import h2.events
from wsproto.connection import Connection as Framing
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

PATIENCE = 60


class Client:
    """One HTTP/2 connection; what happens on a stream is kept for whoever asks for it."""

    def __init__(self, port, ca=None):
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca:
            context = ssl.create_default_context(cafile=ca)
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
            assert self.sock.selected_alpn_protocol() == "h2"
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.streams = {}
        self.goaways = []
        self.kept = b""
        self.over = False
        self.flush()
        # Section 3: nothing may be asked for before the server has said that it knows how.
        self.wait(lambda: self.h2.remote_settings.enable_connect_protocol)

    def flush(self):
        if data := self.h2.data_to_send():
            self.sock.sendall(data)

    def wait(self, condition):
        while not (answer := condition()):
            assert not self.over, "the connection ended"
            data = self.sock.recv(1 << 18)
            self.over = not data
            for event in self.feed(data):
                self.take(event)
            self.flush()
        return answer

    def feed(self, data):
        """Takes GOAWAY out: h2 ends a connection at the first one, which is meant as a notice."""
        self.kept += data
        passed = b""
        while len(self.kept) >= 9:
            size = 9 + int.from_bytes(self.kept[:3], "big")
            if len(self.kept) < size:
                break
            frame, self.kept = self.kept[:size], self.kept[size:]
            if frame[3] == 7:
                self.goaways.append(int.from_bytes(frame[9:13], "big"))
            else:
                passed += frame
        return self.h2.receive_data(passed) if passed else []

    def take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if stream is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            stream.headers = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            stream.data(event.data)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = event.error_code

    def request(self, path):
        return self.open(Plain(self), [(":method", "GET"), (":scheme", "http"), (":path", path),
                                       (":authority", "localhost")], end=True)

    def open(self, stream, headers, end=False):
        stream.id = self.h2.get_next_available_stream_id()
        self.streams[stream.id] = stream
        self.h2.send_headers(stream.id, headers, end_stream=end)
        self.flush()
        return stream

    def close(self):
        self.sock.close()


class Stream:
    def __init__(self, client):
        self.client, self.id, self.headers = client, None, None
        self.ended, self.reset = False, None

    def send(self, data):
        """All of `data`, as far and as fast as the windows open."""
        h2c = self.client.h2
        while data:
            room = min(h2c.local_flow_control_window(self.id), h2c.max_outbound_frame_size)
            if room == 0:
                self.client.wait(lambda: h2c.local_flow_control_window(self.id))
                continue
            h2c.send_data(self.id, data[:room])
            data = data[room:]
            self.client.flush()

    def end(self):
        self.client.h2.end_stream(self.id)
        self.client.flush()

    def cancel(self):
        self.client.h2.reset_stream(self.id, h2.errors.ErrorCodes.CANCEL)
        self.client.flush()

    def finished(self):
        self.client.wait(lambda: self.ended or self.reset is not None)
        return self.reset


class Plain(Stream):
    body = b""

    def data(self, data):
        self.body += data


class WebSocket(Stream):
    def __init__(self, client, path="/ws", extensions=(), protocol="websocket", version="13",
                 scheme="http", more=()):
        super().__init__(client)
        self.events = collections.deque()
        self.text = ""
        self.bytes = b""
        self.framing = None
        self.early = b""  # came in one piece with the answer
        headers = [(":method", "CONNECT"), (":protocol", protocol), (":scheme", scheme),
                   (":path", path), (":authority", "localhost"),
                   ("sec-websocket-version", version), *more]
        for each in extensions:
            headers.append(("sec-websocket-extensions", f"{each.name}; {each.offer()}"))
        client.open(self, headers)
        client.wait(lambda: self.headers or self.reset is not None)
        if self.headers and self.headers[":status"] == "200":
            for each in extensions:
                each.finalize(self.headers["sec-websocket-extensions"])
            self.framing = Framing(ConnectionType.CLIENT, extensions)
            self.data(self.early)

    def data(self, data):
        if self.framing is None:
            self.early += data
            return
        if not data:
            return
        self.framing.receive_data(data)
        for event in self.framing.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                whole = self.text if isinstance(event, TextMessage) else self.bytes
                whole += event.data
                if not event.message_finished:
                    self.text, self.bytes = ((whole, b"") if isinstance(event, TextMessage)
                                             else ("", whole))
                    continue
                self.text, self.bytes, event = "", b"", whole
            self.events.append(event)

    def say(self, event):
        self.send(self.framing.send(event))

    def hear(self):
        self.client.wait(lambda: self.events or self.ended or self.reset is not None)
        return self.events.popleft() if self.events else None

    def echo(self, message):
        kind = TextMessage if isinstance(message, str) else BytesMessage
        self.say(kind(data=message))
        answer = self.hear()
        assert answer == message, (len(message), answer if answer is None else type(answer))

    def closes(self, code=1000, reason=""):
        """Both say close, then both end the stream."""
        self.say(CloseConnection(code=code, reason=reason))
        answer = self.hear()
        assert isinstance(answer, CloseConnection) and answer.code == code, answer
        self.end()
        assert self.finished() is None, self.reset
