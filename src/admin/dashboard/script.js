const kept = 180_000;  // ms of samples that are shown

const samples = [];    // {at, generation, sample}, the oldest first
let history = {generations: [], failures: [], upgrading: 0};
let current = null;    // the generation that answers, as it greeted us
let hover = null;      // the time that is pointed at

by("restart").onclick = async () => {
  if (!await confirmed("Restart this service?", "The next generation starts beside this one and takes over " +
      "when it is ready; no client is lost. If it fails, this one goes on.", "Restart")) return;
  say("Restarting…");
  try {
    const told = await act("/upgrade");
    say(`Generation ${told.generation}, pid ${told.pid}, has taken over after ${latency(told.took_ms)}.`, "good");
  } catch (error) {
    say(`Not restarted: ${error.message}`, "bad");
  }
};
by("drain").onclick = async () => {
  if (!await confirmed("Drain and stop this service?", "It finishes what is open and ends; nobody serves after " +
      "it. This page cannot start it again.", "Drain and stop", "danger")) return;
  try {
    await act("/drain");
    say("The service drains and leaves.");
  } catch (error) {
    say(`Not drained: ${error.message}`, "bad");
  }
};
by("level").onchange = async () => {
  try {
    await act("/log-level", JSON.stringify({level: by("level").value}));
  } catch (error) {
    say(`The log level stays: ${error.message}`, "bad");
  }
};
const showLevel = async () => {
  const answer = await fetch("/log-level", {headers: headers()});
  if (answer.ok) by("level").value = (await answer.json()).level;
};

// --- generations as they overlap

const known = () => {
  const all = history.generations.map((each) => ({...each}));
  if (history.upgrading)
    all.push({generation: current.generation + 1, pid: 0, started: history.upgrading, serving: 0, draining: 0, gone: 0});
  return all;
};
const phase = (each) => each.gone ? `${each.end || "ended"} at ${clock(each.gone)}`
  : each.draining ? `draining for ${span(now() - each.draining)}`
  : each.serving ? `serving for ${span(now() - each.serving)}` : "starting";
const windowBegin = (all) => {
  const chosen = Number(document.querySelector("#window :checked").value);
  if (chosen) return now() - chosen * 1000;
  const newest = all.at(-1);
  const age = now() - newest.started;
  const before = all.length > 1 ? Math.max(15_000, age / 4) : 0;
  return Math.max(newest.started - before, all[0].started) - age / 50 - 200;
};
const drawBar = (bars, kind, from, to, begin, end) => {
  if (!from || to < begin) return;
  const bar = make("i", kind);
  const left = Math.max(0, (from - begin) / (end - begin));
  bar.style.left = `${left * 100}%`;
  bar.style.width = `${Math.max(0, Math.min(1, (to - begin) / (end - begin)) - left) * 100}%`;
  bars.append(bar);
};
const drawTimeline = () => {
  const all = known();
  if (!all.length) return;
  const begin = windowBegin(all), end = Math.max(now(), begin + 1);
  const rows = all.filter((each) => !each.gone || each.gone > begin).slice(-8).map((each) => {
    const row = make("div", each.pid === current.pid ? "row current" : "row");
    row.dataset.generation = each.generation;
    row.dataset.phase = each.gone ? "gone" : each.draining ? "draining" : each.serving ? "serving" : "starting";
    const bars = make("div", "bars");
    const last = each.gone || end;
    drawBar(bars, "starting", each.started, each.serving || each.draining || last, begin, end);
    drawBar(bars, "serving", each.serving, each.draining || last, begin, end);
    drawBar(bars, "draining", each.draining, last, begin, end);
    row.append(make("span", "who", `generation ${each.generation}` + (each.pid ? `, pid ${each.pid}` : "")),
               bars, make("span", "said", phase(each)));
    return row;
  });
  const axis = make("div", "row axis");
  const times = make("span");
  times.append(make("span", "", clock(begin - offset)), make("span", "", clock((begin + end) / 2 - offset)),
               make("span", "", "now"));
  axis.append(make("span"), times, make("span"));
  by("timeline").replaceChildren(...rows, axis);
  by("failures").replaceChildren(...history.failures.slice(-3).map((each) =>
    make("li", "", `${clock(each.at)}: the upgrade of generation ${each.generation} failed: ${each.reason}`)));
};

// --- traffic

const svg = (kind, className, path) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  made.setAttribute("class", className);
  made.setAttribute("d", path);
  return made;
};
const shownFrom = () => Math.max(now() - kept, Math.min(samples[0].at, now() - 20_000));
const draw = (into, series, top) => {
  const begin = shownFrom(), end = now();
  const x = (at) => ((at - begin) / (end - begin) * 1000).toFixed(1);
  const y = (value) => (100 - value / top * 94).toFixed(1);
  // A generation's first sample has no rate yet: the line has a gap there, and so has its area.
  const runs = (of) => {
    const all = [];
    let run = null;
    for (const each of samples) {
      const value = of(each.sample);
      if (value == null) { run = null; continue; }
      if (!run) all.push(run = []);
      run.push(`${x(each.at)} ${y(value)}`);
    }
    return all;
  };
  const line = (of) => runs(of).map((run) => `M${run.join("L")}`).join("");
  const foot = (point) => `${point.split(" ")[0]} 100`;
  const area = (of) => runs(of).map((run) => `M${foot(run[0])}L${run.join("L")}L${foot(run.at(-1))}Z`).join("");
  into.setAttribute("viewBox", "0 0 1000 100");
  into.setAttribute("preserveAspectRatio", "none");
  const parts = series.map(([name, of]) => svg("path", name, line(of)));
  if (series[0][0] === "rate" && samples.length > 1)
    parts.unshift(svg("path", "area", area(series[0][1])));
  samples.forEach((each, i) => {
    if (i && each.generation !== samples[i - 1].generation)
      parts.push(svg("path", "moved", `M${x(each.at)} 0V100`));
  });
  if (hover) parts.push(svg("path", "hair", `M${x(hover)} 0V100`));
  into.replaceChildren(...parts);
};
const most = (of) => samples.reduce((top, each) => Math.max(top, of(each.sample) ?? 0), 0);
const drawTraffic = () => {
  while (samples.length && samples[0].at < now() - kept) samples.shift();
  if (!samples.length) return;
  const shown = hover ? samples.reduce((a, b) => Math.abs(b.at - hover) < Math.abs(a.at - hover) ? b : a) : samples.at(-1);
  const {requests, errors, latency_ms: of} = shown.sample;
  by("moment").textContent = hover ? `at ${clock(shown.at)}, generation ${shown.generation}` : "now";
  by("rate").textContent = perSecond(requests);
  by("errors").textContent = perSecond(errors);
  for (const name of ["p50", "p90", "p99", "p999"]) by(name).textContent = latency(of?.[name]);
  const rate = most((each) => each.requests), slow = most((each) => each.latency_ms?.p99);
  by("rate-top").textContent = `up to ${perSecond(rate)}`;
  by("latency-top").textContent = slow ? `up to ${latency(slow)}` : "";
  draw(by("rates"), [["rate", (each) => each.requests], ["failed", (each) => each.errors || null]], rate || 1);
  draw(by("latencies"), ["p99", "p90", "p50"].map((name) => [name, (each) => each.latency_ms?.[name]]), slow || 1);
};
for (const id of ["rates", "latencies"]) {
  by(id).onpointermove = (event) => {
    const box = by(id).getBoundingClientRect();
    if (!samples.length) return;
    hover = shownFrom() + (event.clientX - box.left) / box.width * (now() - shownFrom());
    drawTraffic();
  };
  by(id).onpointerleave = () => { hover = null; drawTraffic(); };
}

// --- listeners, health, log

const drawListeners = ({listeners, more_listeners: more}) => {
  by("listeners").replaceChildren(...listeners.map((each) => {
    const row = make("tr");
    const share = each.connections / Math.max(1, each.max_connections);
    const meter = make("div", share > .9 ? "meter unhealthy" : share > .7 ? "meter degraded" : "meter");
    meter.setAttribute("role", "meter");
    meter.setAttribute("aria-valuemin", 0);
    meter.setAttribute("aria-valuemax", each.max_connections);
    meter.setAttribute("aria-valuenow", each.connections);
    meter.setAttribute("aria-label", `connections of ${each.id}`);
    const fill = make("i");
    fill.style.width = `${Math.min(1, share) * 100}%`;
    meter.append(fill);
    const bar = make("td", "bar");
    bar.append(meter);
    row.append(make("td", "", each.id), make("td", "", each.protocol + (each.tls ? " + TLS" : "")),
               make("td", "", each.address),
               make("td", "", `${number(each.connections)} / ${number(each.max_connections)}`), bar,
               make("td", "", number(each.waiting)));
    return row;
  }));
  by("more").hidden = !more;
  by("more").textContent = `and ${more} more, see /servers`;
};
const drawHealth = (health) => {
  by("health").textContent = health.status;
  by("health").className = health.status;
  by("checks").replaceChildren(...health.checks.map((each) => {
    const item = make("li", each.status);
    item.append(make("span", "", each.name.replaceAll("_", " ")), make("span", "why", each.reason || each.status));
    return item;
  }));
};
const addLog = (lines) => {
  const log = by("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const each of lines) {
    const key = `${each.pid}.${each.number}`;
    if (log.querySelector(`[data-key="${key}"]`)) continue;
    const line = make("div", each.level);
    line.dataset.key = key;
    line.append(make("time", "", clock(each.at)), make("span", "level", each.level),
                make("span", "from", `g ${each.generation}`), make("span", "", each.text));
    line.at = each.at;  // those of a generation that has left may come late
    let behind = log.lastElementChild;
    while (behind && behind.at > each.at) behind = behind.previousElementSibling;
    if (behind) behind.after(line);
    else log.prepend(line);
  }
  while (log.childElementCount > 200) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
};

// --- what is told

const takeSample = (sample) => {
  offset = sample.at - Date.now();
  samples.push({at: sample.at, generation: current.generation, sample});
  by("phase").textContent = sample.phase;
  drawListeners(sample);
  drawHealth(sample.health);
};
const take = {
  hello: (told) => {
    current = told;
    history = told.generations;
    by("name").textContent = told.name === "admin" ? "" : told.name;
    by("generation").textContent = told.generation;
    by("pid").textContent = told.pid;
    document.title = `baton: generation ${told.generation}`;
    by("link").className = "";
    by("link").textContent = "live";
    by("restart").disabled = by("drain").disabled = false;
    takeSample(told.sample);
    addLog(told.logs);
    showLevel();
    by("links").replaceChildren(...told.links.map((each) => {
      const link = make("a", "", each.title);
      link.href = each.path;
      return link;
    }));
  },
  sample: takeSample,
  generations: (told) => { history = told; },
  log: addLog,
};
const redraw = () => {
  if (!current) return;
  const first = history.generations.find((each) => each.serving);
  by("uptime").textContent = first ? span(now() - first.serving) : "-";
  drawTimeline();
  drawTraffic();
};

for (const each of document.querySelectorAll("#window input")) each.onchange = redraw;
setInterval(redraw, 1000);
const taken = Object.fromEntries(Object.entries(take).map(([event, call]) =>
  [event, (told) => { call(told); redraw(); }]));
run("/events", taken, (answered) => { by("restart").disabled = by("drain").disabled = !answered; });
