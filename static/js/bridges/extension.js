// The vendor's Cam Extension as the toys of this page: a tip is handed to it whole, once, and its own levels decide what moves.
// Nothing here encodes anything: what is handed over stands in the command. The extension acknowledges nothing, so what was handed
// over is never handed over again; where this page cannot know, it is not.

import { after, every, serverNow } from "../clock.js";
import { rememberedSince } from "../memory.js";
import { send } from "../news.js";
import { panel, say, show } from "../panel.js";
import { epoch, isPressing } from "../stops.js";

const [OFF, LOADING, READY, SILENT] = ["off", "loading", "ready", "silent"];
const HAND_OVER = "ReceiveTip";
const SILENT_MS = 10_000; // so long it may take to answer
const AGAIN_MS = 7_000; // it may bind after the page has constructed it: then once more
const ABOUT_MS = 100; // two clocks
const STARTED_MS = 1_000; // without news of a tip it counts as started
const GRACE_MS = 2_000; // what the extension may take beyond its seconds; less than the server's own
const NEARLY = 1; // so many seconds less than promised, or a fifth, are a matter of its news
const MOST_TOYS = 16;
const TOY = ["id", "name", "type", "status", "version", "battery"];
const LONGEST_SETTINGS = 40_000; // characters
const FRAME_MS = 500;
// What a page says before it has begun: it may come again; or never, since nobody knows.
const [UNREACHABLE, STOPPED, BEFORE] = ["unreachable", "stopped", "handed_over_before"];

export class ExtensionToys {
  bridge = "EXTENSION";
  switchKey = "extension";
  isMeasured = false;
  needsOwnPage = true;
  #site = "";
  #isHolder = false;
  #state = OFF;
  #script = null; // the promise of its script
  #handed = new Set(); // activations, by this page
  #bound = null; // the instance that was ready first: it alone is listened to
  #constructedAt = -Infinity;
  #cancels = [];
  #toys = [];
  #settings;
  #version = "";
  #said = ""; // the last report, as text
  #queue = {}; // the last news of its queue
  #run = null;

  constructor() {
    rememberedSince(serverNow()); // from now on, where nothing was remembered before
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#returned());
  }

  limit({ camSiteName }) {
    if (camSiteName !== undefined) this.#site = camSiteName;
    this.#words();
  }

  /** Only the page that holds her devices has the extension do anything, so no other loads it. */
  hold(isHolder) {
    const isNew = isHolder && !this.#isHolder;
    this.#isHolder = isHolder;
    if (!isNew) return;
    this.#said = "";
    if (this.#bound) this.#report();
    else this.#begin();
  }

  // --- loading → ready → toys, or silent ------------------------------------------------------------------------------------

  async #begin() {
    this.#cancels.forEach((cancel) => cancel());
    this.#turn(LOADING);
    this.#cancels = [after(SILENT_MS, () => this.#turn(SILENT))];
    try {
      this.#script ??= loaded(panel.dataset.script);
      await this.#script;
      this.#construct();
      this.#cancels.push(after(AGAIN_MS, () => this.#construct()));
    } catch {
      this.#script = null; // it may come the next time
      this.#turn(SILENT);
    }
  }

  #returned() {
    if (!this.#isHolder || this.#bound) return;
    if (this.#script) this.#construct();
    else this.#begin();
  }

  /** Never while the one before may still be binding. */
  #construct() {
    const isFree = performance.now() - this.#constructedAt >= AGAIN_MS - ABOUT_MS;
    const isWanted = this.#isHolder && !this.#bound && isFree && this.#site;
    if (!isWanted || typeof window.CamExtension !== "function") return;
    this.#constructedAt = performance.now();
    try {
      const made = new window.CamExtension(this.#site, panel.dataset.model);
      made.on("ready", () => this.#ready(made));
      const heard = (name, call) => made.on(name, (told) => made === this.#bound && call(told));
      heard("settingsChange", (settings) => this.#settled(settings));
      heard("toyStatusChange", (toys) => this.#named(toys));
      heard("tipQueueChange", (queue) => this.#queued(queue));
    } catch {
      this.#constructedAt = -Infinity; // nothing of it is there
    }
  }

  /** The first one counts; whatever any other says later is not listened to. */
  #ready(made) {
    if (this.#bound) return;
    this.#bound = made;
    this.#cancels.forEach((cancel) => cancel());
    this.#turn(READY);
    ask(made, "getToyStatus", (toys) => this.#named(toys));
    ask(made, "getSettings", (settings) => this.#settled(settings));
    ask(made, "getCamVersion", (version) => this.#versioned(version));
  }

  #turn(state) {
    if (this.#bound && state !== READY) return;
    this.#state = state;
    this.#report();
  }

  #named(toys) {
    this.#toys = listed(toys).filter(idOf).slice(0, MOST_TOYS).map(plain);
    this.#report();
  }

  #settled(settings) {
    this.#settings = isPlain(settings) ? settings : undefined;
    this.#report();
  }

  #versioned(version) {
    this.#version = String(version ?? "").slice(0, 16);
    this.#report();
  }

  /** What has changed, to the server; and to her. */
  #report() {
    this.#words();
    if (!this.#isHolder) return;
    const told = { type: "extension", state: this.#state, toys: this.#toys, version: this.#version };
    if (this.#settings !== undefined) told.settings = this.#settings;
    const text = JSON.stringify(told);
    if (text !== this.#said && send(told)) this.#said = text;
  }

  // --- a tip ------------------------------------------------------------------------------------------------------------------

  refusal(message) {
    if (this.#handed.has(message.activationId)) return BEFORE;
    const command = commandOf(message);
    if (!command || !this.#bound || !this.#toys.some(isOn)) return UNREACHABLE;
    return Date.parse(command.decidedAt) >= rememberedSince(serverNow()) ? "" : BEFORE;
  }

  begin(message, hooks) {
    const ended = (run) => run === this.#run && ((this.#run = null), this.#words());
    const handOver = ({ amount, name }) => {
      this.#handed.add(message.activationId);
      this.#bound.receiveTip(amount, name);
    };
    this.#run = new ExtensionRun(message, hooks, { handOver, queue: this.#queue, ended });
    return this.#run;
  }

  #queued(queue) {
    if (typeof queue !== "object" || queue === null) return;
    this.#queue = queue;
    this.#run?.heard(queue);
  }

  // --- what makes still: nothing here does --------------------------------------------------------------------------------------

  still() {}

  halt() {}

  /** Nobody here knows: a page that takes the devices waits until the lease is over. */
  async silenced() {
    return false;
  }

  /** The extension has no call for it: what may move is said to be moving. */
  async stopped(heard, isHolder) {
    const moving = isHolder && this.#bound ? this.#toys.filter(isOn).map(idOf) : [];
    const toys = moving.map((id) => ({ id, ms: null, answer: "moving" }));
    return toys.length ? { toyIds: toys.map(({ id }) => id), toys } : { toyIds: [] };
  }

  // --- words ------------------------------------------------------------------------------------------------------------------

  idle() {
    this.#words();
  }

  #words() {
    const isSilent = this.#isHolder && this.#state === SILENT;
    show("causes", isSilent && Boolean(this.#site));
    this.#list();
    panel.querySelector("[data-site]").textContent = this.#site;
    if (this.#isHolder && !this.#run) say(this.#now());
  }

  #now() {
    if (!this.#site) return "This site has no name at Lovense, so the extension cannot be found. Its operator sets it (cam_site_name).";
    if (this.#state === SILENT) return "The extension does not answer. No tip reaches it until it does; they wait.";
    if (this.#state !== READY) return "Waiting for the extension…";
    if (!this.#toys.some(isOn)) return "The extension is ready, and names no toy that is connected. Tips wait for one.";
    return "Ready. The next settled tip is handed to the extension.";
  }

  #list() {
    const list = panel.querySelector("[data-toys]");
    const isShown = this.#isHolder && this.#state === READY && this.#toys.length > 0;
    list.hidden = !isShown;
    list.replaceChildren(...(isShown ? this.#toys.map(line) : []));
  }
}

class ExtensionRun {
  isStarted = false;
  code = "";
  claims = {};
  delivered = null; // nobody measures it, unless the extension tells of its beginning and its end
  #command;
  #hooks;
  #handOver;
  #ended;
  #ahead; // tips just like this one that were there before it
  #count;
  #runsSince = null;
  #cancels = [];
  #cancelEnd = () => {};
  #cancelFrame = () => {};

  constructor(message, hooks, { handOver, queue, ended }) {
    this.message = message;
    this.seconds = message.durationSec;
    this.#command = commandOf(message);
    this.#hooks = hooks;
    this.#handOver = handOver;
    this.#ended = ended;
    this.#ahead = this.#count = this.#alike(queue);
  }

  /** The one moment at which something leaves. What it throws says nothing about what it did. */
  start() {
    const isOver = isPressing() || (this.message.stopEpoch ?? 0) < epoch();
    if (isOver) return this.#hooks.refused(STOPPED);
    this.#endLater();
    this.#cancels = [after(STARTED_MS, () => this.#begun())];
    this.#cancelFrame = every(FRAME_MS, () => this.#frame());
    say("Handed to the extension…");
    try {
      this.#handOver(this.#command);
    } catch {
      this.code = "unknown";
    }
  }

  #begun() {
    if (this.isStarted) return;
    this.isStarted = true;
    this.#hooks.started();
  }

  /** Where nothing more is heard of it. */
  #endLater() {
    this.#cancelEnd();
    this.#cancelEnd = after(this.seconds * 1000 + GRACE_MS, () => this.#hooks.over());
  }

  /** News of the extension's queue: which of its tips is this one follows from how many there were before. */
  heard(queue) {
    const count = this.#alike(queue);
    if (count < this.#count) this.#ahead -= this.#count - count;
    this.#count = count;
    const isFirst = this.#ahead <= 0;
    if (this.#runsSince === null) {
      if (isFirst && this.#matching(queue.running).length) this.#runs();
    } else if (!this.#matching(queue.running).length || this.#ahead < 0) this.#isOver();
  }

  #runs() {
    this.#runsSince = performance.now();
    this.#begun();
    this.#endLater();
  }

  #isOver() {
    const ran = (performance.now() - this.#runsSince) / 1000;
    const isWhole = ran >= this.seconds - Math.min(NEARLY, this.seconds / 5);
    if (this.seconds) this.delivered = isWhole ? this.seconds : Math.round(ran * 10) / 10;
    this.#hooks.over();
  }

  #alike({ running, queue, waiting } = {}) {
    return [running, queue, waiting].reduce((sum, list) => sum + this.#matching(list).length, 0);
  }

  #matching(list) {
    const { amount, name } = this.#command;
    return listed(list).filter((one) => Number(one.amount) === amount && String(one.tipperName ?? one.name) === name);
  }

  /** It goes on in the extension all the same. */
  end() {
    for (const cancel of [...this.#cancels, this.#cancelEnd, this.#cancelFrame]) cancel();
    this.#ended(this);
  }

  #frame() {
    if (this.#runsSince === null || !this.seconds) return;
    const left = this.seconds - (performance.now() - this.#runsSince) / 1000;
    say("The extension plays", `${Math.max(0, Math.ceil(left))} s`);
  }
}

// --- what the vendor's script gives -------------------------------------------------------------------------------------------

function loaded(address) {
  return new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = done;
    script.onerror = fail;
    document.head.append(script);
  });
}

/** What it does not have, or refuses, is not told. */
async function ask(made, name, told) {
  try {
    told(await made[name]());
  } catch {
    // the next event of it says so, or nothing does
  }
}

function commandOf({ commands = [] }) {
  return commands.find(({ command }) => command === HAND_OVER);
}

/** A list, a map, or one object, of objects; also as JSON text. */
function listed(value) {
  const found = parsed(value);
  if (Array.isArray(found)) return found.filter(isObject);
  if (!isObject(found)) return [];
  return "id" in found || "amount" in found ? [found] : Object.values(found).filter(isObject);
}

/** What is told of a toy, as far as it is a text, a number or a truth. */
function plain(toy) {
  const isTold = (name) => ["string", "number", "boolean"].includes(typeof toy[name]);
  return Object.fromEntries(TOY.filter(isTold).map((name) => [name, toy[name]]));
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

function parsed(value) {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}

/** Something that can be told to the server. */
function isPlain(value) {
  try {
    return value !== undefined && value !== null && JSON.stringify(value).length <= LONGEST_SETTINGS;
  } catch {
    return false;
  }
}

function isOn({ status }) {
  return [1, "1", true, "true", "on", "online", "connected"].includes(typeof status === "string" ? status.toLowerCase() : status);
}

function idOf({ id }) {
  return typeof id === "string" ? id : "";
}

/** The extension writes types in small letters. */
function named(name) {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function line(toy) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  name.textContent = named(String(toy.name ?? toy.type ?? "Toy").slice(0, 64));
  const state = document.createElement("span");
  state.className = "badge";
  state.dataset.tone = isOn(toy) ? "good" : "idle";
  state.textContent = isOn(toy) ? "Connected" : "Not connected";
  item.append(name, state);
  return item;
}
