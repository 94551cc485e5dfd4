// The palette: what stands in the page and has a key, and below it what the server finds. Arrows choose, Enter presses what is chosen;
// what is pressed is the button itself, so nothing can be done here that the page does not offer.

import Combobox from "../vendor/combobox-nav.js";

const [room, input, list, here] = ["find", "find-for", "find-list", "find-here"].map((id) => document.getElementById(id));
const box = new Combobox(input, list, { tabInsertsSuggestions: false, firstOptionSelectionMode: "active" });
const targets = new WeakMap();
const KEYS = { shift: "Shift" };

export function opened() {
  here.replaceChildren(...[...document.querySelectorAll("[data-key]:not(:disabled)")].flatMap(offered));
  narrow();
  box.start();
}

function offered(target) {
  const words = target.dataset.find ?? target.querySelector("span")?.textContent ?? target.textContent;
  if (target.getAttribute("popovertarget") === "find") return [];
  const one = document.createElement("div");
  one.className = "find__one";
  one.setAttribute("role", "option");
  const icon = target.querySelector("svg")?.cloneNode(true) ?? "";
  const name = document.createElement("span");
  name.textContent = words.trim();
  const keys = document.createElement("kbd");
  keys.className = "ui-key";
  keys.textContent = target.dataset.key.split(/[+ ]/).map((key) => KEYS[key] ?? key.toUpperCase()).join(" ");
  one.append(icon, name, keys);
  targets.set(one, target);
  return [one];
}

/** Each word of what is typed begins a word of what is kept. */
function narrow() {
  const asked = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const one of here.children) {
    const words = one.querySelector("span").textContent.toLowerCase().split(/\s+/);
    one.hidden = !asked.every((each) => words.some((word) => word.startsWith(each)));
  }
  if (!asked.length) document.querySelector("#found").replaceChildren();
  box.resetSelection();
}

// Heard above the field, for in the field the box forgets at each letter what was chosen.
room.addEventListener("input", narrow);
list.addEventListener("combobox-commit", ({ target }) => {
  room.hidePopover();
  targets.get(target)?.click();
});
room.addEventListener("toggle", ({ newState }) => {
  if (newState !== "closed") return;
  box.stop();
  input.value = ""; // now, not at the next opening, where she types already
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target.id === "found") box.resetSelection();
});
