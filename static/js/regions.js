// Regions that fetch themselves again: an answer equal to the one shown is not swapped in, so nothing moves or is read twice;
// one that could not be fetched says as of when it is; and a swap does not throw away where a person was.

import { clockTime } from "./times.js";

const opened = new Date();
const fetched = new Map(); // region -> the HTML it shows
const tags = new Map(); // region -> the ETag of what it shows
const times = new Map(); // region -> when the server last said what it shows
const held = new Map(); // region -> what was focused in it before the swap

// An event of an element that has left the page comes to the document alone.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  const { target } = ctx;
  if (ctx.response?.status === 401 && session()?.hasChildNodes()) return event.preventDefault(); // it is said already
  if (!isRegion(target)) return;
  if (!mayShow(target, ctx)) return event.preventDefault();
  held.set(target.id, focused(target));
  for (const { id } of target.querySelectorAll("details[open][id]")) unfold(tasks, id);
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (isRegion(ctx.target) && !document.querySelector("dialog:popover-open")) refocus(ctx.target, held.get(ctx.target.id));
});
for (const failure of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(failure, ({ detail: { ctx } }) => isRegion(ctx?.target) && outdated(ctx.target));
}

/** Whether the answer is swapped in. While a button waits for its own, or a row is moved, nothing is: then the region is fetched again. */
function mayShow(region, { response, text }) {
  if (response.status !== 200 || region.querySelector(".htmx-request, [data-moving]")) return false;
  current(region);
  tags.set(region.id, bare(response.headers.get("ETag")));
  const isNew = fetched.get(region.id) !== text;
  fetched.set(region.id, text);
  return isNew;
}

/** Without what a proxy adds when it compresses. */
function bare(tag) {
  return tag?.replace(/^W\//, "").replace(/-(gzip|zstd|br)"$/, '"');
}

/** What a person has opened is open in what comes. */
function unfold(tasks, id) {
  for (const { fragment } of tasks) fragment.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
}

// --- what is out of date --------------------------------------------------------------------------------------------------

/** It stays as it is, and says since when. */
function outdated(region) {
  if ("stale" in region.dataset) return;
  region.dataset.stale = "";
  const mark = Object.assign(document.createElement("p"), { className: "faint small", textContent: `as of ${asOf(region)}` });
  mark.dataset.asOf = "";
  region.append(mark);
  document.dispatchEvent(new CustomEvent("region-stale"));
}

function asOf(region) {
  return clockTime(times.get(region.id) ?? opened, { second: "2-digit", hourCycle: "h23" });
}

function current(region) {
  times.set(region.id, new Date());
  delete region.dataset.stale;
  region.querySelector(":scope > [data-as-of]")?.remove();
  if (session()?.hasChildNodes()) healed();
}

/** Another page has come: what its regions show is of now, and what is known of others of their names is not of them. */
export function renew(page) {
  for (const { id } of page.querySelectorAll("[id^=region-]")) {
    for (const known of [fetched, tags, held]) known.delete(id);
    times.set(id, new Date());
  }
  sent(page);
}

/** The page says under which tags its regions came with it. */
function sent(page) {
  const said = JSON.parse(page.querySelector("[data-tags]")?.dataset.tags ?? "{}");
  for (const [name, tag] of Object.entries(said)) {
    if (page.querySelector(`#region-${name}`)) tags.set(`region-${name}`, tag);
  }
}

export function isAnyStale() {
  return regions().some((region) => "stale" in region.dataset);
}

/** Those whose content the server has under another tag than this page. */
export function changed(stamps) {
  return regions().filter(({ id, dataset }) => "stale" in dataset || tags.get(id) !== stamps[id.slice("region-".length)]);
}

export function regions() {
  return [...document.querySelectorAll("[id^=region-]")];
}

/** What fetches itself; a button's answer goes elsewhere. */
export function isRegion(element) {
  return element instanceof Element && element.id.startsWith("region-");
}

// --- a session that has ended ---------------------------------------------------------------------------------------------

/** Where it is said (config/views.py); what was typed stays where it is. */
function session() {
  return document.querySelector("#session");
}

/** She has logged in again, in another tab. */
function healed() {
  session().replaceChildren();
  document.dispatchEvent(new CustomEvent("session-back"));
}

// --- where a person was ---------------------------------------------------------------------------------------------------

/** The focused button by what it does and its place among its like. */
function focused(region) {
  const element = document.activeElement;
  const kind = region.contains(element) ? element.dataset.focus : undefined;
  return kind ? { kind, place: alike(region, kind).indexOf(element) } : null;
}

function alike(region, kind) {
  return [...region.querySelectorAll(`[data-focus="${kind}"]`)];
}

/** What is still there has kept the focus and its caret. Where it is gone, the nearest of its kind has it. */
function refocus(region, was) {
  if (!was || region.contains(document.activeElement)) return;
  const kinds = [was.kind, was.kind.split("-")[0]].map((kind) => alike(region, kind).filter((element) => !element.disabled));
  const able = kinds.find((some) => some.length) ?? [];
  const next = able[Math.min(was.place, able.length - 1)] ?? region.querySelector("[data-focus-last]");
  next?.focus({ preventScroll: true });
}

sent(document);
