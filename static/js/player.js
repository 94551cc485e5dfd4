// The toys of the page's virtual device: what an activation's commands set in motion, and for how long. What a command says
// counts, not what the message around it promises. The twin of lovense/simulator/player.py.

import { isStop, MOTIONS, secondsOf } from "./commands.js";
import { MAX_TOYS, Toy, Toys } from "./toy.js";

const STOP = { command: "Function", action: "Stop", timeSec: 0, apiVer: 1 };
const ONE = { type: "virtual", nickname: "Virtual device" }; // just vibrates
// Ours for the vendor's codes: with `not_connected` the same activation comes again.
const CODES = { 400: "bad_command", 401: "not_connected", 402: "not_connected", 403: "unsupported", 404: "bad_command" };

export class Player {
  #toys;

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

  /** Why no toy would move; empty where one does, or where there is nothing to do. */
  refusal(commands) {
    const at = performance.now();
    const codes = commands.map((command) => this.#toys.codeFor(command, at));
    return !codes.length || codes.includes(200) ? "" : CODES[codes[0]];
  }

  /** The seconds for which toys move; infinite where a command has no end. */
  begin(commands, at) {
    const taken = commands.filter((command) => this.#toys.obey(command, at).code === 200);
    const moving = taken.filter((command) => MOTIONS.includes(command.command) && !isStop(command));
    return Math.max(0, ...moving.map((command) => secondsOf(command) || Infinity));
  }

  /** Every toy, with the vendor's stop. */
  stop() {
    this.#toys.obey(STOP, performance.now());
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
