// The toys of the page's virtual device: what an activation's commands set in motion, and for how long. What a command says
// counts, not what the message around it promises. Nothing reaches a toy but through the last hop (fence.js). The twin of
// lovense/simulator/player.py.

import * as fence from "./fence.js";
import { MAX_TOYS, Toy, Toys } from "./toy.js";
import { GUARDED, NOT_USED, TOPS } from "./toytable.js";

const ONE = { type: "virtual", nickname: "Virtual device" }; // just vibrates
// Ours for the vendor's codes: with `not_connected` the same activation comes again.
const CODES = { 400: "bad_command", 401: "not_connected", 402: "not_connected", 403: "unsupported", 404: "bad_command" };

export class Player {
  #toys;
  #limits = { devices: [], maximumIntensity: fence.MAXIMUM_LEVEL, longestSeconds: fence.LONGEST_ITEM_SECONDS };

  /** One toy of each type; without a type the one that just vibrates. */
  constructor(types) {
    const named = types.length ? types.slice(0, MAX_TOYS).map((type) => ({ type, nickname: type })) : [ONE];
    this.#toys = new Toys(named.map((given, place) => new Toy({ id: `virtual-${place + 1}`, battery: 90, ...given })));
  }

  get ids() {
    return this.#toys.ids;
  }

  /** For the message `devices` (docs/sockets.md). */
  report() {
    const at = performance.now();
    return [...this.#toys].map((toy) => {
      const { id, status, battery } = toy.described(at);
      return { id, name: toy.nickname, toyType: toy.kind.type, status: Number(status), battery };
    });
  }

  // --- what binds -------------------------------------------------------------------------------------------------------------

  /** For how long anything may run. */
  get longestSeconds() {
    return this.#limits.longestSeconds;
  }

  /** Of the toys that are connected, or of all where none is: those that hear a command which names nobody. */
  bounds({ epoch, isStopped, isTest = false }) {
    const at = performance.now();
    const on = [...this.#toys].filter((toy) => toy.isConnected(at));
    const toys = on.length ? on : [...this.#toys];
    const devices = Object.fromEntries(toys.map((toy) => [toy.id, this.#functions(toy, isTest)]));
    const { maximumIntensity, longestSeconds, devices: known } = this.#limits;
    return fence.boundsOf({ devices, epoch, isStopped, maximumIntensity, longestSeconds, seconds: fence.secondsOf(known) });
  }

  /** All that it has, 0 where it may not be used. Of a toy that the server does not know yet, what its type can do and needs
   *  no trial. */
  #functions({ id, kind }, isTest) {
    const has = kind.functions.filter((name) => !NOT_USED.includes(name));
    if (has.includes("Thrusting")) has.push("Stroke");
    const known = fence.functionsOf(this.#limits.devices, isTest);
    const usual = (name) => (GUARDED.includes(name) ? 0 : TOPS[name]);
    return Object.fromEntries(has.map((name) => [name, Object.hasOwn(known, id) ? (known[id][name] ?? 0) : usual(name)]));
  }

  /** From now on, as a snapshot or `limits` says it; a lower cap binds also what plays. */
  limit({ devices, maximumIntensity = fence.MAXIMUM_LEVEL, maximumSeconds = fence.LONGEST_ITEM_SECONDS }) {
    this.#limits = { devices: devices ?? [], maximumIntensity, longestSeconds: maximumSeconds };
    const [bounds, at] = [this.bounds({ epoch: 0, isStopped: false }), performance.now()];
    for (const toy of this.#toys) toy.lower(fence.caps(toy.id, bounds), fence.longest([toy.id], bounds), at);
  }

  // --- what moves -------------------------------------------------------------------------------------------------------------

  /** Why no toy would move; empty where one does, or where there is nothing to do. */
  refusal(commands, epoch, bounds) {
    const codes = commands.map((command) => this.#code(command, epoch, bounds));
    return !codes.length || codes.includes("") ? "" : codes[0];
  }

  #code(command, epoch, bounds) {
    const { lawful, code } = passed(command, bounds, epoch);
    if (code) return code;
    const answer = this.#toys.codeFor(lawful, performance.now());
    return answer === 200 ? "" : CODES[answer];
  }

  /** The seconds for which toys move. */
  begin(commands, at, epoch, bounds) {
    return Math.max(0, ...commands.map((command) => this.#sent(command, epoch, bounds, at)));
  }

  /** Every toy, with the vendor's stop. */
  stop() {
    this.#sent(fence.STOP, 0, fence.boundsOf({}), performance.now());
  }

  /** The one way to a toy: for how many seconds one moves now. */
  #sent(command, epoch, bounds, at) {
    const { lawful } = passed(command, bounds, epoch);
    return lawful && this.#toys.obey(lawful, at).code === 200 ? lawful.timeSec : 0;
  }

  /** For the message `stopped`: of each toy how long it took to be still, since then; or that it is not. */
  stilled(heard) {
    const now = performance.now();
    const ms = Math.round((now - heard) * 10) / 10;
    return [...this.#toys].map((toy) => {
      const isMoving = Object.values(toy.levels(now)).some((level) => level > 0);
      return isMoving ? { id: toy.id, ms: null, answer: "moving" } : { id: toy.id, ms, answer: "still" };
    });
  }

  /** The strongest function of all, as a level of 20. */
  strongest(at) {
    return this.#toys.strongest(at);
  }
}

/** What may be sent of it, or the code of the refusal. */
function passed(command, bounds, epoch) {
  try {
    return { lawful: fence.checked(command, bounds, epoch), code: "" };
  } catch (error) {
    if (!(error instanceof fence.Fenced)) throw error;
    return { lawful: null, code: error.code };
  }
}
