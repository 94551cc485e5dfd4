// The virtual device as the toys of this page: made of light, so the whole chain can be rehearsed without hardware. They play what
// the commands say, for as long as they say.

import { every } from "./clock.js";
import * as fence from "./fence.js";
import { stored } from "./memory.js";
import { meter, say } from "./panel.js";
import { Player } from "./player.js";
import { epoch, isPressing } from "./stops.js";

const TOYS_KEY = "virtual-toys"; // types of the vendor's table, as "lush,nora,max"; without it one toy that just vibrates
const FRAME_MS = 100;
const REPORT_MS = 10_000;

export class VirtualToys {
  bridge = "SIMULATOR";
  switchKey = "virtual-device";
  isMeasured = true;
  needsOwnPage = false;
  #player = new Player(ownTypes());
  #stopReports = () => {};

  limit(told) {
    this.#player.limit(told);
  }

  /** It has the devices from now on, or has them no more. */
  hold(isHolder, send) {
    this.#stopReports();
    if (!isHolder) return;
    const report = () => send({ type: "devices", toys: this.#player.report() });
    report();
    this.#stopReports = every(REPORT_MS, report);
  }

  /** Why no toy would move. */
  refusal(message) {
    const { commands = [], stopEpoch = 0 } = message;
    return this.#player.refusal(commands, stopEpoch, this.#bounds(message));
  }

  begin(message, hooks) {
    const seconds = this.#player.begin(message.commands ?? [], performance.now(), message.stopEpoch ?? 0, this.#bounds(message));
    return new VirtualRun(this.#player, message, seconds, hooks);
  }

  #bounds(message) {
    return this.#player.bounds({ epoch: epoch(), isStopped: isPressing(), isTest: fence.isTest(message) });
  }

  /** Every toy, also where no run is known. */
  still() {
    this.#player.stop();
  }

  halt() {
    this.#player.stop();
  }

  /** Whether nothing that this page has told moves any more. */
  async silenced() {
    return true;
  }

  /** What is said after a stop that was heard then. */
  async stopped(heard, isHolder) {
    return isHolder ? { toyIds: this.#player.ids, toys: this.#player.stilled(heard) } : { toyIds: [] };
  }

  idle() {
    say("Ready. The next settled tip plays here.");
  }
}

class VirtualRun {
  isStarted = false;
  code = "";
  #began = performance.now();
  #player;
  #hooks;
  #cancel;

  constructor(player, message, seconds, hooks) {
    this.#player = player;
    this.message = message;
    this.seconds = seconds;
    this.#hooks = hooks;
    this.#cancel = every(FRAME_MS, () => this.#frame());
  }

  start() {
    this.isStarted = true;
    this.#hooks.started();
    this.#hooks.progress();
    this.#frame();
  }

  get delivered() {
    const elapsed = (performance.now() - this.#began) / 1000;
    return elapsed >= this.seconds ? this.seconds : Math.round(elapsed * 10) / 10;
  }

  get claims() {
    return {};
  }

  end() {
    this.#cancel();
    this.#player.stop();
  }

  #frame() {
    const now = performance.now();
    const elapsed = now - this.#began;
    if (elapsed >= Math.min(this.seconds, this.#player.longestSeconds) * 1000) return this.#hooks.over();
    const level = this.#player.strongest(now);
    meter(level);
    say(`Running at level ${level} of 20`, `${Math.ceil(this.seconds - elapsed / 1000)} s`);
    if (Math.floor(elapsed / 1000) !== Math.floor((elapsed - FRAME_MS) / 1000)) this.#hooks.progress();
  }
}

function ownTypes() {
  return (stored(localStorage, TOYS_KEY) ?? "").split(",").map((type) => type.trim()).filter(Boolean);
}
