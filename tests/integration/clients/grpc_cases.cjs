// The cases of gRPC's interoperability tests, for clients on @grpc/grpc-js.
"use strict";
const grpc = require("@grpc/grpc-js");

const { status } = grpc;
const asked = 271828, answered = 314159;
const requestSizes = [27182, 8, 1828, 45904];
const responseSizes = [31415, 9, 2653, 58979];
const initialKey = "x-grpc-test-echo-initial", initialValue = "test_initial_metadata_value";
const trailingKey = "x-grpc-test-echo-trailing-bin", trailingValue = Buffer.from("ababab", "hex");

const check = (holds, otherwise) => {
  if (!holds) throw new Error(otherwise);
};
const payload = (size) => ({ body: Buffer.alloc(size) });
const expectSize = (got, size) =>
  check(Buffer.alloc(size).equals(got.payload.body), `${got.payload.body.length} bytes instead of ${size} zeros`);
const deadline = () => ({ deadline: Date.now() + 60000 });
const large = (more) => ({ response_size: answered, payload: payload(asked), ...more });
const oneResponse = (responseSize, requestSize) =>
  ({ response_parameters: [{ size: responseSize }], payload: payload(requestSize) });

const expectStatus = (got, code, message) => {
  check(got.code === code, `status ${got.code} (${got.details}) instead of ${code}`);
  if (message !== undefined) check(got.details === message, `the message is ${JSON.stringify(got.details)}`);
};

// How a unary or client-streaming call ends; `send` is given the call.
const finished = (begin, send = () => {}) => new Promise((resolve) => {
  const seen = {};
  const call = begin((error, answer) => {
    Object.assign(seen, { error, answer });
    if (seen.end) resolve(seen);
  });
  call.on("metadata", (initial) => { seen.initial = initial; });
  call.on("status", (end) => {
    seen.end = end;
    if ("error" in seen) resolve(seen);
  });
  send(call);
});

// How a call with a stream of answers ends; `received` is told of each.
const ended = (call, received = () => {}) => new Promise((resolve) => {
  const seen = { answers: [] };
  call.on("metadata", (initial) => { seen.initial = initial; });
  call.on("data", (answer) => {
    seen.answers.push(answer);
    received(seen.answers.length, call);
  });
  call.on("error", () => {});  // the status says it
  call.on("status", (end) => {
    seen.end = end;
    resolve(seen);
  });
});

const unary = (client, request, metadata = new grpc.Metadata()) =>
  finished((done) => client.UnaryCall(request, metadata, deadline(), done));

const expectMetadata = (seen) => {
  check(seen.initial.get(initialKey)[0] === initialValue, `initial metadata: ${JSON.stringify(seen.initial)}`);
  const [trailing] = seen.end.metadata.get(trailingKey);
  check(trailing && trailingValue.equals(trailing), `trailing metadata: ${JSON.stringify(seen.end.metadata)}`);
};

const cases = {
  async empty_unary(client) {
    const seen = await finished((done) => client.EmptyCall({}, deadline(), done));
    expectStatus(seen.end, status.OK);
    check(Object.keys(seen.answer).length === 0, "the answer is not empty");
  },

  async large_unary(client) {
    const seen = await unary(client, large());
    expectStatus(seen.end, status.OK);
    expectSize(seen.answer, answered);
  },

  async client_streaming(client) {
    const seen = await finished((done) => client.StreamingInputCall(deadline(), done), (call) => {
      for (const size of requestSizes) call.write({ payload: payload(size) });
      call.end();
    });
    expectStatus(seen.end, status.OK);
    check(seen.answer.aggregated_payload_size === 74922, JSON.stringify(seen.answer));
  },

  async server_streaming(client) {
    const seen = await ended(client.StreamingOutputCall(
      { response_parameters: responseSizes.map((size) => ({ size })) }, deadline()));
    expectStatus(seen.end, status.OK);
    check(seen.answers.length === 4, `${seen.answers.length} answers`);
    seen.answers.forEach((answer, at) => expectSize(answer, responseSizes[at]));
  },

  async ping_pong(client) {
    const call = client.FullDuplexCall(deadline());
    const next = (at) => (at < 4 ? call.write(oneResponse(responseSizes[at], requestSizes[at])) : call.end());
    next(0);
    const seen = await ended(call, next);
    expectStatus(seen.end, status.OK);
    check(seen.answers.length === 4, `${seen.answers.length} answers`);
    seen.answers.forEach((answer, at) => expectSize(answer, responseSizes[at]));
  },

  async empty_stream(client) {
    const call = client.FullDuplexCall(deadline());
    call.end();
    const seen = await ended(call);
    expectStatus(seen.end, status.OK);
    check(seen.answers.length === 0, "an answer to nothing");
  },

  async cancel_after_begin(client) {
    const seen = await finished((done) => client.StreamingInputCall(deadline(), done), (call) => call.cancel());
    expectStatus(seen.end, status.CANCELLED);
  },

  async cancel_after_first_response(client) {
    const call = client.FullDuplexCall(deadline());
    call.write(oneResponse(31415, 27182));
    const seen = await ended(call, () => call.cancel());
    expectStatus(seen.end, status.CANCELLED);
    expectSize(seen.answers[0], 31415);
  },

  async timeout_on_sleeping_server(client) {
    const call = client.FullDuplexCall({ deadline: Date.now() + 1 });
    call.write({ payload: payload(27182) });
    const seen = await ended(call);
    expectStatus(seen.end, status.DEADLINE_EXCEEDED);
  },

  async custom_metadata(client) {
    const metadata = new grpc.Metadata();
    metadata.set(initialKey, initialValue);
    metadata.set(trailingKey, trailingValue);
    const one = await unary(client, large(), metadata);
    expectStatus(one.end, status.OK);
    expectSize(one.answer, answered);
    expectMetadata(one);
    const call = client.FullDuplexCall(metadata, deadline());
    call.write(oneResponse(answered, asked));
    call.end();
    const seen = await ended(call);
    expectStatus(seen.end, status.OK);
    check(seen.answers.length === 1, `${seen.answers.length} answers`);
    expectSize(seen.answers[0], answered);
    expectMetadata(seen);
  },

  async status_code_and_message(client) {
    const message = "test status message";
    const request = { response_status: { code: status.UNKNOWN, message } };
    expectStatus((await unary(client, request)).end, status.UNKNOWN, message);
    const call = client.FullDuplexCall(deadline());
    call.write(request);
    call.end();
    expectStatus((await ended(call)).end, status.UNKNOWN, message);
  },

  async special_status_message(client) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    const seen = await unary(client, { response_status: { code: status.UNKNOWN, message } });
    expectStatus(seen.end, status.UNKNOWN, message);
  },

  async unimplemented_method(client) {
    const seen = await finished((done) => client.UnimplementedCall({}, deadline(), done));
    expectStatus(seen.end, status.UNIMPLEMENTED);
  },

  async unimplemented_service(client, { other }) {
    const seen = await finished((done) => other.UnimplementedCall({}, deadline(), done));
    expectStatus(seen.end, status.UNIMPLEMENTED);
  },

  // Not of the description: for servers whose handlers do not see how a message came.
  async compressed_unary(client, { packing }) {
    for (const [by, value] of [[packing, true], [client, false]]) {
      const seen = await unary(by, large({ expect_compressed: { value } }));
      expectStatus(seen.end, status.OK);
      expectSize(seen.answer, answered);
    }
  },

  async client_compressed_unary(client, more) {
    const seen = await unary(client, large({ expect_compressed: { value: true } }));
    expectStatus(seen.end, status.INVALID_ARGUMENT);
    await cases.compressed_unary(client, more);
  },

  // What came over the wire, grpc-js does not tell.
  async server_compressed_unary(client) {
    for (const value of [true, false]) {
      const seen = await unary(client, large({ response_compressed: { value } }));
      expectStatus(seen.end, status.OK);
      expectSize(seen.answer, answered);
    }
  },
};

module.exports = { cases };
