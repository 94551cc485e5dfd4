// Changes of page in one document. Where it began as Live, htmx puts another page into <main> and nothing else: the socket, the
// devices and #holder go on. What a page does by itself begins when it arrives and ends when it is left. A document that began
// elsewhere loads every page, since what it may call is said by the policy of its first one.

import * as live from "./live.js";
import { renew } from "./regions.js";

const main = document.querySelector("#content");
const PAGES = {
  live: () => live, // with which a document begins that changes its page
  devices: () => import("./devices.js"),
  "devices-pair": () => import("./devices.js"),
  "devices-one": () => import("./devices.js"),
  menu: () => import("./menu.js"),
  patterns: () => import("./patterns.js"),
  "patterns-edit": () => import("./patterns.js"),
  preferences: () => import("./preferences.js"),
  history: () => import("./history.js"),
  "history-run": () => import("./history.js"),
  statistics: () => import("./history.js"),
};
const SHOWN = [200, 409, 422, 429]; // a form that was refused is a page, too
let leave = () => {};
let visit = 0;
let pending = null; // of two presses the later one counts
let isStale = false; // the next page has to be a document of its own

/** What the page that is shown does by itself. */
export async function arrived() {
  const own = ++visit;
  const begin = await PAGES[main.dataset.page]?.();
  if (own === visit && begin) leave = begin.arrive();
}

function left() {
  visit++;
  leave();
  leave = () => {};
  for (const open of document.querySelectorAll(":popover-open")) open.hidePopover();
}

/** This document may not do any more what her devices need: on Live it is loaded anew, elsewhere by the next link. */
export function outdate() {
  if (main.dataset.page === "live") location.reload();
  else isStale = true;
}

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.target !== main) return;
  pending?.request.abort();
  pending = ctx;
  if (!isStale) return;
  event.preventDefault();
  location.assign(ctx.request.action);
});

// What is said elsewhere than in <main> is not a page, of which a part would be selected.
document.addEventListener("htmx:before:response", ({ detail: { ctx } }) => {
  if (ctx.response.headers.has("HX-Retarget")) ctx.select = null;
});

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  if (ctx.target !== main) return;
  const next = tasks[0]?.fragment.querySelector("#content");
  if (SHOWN.includes(ctx.response.status) && next && isSameHolder(next)) return left();
  event.preventDefault();
  pending = null;
  location.assign(ctx.response.raw.url);
});

/** What holds her devices outlives a page that has no place for it, and not one that has another. */
function isSameHolder(next) {
  if (next.dataset.page !== "live") return true;
  const [here, there] = [main, next].map((page) => page.querySelector("#holder[data-virtual]")?.dataset.bridge);
  return here === there;
}

/** Where nothing came, nobody has gone anywhere. */
document.addEventListener("htmx:before:history:update", (event) => {
  if (event.detail.response?.status !== 200) event.preventDefault();
});

document.addEventListener("htmx:finally:swap", ({ detail: { ctx } }) => {
  if (ctx.target !== main || ctx !== pending) return;
  pending = null;
  renew(main);
  mark();
  const isBack = "HX-History-Restore-Request" in ctx.request.headers;
  if (!isBack && !ctx.request.anchor) scrollTo(0, 0);
  main.querySelector("h1").focus({ preventScroll: true });
  document.querySelector("[data-said]").textContent = document.title;
  arrived();
});

function mark() {
  for (const link of document.querySelectorAll("[data-to]")) {
    if (main.dataset.page.split("-")[0] === link.dataset.to) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
