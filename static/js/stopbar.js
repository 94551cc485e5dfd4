// STOP: by the bottom edge of the page or of a dialog, by Escape twice or a key of her own (early.js), by holding Space. A press ends what plays here by itself, then
// goes over the socket; over HTTP where that does not answer. It is said again until it is answered. And what is held: Resume.

import { after } from "./clock.js";
import { on } from "./news.js";
import { answered, halt, isPressing, press } from "./stops.js";
import { isComposing, isTyping } from "./typing.js";

const PATIENCE_MS = 1000;
const SPACE_MS = 700;
const HELD_MS = 1000;
let shown = 0; // the latest epoch that the page was told of: it is told again and again

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-stop]")) return;
  event.preventDefault();
  stop();
});

function stop() {
  halt();
  say("Stopping…");
  if (press()) after(PATIENCE_MS, postUnlessAnswered);
  else post();
}

on("lovense.stop", ({ activationIds, stopEpoch = 0 }) => {
  if (activationIds || stopEpoch <= shown) return;
  shown = stopEpoch;
  told();
});

function postUnlessAnswered() {
  if (isPressing()) post();
}

async function post() {
  try {
    const form = document.querySelector("[data-stop]");
    const sent = { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" }, redirect: "error", keepalive: true };
    const answer = await fetch(form.action, sent);
    if (!answer.ok) throw new Error(answer.status);
    answered();
    told();
  } catch {
    say("Stopped on this page. Nobody has answered yet: pressing again…");
    after(PATIENCE_MS, postUnlessAnswered);
  }
}

/** It is recorded: the rest of the page shows what it means. */
function told() {
  say("");
  for (const topic of ["queue", "devices", "notices"]) document.body.dispatchEvent(new CustomEvent(`news-${topic}`));
}

function say(words) {
  document.querySelector("[data-stop-words]").textContent = words;
}

// --- keys: before anybody else hears them ----------------------------------------------------------------------------------

let isLetGo = true; // false while a hold has done its work
let cancelHold = () => {};

/** A release that waits to be heard is heard first. */
function hold(ms, call) {
  cancelHold();
  let timer;
  const cancel = after(ms, () => (timer = setTimeout(held, 0, call)));
  cancelHold = () => {
    cancel();
    clearTimeout(timer);
  };
}

function held(call) {
  call();
  isLetGo = false;
}

function letGo() {
  cancelHold();
  setTimeout(() => (isLetGo = true)); // the click of a release comes in the same task
}

addEventListener("keydown", (event) => {
  if (isComposing(event)) return;
  if (event.key !== " " || document.documentElement.dataset.keys || isTyping(event.target)) return;
  if (!event.repeat) hold(SPACE_MS, stop);
  else event.preventDefault(); // the page would scroll away
}, true);

addEventListener("keyup", (event) => {
  if (event.key !== " ") return;
  if (!isLetGo) event.preventDefault();
  letGo();
}, true);

addEventListener("click", (event) => {
  if (isLetGo || event.target.closest("[data-stop]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

// --- what is held by a pointer ---------------------------------------------------------------------------------------------

addEventListener("pointerdown", ({ target, button }) => {
  const source = target.closest?.("[data-hold]");
  if (source && button === 0) hold(HELD_MS, () => document.querySelector(source.dataset.hold)?.click());
});
addEventListener("contextmenu", (event) => event.target.closest?.("[data-hold]") && event.preventDefault()); // of a long touch
for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, letGo);
