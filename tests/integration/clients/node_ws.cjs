// WebSocket clients on `ws`: `node_ws.cjs echo|codes|follow URL [CA]`; URL is the server's.
//
// echo: messages of many sizes and kinds, fragments, pings; prints what was agreed on.
// codes: what the server closes with, for each way to ask for it; prints them.
// follow: 8 clients with up to 4 messages in flight, until standard input ends. One that is told to
// leave (1001) comes back and sends again what was not echoed; anything else has failed.
"use strict";
const { once } = require("node:events");
const WebSocket = require("ws");
const { authority, isEnded } = require("./node_follow.cjs");

const [what, base, caFile] = process.argv.slice(2);
const url = base.replace("http", "ws");
const ca = authority(caFile);

const open = async (path, protocols = [], options = {}) => {
  const socket = new WebSocket(url + path, protocols, { ca, ...options });
  await once(socket, "open");
  return socket;
};

const answers = (socket) => {
  const waiting = [], told = [];
  socket.on("message", (data, isBinary) => {
    const message = { data, isBinary };
    waiting.length ? waiting.shift()(message) : told.push(message);
  });
  return () => (told.length ? Promise.resolve(told.shift()) : new Promise((done) => waiting.push(done)));
};

const echo = async () => {
  const deflate = process.argv.includes("--deflate");
  const socket = await open("/ws", ["other", "echo"], { perMessageDeflate: { threshold: 0 } });
  const next = answers(socket);
  const expect = async (data, isBinary) => {
    const got = await next();
    if (got.isBinary !== isBinary || Buffer.compare(got.data, Buffer.from(data)) !== 0)
      throw new Error(`${got.data.length} bytes came back instead of ${data.length}`);
  };
  for (const size of [0, 1, 125, 126, 127, 65535, 65536, 3_000_000]) {
    const bytes = Buffer.from({ length: size }, (_, each) => each);
    for (let each = 0; each < size; ++each) bytes[each] = each % 251;
    socket.send(bytes);
    await expect(bytes, true);
    const text = "ü€🌍".repeat(size / 9);
    socket.send(text);
    await expect(text, false);
  }
  for (const kind of [false, true]) {
    const pieces = ["frag", "", "mented ", "x".repeat(70_000), "end"];
    pieces.forEach((piece, each) => {
      socket.send(piece, { binary: kind, fin: each === pieces.length - 1 });
      if (each === 1) socket.ping("between");
    });
    await expect(pieces.join(""), kind);
  }
  const many = Array.from({ length: 500 }, (_, each) => `message ${each}`);
  many.forEach((each) => socket.send(each));
  for (const each of many) await expect(each, false);
  socket.ping("are you there?");
  for (;;) if (String((await once(socket, "pong"))[0]) === "are you there?") break;
  const agreed = { protocol: socket.protocol, extensions: socket.extensions };
  if (deflate !== agreed.extensions.startsWith("permessage-deflate")) process.exitCode = 1;
  socket.close(4001, "bye");
  const [code, reason] = await once(socket, "close");
  console.log(JSON.stringify({ ...agreed, code, reason: String(reason) }));
};

const codes = async () => {
  const ends = async (path, act) => {
    const socket = await open(path);
    socket.on("error", () => {});
    const closed = once(socket, "close");
    act(socket);
    return (await closed)[0];
  };
  const refused = (path, options, protocols = []) => new Promise((resolve) => {
    const socket = new WebSocket(url + path, protocols, { ca, ...options });
    socket.on("unexpected-response", (_, { statusCode }) => { resolve(statusCode); socket.terminate(); });
    socket.on("error", () => {}).on("open", () => resolve("open"));
  });
  console.log(JSON.stringify({
    normal: await ends("/ws", (socket) => socket.close(1000)),
    none: await ends("/ws", (socket) => socket.close()),
    own: await ends("/ws", (socket) => socket.close(4999, "an application's own")),
    badText: await ends("/ws", (socket) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false })),
    binary: await ends("/chat/ws", (socket) => socket.send(Buffer.from("binary"))),
    noLine: await ends("/chat/ws", (socket) => socket.send("no line")),
    tooBig: await ends("/chat/ws", (socket) => socket.send("x".repeat(5000))),
    otherOrigin: await refused("/chat/ws", { origin: "http://elsewhere.example" }),
    noRoute: await refused("/nothing", {}),
    notWebSocket: await refused("/ping", {}),
  }));
};

const follow = async () => {
  const count = { echoed: 0, again: 0, moves: 0, failed: 0 };
  const client = async (number) => {
    let said = 0, heard = 0;  // messages are numbered from 1; those between wait for their echo
    while (!isEnded() || heard < said) {
      const socket = new WebSocket(url + "/ws", { ca, perMessageDeflate: false });
      const say = () => {
        while (said < heard + 4 && !isEnded()) socket.send(`${number}:${++said}`);
        if (isEnded() && heard === said) socket.close(1000);
      };
      socket.on("open", () => {
        if (said === 0) console.log("connected");
        for (let each = heard + 1; each <= said; ++each, ++count.again) socket.send(`${number}:${each}`);
        say();
      });
      socket.on("message", (data) => {
        if (String(data) === `${number}:${heard + 1}`) ++count.echoed;
        else ++count.failed;
        ++heard;
        say();
      });
      socket.on("error", (error) => { ++count.failed; console.error(`client ${number}:`, error); });
      const code = await new Promise((resolve) => { socket.on("close", resolve); });
      if (code === 1001) ++count.moves;
      else if (code !== 1000) { ++count.failed; console.error(`client ${number}: closed with ${code}`); }
      if (count.failed > 100) process.exit(1);
    }
    count.lost = (count.lost ?? 0) + said - heard;
  };
  await Promise.all(Array.from({ length: 8 }, (_, number) => client(number)));
  console.log(JSON.stringify(count));
};

({ echo, codes, follow })[what]();
