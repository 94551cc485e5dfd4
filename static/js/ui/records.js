// <st-records for="drawer">: a long list. J and K or the arrows move, Enter peeks, O opens, X marks, Shift and X a range, Escape
// takes the marks away. What is new waits while anything is marked, hovered, scrolled, held or looked at.

import { isComposing, isTyping } from "../typing.js";

const STEPS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

class Records extends HTMLElement {
  connectedCallback() {
    for (const type of ["click", "change", "htmx:after:swap"]) this.addEventListener(type, this);
    document.addEventListener("keydown", this);
    this.firstElementChild.addEventListener("tick", this);
    this.ready();
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this);
  }

  handleEvent(event) {
    if (event.type === "keydown") this.press(event);
    else if (event.type === "click") this.clicked(event);
    else if (event.type === "change") this.changed(event.target);
    else if (event.type === "tick") this.look();
    else this.ready();
  }

  /** One row can be reached by Tab. */
  ready() {
    const rows = this.rows();
    if (rows.length && !rows.some((row) => row.tabIndex === 0)) rows[0].tabIndex = 0;
    this.hold(this.isPaused);
    this.count();
  }

  rows() {
    return [...this.querySelectorAll("[data-record]")];
  }

  // --- keys ---------------------------------------------------------------------------------------------------------------

  press(event) {
    const isOurs = !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey && !isComposing(event);
    if (!isOurs || isTyping(event.target) || document.querySelector(":popover-open")) return;
    const row = document.activeElement?.closest("[data-record]");
    const isInRow = row && this.contains(row);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const done = STEPS[key] ? this.move(row, STEPS[key], event) : isInRow && this.act(row, key, event);
    if (done) event.preventDefault();
  }

  /** An arrow moves from row to row; elsewhere it scrolls the page, as everywhere. */
  move(row, step, { key }) {
    const rows = this.rows();
    if (!rows.length || (!row && key.startsWith("Arrow"))) return false;
    this.reach(rows[row ? Math.min(Math.max(rows.indexOf(row) + step, 0), rows.length - 1) : 0]);
    return true;
  }

  reach(row) {
    for (const each of this.rows()) each.tabIndex = each === row ? 0 : -1;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  act(row, key, { target, shiftKey }) {
    if (key === "Enter" && target === row) this.peek(row);
    else if (key === "o") row.querySelector("[data-opens]")?.click();
    else if (key === "x") this.mark(row, shiftKey);
    else if (key === "Escape") this.unmark();
    else return false;
    return true;
  }

  /** The list stays where it is. */
  async peek(row) {
    const drawer = document.getElementById(this.getAttribute("for"));
    const address = row.querySelector("[data-opens]")?.getAttribute("href");
    if (!drawer || !address) return;
    await htmx.ajax("GET", address, { source: row, target: "#peeked", swap: "innerMorph" });
    drawer.showPopover({ source: row });
  }

  // --- marks --------------------------------------------------------------------------------------------------------------

  mark(row, isRange) {
    const rows = this.rows();
    const box = row.querySelector("[data-mark]");
    const from = isRange && this.last?.isConnected ? rows.indexOf(this.last) : rows.indexOf(row);
    const to = rows.indexOf(row);
    const isOn = isRange || !box.checked;
    for (const each of rows.slice(Math.min(from, to), Math.max(from, to) + 1)) each.querySelector("[data-mark]").checked = isOn;
    this.last = row;
    this.count();
  }

  unmark() {
    for (const box of this.marked()) box.checked = false;
    this.count();
  }

  marked() {
    return [...this.querySelectorAll("[data-mark]:checked")];
  }

  changed(box) {
    if (!box.matches("[data-mark]")) return;
    this.last = box.closest("[data-record]");
    this.count();
  }

  count() {
    const said = this.querySelector("[data-marked]");
    const marked = this.marked().length;
    if (!said) return;
    said.hidden = !marked;
    said.textContent = marked ? `${marked} marked` : "";
  }

  // --- pressed ------------------------------------------------------------------------------------------------------------

  async clicked({ target }) {
    const copy = target.closest("[data-copies]");
    const hold = target.closest("[data-hold]");
    if (copy) await this.copy(copy);
    else if (hold) this.hold(!this.isPaused);
    else if (target.closest("[data-new]")) this.refresh();
    else this.from(target);
  }

  /** Whoever presses a row goes on from it by keys. */
  from(target) {
    const row = target.closest("[data-record]");
    if (row && target.closest("a, button, input") === null && !getSelection().toString()) this.reach(row);
  }

  async copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copies);
      button.dataset.copied = "";
      setTimeout(() => delete button.dataset.copied, 1500);
    } catch {
      getSelection().selectAllChildren(button.parentElement); // to be copied by hand
    }
  }

  // --- what is new --------------------------------------------------------------------------------------------------------

  async look() {
    const address = this.querySelector("[data-news]")?.dataset.news;
    if (!address || document.hidden) return;
    if ("moves" in this.dataset) return this.isHeld() || this.refresh(); // what it shows is of now
    const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null); // no use of her session
    if (!answer?.ok) return;
    const { newer } = await answer.json();
    if (newer && !this.isHeld()) return this.refresh();
    const [button, time] = [this.querySelector("[data-new]"), this.querySelector("[data-fresh] time")];
    button.hidden = !newer;
    button.textContent = `${newer} new`;
    if (!newer) time.dateTime = new Date().toISOString();
  }

  hold(isPaused = false) {
    this.isPaused = isPaused;
    this.querySelector("[data-hold]")?.setAttribute("aria-pressed", `${isPaused}`);
  }

  isHeld() {
    const isInside = this.contains(document.activeElement) || this.matches(":hover");
    return this.isPaused || isInside || this.marked().length > 0 || scrollY > 0 || document.querySelector(":popover-open") !== null;
  }

  refresh() {
    this.firstElementChild.dispatchEvent(new Event("fresh"));
  }
}

customElements.define("st-records", Records);
