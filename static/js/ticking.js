// When a region may be out of date without news: every 30 s while the socket is open, every 5 s while it is not or something could
// not be fetched, never while the page is hidden; and once on return. What is fetched then, a page says (`tickFor`).

import { on } from "./news.js";
import { isAnyStale, regions } from "./regions.js";

export const CLOSED_MS = 5_000;
const OPEN_MS = 30_000;
let asked = regions;
let isOpen = false;
let timer;

function schedule() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ticked, isOpen && !isAnyStale() ? OPEN_MS : CLOSED_MS);
}

/** Now, whatever happened before. */
export async function ticked() {
  schedule();
  for (const region of await asked()) region.dispatchEvent(new CustomEvent("tick"));
}

/** `which`: the regions that may be out of date. */
export function tickFor(which) {
  asked = which;
}

function socket(isUp) {
  if (isOpen === isUp) return;
  isOpen = isUp;
  schedule();
}

on("snapshot", () => socket(true));
on("closed", () => socket(false));
document.addEventListener("visibilitychange", () => (document.hidden ? schedule() : ticked()));
document.addEventListener("region-stale", schedule);
addEventListener("online", ticked);
schedule();
