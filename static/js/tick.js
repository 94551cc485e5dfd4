// When a region may be out of date without news: every 30 s while the socket is open, every 5 s while it is not or something could
// not be fetched, never while the page is hidden; and once on return, when the socket has been opened, whatever happened before, and
// when the server says that news was lost. One short answer says which regions have changed; only these fetch themselves.

import { on } from "./news.js";
import { changed, isAnyStale, regions } from "./regions.js";

const LOST = "*"; // the topic of news that nobody could tell
const OPEN_MS = 30_000;
const CLOSED_MS = 5_000;
let isOpen = false;
let timer;

function schedule() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ticked, isOpen && !isAnyStale() ? OPEN_MS : CLOSED_MS);
}

async function ticked() {
  schedule();
  for (const region of await asked()) region.dispatchEvent(new CustomEvent("tick"));
}

/** Those that the server has otherwise than this page; all of them, where it does not say. */
async function asked() {
  try {
    const answer = await fetch(`${location.pathname}?stamps`, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(CLOSED_MS) });
    return answer.ok ? changed(await answer.json()) : regions();
  } catch {
    return regions();
  }
}

function socket(isUp) {
  if (isOpen === isUp) return;
  isOpen = isUp;
  schedule();
}

on("snapshot", () => {
  socket(true);
  ticked();
});
on("closed", () => socket(false));
on("news", ({ topic }) => topic === LOST && !document.hidden && ticked());
document.addEventListener("visibilitychange", () => (document.hidden ? schedule() : ticked()));
document.addEventListener("region-stale", schedule);
addEventListener("online", ticked);
schedule();
