// The browser's leave to reach what is on the performer's own network (Chrome's local network access; elsewhere there is none,
// and none is needed). It is asked for by a press of hers, never by itself: what asks is a first call to her app.

import { keep, stored } from "../memory.js";

export const [GRANTED, PROMPT, DENIED, ABSENT] = ["granted", "prompt", "denied", "absent"];
// The newest name first; the oldest stands for both where the two others are not known yet.
const NAMES = { local: ["local-network", "local-network-access"], loopback: ["loopback-network", "local-network-access"] };
const REACHED_KEY = "lan-reached"; // in this tab an app has answered: a page that is local itself is never asked

const watched = new Map();
let changed = () => {};

/** Calls back whenever she, or her browser, has decided anew. */
export function watch(call) {
  changed = call;
}

/** Of `space`, local or loopback: granted, prompt, denied, or absent. */
export async function stateOf(space) {
  for (const name of NAMES[space]) {
    const found = await queried(name);
    if (found) return found.state;
  }
  return ABSENT;
}

async function queried(name) {
  try {
    if (!watched.has(name)) watched.set(name, await listened(name));
    return watched.get(name);
  } catch {
    return null; // a name that this browser does not know
  }
}

async function listened(name) {
  const status = await navigator.permissions.query({ name });
  status.onchange = () => changed();
  return status;
}

/** Whether a page may call without asking her. */
export function isOpen(state) {
  return state === GRANTED || state === ABSENT || (state === PROMPT && stored(sessionStorage, REACHED_KEY) === "yes");
}

export function reached() {
  keep(sessionStorage, REACHED_KEY, "yes");
}
