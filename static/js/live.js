// The live page: keeps the countdown moving, and says what plays. The server's HTML is the state; nothing here remembers it.

import { every, serverNow } from "./clock.js";

const FRAME_MS = 100;

/** From now on, until what is returned is called. */
export function arrive() {
  let playing = says(); // how it stood when the page came is no news

  function refresh() {
    countdown();
    if (says() !== playing) document.querySelector("[data-said]").textContent = says();
    playing = says();
  }

  const cancel = every(FRAME_MS, countdown);
  document.addEventListener("htmx:after:swap", refresh);
  countdown();
  return () => {
    cancel();
    document.removeEventListener("htmx:after:swap", refresh);
  };
}

/** One polite sentence when something else starts to play; polling alone says nothing. */
function says() {
  return document.querySelector("[data-now-says]")?.dataset.nowSays ?? "";
}

function countdown() {
  const ring = document.querySelector("[data-ends]");
  if (!ring) return;
  const total = Number(ring.dataset.seconds) * 1000;
  const left = Math.min(total, Math.max(0, Number(ring.dataset.ends) - serverNow()));
  ring.querySelector("[data-left]").textContent = Math.ceil(left / 1000);
  ring.querySelector(".ring__fill").setAttribute("stroke-dasharray", `${(100 * left) / total} 100`);
}
