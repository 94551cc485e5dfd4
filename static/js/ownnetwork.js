// Her real toys as the toys of this page, told over her own network (bridges/lan.js) in slices that are ready. Devices are not
// reported from here: her apps call the server back themselves, and what this page finds out is for its own words alone.

import * as lan from "./bridges/lan.js";
import * as permission from "./bridges/permission.js";
import { every } from "./clock.js";
import * as fence from "./fence.js";
import { ACCEPTED, NOT_SENT } from "./outcomes.js";
import { panel, say, show } from "./panel.js";
import { SlicedRun } from "./sliced.js";
import { epoch, isPressing } from "./stops.js";

const LOOK_MS = 10_000;
const FRAME_MS = 500;

export class OwnNetwork {
  switchKey = "lan-devices";
  isMeasured = true;
  needsOwnPage = true;
  #limits = { devices: [], maximumIntensity: fence.MAXIMUM_LEVEL, maximumSeconds: fence.LONGEST_ITEM_SECONDS };
  #name = "Settled Tips";
  #isHolder = false;
  #run = null;
  #stopped = Promise.resolve(new Map()); // by app, what became of the stop of the last run
  #seen = new Map(); // by app, its toys as it said last
  #leave = permission.ABSENT;
  #isAlive;

  /** `bridge`: its name; `isAlive`: whether the socket of this page is up. */
  constructor(bridge, isAlive) {
    this.bridge = bridge;
    this.#isAlive = isAlive;
    permission.watch(() => this.#look());
    addEventListener("focus", () => this.#look());
    every(LOOK_MS, () => this.#look());
    panel.querySelector("[data-allow]")?.addEventListener("click", () => this.#ask());
  }

  limit({ devices, hosts, camSiteName, maximumIntensity, maximumSeconds }) {
    this.#name = camSiteName || this.#name;
    this.#limits = { devices: devices ?? [], maximumIntensity, maximumSeconds };
    if (hosts) lan.open(hosts, this.#name);
    this.#look();
  }

  hold(isHolder) {
    this.#isHolder = isHolder;
    this.#look();
  }

  // --- who is there -----------------------------------------------------------------------------------------------------------

  /** Never while something plays, and never so that her browser would ask by itself. */
  async #look() {
    this.#leave = await permission.stateOf(lan.space());
    if (this.#isHolder && !this.#run && permission.isOpen(this.#leave)) await this.#lookNow();
    this.#words();
  }

  async #lookNow() {
    this.#seen = await lan.look();
    if (this.#seen.size) permission.reached();
  }

  /** Her press. A first call makes her browser ask. */
  async #ask() {
    await this.#lookNow();
    this.#look();
  }

  // --- a run ------------------------------------------------------------------------------------------------------------------

  refusal({ legs = [] }) {
    return legs.length ? "" : fence.NOT_CONNECTED;
  }

  begin(message, hooks) {
    this.#stopped = Promise.resolve(new Map());
    this.#run = new OwnRun(message, hooks, {
      ready: async () => this.#mayCall && (await lan.look(message.legs.map(({ hostId }) => hostId))),
      mayCall: () => this.#mayCall,
      bounds: (seconds) => this.#bounds(seconds, fence.isTest(message)),
      isAlive: () => this.#isAlive() && this.#isHolder,
      ended: (run) => run === this.#run && (this.#run = null),
      stopping: (told) => (this.#stopped = told),
    });
    return this.#run;
  }

  /** What binds now; no call runs longer than its own slice. */
  #bounds(seconds, isTest) {
    const { devices, maximumIntensity, maximumSeconds } = this.#limits;
    const longestSeconds = Math.min(seconds, maximumSeconds);
    const functions = fence.functionsOf(devices, isTest);
    const isStopped = isPressing() || !this.#isAlive() || !this.#isHolder;
    const own = fence.secondsOf(devices);
    return fence.boundsOf({ devices: functions, epoch: epoch(), isStopped, maximumIntensity, longestSeconds, seconds: own });
  }

  // --- what makes still -------------------------------------------------------------------------------------------------------

  /** Without a run this page has told nothing that could still move: another page may hold the toys. */
  still() {}

  /** Her stop: every app that this page knows, whichever page holds the devices. */
  halt() {
    this.#silenced = this.#mayCall ? lan.stop() : Promise.resolve(new Map());
  }

  /** Whether every app has taken the stop of what this page has played last. */
  async silenced() {
    const outcomes = await this.#stopped;
    await lan.quiet();
    return [...outcomes.values()].every((outcome) => outcome === ACCEPTED);
  }

  #silenced = Promise.resolve(new Map());

  get #mayCall() {
    return permission.isOpen(this.#leave);
  }

  async stopped(heard) {
    const outcomes = await this.#silenced;
    const ms = Math.round((performance.now() - heard) * 10) / 10;
    const reached = this.#limits.devices.filter(({ hostId }) => outcomes.has(hostId));
    const toys = reached.map(({ toyId, hostId }) => told(toyId, outcomes.get(hostId), ms));
    return toys.length ? { toyIds: toys.map(({ id }) => id), toys } : { toyIds: [] };
  }

  // --- words ------------------------------------------------------------------------------------------------------------------

  idle() {
    this.#words();
  }

  #words() {
    const isOn = this.#isHolder && !this.#run;
    const isOpen = permission.isOpen(this.#leave);
    show("allow", isOn && this.#leave === permission.PROMPT && !isOpen);
    show("instead", isOn && (!this.#seen.size || !isOpen));
    if (isOn) say(this.#said(isOpen));
  }

  #said(isOpen) {
    if (this.#leave === permission.DENIED) {
      return "Your browser does not let this page reach your network. Allow it in the settings of this site, beside its address.";
    }
    if (!isOpen) return "Your browser has to let this page reach the Lovense app on your network.";
    if (lan.isEmpty()) return "No app of yours has said where it is. Pair one, or open the Lovense app.";
    if (!this.#seen.size) return "The Lovense app does not answer. Open it, in the same Wi-Fi as this page.";
    const count = [...this.#seen.values()].flat().filter(({ isConnected }) => isConnected).length;
    return `Ready. ${count === 1 ? "1 toy answers" : `${count} toys answer`}; the next settled tip plays.`;
  }
}

/** Of a toy, what is said of it after a stop. */
function told(id, outcome, ms) {
  return outcome === ACCEPTED ? { id, ms, answer: outcome } : { id, ms: null, answer: "unreachable" };
}

class OwnRun {
  isStarted = false;
  #sliced;
  #hooks;
  #cancel;
  #isOver = false;
  #ended;
  #stopping;

  constructor(message, hooks, { ready, mayCall, bounds, isAlive, ended, stopping }) {
    this.message = message;
    this.seconds = message.durationSec;
    this.#hooks = hooks;
    this.#ended = ended;
    this.#stopping = stopping;
    const bound = (seconds) => () => this.#bound(bounds(seconds));
    const epoch = message.stopEpoch ?? 0;
    const tell = async (hostId, call, seconds) => (mayCall() ? lan.send(hostId, call, bound(seconds), epoch) : NOT_SENT);
    const told = () => this.#told();
    this.#sliced = new SlicedRun(message.legs, this.seconds, { ready, isAlive, tell, told, claimed: hooks.progress, over: hooks.over });
  }

  /** What waits for its turn when it has ended does not leave. */
  #bound(bounds) {
    return this.#isOver ? { ...bounds, isStopped: true } : bounds;
  }

  start() {
    this.#cancel = every(FRAME_MS, () => this.#frame());
    say("Starting…");
    show("instead", false);
    show("allow", false);
    this.#sliced.begin();
  }

  get delivered() {
    return this.#sliced.delivered;
  }

  get claims() {
    return this.#sliced.claims;
  }

  get legs() {
    return this.#sliced.legs;
  }

  get code() {
    return this.#sliced.code;
  }

  #told() {
    const code = this.#sliced.refusal;
    if (code) return this.#hooks.refused(code);
    if (!this.isStarted && this.#sliced.hasBegun) {
      this.isStarted = true;
      this.#hooks.started();
    }
    if (this.#sliced.isHopeless) this.#hooks.over();
  }

  /** Before its time its toys are told to stop; one that has played to its end is silent by itself. */
  end({ keepalive = false } = {}) {
    const isEarly = this.#sliced.mayHaveMoved && this.#sliced.ran < this.#sliced.ends;
    this.#isOver = true;
    this.#cancel?.();
    this.#sliced.end();
    this.#ended(this);
    if (isEarly) this.#stopping(lan.stop(this.#sliced.toys, { keepalive }));
  }

  #frame() {
    if (!this.isStarted) return;
    this.#hooks.progress();
    say("Your toys play", `${Math.max(0, Math.ceil(this.seconds - this.#sliced.ran))} s`);
  }
}
