// The live page: starts the socket and the virtual device, keeps the countdown moving. The server's HTML is the state; nothing
// here remembers it.

import "./buttons.js";
import { every, serverNow } from "./clock.js";
import { start } from "./device.js";
import "./stopbar.js";
import "./tick.js";
import "./times.js";

const FRAME_MS = 100;
let playing = "";

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

function refresh() {
  countdown();
  announce();
}

document.addEventListener("htmx:after:swap", refresh);

refresh();
every(FRAME_MS, countdown);
start();
