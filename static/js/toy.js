// Virtual toys: they obey the vendor's commands, answer as the vendor's app does, and say how strong each function is at any
// moment. The twin of lovense/simulator/toy.py and toys.py; both pass tests/golden/toy.json. No clock: the moment, in ms
// since any fixed one, is an argument and never goes back.

import * as commands from "./commands.js";
import { SINGLE_MOTORS, TOPS, kindOf } from "./toytable.js";

export const MAX_TOYS = 16;
const MAX_PLAYING = 16; // overlays at once; the oldest gives way
const MINUTE_MS = 60_000;
const MESSAGES = {
  [commands.INVALID_COMMAND]: "Invalid Command",
  [commands.TOY_NOT_FOUND]: "Toy Not Found",
  [commands.NOT_CONNECTED]: "Toy Not Connected",
  [commands.UNSUPPORTED]: "Toy Doesn't Support This Command",
  [commands.INVALID_PARAMETER]: "Invalid Parameter",
};

/** A toy of any type. `battery` in percent, of which `drain` are used up in a minute of movement; an empty toy is off.
 *  `traits`: zero_is_full_speed, preset_without_end_ignores_stop, drops_commands_closer_than_ms. */
export class Toy {
  #battery;
  #since = 0;
  #isOn = true;
  #playing = []; // { motion, began, until }
  #heard = -Infinity;

  constructor({ type, id, nickname = "", battery = 100, drain = 0, firmware = "101", traits = {} }) {
    Object.assign(this, { kind: kindOf(type), id, nickname, firmware, drain, traits });
    this.#battery = battery;
  }

  isConnected(at) {
    return this.#isOn && this.battery(at) > 0;
  }

  battery(at) {
    const ends = this.#playing.filter(({ motion }) => moves(motion)).map(({ until }) => until);
    const until = ends.length ? Math.max(...ends) : this.#since;
    const ran = Math.max(0, Math.min(at, until) - this.#since);
    return Math.max(0, this.#battery - (this.drain * ran) / MINUTE_MS);
  }

  levels(at) {
    const names = commands.singles(this.kind);
    if (names.includes("Thrusting")) names.push("Stroke");
    const found = Object.fromEntries(names.map((name) => [name, this.#level(name, at)]));
    if (!this.kind.functions.includes("Vibrate") || "Vibrate" in found) return found;
    const motors = SINGLE_MOTORS.filter((motor) => motor in found).map((motor) => found[motor]);
    return { Vibrate: Math.max(...motors), ...found };
  }

  #level(name, at) {
    if (!this.isConnected(at)) return 0;
    const drives = ({ motion, began, until }) => Object.hasOwn(motion.values, name) && began <= at && at < until;
    const last = this.#playing.findLast(drives);
    return last ? commands.levelOf(last.motion, name, at - last.began) : 0;
  }

  described(at) {
    return {
      id: this.id,
      status: this.isConnected(at) ? "1" : "0",
      version: this.firmware,
      name: this.kind.type,
      battery: Math.ceil(this.battery(at)),
      nickName: this.nickname,
      shortFunctionNames: this.kind.letters,
      fullFunctionNames: this.kind.functions,
    };
  }

  /** The vendor's answer: `{ code: 200, type: "ok" }`, or one with 400 to 404. */
  obey(command, at) {
    if (command.command === "GetToys") return listing([this], at);
    return answering(() => {
      const motion = this.#read(command, at);
      if (at - this.#heard >= (this.traits.drops_commands_closer_than_ms ?? 0)) {
        this.#heard = at;
        this.#settle(at);
        this.#follow(motion, at);
      }
      return { code: 200, type: "ok" };
    });
  }

  /** What it would answer; nothing moves. */
  codeFor(command, at) {
    return answering(() => (this.#read(command, at), { code: 200 })).code;
  }

  /** Off, it forgets what it plays. */
  switch(on, at) {
    this.#settle(at);
    this.#isOn = on;
    if (!on) this.#playing = [];
  }

  charge(battery, at) {
    this.#settle(at);
    this.#battery = battery;
  }

  /** What plays goes on within these levels, and for so long since it began; a cap that was raised changes nothing. */
  lower(caps, seconds, at) {
    this.#settle(at);
    this.#playing = this.#playing.map(({ motion, began }) => {
      const lowered = commands.within(motion, caps, seconds * 1000);
      return { motion: lowered, began, until: began + lowered.length };
    });
    this.#settle(at);
  }

  /** null: a stop. */
  #read(command, at) {
    if (!commands.MOTIONS.includes(command.command)) throw new commands.NotObeyed(commands.INVALID_COMMAND);
    const motion = commands.isStop(command) ? null : commands.read(command, this.kind);
    if (!this.isConnected(at)) throw new commands.NotObeyed(commands.NOT_CONNECTED);
    return motion;
  }

  #settle(at) {
    this.#battery = this.battery(at);
    this.#since = at;
    this.#playing = this.#battery ? this.#playing.filter(({ until }) => until > at) : [];
  }

  #follow(motion, at) {
    if (!motion) {
      const isDeaf = this.traits.preset_without_end_ignores_stop;
      this.#playing = this.#playing.filter((one) => isDeaf && one.motion.isPreset && one.motion.length === null);
      return;
    }
    const until = motion.length === null ? Infinity : at + motion.length;
    const kept = motion.isOverlay ? this.#playing : [];
    this.#playing = [...kept, { motion: this.#asItMoves(motion), began: at, until }].slice(-MAX_PLAYING);
  }

  #asItMoves(motion) {
    if (!this.traits.zero_is_full_speed) return motion;
    const faster = ([name, values]) => [name, values.map((value) => value || TOPS[name])];
    return { ...motion, values: Object.fromEntries(Object.entries(motion.values).map(faster)) };
  }
}

/** Several toys that hear the same commands, as those of one phone do. */
export class Toys {
  #toys = new Map();

  constructor(toys) {
    for (const toy of toys) this.add(toy);
  }

  [Symbol.iterator]() {
    return this.#toys.values();
  }

  get ids() {
    return [...this.#toys.keys()];
  }

  add(toy) {
    if (this.#toys.size >= MAX_TOYS && !this.#toys.has(toy.id)) throw new RangeError(`at most ${MAX_TOYS} toys`);
    this.#toys.set(toy.id, toy);
  }

  /** The vendor's answer. Who is named obeys; with no `toy`, everybody who is connected. What one has taken is taken. */
  obey(command, at) {
    if (command.command === "GetToys") return listing(this, at);
    if (command.command === "GetToyName") return { code: 200, type: "OK", data: [...this].map(({ kind }) => kind.type) };
    return answering(() => {
      const answers = this.#meant(command, at).map((toy) => toy.obey(command, at));
      return answers.find(({ code }) => code === 200) ?? answers[0];
    });
  }

  /** The code of what it would answer; nothing moves. */
  codeFor(command, at) {
    if (commands.LISTS.includes(command.command)) return 200;
    return answering(() => {
      const codes = this.#meant(command, at).map((toy) => toy.codeFor(command, at));
      return { code: codes.includes(200) ? 200 : codes[0] };
    }).code;
  }

  levels(at) {
    return Object.fromEntries([...this].map((toy) => [toy.id, toy.levels(at)]));
  }

  /** The strongest function of all, as a level of 20. */
  strongest(at) {
    const shares = [...this].flatMap((toy) => Object.entries(toy.levels(at)).map(([name, level]) => level / TOPS[name]));
    return Math.round(20 * Math.max(0, ...shares));
  }

  #meant(command, at) {
    if (!commands.MOTIONS.includes(command.command)) throw new commands.NotObeyed(commands.INVALID_COMMAND);
    const named = command.toy ?? null;
    if (named === null) return this.#connected(at);
    const ids = Array.isArray(named) ? named : [named];
    const isList = ids.length && ids.length <= MAX_TOYS && ids.every((one) => typeof one === "string");
    if (!isList) throw new commands.NotObeyed(commands.INVALID_PARAMETER);
    const found = ids.filter((one) => this.#toys.has(one)).map((one) => this.#toys.get(one));
    if (!found.length) throw new commands.NotObeyed(commands.TOY_NOT_FOUND);
    return found;
  }

  #connected(at) {
    if (!this.#toys.size) throw new commands.NotObeyed(commands.TOY_NOT_FOUND);
    const on = [...this].filter((toy) => toy.isConnected(at));
    return on.length ? on : [...this];
  }
}

function moves({ values }) {
  return Object.values(values).some((list) => list.some(Boolean));
}

function answering(work) {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof commands.NotObeyed)) throw error;
    return { code: error.code, type: "error", message: MESSAGES[error.code] };
  }
}

function listing(toys, at) {
  const found = Object.fromEntries([...toys].map((toy) => [toy.id, toy.described(at)]));
  return { code: 200, type: "OK", data: { toys: JSON.stringify(found), platform: "android", appType: "remote" } };
}
