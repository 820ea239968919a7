// node's own HTTP/2 client: `node_http2.cjs URL [CA]`.
//
// Keeps 40 streams in flight, every other one a request with a body and trailers; a GOAWAY ends a
// session for new streams, and those it has are to be answered. What node has not sent when it
// reads the GOAWAY it refuses itself: that, and nothing else, is asked again on the next session
// (RFC 9113 section 8.7).
"use strict";
const http2 = require("node:http2");
const { authority, follow } = require("./node_follow.cjs");

const [url, ca] = process.argv.slice(2);
const { NGHTTP2_REFUSED_STREAM } = http2.constants;
const more = { sessions: 0, again: 0, goaways: [] };
let current;

const session = () => {
  if (current && !current.closed && !current.destroyed && !current.told) return current;
  const made = http2.connect(url, { ca: authority(ca) });
  ++more.sessions;
  made.on("goaway", (code, last) => {
    made.told = true;
    more.goaways.push([code, last]);
  });
  made.on("error", () => {});  // its streams say it
  current = made;
  return made;
};

// Status and text, or undefined if the stream was refused.
const attempt = (on, head, body) => new Promise((resolve, reject) => {
  const options = { endStream: body === undefined, waitForTrailers: body !== undefined };
  const stream = on.request(head, options);
  let status = 0, text = "", failure;
  stream.on("response", (answer) => { status = answer[":status"]; });
  stream.setEncoding("utf8").on("data", (piece) => { text += piece; });
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-pieces": "2", "x-sum": "none" }));
  stream.on("error", (error) => { failure = error; });
  stream.on("close", () => {
    if (stream.rstCode === NGHTTP2_REFUSED_STREAM) resolve(undefined);
    else if (failure || status !== 200) reject(failure ?? new Error(`status ${status}: ${text}`));
    else resolve(text);
  });
  if (body !== undefined) {
    stream.write(body.slice(0, 100));
    stream.end(body.slice(100));
  }
});

const request = async (head, body) => {
  for (;;) {
    const on = session();
    const text = await attempt(on, head, body);
    if (text !== undefined) return text;
    await new Promise(setImmediate);  // until node tells of the GOAWAY
    if (!on.told) throw new Error("a stream was refused, and there was no GOAWAY");
    ++more.again;
  }
};

const body = "what is said twice ".repeat(50);
follow(40, async (number) => {
  if (number % 2) return request({ ":path": "/ping" });
  const echoed = await request({ ":path": "/echo", ":method": "POST", trailer: "x-pieces, x-sum" }, body);
  return echoed === body ? "good" : echoed;
}, more).then(() => current.close());
