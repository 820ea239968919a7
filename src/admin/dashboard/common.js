"use strict";
const by = (id) => document.getElementById(id);
const make = (kind, className = "", text = "") => {
  const made = document.createElement(kind);
  made.className = className;
  made.textContent = text;
  return made;
};
let offset = 0;  // the clock of who answers, minus ours
let token = sessionStorage.token ?? "";

// --- words for figures

const number = (value, digits = 0) => value.toLocaleString("en", {maximumFractionDigits: digits});
const perSecond = (value) => value == null ? "-" : number(value, value < 10 ? 1 : 0);
const latency = (ms) => ms == null ? "-" : ms < 1 ? `${number(ms * 1000)} µs`
  : ms < 1000 ? `${number(ms, ms < 10 ? 2 : 1)} ms` : `${number(ms / 1000, 2)} s`;
const span = (ms) => {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return `${number(s, 1)} s`;
  if (s < 60) return `${number(Math.floor(s))} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
};
const clock = (at) => new Date(at).toLocaleTimeString("en-GB");
const now = () => Date.now() + offset;

// --- asking the service

const headers = () => token ? {Authorization: `Bearer ${token}`} : {};
const say = (text, kind = "") => {
  by("notice").textContent = text;
  by("notice").className = kind;
  by("notice").hidden = !text;
};
const act = async (path, body) => {
  const answer = await fetch(path, {method: "POST", headers: headers(), body});
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`${told.error?.reason ?? answer.status}. ${told.error?.remedy ?? ""}`);
  return told;
};
const confirmed = (title, text, yes, kind = "") => new Promise((done) => {
  by("ask-title").textContent = title;
  by("ask-text").textContent = text;
  by("ask-yes").textContent = yes;
  by("ask-yes").className = kind;
  by("ask").returnValue = "";
  // The event comes late: it may be that of a question before, which nobody waits for any more.
  by("ask").onclose = () => by("ask").open || done(by("ask").returnValue === "yes");
  by("ask").showModal();
});
const login = (wrong) => new Promise((done) => {
  if (wrong) by("login-text").textContent = "That is not the token of this service. Try again.";
  by("token").value = "";
  by("login").onclose = () => by("login").open || done(by("token").value);
  by("login").oncancel = (event) => event.preventDefault();
  by("login").showModal();
});

// --- following what it tells

// One server-sent event, without its last line break (WHATWG HTML section 9.2).
const dispatch = (text, take) => {
  let event = "message", data = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("event: ")) event = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (data) take[event]?.(JSON.parse(data));
};
// A connection may be dead, and nobody would say so.
const watchdog = () => {
  const stop = new AbortController();
  let timer;
  const feed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(), 10_000);
  };
  feed();
  return {signal: stop.signal, feed, end: () => clearTimeout(timer)};
};
const follow = async (path, take, watch) => {
  const answer = await fetch(path, {headers: headers(), cache: "no-store", signal: watch.signal});
  if (answer.status === 401) {
    watch.end();
    token = sessionStorage.token = await login(token !== "");
    return true;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "";;) {
    const {value, done} = await reader.read();
    if (done) return true;
    watch.feed();
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const each of events) dispatch(each, take);
  }
};
// A stream that ends well ends for a restart: the next generation is there already. `take` has a
// function for each event, `enable` is told whether somebody answers.
const run = async (path, take, enable) => {
  for (let misses = 0;;) {
    const watch = watchdog();
    const went = await follow(path, take, watch).catch(() => false);
    watch.end();
    misses = went ? 0 : misses + 1;
    by("link").className = misses > 2 ? "lost" : "wait";
    by("link").textContent = misses > 2 ? "nobody answers; trying again" : "reconnecting";
    enable(misses === 0);
    await new Promise((done) => setTimeout(done, Math.min(50 * 2 ** misses, 3000)));
  }
};
