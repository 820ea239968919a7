// undici: `node_undici.cjs pool|stream URL [CA] [PIPELINING]`.
//
// pool: GET over 8 keep-alive connections, each with so many requests at a time.
// stream: fetch with bodies that are written, and read, piece by piece.
"use strict";
const { Agent, Pool, fetch } = require("undici");
const { authority, follow } = require("./node_follow.cjs");

const [what, url, ca, pipelining] = process.argv.slice(2);
const connect = { ca: authority(ca) };
// Shorter than the time for which a server that drains keeps idle connections (5 s): the client, and
// not the server, ends one that it has not used, or it would do so under a request.
const keepAliveTimeout = 1000;

const pool = async () => {
  const connections = 8;
  const client = new Pool(url, { connections, pipelining: Number(pipelining), connect, keepAliveTimeout });
  await follow(connections * Number(pipelining), async () => {
    const { statusCode, body } = await client.request({ method: "GET", path: "/ping" });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${statusCode}: ${text}`);
    return text;
  });
  await client.close();
};

const table = Uint32Array.from({ length: 256 }, (_, each) => {
  for (let bit = 0; bit < 8; ++bit) each = each & 1 ? (each >>> 1) ^ 0xedb88320 : each >>> 1;
  return each;
});
const crc32 = (pieces) => {
  let sum = 0xffffffff;
  for (const piece of pieces) for (const byte of piece) sum = table[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ((sum ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
};

const upload = async (dispatcher) => {
  const pieces = Array.from({ length: 40 }, (_, each) => new Uint8Array(1 + each * 397).fill(each));
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  let next = 0;
  const body = new ReadableStream({
    pull(to) { next < pieces.length ? to.enqueue(pieces[next++]) : to.close(); },
  });
  const answer = await fetch(url + "/upload", { method: "POST", body, duplex: "half", dispatcher });
  const text = await answer.text();
  if (text !== `length=${length} crc32=${crc32(pieces)}\n`) throw new Error(text);
};

const download = async (dispatcher) => {
  const lines = 2000;
  const answer = await fetch(`${url}/stream/${lines}`, { dispatcher });
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of answer.body) text += decoder.decode(piece, { stream: true });
  const wanted = Array.from({ length: lines }, (_, each) => `line ${each + 1}\n`).join("");
  if (text !== wanted) throw new Error(`${text.length} characters instead of ${wanted.length}`);
};

const stream = async () => {
  const dispatcher = new Agent({ connect, keepAliveTimeout });
  await follow(6, async (number) => {
    await (number % 2 ? upload : download)(dispatcher);
    return "good";
  });
  await dispatcher.close();
};

({ pool, stream })[what]();
