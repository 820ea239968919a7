"use strict";
const by = (id) => document.getElementById(id);
const main = document.querySelector("main");
let began = Date.now() - Number(main.dataset.elapsed ?? 0), state = by("state").textContent;
const tick = () => {
  const s = Math.max(0, Math.floor((Date.now() - began) / 1000));
  by("elapsed").textContent = s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
};
const show = (told) => {
  if (told.state !== state) began = Date.now() - told.since_ms;
  state = by("state").textContent = told.state;
  by("progress").textContent = told.progress;
  by("output").textContent = told.output.join("\n");
  by("output").hidden = !told.output.length;
};
// The page is asked for again only when whoever is asked says that there is a point in it.
const poll = async (pause) => {
  const path = `${main.dataset.poll}?path=${encodeURIComponent(location.pathname)}`;
  const told = await fetch(path, {cache: "no-store"}).then((a) => a.ok ? a.json() : null).catch(() => null);
  if (told?.state === "ready" || told?.state === "failed") return location.reload();
  if (told) show(told);
  setTimeout(poll, pause, Math.min(pause * 1.3, 2000));
};
if (main.dataset.poll) {
  setInterval(tick, 500);
  tick();
  setTimeout(poll, 250, 250);
}
