// One run that is told in slices, from its first second to its end (docs/bridges.md). It keeps time and what became of each slice;
// how one is told is its carrier's. A slice is claimed before it is told, and told at most once; a late one, and one whose page
// has no socket, is missed: never told late, never squeezed in. An answer that takes long delays nothing that follows.

import { after } from "./clock.js";
import { ACCEPTED, LASTING, UNKNOWN } from "./outcomes.js";

const LATE_MS = 500;
// What a page says of what has not begun, where our own word for it is another one.
const CODES = { toy_gone: "not_connected", not_sent: "unreachable" };

export class SlicedRun {
  #legs;
  #hooks;
  #began = null;
  #ended = null; // after so many seconds
  #timers = [];
  #calls = new Set();

  /** `hooks`: ready() before its first second; tell(hostId, call, seconds) the outcome of a call; isAlive(); claimed() before each
   *  slice is told; told() when something became of one; over() at its end. */
  constructor(legs, seconds, hooks) {
    this.#legs = legs.map((leg) => ({ ...leg, code: "", slices: leg.slices.map((each) => ({ ...each, state: "planned" })) }));
    this.seconds = seconds;
    // A device that starts some milliseconds later also ends so much later.
    this.ends = Math.max(seconds, ...legs.map(({ slices }) => slices.at(-1).until));
    this.#hooks = hooks;
  }

  async begin() {
    await this.#hooks.ready();
    if (this.#ended !== null) return;
    this.#began = performance.now();
    for (const leg of this.#legs) this.#wait(leg, 0);
    this.#at(this.ends, () => this.#finish());
  }

  /** Nothing more of it is told. */
  end() {
    this.#ended ??= this.#ran;
    for (const cancel of this.#timers) cancel();
  }

  // --- what it was ------------------------------------------------------------------------------------------------------------

  /** Something may move. */
  get hasBegun() {
    return this.#legs.some(({ slices }) => slices.some(({ state }) => state === ACCEPTED || state === UNKNOWN));
  }

  /** Something was told, and is not known to have been refused: it may have moved. */
  get mayHaveMoved() {
    return this.hasBegun || this.#legs.some(({ slices }) => slices.some(({ state }) => state === "claimed"));
  }

  /** No device took its first piece: why. */
  get refusal() {
    const areRefused = this.#legs.every(({ slices }) => slices[0].state === "refused");
    return areRefused && !this.hasBegun ? (CODES[this.#legs[0].code] ?? this.#legs[0].code) : "";
  }

  /** No device is told anything more. */
  get isHopeless() {
    return this.#legs.every(({ code }) => LASTING.includes(code));
  }

  /** What was accepted, up to its end: of the device that played the longest. */
  get delivered() {
    return Math.max(0, ...this.#legs.map((leg) => this.#deliveredOf(leg)));
  }

  /** Why that is less than was promised. */
  get code() {
    const longest = this.#legs.reduce((one, other) => (this.#deliveredOf(other) > this.#deliveredOf(one) ? other : one));
    const isUnknown = longest.slices.some(({ state }) => state === UNKNOWN);
    return this.delivered >= this.seconds ? "" : longest.code || (isUnknown ? UNKNOWN : "interrupted");
  }

  /** What each device has played, where one of them fell short. */
  get legs() {
    const told = this.#legs.map((leg) => {
      const { toyId, promised, offsetMs } = leg;
      return { toyId, promised, offsetMs, deliveredSeconds: this.#deliveredOf(leg), code: this.#codeOf(leg) };
    });
    return told.some(({ promised, deliveredSeconds }) => deliveredSeconds < promised) ? told : undefined;
  }

  #codeOf({ slices, code }) {
    const states = slices.map(({ state }) => state);
    return states.includes(UNKNOWN) ? UNKNOWN : code || (states.includes("missed") ? "missed" : "");
  }

  /** By host, the devices that were told something. */
  get toys() {
    const found = new Map();
    for (const { hostId, toyId } of this.#legs) found.set(hostId, [...(found.get(hostId) ?? []), toyId]);
    return found;
  }

  /** By device, the last slice that was claimed. */
  get claims() {
    const last = ({ slices }) => slices.filter(({ state }) => state !== "planned" && state !== "missed").at(-1)?.n ?? -1;
    return Object.fromEntries(this.#legs.map((leg) => [leg.toyId, last(leg)]));
  }

  get ran() {
    return this.#ended ?? this.#ran;
  }

  get #ran() {
    return this.#began === null ? 0 : (performance.now() - this.#began) / 1000;
  }

  #deliveredOf({ slices }) {
    const from = (place) => (place ? slices[place - 1].until : slices[0].at);
    const ran = ({ until }, place) => Math.max(0, Math.min(until, this.ran) - from(place));
    const seconds = slices.map((each, place) => (each.state === ACCEPTED ? ran(each, place) : 0));
    return Math.round(seconds.reduce((sum, one) => sum + one, 0) * 10) / 10;
  }

  // --- its time ---------------------------------------------------------------------------------------------------------------

  #at(second, call) {
    const left = this.#began + second * 1000 - performance.now();
    if (left <= 0) call();
    else this.#timers.push(after(left, call));
  }

  #wait(leg, place) {
    const slice = leg.slices[place];
    if (!slice || this.#ended !== null) return;
    this.#at(slice.at, () => {
      this.#reach(leg, slice);
      this.#wait(leg, place + 1);
    });
  }

  #reach(leg, slice) {
    if (this.#ended !== null || LASTING.includes(leg.code)) return;
    const isLate = performance.now() > this.#began + slice.at * 1000 + LATE_MS;
    slice.state = isLate || !this.#hooks.isAlive() ? "missed" : "claimed";
    if (slice.state === "missed") return;
    this.#hooks.claimed();
    const call = this.#tell(leg, slice).finally(() => this.#calls.delete(call));
    this.#calls.add(call);
  }

  async #tell(leg, slice) {
    let outcome = ACCEPTED;
    for (const call of slice.calls) {
      outcome = await this.#hooks.tell(leg.hostId, call, slice.until - slice.at);
      if (outcome !== ACCEPTED) break;
    }
    const isKnown = outcome === ACCEPTED || outcome === UNKNOWN;
    slice.state = isKnown ? outcome : "refused";
    leg.code = outcome === ACCEPTED ? "" : outcome;
    if (this.#ended === null) this.#hooks.told();
  }

  /** Whatever is under way is over with its time-out. */
  async #finish() {
    await Promise.all(this.#calls);
    if (this.#ended !== null) return;
    this.#ended = this.ends;
    this.#hooks.over();
  }
}
