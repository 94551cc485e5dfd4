// Keys that press what stands in the page: `data-key` is a key, with Shift before it, or two keys one after the other. A bare key
// may only make it calmer. `data-row-key` is one of the row that has the focus. While something is typed, composed or asked, none
// of them counts; STOP has keys of its own (stopbar.js). Ctrl or ⌘ and K is the palette's, also while something is typed.

import { isComposing, isTyping } from "./typing.js";

const SEQUENCE_MS = 1500;
let first = { key: "", at: 0 };

document.addEventListener("keydown", (event) => {
  const isOff = document.documentElement.dataset.keys || event.defaultPrevented || event.repeat || isComposing(event);
  if (isOff || document.querySelector("dialog:popover-open")) return;
  const isFind = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
  if (!isFind && (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target))) return;
  const key = isFind ? "/" : named(event);
  const together = event.timeStamp - first.at < SEQUENCE_MS && target(`${first.key} ${key}`);
  const own = event.target.closest?.("[data-row]")?.querySelector(`[data-row-key="${CSS.escape(key)}"]:not(:disabled)`);
  first = { key, at: event.timeStamp };
  const pressed = together || own || target(key);
  if (!pressed) return;
  first.key = "";
  event.preventDefault();
  pressed.click();
});

function named({ key, shiftKey }) {
  const isLetter = /^[a-z]$/i.test(key);
  return shiftKey && isLetter ? `shift+${key.toLowerCase()}` : key.toLowerCase();
}

function target(key) {
  return document.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
}

/** The palette is loaded when it opens. */
document.addEventListener(
  "toggle",
  async ({ target, newState }) => {
    if (target.id === "find" && newState === "open") (await import("./palette.js")).opened();
  },
  true,
);
