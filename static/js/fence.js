// The last hop: what is checked directly before a command leaves for a toy, whoever made it. The twin of lovense/fence.py, line
// by line; both pass tests/golden/fence.json (docs/fence.md). Too strong and too long is lowered, unlawful is refused; what
// passes is written anew, from what was read and nothing else. No clock, no page, no network.

import { LETTERS, SHAPES, SINGLE_MOTORS, TOPS } from "./toytable.js";

export const [STOPPED, UNSUPPORTED] = ["stopped", "unsupported"];
export const [BAD_COMMAND, NOT_CONNECTED] = ["bad_command", "not_connected"];
export const STOP = Object.freeze({ command: "Function", action: "Stop", timeSec: 0, apiVer: 1 });
export const LONGEST_ITEM_SECONDS = 3600;
export const MAXIMUM_LEVEL = 20;
const MAX_TOYS = 16; // named by one command
const LONGEST_SECONDS = 10 ** 6; // what is longer is no run time
const SHORTEST_RUN_SECONDS = 2;
const SHORTEST_STROKE = 20;
const TRIAL_LEVEL = 3; // of 20: a first movement of hardware
const INTERVAL_ABOVE_MS = 100;
const MAXIMUM_PATTERN_VALUES = 50;
const [VIBRATE, STROKE] = ["Vibrate", "Stroke"];
const ZERO_MAY_MOVE = ["Thrusting", "Depth"]; // such a toy may take level 0 for full speed: only a stop makes it still
const WORDS = Object.keys(TOPS).filter((name) => name !== "Position" && name !== STROKE);
const PATTERN_LETTERS = Object.fromEntries(Object.entries(LETTERS).filter(([letter]) => letter.length === 1));

const LEVEL = /^(\w+):(\d{1,9})$/;
const WAY = /^Stroke:(\d{1,3})-(\d{1,3})$/;
const RULE = /^V:1;F:([a-z](?:,[a-z])*);S:(\d{1,5})#$/;
const VALUES = /^\d{1,3}(?:;\d{1,3})*$/;

/** Thrown for a command that must not leave; `code` says why. */
export class Fenced extends Error {
  constructor(code) {
    super(`fenced: ${code}`);
    this.code = code;
  }
}

function refuse(code) {
  throw new Fenced(code);
}

/** What binds now. `devices`: by toy the functions that may be used, each with its highest level, as a DeviceSummary has them;
 *  0: it has this one, and it may not be used. null: none has been reported yet. `epoch`: the latest stop of which this side
 *  has heard. `seconds`: of toys that have a limit of their own. */
export function boundsOf(given) {
  const usual = { devices: null, epoch: 0, isStopped: false, maximumIntensity: MAXIMUM_LEVEL, seconds: {} };
  return { ...usual, longestSeconds: LONGEST_ITEM_SECONDS, ...given };
}

/** For `devices` of the bounds. One that is switched off may use nothing; what moves hardware and was never tried is for a test
 *  alone, and gentle. */
export function functionsOf(devices, isTried = false) {
  return Object.fromEntries(devices.map((device) => [device.toyId, device.isEnabled ? usable(device, isTried) : {}]));
}

/** It moves one device for a try. */
export function isTest({ item }) {
  return item?.itemType === "lovense.test";
}

function usable({ functions, untried = {} }, isTried) {
  if (!isTried) return functions;
  const gentle = Object.entries(untried).map(([name, cap]) => [name, Math.min(cap, gentlest(name))]);
  return { ...Object.fromEntries(gentle), ...functions };
}

function gentlest(name) {
  return name === STROKE ? SHORTEST_STROKE : Math.ceil((TRIAL_LEVEL * TOPS[name]) / MAXIMUM_LEVEL);
}

/** For `seconds` of the bounds. */
export function secondsOf(devices) {
  const own = devices.map(({ toyId, maximumSeconds }) => [toyId, maximumSeconds ?? null]);
  return Object.fromEntries(own.filter(([, seconds]) => seconds !== null));
}

/** What may be sent of this command, that was decided under this epoch. Throws Fenced. */
export function checked(command, bounds, epoch) {
  if (typeof command !== "object" || command === null || Array.isArray(command)) refuse(BAD_COMMAND);
  if (command.command === "Function" && command.action === "Stop") return stop(command);
  if (epoch < bounds.epoch || bounds.isStopped) refuse(STOPPED);
  const name = command.command;
  if (typeof name !== "string" || !Object.hasOwn(CHECKS, name)) refuse(BAD_COMMAND);
  return CHECKS[name](command, bounds);
}

/** The highest level of each function of a toy, as it binds now. */
export function caps(toyId, bounds) {
  const functions = own(bounds.devices ?? {}, toyId) ?? {};
  return Object.fromEntries(Object.keys(functions).map((name) => [name, capOf(name, [functions], bounds)]));
}

/** For how long these toys may run. */
export function longest(toyIds, bounds) {
  const limits = toyIds.map((toyId) => own(bounds.seconds, toyId)).filter((seconds) => seconds !== undefined);
  return Math.min(bounds.longestSeconds, ...limits);
}

function own(found, key) {
  return Object.hasOwn(found, key) ? found[key] : undefined;
}

// --- each command -------------------------------------------------------------------------------------------------------------

/** Of every toy, where it does not say clearly of which. */
function stop(command) {
  const named = command.toy ?? null;
  return named !== null && areIds(named) ? { ...STOP, toy: named } : { ...STOP };
}

function ofFunction(command, bounds) {
  const { levels, stroke } = levelsOf(command.action);
  const needed = stroke ? [...Object.keys(levels), STROKE] : Object.keys(levels);
  const target = targetOf(command, bounds, (functions) => may(functions, needed));
  const words = Object.entries(levels).map(([name, level]) => `${name}:${lowered(level, name, target)}`);
  if (stroke) words.push(shorter(stroke, target.cap(STROKE)));
  const timeSec = runOf(command, target.longest);
  return { command: "Function", action: words.join(","), timeSec, ...loops(command), ...target.named, apiVer: 1 };
}

function ofPattern(command, bounds) {
  const { rule, strength } = command;
  if (typeof rule !== "string" || typeof strength !== "string") refuse(BAD_COMMAND);
  const found = RULE.exec(rule);
  if (!found || Number(found[2]) <= INTERVAL_ABOVE_MS || !VALUES.test(strength)) refuse(BAD_COMMAND);
  const [letters, values] = [found[1].split(","), strength.split(";")];
  const areKnown = letters.every((letter) => Object.hasOwn(PATTERN_LETTERS, letter));
  if (values.length > MAXIMUM_PATTERN_VALUES || !areKnown) refuse(BAD_COMMAND);
  const names = letters.map((letter) => PATTERN_LETTERS[letter]);
  const target = targetOf(command, bounds, (functions) => may(functions, names));
  const lower = lowerValues(values.map(Number), names, target);
  const written = { command: "Pattern", rule: `V:1;F:${found[1]};S:${Number(found[2])}#`, strength: lower };
  return { ...written, timeSec: runOf(command, target.longest), ...target.named, apiVer: 2 };
}

/** It takes no strength and drives whatever the toy has. */
function ofPreset(command, bounds) {
  const { name } = command;
  if (typeof name !== "string" || !Object.hasOwn(SHAPES, name)) refuse(BAD_COMMAND);
  if (bounds.devices === null || bounds.maximumIntensity < MAXIMUM_LEVEL) refuse(UNSUPPORTED);
  const target = targetOf(command, bounds, isUncapped);
  const timeSec = runOf(command, target.longest);
  return { command: "Preset", name, timeSec, ...target.named, apiVer: 1 };
}

const CHECKS = { Function: ofFunction, Pattern: ofPattern, Preset: ofPreset };

// --- for which toys -----------------------------------------------------------------------------------------------------------

/** Those that are named, who all have to be able to; without a name those that are. */
function targetOf(command, bounds, isAble) {
  let given = command.toy ?? null;
  if (given !== null && !areIds(given)) refuse(BAD_COMMAND);
  let named = Array.isArray(given) ? given : given === null ? [] : [given];
  const made = (told, toys) => {
    return { named: told, cap: (name) => capOf(name, toys, bounds), longest: longest(named, bounds) };
  };
  if (bounds.devices === null) {
    if (!isAble({ [VIBRATE]: MAXIMUM_LEVEL })) refuse(UNSUPPORTED);
    return made(given === null ? {} : { toy: given }, [{ [VIBRATE]: MAXIMUM_LEVEL }]);
  }
  const { devices } = bounds;
  if (given === null) given = named = Object.keys(devices).filter((toyId) => isAble(devices[toyId])).sort();
  if (!Object.keys(devices).length && !named.length) refuse(NOT_CONNECTED);
  if (!named.length || !named.every((toyId) => Object.hasOwn(devices, toyId) && isAble(devices[toyId]))) refuse(UNSUPPORTED);
  return made({ toy: given }, named.map((toyId) => devices[toyId]));
}

function areIds(named) {
  const ids = Array.isArray(named) ? named : [named];
  return ids.length > 0 && ids.length <= MAX_TOYS && ids.every((one) => typeof one === "string" && one !== "");
}

function may(functions, names) {
  return names.every((name) => ownOf(functions, name) > 0);
}

function isUncapped(functions) {
  const found = Object.entries(functions);
  return found.length > 0 && found.every(([name, level]) => level >= TOPS[name]);
}

/** Vibrate moves each single motor, and a single motor never more than Vibrate may. */
function ownOf(functions, name) {
  const level = functions[name] ?? 0;
  if (name === VIBRATE) {
    return Math.min(level, ...SINGLE_MOTORS.filter((one) => one in functions).map((one) => functions[one]));
  }
  return SINGLE_MOTORS.includes(name) ? Math.min(level, functions[VIBRATE] || MAXIMUM_LEVEL) : level;
}

/** The strictest of these toys, within her intensity: never rounded up over it. */
function capOf(name, toys, { maximumIntensity }) {
  const share = Math.floor((maximumIntensity * TOPS[name]) / MAXIMUM_LEVEL);
  return Math.min(TOPS[name], share, ...toys.map((functions) => ownOf(functions, name)));
}

// --- levels -------------------------------------------------------------------------------------------------------------------

/** By function, and the way of a Stroke. */
function levelsOf(action) {
  const levels = {};
  let stroke = null;
  if (typeof action !== "string") refuse(BAD_COMMAND);
  for (const word of action.split(",").map((one) => one.replace(/^ +| +$/g, ""))) {
    const [way, level] = [WAY.exec(word), LEVEL.exec(word)];
    if (way) stroke = [Number(way[1]), Number(way[2])];
    else if (level && WORDS.includes(level[1])) levels[level[1]] = Number(level[2]);
    else refuse(BAD_COMMAND);
  }
  if (!Object.keys(levels).length || (stroke && !Object.hasOwn(levels, "Thrusting"))) refuse(BAD_COMMAND);
  return { levels, stroke };
}

function lowered(level, name, target) {
  const found = Math.min(level, target.cap(name));
  return found === 0 && ZERO_MAY_MOVE.includes(name) ? refuse(UNSUPPORTED) : found;
}

/** A way that ends within the cap. One too short is not lawful, and is never made longer. */
function shorter([low, wanted], cap) {
  const high = Math.min(wanted, TOPS[STROKE]);
  if (high - low < SHORTEST_STROKE) refuse(BAD_COMMAND);
  if (cap - low < SHORTEST_STROKE) refuse(UNSUPPORTED);
  return `${STROKE}:${low}-${Math.min(high, cap)}`;
}

/** One list drives all of them, from 0 to 20: under the strictest, whichever way a toy with fewer levels rounds. */
function lowerValues(values, names, target) {
  const top = Math.min(...names.map((name) => Math.floor((target.cap(name) * MAXIMUM_LEVEL) / TOPS[name])));
  const found = values.map((value) => Math.min(value, top));
  const least = Math.min(...found);
  if (names.some((name) => ZERO_MAY_MOVE.includes(name) && least * TOPS[name] < MAXIMUM_LEVEL)) refuse(UNSUPPORTED);
  return found.join(";");
}

// --- numbers ------------------------------------------------------------------------------------------------------------------

/** Whole, and never 0: that is a stop's alone. */
function runOf({ timeSec }, atMost) {
  if (!isNumber(timeSec, SHORTEST_RUN_SECONDS) || !Number.isInteger(timeSec)) refuse(BAD_COMMAND);
  if (atMost < SHORTEST_RUN_SECONDS) refuse(UNSUPPORTED);
  return Math.min(timeSec, atMost);
}

/** Those that it has; null is not there. */
function loops(command) {
  const found = {};
  for (const name of ["loopRunningSec", "loopPauseSec"]) {
    const value = command[name] ?? null;
    if (value === null) continue;
    if (!isNumber(value, 1) || value === 1) refuse(BAD_COMMAND);
    found[name] = value;
  }
  const previous = command.stopPrevious ?? null;
  if (previous !== null) {
    if (previous !== 0 && previous !== 1) refuse(BAD_COMMAND);
    found.stopPrevious = previous;
  }
  return found;
}

/** Not below `least`, and not endless. */
function isNumber(value, least) {
  return typeof value === "number" && value >= least && value <= LONGEST_SECONDS;
}
