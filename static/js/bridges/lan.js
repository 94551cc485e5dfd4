// Her own network: carries calls that are ready from this page to the local server of the vendor's app. Nothing else here sends
// anything to a toy, and each call passes the last hop (fence.js) directly before it leaves. It encodes nothing.
//
// What moves a toy goes once, by a way on which the app has answered: which one that is, is found out with GetToys, which moves
// nothing and may be repeated. A call that fails may have been done all the same: it is unknown, and never told again.

import { after } from "../clock.js";
import * as fence from "../fence.js";
import { ACCEPTED, NOT_SENT, outcomeOf, UNKNOWN } from "../outcomes.js";
import { GRANTED, stateOf } from "./permission.js";
import { toysIn } from "./toysin.js";

const TIMEOUT_MS = 3000;
const BETWEEN_MS = 100; // two commands to one toy
const FRESH_MS = 10_000; // so long an answer of the app counts, and so long it is not asked again
const AGAIN_MS = 400; // a stop is told again, after a call that was under way
const GET_TOYS = { command: "GetToys" };

let apps = new Map();

/** `hosts`: her apps, with their addresses. What was known of one stays known while it is where it was. */
export function open(hosts, name) {
  const before = apps;
  apps = new Map(hosts.map((host) => [host.id, same(before.get(host.id), host) ?? new App(host, name)]));
}

function same(app, host) {
  return app?.isAt(host) ? app : undefined;
}

/** What became of a call. `bounds`: asked for at the last moment, what binds then. */
export function send(hostId, call, bounds, epoch) {
  return apps.get(hostId)?.send(call, bounds, epoch) ?? Promise.resolve(NOT_SENT);
}

/** The vendor's stop, past every pace: for these toys of these apps, or for all of them. By app, what became of it. */
export async function stop(toyIds = null, { keepalive = false } = {}) {
  const told = toyIds ? [...apps].filter(([id]) => toyIds.has(id)) : [...apps];
  const outcomes = told.map(([id, app]) => app.stop(toyIds?.get(id) ?? [], keepalive).then((outcome) => [id, outcome]));
  return new Map(await Promise.all(outcomes));
}

/** Asks these apps who is there, unless that is known; the toys by app, without those that do not answer. */
export async function look(hostIds = [...apps.keys()]) {
  const asked = hostIds.filter((id) => apps.has(id)).map((id) => apps.get(id).look().then((toys) => [id, toys]));
  return new Map((await Promise.all(asked)).filter(([, toys]) => toys !== null));
}

/** Done when no stop of ours is still to be told, which would end what another page plays by then. */
export async function quiet() {
  await Promise.all([...apps.values()].map((app) => app.quiet));
}

export function isEmpty() {
  return apps.size === 0;
}

/** loopback where an app runs on this very computer, else local. */
export function space() {
  return [...apps.values()].some((app) => app.space === "loopback") ? "loopback" : "local";
}

export function close() {
  for (const app of apps.values()) app.abort();
  apps = new Map();
}

class App {
  #host;
  #ways;
  #way = null; // the one on which it has answered
  #toys = null; // as it said last; null: it did not answer
  #lookedAt = -Infinity;
  #heardAt = -Infinity;
  #looking = null;
  #flying = new Set(); // calls that may move something
  #free = new Map(); // by toy, when it may be told something again
  #stoppedAt = -Infinity;
  #quiet = Promise.resolve(); // no run begins before

  constructor(host, name) {
    this.#host = JSON.stringify(host);
    const address = host.domain.split(/[.-]/).slice(0, 4).join(".");
    this.space = address.startsWith("127.") ? "loopback" : "local";
    const headers = { "X-platform": name };
    const local = { targetAddressSpace: this.space };
    const named = host.ports.https ? `https://${host.domain}:${host.ports.https}/command` : "";
    const plain = host.ports.http ? `http://${address}:${host.ports.http}/command` : "";
    const ways = [{ url: named, more: { headers } }, { url: named, more: {} }];
    const others = [{ url: plain, more: { headers, ...local }, isLast: true }, { url: plain, more: local, isLast: true }];
    this.#ways = [...ways, ...others].filter(({ url }) => url);
  }

  get quiet() {
    return this.#quiet;
  }

  isAt(host) {
    return this.#host === JSON.stringify(host);
  }

  // --- who is there -----------------------------------------------------------------------------------------------------------

  async look() {
    await this.#quiet;
    const now = performance.now();
    if (now - Math.max(this.#lookedAt, this.#heardAt) < FRESH_MS) return this.#looking ?? this.#toys;
    this.#lookedAt = now;
    this.#looking = this.#looked().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** By the way that is known, then by the others. */
  async #looked() {
    this.#toys = null;
    for (const way of await this.#inTurn()) {
      const { answer, isOver } = await this.#post(way, GET_TOYS);
      this.#toys = answer && toysIn(answer.body);
      if (this.#toys) return this.#found(way);
      if (isOver) break;
    }
    this.#way = null;
    return null;
  }

  #found(way) {
    this.#way = way;
    this.#heardAt = performance.now();
    return this.#toys;
  }

  /** A private address by itself is only called where she has allowed it: browsers that know no such leave would refuse it. */
  async #inTurn() {
    const isGranted = (await stateOf(this.space)) === GRANTED;
    const ways = this.#ways.filter((way) => isGranted || !way.isLast);
    return this.#way ? [this.#way, ...ways.filter((way) => way !== this.#way)] : ways;
  }

  // --- what moves -------------------------------------------------------------------------------------------------------------

  async send(call, bounds, epoch) {
    await this.#turn(call.toy);
    if (!this.#way) return NOT_SENT;
    const { lawful, code } = passed(call, bounds(), epoch);
    if (code) return code;
    const control = new AbortController();
    this.#flying.add(control);
    const { answer } = await this.#post(this.#way, lawful, { control });
    this.#flying.delete(control);
    const outcome = answer ? outcomeOf(answer) : UNKNOWN;
    if (outcome === ACCEPTED) this.#heardAt = performance.now();
    return outcome;
  }

  /** Until this toy may be told something; its turn is taken by whoever asks first. */
  #turn(toy) {
    const now = performance.now();
    const at = Math.max(now, this.#free.get(toy) ?? 0, this.#stoppedAt + BETWEEN_MS);
    this.#free.set(toy, at + BETWEEN_MS);
    return at > now ? new Promise((done) => after(at - now, done)) : Promise.resolve();
  }

  // --- what makes still -------------------------------------------------------------------------------------------------------

  /** What has left already may reach the app after this: it is told again then, and nothing else before. */
  async stop(toyIds, keepalive) {
    const wasTold = this.#flying.size > 0;
    this.abort();
    if (wasTold) this.#quiet = new Promise((done) => after(AGAIN_MS, () => this.#stopAll(toyIds, false).finally(done)));
    return this.#stopAll(toyIds, keepalive);
  }

  abort() {
    for (const control of this.#flying) control.abort();
    this.#flying.clear();
  }

  async #stopAll(toyIds, keepalive) {
    this.#stoppedAt = performance.now();
    const calls = toyIds.length ? toyIds.map((toy) => ({ ...fence.STOP, toy })) : [fence.STOP];
    const told = calls.map((call) => {
      const { lawful } = passed(call, fence.boundsOf({}), 0);
      return keepalive ? this.#stopLast(lawful) : this.#stopOne(lawful);
    });
    const outcomes = await Promise.all(told);
    return outcomes.find((outcome) => outcome !== ACCEPTED) ?? ACCEPTED;
  }

  /** By every way until one is known to have taken it. */
  async #stopOne(call) {
    let outcome = NOT_SENT;
    for (const way of await this.#inTurn()) {
      const { answer, isOver } = await this.#post(way, call);
      outcome = answer ? outcomeOf(answer) : UNKNOWN;
      if (outcome === ACCEPTED || isOver) break;
    }
    return outcome;
  }

  /** The page is going away, and hears no answer: also without the header, for which the browser would have to ask first. */
  #stopLast(call) {
    if (!this.#way) return Promise.resolve(NOT_SENT);
    const { headers, ...more } = this.#way.more;
    const ways = headers ? [{ ...this.#way, more }, this.#way] : [this.#way];
    for (const way of ways) this.#post(way, call, { keepalive: true });
    return Promise.resolve(UNKNOWN);
  }

  // --- the wire ---------------------------------------------------------------------------------------------------------------

  /** `answer` as it came, or null; `isOver`: it did not come in time, and no other way would be faster. */
  async #post({ url, more }, body, { control = new AbortController(), keepalive = false } = {}) {
    let isOver = false;
    const cancel = after(TIMEOUT_MS, () => ((isOver = true), control.abort()));
    const bare = { credentials: "omit", redirect: "error", cache: "no-store", referrerPolicy: "no-referrer" };
    try {
      const given = { method: "POST", body: JSON.stringify(body), signal: control.signal, keepalive, ...bare, ...more };
      const answer = await fetch(url, given);
      return { answer: { status: answer.status, body: await answer.text() }, isOver };
    } catch {
      return { answer: null, isOver };
    } finally {
      cancel();
    }
  }
}

/** What may be sent of it, or the code of the refusal. */
function passed(call, bounds, epoch) {
  try {
    return { lawful: fence.checked(call, bounds, epoch), code: "" };
  } catch (error) {
    if (!(error instanceof fence.Fenced)) throw error;
    return { lawful: null, code: error.code };
  }
}
