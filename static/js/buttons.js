// The buttons of a performer's page. They are HTMX's; here is what HTML cannot do: the dialog that asks back, and what an answer says.
// The dialog is no modal one, which would take the stop button away: all but that is inert while it is open.

import { after } from "./clock.js";
import { isRegion } from "./regions.js";

const TOLD_MS = 6000;
const dialog = document.querySelector("#confirm");
const rest = document.querySelectorAll(".bar, .page__head, .live, .foot");
const TOLD = "[data-told]"; // where a refusal wants to be shown (config/requests.py)
const told = document.querySelector(TOLD);
let forget = () => {};
let opener = ""; // the id of the button that asked: a region may be fetched again while the dialog is open

function open() {
  if (dialog.open) return;
  opener = document.activeElement.id;
  dialog.show(); // it knows where the focus was, and must come before that is inert
  for (const element of rest) element.inert = true;
}

function close() {
  for (const element of rest) element.inert = false;
  dialog.close();
}

function tell({ text, tone }) {
  close(); // or it would hide what is said
  told.textContent = text;
  told.dataset.tone = tone;
  forget();
  forget = after(TOLD_MS, () => (told.textContent = ""));
}

/** A refusal says itself what is wrong: its answer is swapped in where `tell` writes. */
function failed(ctx) {
  if (!ctx || isRegion(ctx.target)) return;
  const { status } = ctx.response ?? {};
  if (status < 500) return;
  const text = status ? "That did not work. Reload the page, and try again." : "No answer: it may not have been done. Try again.";
  tell({ text, tone: "bad" });
}

// An event of an element that has left the page comes to the document alone.
document.addEventListener("htmx:before:swap", (event) => {
  const { target, sourceElement } = event.detail.ctx;
  // What goes on asking by itself does not open what was closed meanwhile.
  if (target === dialog && !dialog.open && sourceElement.matches("[data-goes-on]")) event.preventDefault();
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target === TOLD) tell({ text: told.textContent, tone: "bad" });
  if (ctx.target !== dialog || ctx.swap === "none") return;
  open();
  (dialog.querySelector("[aria-invalid]") ?? dialog.querySelector("[autofocus]"))?.focus();
});
dialog.addEventListener("click", ({ target }) => target.closest("[data-close]") && close());
document.addEventListener("keydown", ({ key }) => key === "Escape" && close());
dialog.addEventListener("close", () => {
  dialog.querySelector("[data-goes-on]")?.remove();
  const isLost = document.activeElement === document.body || dialog.contains(document.activeElement);
  if (isLost) document.getElementById(opener)?.focus({ preventScroll: true });
});
document.addEventListener("said", ({ detail }) => tell(detail));
for (const failure of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(failure, ({ detail: { ctx } }) => failed(ctx));
}
