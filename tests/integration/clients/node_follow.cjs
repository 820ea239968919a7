// What the node clients share: work in parallel until standard input ends, and a report as JSON.
"use strict";
const fs = require("node:fs");

let ended = false;
process.stdin.on("end", () => { ended = true; }).resume();
exports.isEnded = () => ended;

exports.authority = (file) => (file ? fs.readFileSync(file) : undefined);

// Calls `once` again and again in `loops` loops; it returns the text of an answer of /ping, or the
// like, or throws. Nothing is tried again: what throws has failed.
exports.follow = async (loops, once, more = {}) => {
  const count = { answered: 0, failed: 0 };
  const pids = new Set();
  const work = async (number) => {
    while (!ended) {
      try {
        const text = await once(number);
        const pid = /^pong by pid:(\d+)\n$/.exec(text);
        if (!pid && text !== "good") throw new Error(`answered ${JSON.stringify(text)}`);
        if (pid) pids.add(pid[1]);
        if (++count.answered === loops) console.log("connected");
      } catch (error) {
        ++count.failed;
        console.error(`loop ${number}:`, error);
        // A server that is gone would fill the disk with this.
        if (count.failed > 100) process.exit(1);
      }
    }
  };
  await Promise.all(Array.from({ length: loops }, (_, number) => work(number)));
  console.log(JSON.stringify({ ...count, pids: [...pids].map(Number), ...more }));
};
