// How often a region is fetched for what happens by itself: tips that come and runs that end. The first time at once, and in a burst
// so often as somebody can read; what a person did is never held up.

import { after } from "./clock.js";
import { isRegion } from "./regions.js";

const PACES_MS = { "region-queue": 2000, "region-feed": 3000, "region-notices": 5000, "region-strip": 5000, "region-stop": 5000 };
const asked = new Map(); // id of a region -> when it was asked for
const waiting = new Set();

document.addEventListener("htmx:config:request", (event) => {
  const { target, request, sourceEvent } = event.detail.ctx;
  if (!isRegion(target) || request.method !== "GET") return;
  const wait = sourceEvent?.detail?.flows ? left(target.id) : 0;
  if (wait <= 0) return asked.set(target.id, performance.now());
  event.preventDefault();
  later(target.id, wait);
});

function left(id) {
  return (asked.get(id) ?? -Infinity) + (PACES_MS[id] ?? 0) - performance.now();
}

function later(id, ms) {
  if (waiting.has(id)) return;
  waiting.add(id);
  after(ms, () => {
    waiting.delete(id);
    document.getElementById(id)?.dispatchEvent(new CustomEvent("tick"));
  });
}
