// The page of devices: it has no toys of its own, so it only watches. The server's HTML is the state; here is what a
// pairing needs of a page: how long its code is valid, and a word for those who do not look; and that a test's end is seen.

import "./buttons.js";
import { every, serverNow } from "./clock.js";
import { start } from "./device.js";
import "./stopbar.js";
import "./tick.js";
import "./times.js";

const SLACK_MS = 300;
const region = document.querySelector("#region-pairing");
const error = document.querySelector("#pairing-error");
let told = walk().dataset.says; // how it stood when the page was opened is no news
let tests = testing();

function walk() {
  return region.querySelector("[data-step]");
}

/** Fetches the region a moment after its code has expired: the two clocks are not quite one. */
function countdown() {
  const element = region.querySelector("time[data-expires]");
  if (!element || "over" in element.dataset) return;
  const left = Date.parse(element.dateTime) - serverNow();
  const seconds = Math.max(0, Math.round(left / 1000));
  element.textContent = `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  if (left > -SLACK_MS) return;
  element.dataset.over = "";
  document.body.dispatchEvent(new CustomEvent("news-devices"));
}

/** What came between is said for as long as the pairing stands where it stood then. */
function moved() {
  const { step, says } = walk().dataset;
  const notice = error.querySelector("[data-while]");
  if (notice && notice.dataset.while !== step) notice.remove();
  if (says !== told) document.querySelector("[data-said]").textContent = says;
  told = says;
}

function testing() {
  return [...document.querySelectorAll("[data-test]")].map((element) => element.textContent).join(" ");
}

/** How far a test is, for those who do not look. */
function tested() {
  const now = testing();
  if (now && now !== tests) document.querySelector("[data-said]").textContent = now;
  tests = now;
}

/** "Pair again" stands far from where the code is shown, on a narrow screen. */
function show() {
  const section = region.closest("section");
  const { top } = section.getBoundingClientRect();
  if (top < 0 || top > innerHeight) section.scrollIntoView();
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx: { target } } }) => {
  if (target === error) show();
  if (target.id === "region-devices") tested();
  if (target !== region) return;
  countdown();
  moved();
});

// A test that waits or plays goes on in the queue: what is news there is news here.
document.body.addEventListener("news-queue", () => {
  if (document.querySelector("[data-testing]")) document.body.dispatchEvent(new CustomEvent("news-devices"));
});

countdown();
every(1000, countdown);
start();
