"""Servers that do one thing, right or wrong: what the load clients are proved with."""

import socket
import struct
import threading


def answer(body=b"pong by pid:7\n", head=b"", status=b"200 OK"):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), head, body)


class Peer:
    """A server on a port of its own that runs `serve(connection, number)` for each connection."""

    def __init__(self, serve):
        self.serve, self.threads, self.open = serve, [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept)
        self.thread.start()

    def accept(self):
        number = 0
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            thread = threading.Thread(target=self.run, args=(connection, number))
            thread.start()
            self.threads.append(thread)
            number += 1

    def run(self, connection, number):
        try:
            self.serve(connection, number)
        except OSError:
            pass
        connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join()


def always(*pieces):
    """Answers each request with these pieces."""
    def serve(connection, _):
        while connection.recv(65536):
            for piece in pieces:
                connection.sendall(piece)
    return serve


def once(*pieces, reset=False):
    """Answers one request with these pieces, then closes."""
    def serve(connection, _):
        connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return serve


def silent(connection, _):
    while connection.recv(65536):
        pass
