// The buttons of a performer's page. They are HTMX's; here is what HTML cannot do: the dialog that asks back, and what an answer says.
// The dialog is no modal one, which would take the stop button away: all but that is inert while it is open.

import { after } from "./clock.js";
import { isRegion } from "./regions.js";

const TOLD_MS = 6000;
const dialog = document.querySelector("#confirm");
const rest = document.querySelectorAll(".bar, .page__head, .live, .foot");
const told = document.querySelector("[data-told]");
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

function failed({ target, xhr }) {
  if (isRegion(target)) return;
  const isAnswered = Boolean(xhr?.status);
  const text = isAnswered ? "That did not work. Reload the page, and try again." : "No answer: it may not have been done. Try again.";
  tell({ text, tone: "bad" });
}

document.body.addEventListener("htmx:afterSwap", ({ detail: { target, requestConfig } }) => {
  if (target !== dialog) return;
  // What goes on asking by itself does not open what was closed meanwhile.
  if (!dialog.open && requestConfig?.elt.matches("[data-goes-on]")) return dialog.replaceChildren();
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
document.body.addEventListener("said", ({ detail }) => tell(detail));
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(failure, ({ detail }) => failed(detail));
}
