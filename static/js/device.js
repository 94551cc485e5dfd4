// The toys of this page: virtual ones (virtual.js), the performer's own over her network (ownnetwork.js), or those of the vendor's
// extension (bridges/extension.js), as her path says. Off
// (the default for virtual ones) the page only watches. On, it asks for the devices' lease and acts only while it has it.
// Activation ids are remembered across reloads: a repeat is acknowledged again and never played again, and what the server
// cancelled never plays, however late it comes.

import { after } from "./clock.js";
import { deliveredBefore, forget, keep, noteRunning, remember, remembered, stored } from "./memory.js";
import { connect, on, send } from "./news.js";
import { ownPageId } from "./pageid.js";
import { lever, meter, panel, say, show } from "./panel.js";
import { epoch, halt, isLater, isPressing, onHalt } from "./stops.js";
import { outdate } from "./visits.js";

const EXTENSION = "EXTENSION";
const REMEMBERED = 500; // refusals
const SILENCE_MS = 5_000; // without a socket for this long the devices stop by themselves
const TAKE_MS = 12_000; // by then this page has the devices, or another one keeps them
const CANCELLED = { stage: "failed", code: "cancelled" };
const STOPPED = "stopped"; // why a run ended early: her stop

let pageId = "";
let holder = false;
let isAlive = false; // the socket is up, and has said how things stand
let isElsewhere = false; // her devices are told by another path than this page's
let lease; // of the newest snapshot: a command that was made for another one is not for this page any more
let toys = null;
let running = null;
const refused = new Map(); // by activation: the last attempt refused, and why
let cancelTaking = () => {};
let cancelSilence = null; // set from the first loss of the socket until the next snapshot

/** In a document with a panel. */
export async function start() {
  onHalt(ended);
  on("lovense.stop", stopped);
  toys = await ownToys();
  pageId = await ownPageId();
  lever.checked = "auto" in panel.dataset && stored(localStorage, toys.switchKey) === "on";
  lever.disabled = false;
  lever.addEventListener("change", switched);
  on("snapshot", settled);
  on("closed", unplugged);
  on("lovense.activate", activate);
  on("limits", limited);
  on("lovense.release", letGo);
  panel.querySelector("[data-take] button").addEventListener("click", take);
  addEventListener("pagehide", () => still("", { keepalive: true }));
  addEventListener("beforeunload", (event) => holder && !isElsewhere && event.preventDefault()); // her browser asks
  join();
}

/** Each path has a script of its own, and a page needs one of them. */
async function ownToys() {
  if ("extension" in panel.dataset) return new (await import("./bridges/extension.js")).ExtensionToys();
  if (!("lan" in panel.dataset)) return new (await import("./virtual.js")).VirtualToys();
  return new (await import("./ownnetwork.js")).OwnNetwork(panel.dataset.bridge, () => isAlive);
}

// --- the switch and the lease ---------------------------------------------------------------------------------------------

/** Her press, here or on the button that goes on air. */
export function switchOn() {
  if (!lever.checked) lever.click();
}

function switched() {
  keep(localStorage, toys.switchKey, lever.checked ? "on" : "off");
  if (!lever.checked) still();
  join();
}

function join() {
  holder = isAlive = false;
  toys.hold(false);
  show("take", false);
  say(lever.checked ? "Connecting…" : "Off. This page only watches.");
  connect(lever.checked ? { page: pageId } : { watch: "1" });
}

function settled(snapshot) {
  cancelSilence?.();
  cancelSilence = null;
  isAlive = true;
  if (isLater(snapshot.stopEpoch)) halt(); // she has pressed while there was no socket
  holder = lever.checked && snapshot.holder === true;
  lease = snapshot.lease;
  cancelTaking();
  if (!holder) still(); // another page has the devices
  limited(snapshot);
  toys.hold(holder && !isElsewhere, send);
  idle();
}

/** What binds now, and by which path. A page that tells toys itself may call what no other may: it has to be loaded anew. */
function limited(told) {
  isElsewhere = (told.bridge ?? toys.bridge) !== toys.bridge;
  const needsOwnPage = told.hosts || told.bridge === EXTENSION || toys.needsOwnPage;
  if (isElsewhere && needsOwnPage) return outdate();
  toys.limit(told);
}

function unplugged({ silent = 0 }) {
  isAlive = false;
  toys.hold(false);
  show("take", false);
  if (lever.checked && !running) say("Connection lost. Reconnecting…");
  cancelSilence ??= after(Math.max(0, SILENCE_MS - silent), () => still()); // attempts that fail do not start it anew
}

/** Her press: the page that has the devices lets them go, and this one is told by a snapshot. */
function take() {
  if (!send({ type: "take" })) return;
  show("take", false);
  say("The other page stops its toys, then this one has the devices. This takes up to ten seconds.");
  cancelTaking();
  cancelTaking = after(TAKE_MS, idle);
}

/** Another page takes the devices: first its toys are still here, then this page lets go. Where an app does not answer it says
 *  nothing, and its lease is over when they are silent by themselves. */
async function letGo({ lease: asked }) {
  if (!holder || asked !== lease) return;
  holder = false;
  toys.hold(false);
  still();
  say("Another page takes the devices…");
  if (await toys.silenced()) send({ type: "released", lease: asked });
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
  const before = refused.get(message.activationId);
  if (before?.attempt === message.attempt) return before.code;
  const code = toys.refusal(message);
  if (code) noteRefusal(message, code);
  return code;
}

function noteRefusal({ activationId, attempt }, code) {
  refused.set(activationId, { attempt, code });
  if (refused.size > REMEMBERED) refused.delete(refused.keys().next().value);
}

function play(message) {
  remember({ stage: "started" }, message.activationId, ...members(message)); // before the effect: a crash must not play it twice
  acknowledge(message, { stage: "received" });
  const run = toys.begin(message, {
    started: () => acknowledge(run.message, { stage: "started" }),
    refused: (code) => refuse(run, code),
    progress: () => progress(run),
    over: () => end(run),
  });
  running = run;
  run.start();
}

/** No toy has taken anything of it: it may come again. */
function refuse(run, code) {
  if (running !== run) return;
  running = null;
  run.end();
  forget(run.message.activationId, ...members(run.message));
  noteRefusal(run.message, code);
  acknowledge(run.message, { stage: "failed", code });
  idle();
}

function repeat(message, known) {
  if (running?.message.activationId === message.activationId) {
    running.message = message; // the end will name the newest attempt
    acknowledge(message, { stage: "received" });
    return running.isStarted ? acknowledge(message, { stage: "started" }) : undefined;
  }
  if (known.stage !== "started") return acknowledge(message, known);
  if (running && members(running.message).includes(message.activationId)) return; // part of what plays: its end will tell
  // It was playing when its page went away: finished, with the seconds that page had delivered.
  // What was handed over goes on without it, and nobody knows how much of it has played.
  const delivered = toys.isMeasured ? { deliveredSeconds: deliveredBefore(message.activationId) } : {};
  conclude(message, { stage: "finished", ...delivered, code: "interrupted" });
}

/** A run may be that of several activations: its own, and those of its members. */
function members({ members }) {
  return Array.isArray(members) ? members : [];
}

async function stopped(message) {
  if (Array.isArray(message.activationIds)) return message.activationIds.forEach((id) => cancelled(id, message.confirmed));
  const heard = performance.now();
  isLater(message.stopEpoch);
  halt();
  const about = { type: "stopped", stopEpoch: epoch() };
  send({ ...about, ...((await toys?.stopped(heard, holder)) ?? { toyIds: [] }) });
}

/** Everything of this page ends now, because of her stop. */
function ended() {
  if (running) end(running, STOPPED);
  toys?.halt();
}

/** What this page plays ends now. */
function still(code, how) {
  if (running) end(running, code, how);
  else toys.still();
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

function end(run, code = "", how = {}) {
  if (running !== run) return;
  running = null;
  run.end(how);
  const { delivered } = run;
  const isWhole = delivered !== null && delivered >= run.seconds;
  // Of a run that was cut short, the part of its members is not ours to tell: they stay what they are, interrupted.
  if (isWhole) remember({ stage: "finished" }, ...members(run.message));
  const why = isWhole ? "" : code || run.code;
  const { legs } = run; // where its devices are told apart, and one fell short
  const told = { ...(delivered === null ? {} : { deliveredSeconds: delivered }), ...(why ? { code: why } : {}), ...(legs ? { legs } : {}) };
  conclude(run.message, { stage: "finished", ...told });
  idle();
}

function conclude(message, outcome) {
  remember(outcome, message.activationId);
  acknowledge(message, outcome);
}

function acknowledge({ activationId, attempt }, outcome) {
  send({ type: "ack", activationId, attempt, ...outcome });
}

function progress(run) {
  noteRunning({ activationId: run.message.activationId, deliveredSeconds: run.delivered, claims: run.claims });
}

function idle() {
  if (running) return;
  meter(0);
  show("take", isAlive && lever.checked && !holder && !isElsewhere);
  if (isElsewhere) say("Your devices are told by another path. This page only watches.");
  else if (!lever.checked) say("Off. This page only watches.");
  else if (!holder) say("Another page holds the devices. This one stands by.");
  else toys.idle();
}
