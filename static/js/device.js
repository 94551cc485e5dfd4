// The virtual device of this page: toys made of light that speak the performer's real socket, so the whole chain can be
// rehearsed without hardware. They play what the commands say, for as long as they say. Off (the default) the page only
// watches. On, it asks for the devices' lease and acts only while it has it. Activation ids are remembered across reloads: a
// repeat is acknowledged again and never played again, and what the server cancelled never plays, however late it comes.

import { after, every } from "./clock.js";
import { connect, on, send } from "./news.js";
import { Player } from "./player.js";
import { epoch, isLater, isPressing } from "./stops.js";

const SWITCH_KEY = "virtual-device";
const PAGE_KEY = "page-id";
const MEMORY_KEY = "activations";
const RUNNING_KEY = "activation-running";
const TOYS_KEY = "virtual-toys"; // types of the vendor's table, as "lush,nora,max"; without it one toy that just vibrates
const REMEMBERED = 500;
const FRAME_MS = 100;
const REPORT_MS = 10_000;
const SILENCE_MS = 5_000; // without a socket for this long the device stops by itself
const TEST = "lovense.test"; // the type of an item that moves one device for a try
const OURS = "SIMULATOR"; // the bridge whose devices are this page's
const CANCELLED = { stage: "failed", code: "cancelled" };
const STOPPED = "stopped"; // why a run ended early: her stop

const panel = document.querySelector("[data-virtual]");
const lever = panel?.querySelector("[data-virtual-switch]");
const bars = [...(panel?.querySelectorAll("[data-meter] > span") ?? [])];

let pageId = "";
let holder = false;
let isElsewhere = false; // her devices are told by another path than a page
let lease; // of the newest snapshot: a command that was made for another one is not for this page any more
let player = new Player([]);
let running = null; // { message, seconds, began, cancel }
const refused = new Map(); // by activation: the last attempt refused, and why
let stopReports = () => {};
let cancelSilence = null; // set from the first loss of the socket until the next snapshot

export async function start() {
  on("lovense.stop", stopped);
  if (!panel) return connect({ watch: "1" });
  player = new Player(ownTypes());
  pageId = await ownPageId();
  lever.checked = "auto" in panel.dataset && stored(localStorage, SWITCH_KEY) === "on";
  lever.disabled = false;
  lever.addEventListener("change", switched);
  on("snapshot", settled);
  on("closed", unplugged);
  on("lovense.activate", activate);
  on("limits", (message) => player.limit(message));
  addEventListener("pagehide", () => still());
  join();
}

// --- the switch and the lease ---------------------------------------------------------------------------------------------

function switched() {
  keep(localStorage, SWITCH_KEY, lever.checked ? "on" : "off");
  if (!lever.checked) still();
  join();
}

function join() {
  holder = false;
  stopReports();
  say(lever.checked ? "Connecting…" : "Off. This page only watches.");
  connect(lever.checked ? { page: pageId } : { watch: "1" });
}

function settled(snapshot) {
  cancelSilence?.();
  cancelSilence = null;
  stopReports();
  if (isLater(snapshot.stopEpoch)) halt(); // she has pressed while there was no socket
  holder = lever.checked && snapshot.holder === true;
  lease = snapshot.lease;
  isElsewhere = (snapshot.bridge ?? OURS) !== OURS;
  if (!holder) still(); // another page has the devices
  player.limit(snapshot);
  if (holder) {
    report();
    stopReports = every(REPORT_MS, report);
  }
  idle();
}

function unplugged() {
  stopReports();
  if (lever.checked && !running) say("Connection lost. Reconnecting…");
  cancelSilence ??= after(SILENCE_MS, () => still()); // attempts that fail do not start it anew
}

function report() {
  send({ type: "devices", toys: player.report() });
}

function ownTypes() {
  return (stored(localStorage, TOYS_KEY) ?? "").split(",").map((type) => type.trim()).filter(Boolean);
}

// --- one activation ---------------------------------------------------------------------------------------------------------

function activate(message) {
  if (!holder || (message.lease ?? lease) !== lease) return;
  const known = remembered(message.activationId);
  if (known) return repeat(message, known);
  if (message.confirmed) return; // another browser has it, or had it: nobody knows what it has played
  if (isPressing() || (message.stopEpoch ?? 0) < epoch()) return acknowledge(message, { stage: "failed", code: STOPPED });
  const code = refusal(message);
  if (code) return acknowledge(message, { stage: "failed", code });
  if (running) end(running);
  play(message);
}

/** Why no toy would move. An attempt that was refused is refused again: the first word may have been believed. */
function refusal(message) {
  const { activationId, attempt, commands = [], stopEpoch = 0 } = message;
  const before = refused.get(activationId);
  if (before?.attempt === attempt) return before.code;
  const code = player.refusal(commands, stopEpoch, bounds(message));
  if (code) refused.set(activationId, { attempt, code });
  if (refused.size > REMEMBERED) refused.delete(refused.keys().next().value);
  return code;
}

function bounds({ item }) {
  return player.bounds({ epoch: epoch(), isStopped: isPressing(), isTest: item?.itemType === TEST });
}

function play(message) {
  remember({ stage: "started" }, message.activationId, ...members(message)); // before the effect: a crash must not play it twice
  acknowledge(message, { stage: "received" });
  const began = performance.now();
  const seconds = player.begin(message.commands ?? [], began, message.stopEpoch ?? 0, bounds(message));
  running = { message, seconds, began, cancel: every(FRAME_MS, frame) };
  acknowledge(message, { stage: "started" });
  progress();
  frame();
}

function repeat(message, known) {
  if (running?.message.activationId === message.activationId) {
    running.message = message; // the end will name the newest attempt
    acknowledge(message, { stage: "received" });
    return acknowledge(message, { stage: "started" });
  }
  if (known.stage !== "started") return acknowledge(message, known);
  if (running && members(running.message).includes(message.activationId)) return; // part of what plays: its end will tell
  // It was playing when its page went away: finished, with the seconds that page had delivered.
  const last = JSON.parse(stored(localStorage, RUNNING_KEY) ?? "{}");
  const deliveredSeconds = last.activationId === message.activationId ? last.deliveredSeconds : 0;
  conclude(message, { stage: "finished", deliveredSeconds, code: "interrupted" });
}

/** A run may be that of several activations: its own, and those of its members. */
function members({ members }) {
  return Array.isArray(members) ? members : [];
}

function stopped(message) {
  if (Array.isArray(message.activationIds)) return message.activationIds.forEach((id) => cancelled(id, message.confirmed));
  const heard = performance.now();
  isLater(message.stopEpoch);
  halt();
  const still = holder ? { toyIds: player.ids, toys: player.stilled(heard) } : { toyIds: [] };
  send({ type: "stopped", stopEpoch: epoch(), ...still });
}

/** Everything of this page ends now, because of her stop. */
export function halt() {
  still(STOPPED);
}

/** Every toy, also where no run is known. */
function still(code) {
  if (running) end(running, code);
  else player.stop();
}

/** It ends, or it never begins. `confirmed`: another browser has it, or had it, and what it has played is not ours to say. */
function cancelled(activationId, confirmed) {
  if (!holder) return;
  if (running?.message.activationId === activationId) return end(running);
  const message = { activationId, attempt: 0 };
  const known = remembered(activationId);
  if (known) return repeat(message, known);
  remember(CANCELLED, activationId);
  if (!confirmed) acknowledge(message, CANCELLED);
}

function end(run, code) {
  run.cancel();
  running = null;
  player.stop();
  const deliveredSeconds = delivered(run);
  // Of a run that was cut short, the part of its members is not ours to tell: they stay what they are, interrupted.
  if (deliveredSeconds >= run.seconds) remember({ stage: "finished" }, ...members(run.message));
  const why = code && deliveredSeconds < run.seconds ? { code } : {};
  conclude(run.message, { stage: "finished", deliveredSeconds, ...why });
  idle();
}

function conclude(message, outcome) {
  remember(outcome, message.activationId);
  acknowledge(message, outcome);
}

function acknowledge({ activationId, attempt }, outcome) {
  send({ type: "ack", activationId, attempt, ...outcome });
}

function delivered({ seconds, began }) {
  const elapsed = (performance.now() - began) / 1000;
  return elapsed >= seconds ? seconds : Math.round(elapsed * 10) / 10;
}

// --- what it looks like -------------------------------------------------------------------------------------------------------

function frame() {
  const { seconds, began } = running;
  const now = performance.now();
  const elapsed = now - began;
  if (elapsed >= Math.min(seconds, player.longestSeconds) * 1000) return end(running);
  const level = player.strongest(now);
  meter(level);
  say(`Running at level ${level} of 20`, `${Math.ceil(seconds - elapsed / 1000)} s`);
  if (Math.floor(elapsed / 1000) !== Math.floor((elapsed - FRAME_MS) / 1000)) progress();
}

function progress() {
  keep(
    localStorage,
    RUNNING_KEY,
    JSON.stringify({ activationId: running.message.activationId, deliveredSeconds: delivered(running) }),
  );
}

function meter(level) {
  bars.forEach((bar, index) => bar.toggleAttribute("data-on", index < level));
}

function idle() {
  if (running) return;
  meter(0);
  if (isElsewhere) say("Your devices are told by another path. This page only watches.");
  else if (!lever.checked) say("Off. This page only watches.");
  else say(holder ? "Ready. The next settled tip plays here." : "Another page holds the devices. This one stands by.");
}

function say(words, count = "") {
  panel.querySelector("[data-virtual-words]").textContent = words;
  panel.querySelector("[data-virtual-count]").textContent = count;
}

// --- memory ---------------------------------------------------------------------------------------------------------------------

function recall() {
  try {
    const found = JSON.parse(stored(localStorage, MEMORY_KEY) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

function remembered(activationId) {
  return recall().find(([id]) => id === activationId)?.[1];
}

function remember(outcome, ...activationIds) {
  const others = recall().filter(([id]) => !activationIds.includes(id));
  const known = [...others, ...activationIds.map((id) => [id, outcome])].slice(-REMEMBERED);
  keep(localStorage, MEMORY_KEY, JSON.stringify(known));
}

function stored(storage, key) {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function keep(storage, key, value) {
  try {
    storage.setItem(key, value);
  } catch {
    // storage is blocked or full: the page still works, it only forgets on reload
  }
}

/** Stable for this tab across reloads. A duplicated tab copies the storage: the lock tells that its id is taken. */
async function ownPageId() {
  const kept = stored(sessionStorage, PAGE_KEY);
  const id = kept && (await locked(kept)) ? kept : newId();
  if (id !== kept) await locked(id);
  keep(sessionStorage, PAGE_KEY, id);
  return id;
}

function locked(id) {
  if (!navigator.locks) return Promise.resolve(true); // plain http on another host: no locks, no duplicated-tab guard
  return new Promise((answer) => {
    const signal = AbortSignal.timeout(400); // a reloading page may need a moment to let go of its own lock
    const hold = () => (answer(true), new Promise(() => {}));
    navigator.locks.request(`page-${id}`, { signal }, hold).catch(() => answer(false));
  });
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
