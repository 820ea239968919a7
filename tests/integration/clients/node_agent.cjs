// node's own client with a keep-alive agent: `node_agent.cjs URL [CA]`.
"use strict";
const { authority, follow } = require("./node_follow.cjs");

const [url, ca] = process.argv.slice(2);
const web = require(url.startsWith("https") ? "node:https" : "node:http");
const agent = new web.Agent({ keepAlive: true, maxSockets: 8, ca: authority(ca) });
const more = { reused: 0 };

const get = () => new Promise((resolve, reject) => {
  const asked = web.get(url + "/ping", { agent }, (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (piece) => { text += piece; });
    answer.on("end", () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    answer.on("error", reject);
  });
  asked.on("socket", () => { more.reused += asked.reusedSocket ? 1 : 0; });
  asked.on("error", reject);
});

follow(8, get, more).then(() => agent.destroy());
