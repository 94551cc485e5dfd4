// A vendor's command, read for one type of toy: the twin of lovense/simulator/commands.py, line by line. A level that is too
// high is lowered without a word; what is no number, no known word or too long is refused with the vendor's code.

import { LETTERS, SHAPES, SINGLE_MOTORS, TOPS } from "./toytable.js";

export const [INVALID_COMMAND, TOY_NOT_FOUND, NOT_CONNECTED, UNSUPPORTED, INVALID_PARAMETER] = [400, 401, 402, 403, 404];
export const LISTS = ["GetToys", "GetToyName"];
export const MOTIONS = ["Function", "Pattern", "Preset"];
const MAX_VALUES = 50;
const TOP = 20;
const LONGEST_SECONDS = 10 ** 6;
const SHORTEST_STROKE = 20;

const LEVEL = /^(\w+):(\d{1,9})$/;
const STROKE = /^Stroke:(\d{1,3})-(\d{1,3})$/;
const RULE = /^V:1;F:([a-z](?:,[a-z])*)?;S:(\d{1,5})#$/;
const VALUES = /^\d{1,3}(?:;\d{1,3})*$/;
const WORDS = new Set([...Object.keys(TOPS).filter((word) => word !== "Position"), "All"]);

/** Thrown with the vendor's `code` for a command that a toy does not take. */
export class NotObeyed extends Error {
  constructor(code) {
    super(`not obeyed: ${code}`);
    this.code = code;
  }
}

function refuse(code) {
  throw new NotObeyed(code);
}

export function isStop(command) {
  return command.command === "Function" && command.action === "Stop";
}

/** What a command sets in motion, in ms from its beginning: see Motion in the twin. `length` null: until stopped. */
export function read(command, kind) {
  if (command.command === "Function") return ofFunction(command, kind);
  if (command.command === "Pattern") return ofPattern(command, kind);
  if (command.command === "Preset") return ofPreset(command, kind);
  return refuse(INVALID_COMMAND);
}

export function secondsOf(command) {
  return number(command.timeSec);
}

/** The functions of a type that move by themselves: with single motors, Vibrate is all of them. */
export function singles({ functions }) {
  const hasMotors = functions.some((name) => SINGLE_MOTORS.includes(name));
  return functions.filter((name) => name !== "Vibrate" || !hasMotors);
}

export function levelOf({ values, interval, pace, pause }, name, elapsed) {
  if (pause && elapsed % (pace + pause) >= pace) return 0;
  const list = values[name];
  return list[Math.floor(elapsed / interval) % list.length];
}

/** The same motion, no stronger and no longer; a function without a cap is still. */
export function within({ values, length, ...more }, caps, longest) {
  const lowered = ([name, levels]) => [name, levels.map((level) => Math.min(level, caps[name] ?? 0))];
  const kept = Object.fromEntries(Object.entries(values).map(lowered));
  return { ...more, values: kept, length: Math.min(length ?? Infinity, longest) };
}

function motion(values, more) {
  return { values, interval: 1000, length: null, pace: 0, pause: 0, isOverlay: false, isPreset: false, ...more };
}

function broad(name) {
  return SINGLE_MOTORS.includes(name) ? "Vibrate" : name;
}

// --- Function ---------------------------------------------------------------------------------------------------------------

function ofFunction(command, kind) {
  const { action } = command;
  if (typeof action !== "string" || !action) refuse(INVALID_PARAMETER);
  const { levels, stroke } = levelsOf(action.split(","));
  const found = spread(levels, kind);
  if (stroke && Object.hasOwn(found, "Thrusting")) found.Stroke = stroke;
  if (!Object.keys(found).length) refuse(UNSUPPORTED);
  const pause = optional(command, "loopPauseSec");
  const pace = optional(command, "loopRunningSec");
  const values = Object.fromEntries(Object.entries(found).map(([name, level]) => [name, [level]]));
  const isOverlay = [0, "0", false].includes(command.stopPrevious ?? 1);
  return motion(values, { length: lengthOf(command), pace, pause: pace ? pause : 0, isOverlay });
}

function levelsOf(words) {
  const levels = {};
  let stroke = 0;
  for (const word of words.map((one) => one.replace(/^ +| +$/g, ""))) {
    const span = STROKE.exec(word);
    const level = LEVEL.exec(word);
    if (span) {
      const [low, high] = [span[1], span[2]].map((end) => Math.min(Number(end), TOPS.Stroke));
      if (low > high) refuse(INVALID_PARAMETER);
      stroke = high - low >= SHORTEST_STROKE ? high - low : 0;
    } else if (!WORDS.has(word.split(":")[0])) refuse(INVALID_COMMAND);
    else if (level) levels[level[1]] = Number(level[2]);
    else refuse(INVALID_PARAMETER);
  }
  if (!Object.keys(levels).length) refuse(INVALID_PARAMETER); // a Stroke goes with Thrusting, never alone
  return { levels, stroke };
}

function spread(levels, kind) {
  const found = {};
  for (const name of singles(kind)) {
    const word = [name, broad(name), "All"].find((one) => Object.hasOwn(levels, one));
    if (word && name !== "Position") found[name] = Math.min(levels[word], TOPS[name]);
  }
  return found;
}

// --- Pattern and Preset -----------------------------------------------------------------------------------------------------

function ofPattern(command, kind) {
  const { rule, strength } = command;
  if (typeof rule !== "string" || typeof strength !== "string") refuse(INVALID_PARAMETER);
  const found = RULE.exec(rule);
  if (!found || !Number(found[2]) || !VALUES.test(strength)) refuse(INVALID_PARAMETER);
  const values = strength.split(";").map((value) => Math.min(Number(value), TOP));
  const letters = found[1]?.split(",") ?? [];
  const isKnown = letters.every((letter) => Object.hasOwn(LETTERS, letter));
  if (values.length > MAX_VALUES || !isKnown) refuse(INVALID_PARAMETER);
  const names = driven(letters.map((letter) => LETTERS[letter]), kind);
  return motion(scaledFor(names, values), { interval: Number(found[2]), length: lengthOf(command) });
}

function ofPreset(command, kind) {
  const { name } = command;
  if (typeof name !== "string" || !Object.hasOwn(SHAPES, name)) refuse(INVALID_PARAMETER);
  const { values, interval } = SHAPES[name];
  return motion(scaledFor(driven([], kind), values), { interval, length: lengthOf(command), isPreset: true });
}

function driven(named, kind) {
  const isMeant = (name) => name !== "Position" && (!named.length || named.includes(broad(name)));
  const names = singles(kind).filter(isMeant);
  return names.length ? names : refuse(UNSUPPORTED);
}

function scaledFor(names, values) {
  return Object.fromEntries(names.map((name) => [name, values.map((value) => scaled(value, name))]));
}

function scaled(value, name) {
  return Math.floor((value * TOPS[name] * 2 + TOP) / (2 * TOP));
}

// --- numbers ----------------------------------------------------------------------------------------------------------------

function lengthOf(command) {
  const seconds = secondsOf(command);
  return seconds ? seconds * 1000 : null;
}

function optional(command, name) {
  return (command[name] ?? null) === null ? 0 : number(command[name]) * 1000;
}

function number(value) {
  return typeof value === "number" && value >= 0 && value <= LONGEST_SECONDS ? value : refuse(INVALID_PARAMETER);
}
