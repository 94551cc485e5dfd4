// The live page: the countdown, what plays in words, and the levels of it.

import { every, serverNow } from "./clock.js";
import "./ui/level.js";
import "./ui/reorder.js";
import "./ui/wave.js";

const FRAME_MS = 100;

export function arrive() {
  let playing = says();

  function refresh() {
    countdown();
    owed();
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

function says() {
  return document.querySelector("[data-now-says]")?.dataset.nowSays ?? "";
}

/** How much is owed stands in the feed as it comes, and on its chip, which stays. */
function owed() {
  const words = document.querySelector("#region-feed [data-owed]")?.dataset.owed;
  const chip = document.querySelector("[name=feed-kind][value=owed] + span");
  if (words && chip.textContent !== words) chip.textContent = words;
}

function countdown() {
  const count = document.querySelector("[data-ends]");
  if (!count) return;
  const total = Number(count.dataset.seconds) * 1000;
  const left = Math.min(total, Math.max(0, Number(count.dataset.ends) - serverNow()));
  count.querySelector("[data-left]").textContent = Math.ceil(left / 1000);
}
