// node's own HTTP/2 client, one upload with trailers: `node_bodies.cjs URL BYTES MARK [CA]`. Prints
// the answer and its trailers as JSON.
"use strict";
const http2 = require("node:http2");
const { authority } = require("./node_follow.cjs");

const [url, bytes, mark, ca] = process.argv.slice(2);
process.stdin.destroy();
const session = http2.connect(url, { ca: authority(ca) });
const stream = session.request({ ":path": "/sum", ":method": "POST", trailer: "x-mark" },
                               { endStream: false, waitForTrailers: true });
const seen = { text: "" };
stream.on("response", (head) => { seen.status = head[":status"]; });
stream.on("trailers", (fields) => { seen.trailers = { ...fields }; });
stream.on("wantTrailers", () => stream.sendTrailers({ "x-mark": mark }));
stream.setEncoding("utf8").on("data", (piece) => { seen.text += piece; });
stream.on("close", () => {
  console.log(JSON.stringify(seen));
  session.close();
});
stream.end(Buffer.alloc(Number(bytes), "b"));
