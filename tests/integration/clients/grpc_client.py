"""A gRPC client on python3-grpcio, with the same command line as those in other languages:

    grpc_client.py cases TARGET CREDENTIALS CASE...   a channel and a line for each case
    grpc_client.py follow TARGET CREDENTIALS          calls without end, while the server restarts

TARGET is HOST:PORT. CREDENTIALS is "-" for none (in the clear), or CA[,CERTIFICATE,KEY], files.

follow: two threads each of three kinds: unary calls on one channel; streams of 100 questions, each
asked when the one before was answered, on one channel; unary calls on a new channel each. Says
"connected" when each had an answer, goes on until standard input ends, and prints how it went as
JSON. Whatever fails counts as failed: nothing is tried again.
"""

import collections
import json
import sys
import threading

import grpc

import grpc_cases
import probe_pb2
import probe_pb2_grpc

PATIENCE = 60
QUESTIONS = 100
WORKERS = 2

# A connection of its own for each channel. There is no retry policy: what is begun anew, and only by
# gRPC itself, are calls that no server saw. grpc.enable_retries=0 would turn that off too, and a call
# that starts just when a GOAWAY is read would fail with any server.
OPTIONS = (("grpc.use_local_subchannel_pool", 1),)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def connect(target, credentials, options=OPTIONS):
    if credentials == "-":
        return grpc.insecure_channel(target, options)
    ca, certificate, key = (credentials.split(",") + ["", ""])[:3]
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(
        read(ca), read(key) if key else None, read(certificate) if certificate else None), options)


def cases(target, credentials, *names):
    failed = 0
    for name in names:
        with connect(target, credentials) as channel:
            try:
                grpc_cases.CASES[name](grpc_cases.stub_for(channel))
                print(name, "ok", flush=True)
            except Exception as error:  # whatever it is, the case failed
                failed += 1
                print(f"{name} failed: {error!r}", flush=True)
    return 1 if failed else 0


def ask(stub):
    answer = stub.Who(probe_pb2.Question(text="who"), timeout=PATIENCE)
    assert answer.text == "who", answer
    return answer.pid


def talk(stub):
    """All answers of a stream come from the generation that began it."""
    requests = grpc_cases.Requests()
    call = stub.Talk(iter(requests), timeout=PATIENCE)
    pids = set()
    try:
        for number in range(QUESTIONS):
            requests.send(probe_pb2.Question(text=str(number)))
            answer = next(call)
            assert answer.text == str(number), answer
            pids.add(answer.pid)
    finally:
        requests.end()
    assert not list(call) and len(pids) == 1, pids
    return pids.pop()


def never_connected(error):
    """grpc 1.51 reads errno behind connect(2) only when other calls have set it anew: now and then
    a connection that is on its way (EINPROGRESS) is given up for what TCP never says (ENOENT)."""
    return (error.code() == grpc.StatusCode.UNAVAILABLE
            and "No such file or directory" in error.details())


class Followers:
    def __init__(self, connect_once):
        self.connect = connect_once
        self.count = collections.defaultdict(lambda: {"answered": 0, "failed": 0})
        self.pids = set()
        self.stopping = False
        self.mutex = threading.Lock()

    def record(self, kind, call):
        try:
            pid = call()
        except Exception as error:  # whatever it is, the client noticed
            print(f"{kind}: {error!r}", file=sys.stderr)
            pid = None
        with self.mutex:
            self.count[kind]["answered" if pid else "failed"] += 1
            if pid:
                self.pids.add(pid)

    def on_new_channel(self):
        while True:
            try:
                with self.connect() as channel:
                    return ask(probe_pb2_grpc.ProbeStub(channel))
            except grpc.RpcError as error:
                if not never_connected(error):
                    raise

    def run(self):
        threads, connected = [], threading.Barrier(3 * WORKERS + 1)

        def work(kind, call):
            self.record(kind, call)
            connected.wait()
            while not self.stopping:
                self.record(kind, call)

        for _ in range(WORKERS):
            unary, stream = (probe_pb2_grpc.ProbeStub(self.connect()) for _ in range(2))
            for kind, call in (("unary", lambda stub=unary: ask(stub)),
                               ("stream", lambda stub=stream: talk(stub)),
                               ("channel", self.on_new_channel)):
                threads.append(threading.Thread(target=work, args=(kind, call)))
        for thread in threads:
            thread.start()
        connected.wait()
        print("connected", flush=True)
        sys.stdin.read()
        self.stopping = True
        for thread in threads:
            thread.join()
        print(json.dumps({**self.count, "pids": sorted(self.pids)}))
        return 1 if any(kind["failed"] for kind in self.count.values()) else 0


def follow(target, credentials):
    return Followers(lambda: connect(target, credentials)).run()


if __name__ == "__main__":
    sys.exit({"cases": cases, "follow": follow}[sys.argv[1]](*sys.argv[2:]))
