"""The cases of gRPC's interoperability tests, for clients on python3-grpcio."""

import queue

import grpc

import interop_pb2 as messages
import interop_pb2_grpc as services

ASKED, ANSWERED = 271828, 314159
REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)
METADATA = (("x-grpc-test-echo-initial", "test_initial_metadata_value"),
            ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"))
DEADLINE = 60


def check(holds, otherwise):
    if not holds:
        raise AssertionError(otherwise)


def expect_size(payload, size):
    check(payload.body == bytes(size), f"{len(payload.body)} bytes instead of {size} zeros")


def expect_status(call, code, message=None):
    """The status of a call that is over, or will be."""
    check(call.code() == code, f"{call.code()} ({call.details()}) instead of {code}")
    if message is not None:
        check(call.details() == message, f"the message is {call.details()!r}")


def refused(invoke, code, message=None):
    """Whether a unary call fails as it should."""
    try:
        invoke()
    except grpc.RpcError as error:
        return expect_status(error, code, message)
    raise AssertionError(f"no error instead of {code}")


def payload(size):
    return messages.Payload(body=bytes(size))


def large(**more):
    return messages.SimpleRequest(response_size=ANSWERED, payload=payload(ASKED), **more)


def one_response(response_size, request_size):
    return messages.StreamingOutputCallRequest(
        response_parameters=[messages.ResponseParameters(size=response_size)],
        payload=payload(request_size))


class Requests:
    """What a stream sends, one at a time."""

    def __init__(self):
        self._pieces = queue.SimpleQueue()

    def send(self, message):
        self._pieces.put(message)

    def end(self):
        self._pieces.put(None)

    def __iter__(self):
        return iter(self._pieces.get, None)


def empty_unary(stub):
    check(stub.EmptyCall(messages.Empty(), timeout=DEADLINE) == messages.Empty(), "not empty")


def large_unary(stub):
    expect_size(stub.UnaryCall(large(), timeout=DEADLINE).payload, ANSWERED)


def client_streaming(stub):
    answer = stub.StreamingInputCall(
        (messages.StreamingInputCallRequest(payload=payload(size)) for size in REQUEST_SIZES),
        timeout=DEADLINE)
    check(answer.aggregated_payload_size == 74922, answer)


def server_streaming(stub):
    call = stub.StreamingOutputCall(messages.StreamingOutputCallRequest(
        response_parameters=[messages.ResponseParameters(size=size) for size in RESPONSE_SIZES]),
        timeout=DEADLINE)
    answers = list(call)
    check(len(answers) == len(RESPONSE_SIZES), f"{len(answers)} answers")
    for answer, size in zip(answers, RESPONSE_SIZES):
        expect_size(answer.payload, size)


def ping_pong(stub):
    requests = Requests()
    call = stub.FullDuplexCall(iter(requests), timeout=DEADLINE)
    for response_size, request_size in zip(RESPONSE_SIZES, REQUEST_SIZES):
        requests.send(one_response(response_size, request_size))
        expect_size(next(call).payload, response_size)
    requests.end()
    check(not list(call), "a fifth answer")
    expect_status(call, grpc.StatusCode.OK)


def empty_stream(stub):
    call = stub.FullDuplexCall(iter(()), timeout=DEADLINE)
    check(not list(call), "an answer to nothing")
    expect_status(call, grpc.StatusCode.OK)


def cancel_after_begin(stub):
    requests = Requests()
    call = stub.StreamingInputCall.future(iter(requests), timeout=DEADLINE)
    call.cancel()
    requests.end()
    check(call.cancelled(), "it was not cancelled")
    expect_status(call, grpc.StatusCode.CANCELLED)


def cancel_after_first_response(stub):
    requests = Requests()
    call = stub.FullDuplexCall(iter(requests), timeout=DEADLINE)
    requests.send(one_response(31415, 27182))
    expect_size(next(call).payload, 31415)
    call.cancel()
    requests.end()
    try:
        next(call)
        raise AssertionError("an answer that was not asked for")
    except grpc.RpcError:
        expect_status(call, grpc.StatusCode.CANCELLED)


def timeout_on_sleeping_server(stub):
    requests = Requests()
    call = stub.FullDuplexCall(iter(requests), timeout=0.001)
    requests.send(messages.StreamingOutputCallRequest(payload=payload(27182)))
    try:
        next(call)
        raise AssertionError("an answer that was not asked for")
    except grpc.RpcError:
        expect_status(call, grpc.StatusCode.DEADLINE_EXCEEDED)
    requests.end()


def expect_metadata(call):
    check(METADATA[0] in [tuple(pair) for pair in call.initial_metadata()],
          f"initial metadata: {call.initial_metadata()}")
    check(METADATA[1] in [tuple(pair) for pair in call.trailing_metadata()],
          f"trailing metadata: {call.trailing_metadata()}")


def custom_metadata(stub):
    answer, call = stub.UnaryCall.with_call(large(), metadata=METADATA, timeout=DEADLINE)
    expect_size(answer.payload, ANSWERED)
    expect_metadata(call)
    call = stub.FullDuplexCall(iter([one_response(ANSWERED, ASKED)]), metadata=METADATA,
                               timeout=DEADLINE)
    answers = list(call)
    check(len(answers) == 1, f"{len(answers)} answers")
    expect_size(answers[0].payload, ANSWERED)
    expect_metadata(call)


def status_code_and_message(stub):
    message = "test status message"
    wanted = messages.EchoStatus(code=2, message=message)
    refused(lambda: stub.UnaryCall(messages.SimpleRequest(response_status=wanted),
                                   timeout=DEADLINE), grpc.StatusCode.UNKNOWN, message)
    call = stub.FullDuplexCall(iter([messages.StreamingOutputCallRequest(response_status=wanted)]),
                               timeout=DEADLINE)
    refused(lambda: list(call), grpc.StatusCode.UNKNOWN, message)


def special_status_message(stub):
    message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    request = messages.SimpleRequest(response_status=messages.EchoStatus(code=2, message=message))
    refused(lambda: stub.UnaryCall(request, timeout=DEADLINE), grpc.StatusCode.UNKNOWN, message)


def unimplemented_method(stub):
    refused(lambda: stub.UnimplementedCall(messages.Empty(), timeout=DEADLINE),
            grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service(stub):
    other = services.UnimplementedServiceStub(stub.channel)
    refused(lambda: other.UnimplementedCall(messages.Empty(), timeout=DEADLINE),
            grpc.StatusCode.UNIMPLEMENTED)


def unary(stub, expected, compressed):
    return stub.UnaryCall(
        large(expect_compressed=messages.BoolValue(value=expected)), timeout=DEADLINE,
        compression=grpc.Compression.Gzip if compressed else grpc.Compression.NoCompression)


def compressed_unary(stub):
    """Not of the description: for servers whose handlers do not see how a message came."""
    for compressed in (True, False):
        expect_size(unary(stub, compressed, compressed).payload, ANSWERED)


def client_compressed_unary(stub):
    refused(lambda: unary(stub, True, False), grpc.StatusCode.INVALID_ARGUMENT)
    compressed_unary(stub)


def server_compressed_unary(stub):
    """What came over the wire, grpcio does not tell."""
    for compressed in (True, False):
        answer = stub.UnaryCall(
            large(response_compressed=messages.BoolValue(value=compressed)), timeout=DEADLINE)
        expect_size(answer.payload, ANSWERED)


CASES = {each.__name__: each for each in (
    empty_unary, large_unary, client_streaming, server_streaming, ping_pong, empty_stream,
    cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server, custom_metadata,
    status_code_and_message, special_status_message, unimplemented_method, unimplemented_service,
    compressed_unary, client_compressed_unary, server_compressed_unary)}


def stub_for(channel):
    stub = services.TestServiceStub(channel)
    stub.channel = channel
    return stub
