// Records a strength over time by a key, a finger or a mouse: [{ms, level}], a level holds until the next one. What becomes of it
// is the server's to say. Nothing here knows of a toy, and nothing is told to one.

import { every } from "./clock.js";

const STRONGEST = 20;
const USUAL = 10;
const SHOWN_EVERY_MS = 100;
const asks = document.querySelector("#confirm");

/** From now on, until what is returned is called. */
export function arrive() {
  document.addEventListener("htmx:after:swap", opened);
  return () => document.removeEventListener("htmx:after:swap", opened);
}

function opened({ detail: { ctx: { target } } }) {
  const form = target === asks && asks.querySelector("[data-recorder]");
  if (form) new Recorder(form);
}

class Recorder {
  #form;
  #pad;
  #samples = [];
  #level = USUAL;
  #isHeld = false;
  #began = 0;
  #forget = () => {};

  constructor(form) {
    this.#form = form;
    this.#pad = form.querySelector("[data-pad]");
    this.#pad.addEventListener("keydown", (event) => this.#keyDown(event));
    this.#pad.addEventListener("keyup", ({ key }) => key === " " && this.#hold(false));
    this.#pad.addEventListener("blur", () => this.#hold(false)); // a key that is let go elsewhere
    this.#pad.addEventListener("pointerdown", (event) => this.#touched(event));
    this.#pad.addEventListener("pointermove", (event) => this.#isHeld && this.#pad.hasPointerCapture(event.pointerId) && this.#drawn(event));
    for (const end of ["pointerup", "pointercancel"]) this.#pad.addEventListener(end, () => this.#hold(false));
    this.#on("end", () => this.#end("Recorded"));
    this.#on("again", () => this.#again());
    asks.closest("dialog").addEventListener("toggle", ({ newState }) => newState === "closed" && this.#forget());
    this.#show();
    this.#pad.focus();
  }

  get #isRecording() {
    return this.#form.dataset.recorder === "on";
  }

  #part(name) {
    return this.#form.querySelector(`[data-recorder-${name}]`);
  }

  #on(name, call) {
    this.#part(name).addEventListener("click", call);
  }

  #keyDown(event) {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === " ") this.#hold(true);
    else if (step) this.#strength(this.#level + step);
    else if (event.key === "Enter") this.#end("Recorded");
    else return;
    event.preventDefault(); // the page would scroll
  }

  #touched(event) {
    this.#pad.setPointerCapture(event.pointerId);
    this.#drawn(event);
    this.#hold(true);
  }

  /** The higher on the field, the stronger. */
  #drawn({ clientY }) {
    const { top, height } = this.#pad.getBoundingClientRect();
    this.#strength(Math.ceil((1 - (clientY - top) / height) * STRONGEST));
  }

  #strength(level) {
    this.#level = Math.min(STRONGEST, Math.max(1, level));
    if (this.#isHeld) this.#note();
    this.#show();
  }

  #hold(isHeld) {
    if (isHeld === this.#isHeld || this.#form.dataset.recorder === "over") return;
    this.#isHeld = isHeld;
    if (isHeld && !this.#isRecording) this.#begin();
    this.#note();
    this.#show();
  }

  #begin() {
    this.#form.dataset.recorder = "on";
    this.#forget = every(SHOWN_EVERY_MS, () => this.#tick());
    this.#say("Recording…");
    this.#began = performance.now(); // last: the first sample is at 0, however slow the page is
  }

  #tick() {
    if (!this.#pad.isConnected) return this.#forget();
    if (this.#now() >= this.#longest) this.#end(`It ends here: ${this.#longest / 1000} s is the longest`);
    else this.#show();
  }

  get #longest() {
    return Number(this.#form.dataset.longestMs);
  }

  #now() {
    return Math.min(this.#longest, Math.round(performance.now() - this.#began));
  }

  /** Of two in one millisecond the later one counts; the first one is the beginning. */
  #note(level = this.#isHeld ? this.#level : 0) {
    if (!this.#isRecording) return;
    const ms = this.#samples.length ? this.#now() : 0;
    const last = this.#samples.at(-1);
    if (last?.ms === ms) last.level = level;
    else if (last?.level !== level) this.#samples.push({ ms, level });
    if (this.#samples.length >= Number(this.#form.dataset.most) - 1) this.#end("It ends here: that is all that one recording holds");
  }

  #end(why) {
    if (!this.#isRecording) return;
    const ms = Math.max(this.#now(), this.#samples.at(-1).ms + 1);
    this.#samples.push({ ms, level: 0 });
    this.#form.dataset.recorder = "over";
    this.#isHeld = false;
    this.#forget();
    this.#form.elements.samples.value = JSON.stringify(this.#samples);
    this.#say(`${why}: ${(ms / 1000).toFixed(1)} s. Look at it, or record again.`);
    this.#show(ms);
    this.#part("look").focus();
  }

  #again() {
    this.#samples = [];
    this.#form.dataset.recorder = "";
    this.#form.elements.samples.value = "";
    this.#say("It begins with your next press on the field.");
    this.#show();
    this.#pad.focus();
  }

  #say(words) {
    this.#part("words").textContent = words;
  }

  #show(ms = this.#isRecording ? this.#now() : 0) {
    const state = this.#form.dataset.recorder;
    const level = this.#isHeld ? this.#level : 0;
    const badge = this.#part("badge");
    badge.textContent = { on: "Recording", over: "Recorded" }[state] ?? "Ready";
    badge.dataset.tone = { on: "bad", over: "good" }[state] ?? "idle";
    this.#part("time").textContent = `${(ms / 1000).toFixed(1)} s`;
    this.#part("level").textContent = `Strength ${this.#level}`;
    [...this.#part("meter").children].forEach((bar, index) => bar.toggleAttribute("data-on", index < level));
    this.#part("end").disabled = state !== "on";
    this.#part("again").disabled = this.#part("look").disabled = state !== "over";
  }
}
