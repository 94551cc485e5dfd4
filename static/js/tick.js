// Which regions of her page may be out of date without news (ticking.js says when): one short answer says which have changed; only
// these fetch themselves. Also when the socket has been opened, and when the server says that news was lost.

import { on } from "./news.js";
import { changed, regions } from "./regions.js";
import { CLOSED_MS, tickFor, ticked } from "./ticking.js";

const LOST = "*"; // the topic of news that nobody could tell

/** Those that the server has otherwise than this page; all of them, where it does not say. */
async function asked() {
  try {
    const answer = await fetch(`${location.pathname}?stamps`, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(CLOSED_MS) });
    return answer.ok ? changed(await answer.json()) : regions();
  } catch {
    return regions();
  }
}

tickFor(asked);
on("snapshot", ticked);
on("news", ({ topic }) => topic === LOST && !document.hidden && ticked());
