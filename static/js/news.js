// The socket of a page, the performer's or the staff's: it reconnects by itself, says so in the badge, and turns news into DOM events.
// News carries no content. A region of the page listens for `news-<topic>` on <body> and fetches itself again.

import { after, every } from "./clock.js";

const TOPICS = ["queue", "devices", "tips", "notices", "menu", "patterns", "preferences", "shows"];
const FIRST_WAIT_MS = 400;
const NEAR_WAIT_MS = 700; // while it is not gone for long: everything is true within a second of the return
const NEAR_ATTEMPTS = 180;
const LONGEST_WAIT_MS = 15_000;
const OPENING_MS = 2_500; // an attempt that hangs for so long is made anew, and then has twice as long: a server may be slow
const LONGEST_OPENING_MS = 20_000;
const LOOK_MS = 250;
const MUTE_MS = 1_700; // the server says something every second: after so long she is told that it does not
const DEAD_MS = 4_800; // and so long after the last word the socket counts as lost
const GATHER_MS = 60; // a burst of news about one topic makes one fetch
const SIGNED_OUT = 4401;
const TOO_MANY_PAGES = 4429; // more of this performer's pages are open than the server keeps

const listeners = new Map();
const gathering = new Map(); // topic -> whether all of it flows: nobody has pressed for it
let socket = null;
let address = "";
let attempt = 0;
let isAway = false; // from the loss of the socket until the next snapshot
let isMute = false; // it is open, and nothing is heard of it
let patience = OPENING_MS;
let heard = 0; // when something was said last
let beats = false; // whether this socket's server says something every second
let cancelRetry = () => {};

/** Subscribes to one type of message, or to "open" and "closed". */
export function on(type, listener) {
  listeners.set(type, [...(listeners.get(type) ?? []), listener]);
}

/** Sends a message; false when nobody is listening (the server asks again after a reconnect). */
export function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

/** Whether what is pressed now would reach nobody: there was a socket, and it is gone, or says nothing. */
export function isLost() {
  return isAway || isMute;
}

/** Opens the socket with these query parameters, closing the one before. */
export function connect(parameters, path = "/ws/performer") {
  address = `${path}?${new URLSearchParams({ ...parameters, beats: "1" })}`;
  attempt = 0;
  open();
}

function open() {
  cancelRetry();
  const previous = socket;
  const opened = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${address}`);
  socket = opened;
  previous?.close(1000);
  beats = false;
  heard = performance.now();
  badge(attempt ? "Reconnecting" : "Connecting", "warn");
  opened.onmessage = ({ data }) => socket === opened && receive(data);
  opened.onclose = ({ code }) => socket === opened && lost(code);
}

function receive(data) {
  const message = read(data);
  heard = performance.now();
  if (message.type === "snapshot") connected();
  if (message.type === "beat") beaten();
  if (message.type === "news") announce(message.topic, message.flows === true);
  tell(message.type, message);
}

function read(data) {
  try {
    const message = JSON.parse(data);
    return typeof message === "object" && message !== null ? message : {};
  } catch {
    return {}; // a message we cannot read is not one for us
  }
}

function connected() {
  attempt = 0;
  patience = OPENING_MS;
  isAway = false;
  badge("Connected", "good");
}

/** It goes on: nothing is lost of what was said meanwhile. */
function beaten() {
  beats = true;
  if (isMute) badge("Connected", "good");
  isMute = false;
}

/** `silent`: for so long nothing had been heard. */
function lost(code, silent = 0) {
  beats = isMute = false;
  tell("closed", { code, silent });
  isAway = code !== SIGNED_OUT && code !== TOO_MANY_PAGES; // which say of themselves what helps
  if (code === SIGNED_OUT) return badge("Signed out", "bad");
  if (code === TOO_MANY_PAGES) attempt = Math.max(attempt, NEAR_ATTEMPTS); // one of them has to be closed first
  const longest = attempt < NEAR_ATTEMPTS ? NEAR_WAIT_MS : LONGEST_WAIT_MS;
  const wait = Math.min(longest, FIRST_WAIT_MS * 2 ** attempt++);
  badge(attempt > 3 ? "Not connected" : "Reconnecting", attempt > 3 ? "bad" : "warn");
  if (code === TOO_MANY_PAGES) badge("Too many pages open", "bad");
  cancelRetry = after(wait * (0.5 + Math.random() / 2), open);
}

function announce(topic, flows) {
  if (!TOPICS.includes(topic)) return;
  const isNew = !gathering.has(topic);
  gathering.set(topic, flows && (gathering.get(topic) ?? true));
  if (isNew) after(GATHER_MS, () => gathered(topic));
}

function gathered(topic) {
  const detail = { flows: gathering.get(topic) };
  gathering.delete(topic);
  document.body.dispatchEvent(new CustomEvent(`news-${topic}`, { detail }));
}

function tell(type, message) {
  for (const listener of listeners.get(type) ?? []) listener(message);
}

function badge(words, tone) {
  const element = document.querySelector("[data-socket]");
  if (!element) return;
  element.textContent = words;
  element.dataset.tone = tone;
}

/** The cable is out: the socket may hear nothing of it for minutes. One that is not out is had again at once. */
function unplugged(silent = 0) {
  const dead = socket;
  socket = null;
  dead?.close();
  if (dead) lost(undefined, silent);
}

/** Of a way that is cut somewhere else nobody tells: nothing is heard any more. */
function look() {
  const silent = performance.now() - heard;
  if (socket?.readyState === WebSocket.CONNECTING) {
    if (silent <= patience) return;
    patience = Math.min(LONGEST_OPENING_MS, 2 * patience);
    unplugged(silent);
  } else if (beats && silent > DEAD_MS) {
    unplugged(silent);
  } else if (beats && !isMute && silent > MUTE_MS) {
    isMute = true;
    badge("No answer", "warn");
  }
}

// A laptop that wakes up, or a cable that is back: no reason to wait out the pause.
addEventListener("online", () => attempt && open());
addEventListener("offline", () => unplugged());
every(LOOK_MS, look);
// She has logged in again, in another tab.
document.addEventListener("session-back", () => socket?.readyState === WebSocket.CLOSED && open());
