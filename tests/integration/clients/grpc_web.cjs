// A client of gRPC-Web with what a browser has: fetch.
//
//     grpc_web.cjs BASE FORM METHOD MESSAGE...   FORM: binary or text; messages in hexadecimal
//
// Prints one line of JSON: the lengths of the answer's messages, in the order of their coming, and
// the trailers.

const [base, form, method, ...messages] = process.argv.slice(2);

function frame(message) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Takes what is complete out of the text: groups of four, each run with its own padding. */
function decode(text) {
  const whole = text.slice(0, text.length - (text.length % 4));
  const runs = whole.match(/[^=]+={0,2}/g) ?? [];
  return [Buffer.concat(runs.map((run) => Buffer.from(run, "base64"))), text.slice(whole.length)];
}

async function main() {
  const type = form === "text" ? "application/grpc-web-text" : "application/grpc-web+proto";
  const body = Buffer.concat(messages.map((each) => frame(Buffer.from(each, "hex"))));
  const answer = await fetch(`${base}${method}`, {
    method: "POST",
    headers: { "content-type": type, "x-grpc-web": "1", accept: type },
    body: form === "text" ? body.toString("base64") : body,
  });
  const lengths = [];
  let trailers = Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith("grpc-")));
  let bytes = Buffer.alloc(0);
  let text = "";
  for await (const piece of answer.body ?? []) {
    let more = Buffer.from(piece);
    if (form === "text") [more, text] = decode(text + more.toString("latin1"));
    bytes = Buffer.concat([bytes, more]);
    while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1)) {
      const length = bytes.readUInt32BE(1);
      const message = bytes.subarray(5, 5 + length);
      if (bytes[0] & 0x80) {
        const lines = message.toString("latin1").trimEnd().split("\r\n");
        trailers = Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
      } else {
        lengths.push(length);
      }
      bytes = bytes.subarray(5 + length);
    }
  }
  const rest = bytes.length + text.length;
  console.log(JSON.stringify({ status: answer.status, type: answer.headers.get("content-type"),
    lengths, rest, trailers }));
}

main();
