// What this page knows of the performer's stop: the latest epoch it has heard of, and a press of its own that nobody has
// answered yet. It is said again until it is answered: the process that heard it may have died.

import { every } from "./clock.js";
import { send } from "./news.js";

const AGAIN_MS = 1000;

const silencers = []; // what ends all that this document plays
let latest = 0;
let cancel = null;

/** Calls back, in the task of her press or when this page hears of a stop, to end all that plays here. */
export function onHalt(silence) {
  silencers.push(silence);
}

export function halt() {
  document.dispatchEvent(new Event("stopping")); // what waits for HTMX is not done after it (early.js)
  for (const silence of silencers) silence();
}

export function epoch() {
  return latest;
}

/** Whether this tells of a stop that the page had not heard of. One that is recorded answers a press. */
export function isLater(stopEpoch = 0) {
  if (stopEpoch <= latest) return false;
  latest = stopEpoch;
  answered();
  return true;
}

/** False when the socket cannot carry it now. */
export function press() {
  cancel ??= every(AGAIN_MS, say);
  return say();
}

function say() {
  return send({ type: "stop" });
}

export function isPressing() {
  return cancel !== null;
}

export function answered() {
  cancel?.();
  cancel = null;
}
