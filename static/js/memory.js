// What a page remembers: in its tab, across reloads, and of activations for every page of this browser. Where storage is blocked
// or full the page still works; it only forgets on reload.

const MEMORY_KEY = "activations";
const SINCE_KEY = "activations-since";
const RUNNING_KEY = "activation-running";
const REMEMBERED = 500;

export function stored(storage, key) {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(storage, key, value) {
  try {
    storage.setItem(key, value);
  } catch {
    // see above
  }
}

function read(key, usual) {
  try {
    return JSON.parse(stored(localStorage, key)) ?? usual;
  } catch {
    return usual;
  }
}

// --- activations ------------------------------------------------------------------------------------------------------------

function recall() {
  const found = read(MEMORY_KEY, []);
  return Array.isArray(found) ? found : [];
}

/** How this activation stands, or nothing. */
export function remembered(activationId) {
  return recall().find(([id]) => id === activationId)?.[1];
}

export function remember(outcome, ...activationIds) {
  const others = recall().filter(([id]) => !activationIds.includes(id));
  write([...others, ...activationIds.map((id) => [id, outcome])]);
}

/** It has not begun, and may come again. */
export function forget(...activationIds) {
  write(recall().filter(([id]) => !activationIds.includes(id)));
}

function write(known) {
  keep(localStorage, MEMORY_KEY, JSON.stringify(known.slice(-REMEMBERED)));
}

let began = null;

/** Since when what ran is remembered, in the server's milliseconds; `now`, where that begins with this page. What is older may have
 *  been run by a page of which nothing is known. */
export function rememberedSince(now) {
  const since = Number(stored(localStorage, SINCE_KEY));
  if (!(since > 0)) keep(localStorage, SINCE_KEY, String(now));
  return (began ??= since > 0 ? since : now);
}

// --- what runs -----------------------------------------------------------------------------------------------------------------

/** `run`: its activationId, the seconds it has delivered so far, and what it has claimed. */
export function noteRunning(run) {
  keep(localStorage, RUNNING_KEY, JSON.stringify(run));
}

/** The seconds that this activation had delivered when its page went away. */
export function deliveredBefore(activationId) {
  const last = read(RUNNING_KEY, {});
  return last.activationId === activationId ? last.deliveredSeconds : 0;
}
