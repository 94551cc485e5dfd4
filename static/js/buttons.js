// The buttons of a performer's page. They are HTMX's; here is what HTML cannot do: the dialog that asks back, and what an answer says.
// The dialog is no modal one, which would take STOP away: it fills the window, and its bottom edge is STOP.

import { after } from "./clock.js";
import { isLost } from "./news.js";
import { isRegion } from "./regions.js";

const TOLD_MS = 6000;
const NOTHING_DONE = "Not connected: nothing was done.";
const asks = document.querySelector("#confirm");
const dialog = asks.closest("dialog");
const TOLD = "[data-told]"; // where a refusal wants to be shown (config/requests.py)
const told = document.querySelector(TOLD);
let forget = () => {};
let opener = ""; // the id of the button that asked: a region may be fetched again while the dialog is open

function isOpen() {
  return dialog.matches(":popover-open");
}

function open(source) {
  if (isOpen()) return;
  // What was pressed: since then a page that arrived may have taken the focus.
  opener = (source.matches("a, button") ? source : document.activeElement).id;
  dialog.showPopover();
}

function close() {
  if (isOpen()) dialog.hidePopover();
}

/** One at a time. What went wrong stays until it is closed, or something else is said. */
function tell({ text, tone }) {
  close(); // or it would hide what is said
  told.textContent = text;
  told.dataset.tone = tone;
  forget();
  forget = tone === "bad" ? () => {} : after(TOLD_MS, hush);
}

function hush() {
  told.textContent = "";
}

// --- what cannot be done ---------------------------------------------------------------------------------------------------

/** A press that would wait for the network is not kept for later. */
function guarded(event) {
  const { request, sourceEvent } = event.detail.ctx;
  if (request.method === "GET" || !["click", "submit"].includes(sourceEvent?.type) || !isLost()) return;
  event.preventDefault();
  tell({ text: NOTHING_DONE, tone: "bad" });
}

/** A refusal says itself what is wrong: its answer is swapped in where `tell` writes. */
function failed(ctx) {
  if (!ctx || isRegion(ctx.target)) return;
  const { status } = ctx.response ?? {};
  if (status < 500) return;
  tell({ text: status ? "That did not work. Reload the page, and try again." : unanswered(ctx), tone: "bad" });
}

function unanswered({ request }) {
  return request.method === "GET" ? NOTHING_DONE : "No answer: it may not have been done. Try again.";
}

document.addEventListener("htmx:before:request", guarded);
for (const failure of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(failure, ({ detail: { ctx } }) => failed(ctx));
}

// --- what asks back, and what is said --------------------------------------------------------------------------------------

// An event of an element that has left the page comes to the document alone.
document.addEventListener("htmx:before:swap", (event) => {
  const { target, sourceElement } = event.detail.ctx;
  // What goes on asking by itself does not open what was closed meanwhile.
  if (target === asks && !isOpen() && sourceElement.matches("[data-goes-on]")) event.preventDefault();
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target === TOLD) tell({ text: told.textContent, tone: "bad" });
  if (ctx.target !== asks || ctx.swap === "none") return;
  open(ctx.sourceElement);
  (asks.querySelector("[aria-invalid]") ?? asks.querySelector("[autofocus]"))?.focus();
});
asks.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close]")) return;
  event.preventDefault(); // without scripts it is a link
  close();
});
dialog.addEventListener("toggle", ({ newState }) => {
  if (newState === "open") return;
  asks.querySelector("[data-goes-on]")?.remove();
  const isAway = document.activeElement === document.body || dialog.contains(document.activeElement);
  if (isAway) document.getElementById(opener)?.focus({ preventScroll: true });
});
document.addEventListener("said", ({ detail }) => tell(detail));
document.querySelector("[data-told-close]").addEventListener("click", hush);
