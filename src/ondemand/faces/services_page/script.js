const most = 200;        // lines of the journal that are shown

let services = [];       // as they were told last
let chosen = decodeURIComponent(location.hash.slice(1));
let starts = [];         // of the chosen one
let shown = null;        // the number of the start that is drawn; null: the last one

const named = (name) => services.find((each) => each.name === name);

// --- the table

const order = async (name, verb) => {
  const questions = {
    kill: ["End it now?", "Its open requests are cut off.", "End it", "danger"],
    restart: ["Restart it?", "Open requests may finish; requests that come wait for the next start.", "Restart"],
  };
  const question = questions[verb];
  if (question && !await confirmed(`${name}: ${question[0]}`, ...question.slice(1))) return;
  try {
    const told = await act(`/services/${encodeURIComponent(name)}/${verb}`);
    say(`${name}: ${verb} is under way; it is ${told.state} now.`, "good");
  } catch (error) {
    say(`${name}: ${error.message}`, "bad");
  }
};
const verbs = {
  stopped: ["start"], failed: ["start"], starting: ["stop", "kill"], ready: ["stop", "restart", "kill"],
  draining: ["kill"], stopping: ["kill"],
};
const until = (each) => {
  if (each.state === "failed" && each.retry_at) return `retry ${span(each.retry_at - now())}`;
  return each.idle_at ? span(each.idle_at - now()) : "-";
};
const cells = (each) => [span(now() - each.since), each.pid || "-", number(each.open), number(each.waiting),
                         number(each.starts), until(each)];
const makeRow = (each) => {
  const row = make("tr");
  row.dataset.name = each.name;
  const name = make("button", "name", each.name);
  name.onclick = () => { location.hash = encodeURIComponent(each.name); };
  const cell = make("td");
  cell.append(name);
  row.append(cell, make("td", "state"), ...cells(each).map(() => make("td")), make("td", "orders"));
  return row;
};
const fillRow = (row, each) => {
  const [, state, ...rest] = row.children;
  row.className = each.name === chosen ? "chosen" : "";
  state.className = `state ${each.state}`;
  state.textContent = each.state;
  state.title = each.why;
  cells(each).forEach((text, i) => { rest[i].textContent = text; });
  const wanted = each.kind === "proxied" ? [] : verbs[each.state];
  const orders = rest.at(-1);
  if (orders.dataset.verbs === wanted.join()) return;
  orders.dataset.verbs = wanted.join();
  orders.replaceChildren(...wanted.map((verb) => {
    const button = make("button", verb === "start" ? "" : "quiet", verb);
    button.onclick = () => order(each.name, verb);
    return button;
  }));
};
const drawTable = () => {
  const body = by("services");
  const names = services.map((each) => each.name).join("\n");
  if (body.dataset.names !== names) {
    body.dataset.names = names;
    body.replaceChildren(...services.map(makeRow));
  }
  services.forEach((each, i) => fillRow(body.children[i], each));
};

// --- one of them

const steps = [["begun_us", "waits", "accepted, until the start began"],
               ["spawned_us", "spawns", "the program is spawned"],
               ["ready_us", "comes", "it comes up, until it is ready"],
               ["first_byte_us", "answers", "until the first byte of its answer"]];
const shape = (kind, attributes, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
};
const drawWaterfall = () => {
  const start = starts.find((each) => each.number === shown) ?? starts.at(-1);
  by("waterfall").replaceChildren();
  by("waterfall-title").textContent = start ? "" : "It was not started yet.";
  if (!start) return;
  const from = {request: `a request for ${start.host}${start.path} from ${start.peer}`, order: "the operator",
                always: "because it is to run always", unknown: "another generation of the gateway"}[start.cause];
  by("waterfall-title").textContent = `Start ${start.number}, at ${clock(start.at)}, by ${from}` +
    (start.failure ? `. It failed: ${start.failure}` : "");
  const known = steps.filter(([key]) => start[key] != null);
  const end = Math.max(1, ...known.map(([key]) => start[key]));
  const left = 250, width = 560, line = 24;
  by("waterfall").setAttribute("viewBox", `0 0 ${left + width + 90} ${Math.max(1, known.length) * line}`);
  let before = 0;
  known.forEach(([key, kind, text], i) => {
    const at = left + before / end * width, size = Math.max(2, (start[key] - before) / end * width);
    by("waterfall").append(
      shape("text", {x: 0, y: i * line + 16}, text),
      shape("rect", {class: "back", x: left, y: i * line + 4, width, height: line - 8, rx: 3}),
      shape("rect", {class: kind, x: Math.min(at, left + width - 2), y: i * line + 4, width: size, height: line - 8, rx: 3}),
      shape("text", {class: "time", x: left + width + 8, y: i * line + 16}, latency(start[key] / 1000)));
    before = Math.max(before, start[key]);
  });
};
const drawStarts = () => {
  by("which").replaceChildren(...starts.toReversed().map((each) => {
    const option = make("option", "", `${each.number}, ${clock(each.at)}`);
    option.value = each.number;
    option.selected = each.number === (shown ?? starts.at(-1).number);
    return option;
  }));
  by("which").disabled = !starts.length;
  drawWaterfall();
};
by("which").onchange = () => { shown = Number(by("which").value); drawWaterfall(); };

let asking = 0;  // the number of the last question
const showDetails = async () => {
  const name = chosen, question = ++asking;
  by("details").hidden = by("log-section").hidden = !named(name);
  if (!named(name)) return;
  const answer = await fetch(`/services/${encodeURIComponent(name)}`, {headers: headers(), cache: "no-store"})
    .catch(() => null);
  if (!answer?.ok || question !== asking) return;
  const told = await answer.json();
  by("chosen").textContent = name;
  by("sentences").replaceChildren(...told.explanation.map((each) => make("li", "", each)));
  const lines = by("lines");
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  lines.textContent = told.output.join("\n") || "It has written nothing.";
  if (atEnd) lines.scrollTop = lines.scrollHeight;
  starts = told.last_starts;
  drawStarts();
};
window.onhashchange = () => {
  chosen = decodeURIComponent(location.hash.slice(1));
  shown = null;
  drawTable();
  showDetails();
};

// --- what is told

const addToJournal = (told) => {
  if (by("journal").querySelector(`[data-number="${told.sequence}"]`)) return;
  const item = make("li");
  item.dataset.number = told.sequence;
  item.append(make("time", "", clock(told.at)), make("span", "", told.service),
              make("span", `state ${told.to}`, `${told.from} → ${told.to}`), make("span", "why", told.why));
  by("journal").prepend(item);
  while (by("journal").childElementCount > most) by("journal").lastElementChild.remove();
};
const takeList = (told) => {
  offset = told.at - Date.now();
  services = told.services;
  by("generation").textContent = told.generation;
  by("pid").textContent = told.pid;
  by("phase").textContent = told.phase;
  drawTable();
};
const take = {
  hello: (told) => {
    by("link").className = "";
    by("link").textContent = "live";
    takeList(told);
    for (const each of told.journal) addToJournal(each);
    if (!named(chosen) && services.length) chosen = services[0].name;
    drawTable();
    showDetails();
  },
  services: (told) => { takeList(told); if (named(chosen)?.state !== "stopped") showDetails(); },
  state: (told) => {
    addToJournal(told);
    const known = named(told.service);
    if (known) Object.assign(known, {state: told.to, since: told.at, pid: told.pid, idle_at: null});
    drawTable();
    if (told.service === chosen) showDetails();
  },
  start: (told) => {
    if (told.service !== chosen) return;
    starts = [...starts.filter((each) => each.number !== told.number), told].sort((a, b) => a.at - b.at);
    drawStarts();
  },
};
setInterval(drawTable, 1000);
run("/services/events?figures=true", take, (answered) => {
  for (const each of document.querySelectorAll("#table .orders button")) each.disabled = !answered;
});
