"""A program that `baton run` keeps: serves the sockets it was given, and leaves gracefully.

run_backend.py FOLDER [WORD...]; words:
  notify          says READY=1 once it serves; not while FOLDER/hang is there
  ignore-term     a SIGTERM means nothing
  fork-away       leaves a process behind that went into a session of its own
  orphan          leaves one behind that ends at once
FOLDER/fail makes a start fail with status 3; FOLDER/version is told with each answer.

GET / tells pid, version and sockets; /slow answers once somebody opens FOLDER/hold for writing;
/crash ends with status 3, /end with 0, /kill by SIGKILL; /usr2 tells how many SIGUSR2 came.
"""

import asyncio
import json
import os
import signal
import socket
import sys

FOLDER, WORDS = sys.argv[1], sys.argv[2:]


def read(name, default=""):
    try:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return default


def say(what):
    print(f"backend {os.getpid()}: {what}", file=sys.stderr, flush=True)


class Backend:
    def __init__(self):
        self.open = 0
        self.usr2 = 0
        self.tasks = set()
        self.leaving = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()

    def usr2_came(self):
        self.usr2 += 1
        say("heard USR2")

    async def answer(self, path):
        if path == "/crash":
            os._exit(3)
        if path == "/end":
            os._exit(0)
        if path == "/kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if path == "/slow":
            say("holds a request")
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, lambda: open(os.path.join(FOLDER, "hold"), "rb").read())
        return {"pid": os.getpid(), "version": read("version"), "usr2": self.usr2,
                "listen_pid": os.environ.get("LISTEN_PID"),
                "names": os.environ.get("LISTEN_FDNAMES"), "fds": os.environ.get("LISTEN_FDS"),
                "mark": os.environ.get("MARK"), "notify": os.environ.get("NOTIFY_SOCKET"),
                "directory": os.getcwd()}

    async def serve(self, connection):
        try:
            reader, writer = await asyncio.open_connection(sock=connection)
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                body = json.dumps(await self.answer(head.split()[1].decode())).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                             % (len(body), body))
                await writer.drain()
            finally:
                writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            if self.open == 0:
                self.idle.set()

    def accept(self, listener):
        """One at a time: what is in the queue when it leaves stays there, for the next one."""
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return  # another instance was faster
        connection.setblocking(False)
        self.open += 1
        self.idle.clear()
        self.tasks.add(asyncio.create_task(self.serve(connection)))

    async def run(self):
        loop = asyncio.get_running_loop()
        if "ignore-term" in WORDS:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        else:
            loop.add_signal_handler(signal.SIGTERM, self.leaving.set)
        loop.add_signal_handler(signal.SIGUSR2, self.usr2_came)
        listeners = []
        for number in range(int(os.environ.get("LISTEN_FDS", "0"))):
            listener = socket.socket(fileno=3 + number)
            listener.setblocking(False)
            listeners.append(listener)
            loop.add_reader(listener, self.accept, listener)
        if "notify" in WORDS and not os.path.exists(os.path.join(FOLDER, "hang")):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.connect("\0" + os.environ["NOTIFY_SOCKET"][1:]
                                if os.environ["NOTIFY_SOCKET"].startswith("@")
                                else os.environ["NOTIFY_SOCKET"])
                manager.send(b"READY=1\nSTATUS=serves")
        say("serves")
        await self.leaving.wait()
        for listener in listeners:
            loop.remove_reader(listener)
        await self.idle.wait()
        say("has finished")


def leave_behind(ends_at_once):
    if os.fork() != 0:
        return
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    say("left a process behind")
    if ends_at_once:
        os._exit(0)
    signal.pause()


if os.path.exists(os.path.join(FOLDER, "fail")):
    say("cannot find its database")
    sys.exit(3)
if "fork-away" in WORDS or "orphan" in WORDS:
    leave_behind("orphan" in WORDS)
    os.wait()
asyncio.run(Backend().run())
