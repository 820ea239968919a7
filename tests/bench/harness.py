"""What the benchmark scripts share: servers as child processes, the load client, /proc."""

import ctypes
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parent


def program(build, name):
    """The path of a program of the build tree `build` (or of a flat folder)."""
    for folder in ("tests/bench", "main_test", "."):
        path = Path(build) / folder / name
        if path.exists():
            return str(path.resolve())
    sys.exit(f"{name} is not in {build}: cmake --preset bench && cmake --build --preset bench")


def raise_descriptor_limit():
    """As high as the system lets us; the limit is returned."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 65536), max(hard, 65536)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_port():
    """A port below the ephemeral range, so that no outgoing connection can take it."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def until(condition, what, seconds=20.0, process=None):
    """Waits for `condition` to become true; dies naming `what` if it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{what}: the process left with {process.returncode}")
        time.sleep(0.001)
    raise RuntimeError(f"{what}: not within {seconds} s")


class FolderWatch:
    """Sleeps until a file appears or is replaced in a folder (inotify(7)). Polling would take the
    processor from what is measured."""

    CLOSE_WRITE, MOVED_TO = 0x8, 0x80

    def __init__(self, folder):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(folder),
                                                 self.CLOSE_WRITE | self.MOVED_TO) < 0:
            raise OSError(ctypes.get_errno(), f"inotify on {folder}")

    def until(self, condition, what, seconds=20.0):
        """Waits for `condition` to become true, looking whenever the folder changed."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            changed, _, _ = select.select([self.fd], [], [], max(0.0, end - time.monotonic()))
            if not changed:
                raise RuntimeError(f"{what}: not within {seconds} s")
            os.read(self.fd, 65536)
        return value

    def close(self):
        os.close(self.fd)


def accepts(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def get(port, path="/ping", timeout=5.0):
    """One request on a connection of its own; the body, or None."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := client.recv(65536):
                answer += piece
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    return body if b" 200 " in head.split(b"\r\n")[0] else None


def read(path):
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def cpu_ns(pid):
    """CPU time of all threads: schedstat in nanoseconds, else the clock ticks of stat."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        text = read(task / "schedstat")
        if text:
            total += int(text.split()[0])
        else:
            text = read(task / "stat")
            if not text:
                continue  # a thread that has just ended
            fields = text.rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) * 10**9 // os.sysconf("SC_CLK_TCK")
    return total


def children(pid):
    return [int(p) for p in read(f"/proc/{pid}/task/{pid}/children").split()]


def descriptors(pid):
    """Where each descriptor of a process points to."""
    found = {}
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
            except OSError:
                pass
    except FileNotFoundError:
        pass
    return found


def descriptor_count(pid):
    """How many descriptors a process has, cheaply enough to ask beside a load."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def memory(pid):
    """Resident, proportional and private dirty memory in KiB."""
    values = {}
    for line in (read(f"/proc/{pid}/smaps_rollup") + read(f"/proc/{pid}/status")).splitlines():
        name, _, rest = line.partition(":")
        if name in ("VmRSS", "Pss", "Private_Dirty"):
            values[name] = int(rest.split()[0])
    return values


def alive(pid):
    state = read(f"/proc/{pid}/stat")
    return bool(state) and state.rsplit(")", 1)[1].split()[0] != "Z"


class Server:
    """A server under test, pinned to a CPU; its output goes to a file in a folder of its own."""

    daemon = False  # whether the process that we start only starts the one that serves

    def __init__(self, name, command, port, cpu=None, environment=None):
        self.name, self.command, self.port = name, command, port
        self.cpu, self.environment = cpu, environment
        self.folder = Path(tempfile.mkdtemp(prefix="baton-bench-"))
        self.log = self.folder / "log"
        self.process = None

    def __enter__(self):
        prefix = [] if self.cpu is None else ["taskset", "-c", str(self.cpu)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(prefix + self.command, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=self.environment)
        try:
            until(lambda: accepts(self.port), f"{self.name} listens",
                  process=None if self.daemon else self.process)
        except RuntimeError as error:
            sys.exit(f"{error}\n{read(self.log)}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self):
        """The process that serves."""
        return self.process.pid

    def cpu_ns(self):
        return cpu_ns(self.pid)


class Nginx(Server):
    """nginx, one worker, access log off. Small bodies are a `return` in the configuration (a
    directive holds less than 4 KiB), larger ones a static file with sendfile, its descriptor
    cached. Both are what suits nginx best. It sends no field that the others do not and it can do
    without. `listen` and `directives` are for its `server`."""

    RETURN_LIMIT = 2048

    def __init__(self, port, body=16, cpu=None, connections=20000, path="/", text=None,
                 daemon=False, listen="", directives=""):
        self.daemon = daemon
        super().__init__("nginx", [], port, cpu)
        text = text or "x" * min(body, self.RETURN_LIMIT)
        if body <= self.RETURN_LIMIT:
            answer = f"location = {path} {{ default_type 'text/plain; charset=utf-8'; return 200 '{text}'; }}"
        else:
            (self.folder / "html").mkdir()
            (self.folder / "html/index.html").write_bytes(b"x" * body)
            os.chmod(self.folder, 0o755)
            answer = (f"location = {path} {{ try_files /index.html =404; etag off; max_ranges 0; "
                      "add_header Last-Modified ''; }")
        user = "user root;" if os.geteuid() == 0 else ""
        self.config = self.folder / "nginx.conf"
        self.config.write_text(f"""
{user} daemon {'on' if daemon else 'off'}; worker_processes 1;
pid {self.folder}/pid; error_log {self.folder}/error.log;
worker_rlimit_nofile {resource.getrlimit(resource.RLIMIT_NOFILE)[1]};
events {{ worker_connections {connections}; }}
http {{
  access_log off; server_tokens off; keepalive_requests 1000000000; keepalive_timeout 600s;
  sendfile on; tcp_nopush on; open_file_cache max=16 inactive=600s; open_file_cache_valid 600s;
  client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p;
  fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u;
  scgi_temp_path {self.folder}/s;
  server {{
    listen 127.0.0.1:{port} backlog=4096 {listen}; {directives}
    root {self.folder}/html; {answer}
  }}
}}
""")
        self.command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder),
                        "-c", str(self.config), "-e", str(self.folder / "error.log")]

    @property
    def master(self):
        text = read(self.folder / "pid").strip()
        return int(text) if text else None

    @property
    def pid(self):
        workers = children(self.master) if self.master else []
        return max(workers, default=None)

    def __exit__(self, *arguments):
        master = self.master
        if self.daemon and master:
            os.kill(master, signal.SIGTERM)
            until(lambda: not alive(master), "nginx leaves")
        super().__exit__(*arguments)


class Client:
    """A load client that writes a JSON report; `ready` waits until each of its connections was
    answered once."""

    def __init__(self, path, *flags, cpu=None):
        self.json = tempfile.NamedTemporaryFile(suffix=".json")
        command = [path, "--quiet", "--json", self.json.name, *map(str, flags)]
        if cpu is not None:
            command += ["--pin", str(cpu)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

    def ready(self, seconds=60.0):
        readable, _, _ = select.select([self.process.stderr], [], [], seconds)
        line = self.process.stderr.readline().decode() if readable else ""
        if not line.startswith("ready:"):
            raise RuntimeError(f"the load client is not ready: {line!r}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.result()

    def result(self):
        _, errors = self.process.communicate()
        text = Path(self.json.name).read_text()
        if not text:
            raise RuntimeError(f"the load client gave no report: {errors.decode()}")
        return json.loads(text)


class Load(Client):
    """The HTTP/1.1 load client."""

    def __init__(self, build, port, *flags, cpu=None):
        super().__init__(program(build, "bench_load"), "--address", f"127.0.0.1:{port}", *flags,
                         cpu=cpu)


def run_load(build, port, *flags, cpu=None):
    with Load(build, port, *flags, cpu=cpu) as load:
        return load.result()


def failures(report):
    """What failed, as text; empty if nothing did."""
    remarks = ("unannounced_idle_close", "announced_close", "retried")
    return ", ".join(f"{name} {count}" for name, count in report["total"]["incidents"].items()
                     if count and name not in remarks)


def make_certificate(folder):
    """A certificate for localhost that is its own authority: `server.pem`, `server.key`."""
    folder = Path(folder)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / "server.key", "-out", folder / "server.pem"],
                   check=True, capture_output=True)


def machine():
    model = next((line.split(":", 1)[1].strip() for line in read("/proc/cpuinfo").splitlines()
                  if line.startswith("model name")), "unknown CPU")
    return (f"{model}, {os.cpu_count()} CPUs, Linux {os.uname().release}, "
            f"{time.strftime('%Y-%m-%d')}")


def table(head, rows):
    """A markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
