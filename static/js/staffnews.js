// The staff's socket: a region is fetched again when a topic has moved that it names (`data-topics`), when it may be out of date
// without news (ticking.js), and what flows is gathered.

import { connect, on } from "./news.js";
import { regions } from "./regions.js";
import "./staff.js";
import "./ticking.js";

const PAUSE_MS = 2_000; // between two fetches of one region for news
const stamps = new Map(); // topic -> where it stood when it was heard of last
const fetched = new Map(); // region -> when it was fetched for news
const waiting = new Set(); // regions that are fetched after the pause

on("snapshot", ({ stamps: all }) => {
  heard(Object.entries(all));
  fetched.clear(); // a return is no flow
});
on("news", ({ topic, stamp }) => heard([[topic, stamp]]));

/** After a return only what has moved meanwhile is news. */
function heard(told) {
  const moved = told.filter(([topic, stamp]) => stamps.get(topic) !== stamp);
  for (const [topic, stamp] of moved) stamps.set(topic, stamp);
  const topics = moved.map(([topic]) => topic);
  for (const region of regions()) {
    if (region.dataset.topics?.split(" ").some((topic) => topics.includes(topic))) refresh(region);
  }
}

function refresh(region) {
  if (document.hidden) return; // on its return all are looked at (ticking.js)
  const left = (fetched.get(region) ?? -PAUSE_MS) + PAUSE_MS - performance.now();
  if (left > 0) return later(region, left);
  fetched.set(region, performance.now());
  region.dispatchEvent(new CustomEvent("tick"));
}

function later(region, ms) {
  if (waiting.has(region)) return;
  waiting.add(region);
  setTimeout(() => {
    waiting.delete(region);
    refresh(region);
  }, ms);
}

/** What is told before htmx listens would be lost. */
function begin() {
  connect({}, "/ws/admin");
}

if (document.readyState === "complete") begin();
else addEventListener("load", begin, { once: true });
