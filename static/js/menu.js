// The menu: its ruler by arrow keys, rows that are moved, how many are ticked, and a list that is pasted anywhere on the page.

import { isTyping } from "./typing.js";
import "./ui/chart.js";
import "./ui/reorder.js";

const LIST = /^\s*\d[\d.,]*\s*(\+|tokens?\b|[-–:])/;

export function arrive() {
  document.addEventListener("scroll", shut, { passive: true });
  document.addEventListener("paste", pasted);
  document.addEventListener("change", count);
  document.addEventListener("htmx:after:swap", count);
  if (document.querySelector("[name=item]:checked")) count(); // ticked before this script came
  return () => {
    document.removeEventListener("scroll", shut);
    document.removeEventListener("paste", pasted);
    document.removeEventListener("change", count);
    document.removeEventListener("htmx:after:swap", count);
  };
}

/** What begins as a list of amounts does is shown line by line; nothing is taken yet. */
function pasted(event) {
  const form = document.querySelector("#paste");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!form || isTyping(event.target) || !LIST.test(text)) return;
  form.elements.text.value = text;
  form.requestSubmit();
}

/** What is open stays beside its row, and away from STOP. */
function shut() {
  document.querySelector("[data-row] :popover-open")?.hidePopover();
}

function count() {
  const words = document.querySelector("[data-chosen]");
  const chosen = document.querySelectorAll("[name=item]:checked").length;
  if (words) words.textContent = `${chosen} chosen`;
}
