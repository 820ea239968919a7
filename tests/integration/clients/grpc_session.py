"""A gRPC client that does as it is told, on python3-grpcio: `grpc_session.py TARGET CREDENTIALS`.

Reads orders from standard input, JSON, one a line, and answers each with a line of JSON:

  {"do": "connect", "channel": C, "credentials": CREDENTIALS}   another channel, under the name C
  {"do": "who", "service": "Probe"|"Native", "metadata": [[key, value]]}   a unary call, and its end
  {"do": "fail", "text": TEXT}                a unary call that fails, with details
  {"do": "talk", "call": N, "text": TEXT}     a question on the stream N (begun by the first one)
  {"do": "duplex", "call": N, "size": BYTES}  the same of TestService/FullDuplexCall: so long a payload
  {"do": "wait", "call": N}                   begins a unary call that waits on the server
  {"do": "steer", "call": N, "await": COUNT, "release": BOOLEAN}   an order on the stream N
  {"do": "health", "call": N, "service": NAME}   begins Watch of grpc.health.v1; its first answer
  {"do": "next", "call": N}                   the next answer on a stream, or its end
  {"do": "end", "call": N, "cancel": BOOLEAN}  half-closes, and waits for the end of the call

Each may name a "channel"; the first one is called "". What an order answers is either an answer or
{"code": NAME, "details": TEXT}, how the call ended.
"""

import json
import sys

import grpc

import interop_pb2
import interop_pb2_grpc
import probe_pb2
import probe_pb2_grpc
from grpc_cases import Requests
from grpc_client import PATIENCE, connect


def varint_field(data, number):
    """The varint in a message's field; 0 if there is none. Enough for HealthCheckResponse."""
    return data[1] if data[:1] == bytes([number << 3]) else 0


def text_field(number, text):
    return bytes([number << 3 | 2, len(text)]) + text.encode() if text else b""


SERVING = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


def show(answer):
    if isinstance(answer, bytes):
        return {"health": SERVING[varint_field(answer, 1)]}
    if isinstance(answer, interop_pb2.StreamingOutputCallResponse):
        return {"size": len(answer.payload.body)}
    return {"pid": answer.pid, "text": answer.text, "peer": answer.peer,
            "subject": answer.client_subject, "fingerprint": answer.client_fingerprint,
            "metadata": sorted([field.key, field.value.decode("latin-1")]
                               for field in answer.metadata)}


def ended(call):
    return {"code": call.code().name, "details": call.details()}


class Session:
    def __init__(self, target, credentials):
        self.target = target
        self.channels = {}
        self.calls = {}
        self.unary = set()
        self.connect({"channel": "", "credentials": credentials})

    def channel(self, order):
        return self.channels[order.get("channel", "")]

    def probe(self, order):
        return probe_pb2_grpc.ProbeStub(self.channel(order))

    def connect(self, order):
        self.channels[order["channel"]] = connect(self.target, order["credentials"])
        return {}

    def who(self, order):
        stub = (probe_pb2_grpc.ProbeStub if order.get("service", "Probe") == "Probe"
                else probe_pb2_grpc.NativeStub)(self.channel(order))
        metadata = [(key, value.encode("latin-1") if key.endswith("-bin") else value)
                    for key, value in order.get("metadata", [])]
        try:
            return show(stub.Who(probe_pb2.Question(text=order.get("text", "")),
                                 metadata=metadata, timeout=PATIENCE))
        except grpc.RpcError as error:
            return ended(error)

    def fail(self, order):
        stub = probe_pb2_grpc.NativeStub(self.channel(order))
        try:
            return show(stub.Fail(probe_pb2.Question(text=order["text"]), timeout=PATIENCE))
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
            return {**ended(error), "more": details.decode()}

    def stream(self, order, begin, message):
        if order["call"] not in self.calls:
            requests = Requests()
            self.calls[order["call"]] = (begin(iter(requests), timeout=PATIENCE), requests)
        self.calls[order["call"]][1].send(message)
        return self.next(order)

    def talk(self, order):
        return self.stream(order, self.probe(order).Talk, probe_pb2.Question(text=order["text"]))

    def duplex(self, order):
        wanted = interop_pb2.ResponseParameters(size=order["size"])
        return self.stream(
            order, interop_pb2_grpc.TestServiceStub(self.channel(order)).FullDuplexCall,
            interop_pb2.StreamingOutputCallRequest(response_parameters=[wanted]))

    def steer(self, order):
        message = probe_pb2.Order(release=order.get("release", False))
        setattr(message, "await", order.get("await", 0))
        return self.stream(order, self.probe(order).Steer, message)

    def wait(self, order):
        self.unary.add(order["call"])
        self.calls[order["call"]] = (self.probe(order).Wait.future(
            probe_pb2.Question(text="waited"), timeout=PATIENCE), Requests())
        return {}

    def health(self, order):
        watch = self.channel(order).unary_stream("/grpc.health.v1.Health/Watch")
        self.calls[order["call"]] = (
            watch(text_field(1, order.get("service", "")), timeout=PATIENCE), Requests())
        return self.next(order)

    def next(self, order):
        call, _ = self.calls[order["call"]]
        try:
            return show(next(call))
        except StopIteration:
            return ended(call)
        except grpc.RpcError as error:
            return ended(error)

    def end(self, order):
        call, requests = self.calls.pop(order["call"])
        requests.end()
        if order.get("cancel"):
            call.cancel()
        try:
            if order["call"] in self.unary:
                return show(call.result())
            for _ in call:
                pass
            return ended(call)
        except grpc.RpcError as error:
            return ended(error)


def main():
    session = Session(*sys.argv[1:])
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(getattr(session, order["do"])(order)), flush=True)
    for channel in session.channels.values():
        channel.close()


if __name__ == "__main__":
    main()
