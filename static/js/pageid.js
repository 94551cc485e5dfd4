// The name of this page: stable for this tab across reloads, and no other tab's. A duplicated tab copies the storage: the lock
// tells that its id is taken.

import { keep, stored } from "./memory.js";

const PAGE_KEY = "page-id";
const PATIENCE_MS = 400; // a reloading page may need a moment to let go of its own lock

export async function ownPageId() {
  const kept = stored(sessionStorage, PAGE_KEY);
  const id = kept && (await locked(kept)) ? kept : newId();
  if (id !== kept) await locked(id);
  keep(sessionStorage, PAGE_KEY, id);
  return id;
}

function locked(id) {
  if (!navigator.locks) return Promise.resolve(true); // plain http on another host: no locks, no duplicated-tab guard
  return new Promise((answer) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const hold = () => (answer(true), new Promise(() => {}));
    navigator.locks.request(`page-${id}`, { signal }, hold).catch(() => answer(false));
  });
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
