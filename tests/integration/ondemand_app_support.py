"""baton-ondemand and its YAML file, with services of the tests behind it."""

import json
import os
import socket
import subprocess
import sys
import tempfile

from ondemand_support import ServicesBehind, ServicesCase
from support import BUILD, PATIENCE, read_response

PROGRAM = os.path.join(BUILD, "src/apps/ondemand/baton-ondemand")
BACKEND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ondemand_app_backend.py")


class App(ServicesBehind):
    """The program on a file. `services`: as in the file; where a value says FOLDER it is the folder
    of its service, [BACKEND, ...] is the backend with these keys."""

    def __init__(self, services, flags=(), environment=None, **sections):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.folders = {}
        self.path = os.path.join(folder, "gateway.yaml")
        self.folder = folder
        self.settings = {
            "server": {"threads": 1, "pid_file": os.path.join(folder, "service.pid")},
            "listeners": [{"address": "127.0.0.1:0", "name": "web"}],
            "admin": {"enabled": True, "address": os.path.join(folder, "admin.sock")},
            "shutdown": {"idle_grace": "100ms"}, **sections}
        self.write(services)
        super().__init__(program=PROGRAM, folder=folder, environment=environment,
                         arguments=[self.path, *flags])
        self._is_ours = True

    def write(self, services=None, **sections):
        """Replaces the file, as an editor does."""
        self.settings.update(sections)
        if services is not None:
            self.settings["services"] = {
                name: self._placed(name, dict(keys)) for name, keys in services.items()}
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(json.dumps(self.settings, indent=1))
        os.replace(self.path + ".new", self.path)

    def change(self, name, **keys):
        self.settings["services"][name].update(keys)
        self.write()

    def _placed(self, name, value):
        if name not in self.folders:
            own = self.folders[name] = os.path.join(self.folder, name)
            os.mkdir(own)
            for fifo in ("hold", "gate"):
                os.mkfifo(os.path.join(own, fifo))

        def place(of):
            if isinstance(of, dict):
                return {key: place(each) for key, each in of.items()}
            if isinstance(of, list) and of[:1] == [BACKEND]:
                return [sys.executable, BACKEND, self.folders[name], *of[1:]]
            if isinstance(of, list):
                return [place(each) for each in of]
            return of.replace("FOLDER", self.folders[name]) if isinstance(of, str) else of
        return place(value)

    def web(self, name="web"):
        return int(self.wait_log(r"listening \w+ on \S*:(\d+) as '%s'" % name).group(1))


def child(*keys, **more):
    """A service that is given its socket; its route is its name as a path unless `more` says."""
    return {"run": [BACKEND, *keys], "socket": {"address": "@"}, **more}


def commands(*keys, **more):
    """A service that shell commands start and stop: the shell's own tools."""
    return {"start": f"{sys.executable} {BACKEND} FOLDER unix=1 {' '.join(keys)} "
                     "</dev/null >FOLDER/log 2>&1 & echo $! >FOLDER/pid",
            "stop": "kill $(cat FOLDER/pid); while kill -0 $(cat FOLDER/pid) 2>/dev/null; do :; done",
            "target": "FOLDER/socket", **more}


class AppCase(ServicesCase):
    def app(self, services, **more):
        return self.watch(App(services, **more))

    @staticmethod
    def send(app, text, listener="web"):
        """A connection on which a request was sent."""
        sock = socket.create_connection(("127.0.0.1", app.web(listener)), PATIENCE)
        sock.sendall(text.encode() if isinstance(text, str) else text)
        return sock

    def ask(self, app, path="/", method="GET", host="shop.example", body=b"", listener="web", **fields):
        """Status, fields (of each name all values) and body."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        with self.send(app, "\r\n".join(lines + ["", ""]).encode() + body, listener) as sock:
            return read_response(sock, method)

    def seen(self, app, path="/", **how):
        """What the backend saw of a GET."""
        status, _, body = self.ask(app, path, **how)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def run_app(self, *arguments, status=0, environment=None):
        """Standard output and error of the program with these arguments."""
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                              timeout=PATIENCE * 2, stdin=subprocess.DEVNULL,
                              env={**os.environ, **(environment or {})})
        self.assertEqual(done.returncode, status, (arguments, done.stdout[-3000:], done.stderr[-3000:]))
        return done.stdout, done.stderr

    def question(self, app, *words, status=0):
        out, told = self.run_app(*words, app.path, status=status)
        return out if status == 0 else told
