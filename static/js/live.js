// The live page: starts the socket and the virtual device, keeps times and the countdown moving. The server's HTML is the
// state; nothing here remembers it.

import "./buttons.js";
import { age, every, serverNow } from "./clock.js";
import { start } from "./device.js";
import "./regions.js";
import "./stopbar.js";

const FRAME_MS = 100;
const clockTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
let playing = "";

function times(root) {
  for (const element of root.querySelectorAll("time[data-clock]")) {
    const at = new Date(element.dateTime);
    element.textContent = clockTime.format(at);
    element.title = at.toLocaleString();
  }
  ages(root);
}

function ages(root) {
  for (const element of root.querySelectorAll("time[data-age]")) {
    element.textContent = `${age(serverNow() - Date.parse(element.dateTime))} ago`;
  }
  for (const element of root.querySelectorAll("time[data-starts]")) {
    element.textContent = until(Date.parse(element.dateTime) - serverNow());
    element.title = new Date(element.dateTime).toLocaleString();
  }
}

/** "now", "in 8 s", "in 4 min", "in 2 h 5 min": foreseen, so the further away the rounder. */
function until(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) return "now";
  if (seconds < 100) return `in ${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `in ${minutes} min` : `in ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function countdown() {
  const ring = document.querySelector("[data-ends]");
  if (!ring) return;
  const total = Number(ring.dataset.seconds) * 1000;
  const left = Math.min(total, Math.max(0, Number(ring.dataset.ends) - serverNow()));
  ring.querySelector("[data-left]").textContent = Math.ceil(left / 1000);
  ring.querySelector(".ring__fill").setAttribute("stroke-dasharray", `${(100 * left) / total} 100`);
}

/** One polite sentence when something else starts to play; polling alone says nothing. */
function announce() {
  const title = document.querySelector("[data-now-says]")?.dataset.nowSays ?? "";
  if (title !== playing) document.querySelector("[data-said]").textContent = title;
  playing = title;
}

function refresh(root) {
  times(root);
  countdown();
  announce();
}

document.body.addEventListener("htmx:afterSwap", (event) => refresh(event.detail.target));

refresh(document);
every(FRAME_MS, countdown);
every(1000, () => ages(document));
start();
