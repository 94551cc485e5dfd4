// The live page: keeps the countdown moving, and says what plays. The server's HTML is the state.

import { every, serverNow } from "./clock.js";
import { lever } from "./panel.js";
import "./ui/wave.js";

const FRAME_MS = 100;
const main = document.querySelector("#content");

export function arrive() {
  let playing = says();

  function refresh() {
    countdown();
    if (says() !== playing) document.querySelector("[data-said]").textContent = says();
    playing = says();
  }

  const cancel = every(FRAME_MS, countdown);
  main.addEventListener("click", goOnAir);
  document.addEventListener("htmx:after:swap", refresh);
  countdown();
  return () => {
    cancel();
    document.removeEventListener("htmx:after:swap", refresh);
    main.removeEventListener("click", goOnAir);
  };
}

function goOnAir({ target }) {
  if (target.closest("[data-go-on-air]") && !lever.checked) lever.click();
}

/** One polite sentence when something else starts to play; polling alone says nothing. */
function says() {
  return document.querySelector("[data-now-says]")?.dataset.nowSays ?? "";
}

function countdown() {
  const count = document.querySelector("[data-ends]");
  if (!count) return;
  const total = Number(count.dataset.seconds) * 1000;
  const left = Math.min(total, Math.max(0, Number(count.dataset.ends) - serverNow()));
  count.querySelector("[data-left]").textContent = Math.ceil(left / 1000);
}
