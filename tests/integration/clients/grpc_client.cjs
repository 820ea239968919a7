// A gRPC client on @grpc/grpc-js, with the same command line as those in other languages:
//
//   grpc_client.cjs cases TARGET CREDENTIALS CASE...   a channel and a line for each case
//   grpc_client.cjs follow TARGET CREDENTIALS          calls without end, while the server restarts
//
// TARGET is HOST:PORT. CREDENTIALS is "-" for none (in the clear), or CA[,CERTIFICATE,KEY], files.
// BATON_PROTO names the folder of the .proto files. `follow` does what grpc_client.py says of it.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const { cases } = require("./grpc_cases.cjs");

const [what, target, how, ...names] = process.argv.slice(2);
const questions = 100, workers = 2;

const load = (file) => grpc.loadPackageDefinition(
  loader.loadSync(path.join(process.env.BATON_PROTO, file), { keepCase: true, longs: Number }));
const { TestService, UnimplementedService } = load("interop.proto").grpc.testing;
const { Probe } = load("probe.proto").baton.testing;

const credentials = () => {
  if (how === "-") return grpc.credentials.createInsecure();
  const [ca, certificate, key] = how.split(",").map((file) => fs.readFileSync(file));
  return grpc.credentials.createSsl(ca, key, certificate);
};

// A connection of its own for each client. There is no retry policy: what is begun anew, and only by
// gRPC itself, are calls that no server saw (refused by node when a GOAWAY was read, RFC 9113
// section 8.7). "grpc.enable_retries": 0 would turn that off too, and a call that starts just when
// the GOAWAY is read would fail with any server.
const options = { "grpc.use_local_subchannel_pool": 1, "grpc.ssl_target_name_override": "localhost" };
const connect = (Service, more) => new Service(target, credentials(), { ...options, ...more });

const runCases = async () => {
  for (const name of names) {
    const client = connect(TestService), other = connect(UnimplementedService);
    const packing = connect(TestService, { "grpc.default_compression_algorithm": 2 });  // gzip
    try {
      await cases[name](client, { other, packing });
      console.log(`${name} ok`);
    } catch (error) {
      console.log(`${name} failed: ${error.message}`);
      process.exitCode = 1;
    }
    for (const each of [client, other, packing]) each.close();
  }
  process.exit();  // what was cancelled may keep a session open
};

const deadline = () => ({ deadline: Date.now() + 60000 });

const ask = (client) => new Promise((resolve, reject) => {
  client.Who({ text: "who" }, deadline(), (error, answer) => {
    if (error) reject(error);
    else if (answer.text !== "who") reject(new Error(JSON.stringify(answer)));
    else resolve(answer.pid);
  });
});

// All answers of a stream come from the generation that began it.
const talk = (client) => new Promise((resolve, reject) => {
  const call = client.Talk(deadline());
  const pids = new Set();
  let count = 0;
  call.on("error", reject);
  call.on("status", () => {
    if (count === questions && pids.size === 1) resolve([...pids][0]);
    else reject(new Error(`${count} answers, by ${[...pids]}`));
  });
  call.on("data", (answer) => {
    if (answer.text !== String(count)) return call.destroy(new Error(JSON.stringify(answer)));
    pids.add(answer.pid);
    if (++count < questions) call.write({ text: String(count) });
    else call.end();
  });
  call.write({ text: "0" });
});

const onNewChannel = async () => {
  const client = connect(Probe);
  try {
    return await ask(client);
  } finally {
    client.close();
  }
};

const follow = async () => {
  const seen = {}, pids = new Set();
  let stopping = false, connected = 0;
  const record = async (kind, call) => {
    seen[kind] ??= { answered: 0, failed: 0 };
    try {
      pids.add(await call());
      ++seen[kind].answered;
    } catch (error) {
      ++seen[kind].failed;
      console.error(`${kind}: ${error.message}`);
    }
  };
  const work = async (kind, call) => {
    await record(kind, call);
    if (++connected === 3 * workers) console.log("connected");
    while (!stopping) await record(kind, call);
  };
  process.stdin.resume().on("end", () => { stopping = true; });
  const kept = [], working = [];
  for (let i = 0; i < workers; ++i) {
    const unary = connect(Probe), stream = connect(Probe);
    kept.push(unary, stream);
    working.push(work("unary", () => ask(unary)), work("stream", () => talk(stream)),
      work("channel", onNewChannel));
  }
  await Promise.all(working);
  for (const client of kept) client.close();
  console.log(JSON.stringify({ ...seen, pids: [...pids] }));
  process.exitCode = Object.values(seen).some((kind) => kind.failed) ? 1 : 0;
};

({ cases: runCases, follow })[what]();
