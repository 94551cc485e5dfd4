// The bar with the stop button. A press ends what plays on this page by itself, then goes over the socket; over HTTP where
// the socket does not answer. It asks nothing back and is said again until it is answered.

import { after } from "./clock.js";
import { halt } from "./device.js";
import { on } from "./news.js";
import { answered, isPressing, press } from "./stops.js";

const PATIENCE_MS = 1000;
const bar = document.querySelector("[data-stop-bar]");
const form = bar.querySelector("[data-stop]");
const words = bar.querySelector("[data-stop-words]");
let shown = 0; // the latest epoch that the page was told of: it is told again and again

form.addEventListener("submit", (event) => {
  event.preventDefault();
  halt();
  words.textContent = "Stopping…";
  if (press()) after(PATIENCE_MS, postUnlessAnswered);
  else post();
});

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
    const headers = { "HX-Request": "true" };
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers, redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    answered();
    told();
  } catch {
    words.textContent = "Stopped on this page. Nobody has answered yet: pressing again…";
    after(PATIENCE_MS, postUnlessAnswered);
  }
}

/** It is recorded: the rest of the page shows what it means. */
function told() {
  words.textContent = "";
  for (const topic of ["queue", "devices", "notices"]) document.body.dispatchEvent(new CustomEvent(`news-${topic}`));
}
