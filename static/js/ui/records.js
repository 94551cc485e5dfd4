// <st-records for="drawer">: a long list. J and K or the arrows move, Enter peeks, O opens, X marks, Shift and X a range, Escape
// takes the marks away, B goes to what may be done with them (`many`, outside of what is fetched again). What is new waits while
// anything is marked, hovered, scrolled, held or looked at; a mark stays whatever comes, also of a row that is shown no more.

import { isComposing, isTyping } from "../typing.js";

const STEPS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

function box(row) {
  return row.querySelector("[data-mark]");
}

class Records extends HTMLElement {
  connectedCallback() {
    this.marks = new Map(); // by the row's key what the form is told
    for (const type of ["click", "change", "htmx:after:swap"]) this.addEventListener(type, this);
    document.addEventListener("keydown", this);
    this.many()?.addEventListener("submit", this);
    for (const { value } of this.many()?.querySelectorAll("[data-away]") ?? []) this.marks.set(value.split(" ", 1)[0], value);
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
    else if (event.type === "submit") this.told(event.target);
    else this.ready();
  }

  /** One row can be reached by Tab. */
  ready() {
    const rows = this.rows();
    if (rows.length && !rows.some((row) => row.tabIndex === 0)) rows[0].tabIndex = 0;
    this.hold(this.isPaused);
    const waiting = this.many()?.closest("[hidden]"); // for the first row
    if (waiting && rows.some(box)) waiting.hidden = false;
    for (const row of rows.filter((each) => this.marks.has(each.dataset.record))) box(row).checked = true;
    this.count();
  }

  many() {
    return document.getElementById(this.getAttribute("many") ?? "");
  }

  rows() {
    return [...this.querySelectorAll("[data-record]")];
  }

  // --- keys ---------------------------------------------------------------------------------------------------------------

  press(event) {
    if (event.key === "Escape" && this.many()?.contains(event.target) && !isComposing(event)) return this.back();
    const isOurs = !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey && !isComposing(event);
    if (!isOurs || isTyping(event.target) || document.querySelector(":popover-open")) return;
    const row = document.activeElement?.closest("[data-record]");
    const isInRow = row && this.contains(row);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const done = STEPS[key] ? this.move(row, STEPS[key], event) : key === "b" ? this.act(row, key, event) : isInRow && this.act(row, key, event);
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
    else if (key === "b") return this.reachMany();
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
    const rows = this.rows().filter(box);
    if (!rows.includes(row)) return;
    const from = isRange && this.last?.isConnected ? rows.indexOf(this.last) : rows.indexOf(row);
    const to = rows.indexOf(row);
    const isOn = isRange || !box(row).checked;
    for (const each of rows.slice(Math.min(from, to), Math.max(from, to) + 1)) box(each).checked = isOn;
    this.last = row;
    this.count();
  }

  unmark() {
    for (const row of this.rows()) if (box(row)) box(row).checked = false;
    this.marks.clear();
    this.count();
  }

  changed(input) {
    if (input.matches("[data-mark-page]")) for (const row of this.rows()) box(row).checked = input.checked;
    else if (input.matches("[data-mark]")) this.last = input.closest("[data-record]");
    else return;
    this.count();
  }

  count() {
    const rows = this.rows().filter(box);
    for (const row of rows) this.keep(row);
    const [said, all] = [this.querySelector("[data-marked]"), this.querySelector("[data-mark-page]")];
    const here = rows.filter((row) => box(row).checked).length;
    const [marked, away] = [this.marks.size, this.marks.size - here];
    if (all) [all.checked, all.indeterminate] = [here > 0 && here === rows.length, here > 0 && here < rows.length];
    if (!said) return;
    (said.closest("[data-marked-bar]") ?? said).hidden = !marked;
    said.textContent = marked ? `${marked} marked${away ? `, ${away} not on this page` : ""}` : "";
    this.scope(marked);
  }

  keep(row) {
    if (box(row).checked) this.marks.set(row.dataset.record, box(row).value);
    else this.marks.delete(row.dataset.record);
  }

  // --- what may be done with them -------------------------------------------------------------------------------------------

  /** It is about the marked ones as soon as there are any. */
  scope(marked) {
    const form = this.many()?.querySelector("form");
    const words = form?.querySelector("[data-marked-words]");
    if (!words || words.dataset.count === `${marked}`) return;
    words.dataset.count = marked;
    words.textContent = marked ? `The ${marked} marked` : "What is marked below";
    const scopes = form.querySelectorAll("[name=scope]");
    for (const each of scopes) each.checked = marked ? each.value === "marked" : each.defaultChecked;
  }

  reachMany() {
    const many = this.many();
    if (!many) return false;
    many.open = true;
    (many.querySelector("input:checked") ?? many.querySelector("input:not([type=hidden])")).focus();
    return true;
  }

  back() {
    const row = this.last?.isConnected ? this.last : this.rows()[0];
    if (row) this.reach(row);
  }

  /** Also of those that are marked and not on the page any more, each as it was shown. */
  told(form) {
    for (const left of form.querySelectorAll("[data-away]")) left.remove();
    const here = new Set(this.rows().map((row) => row.dataset.record));
    for (const [key, value] of this.marks) {
      if (here.has(key)) continue;
      const away = Object.assign(document.createElement("input"), { type: "hidden", name: "mark", value });
      away.dataset.away = "";
      form.append(away);
    }
  }

  // --- pressed ------------------------------------------------------------------------------------------------------------

  async clicked({ target }) {
    const copy = target.closest("[data-copies]");
    const hold = target.closest("[data-hold]");
    if (copy) await this.copy(copy);
    else if (hold) this.hold(!this.isPaused);
    else if (target.closest("[data-new]")) this.refresh();
    else if (target.closest("[data-many]")) this.reachMany();
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
    this.count();
    const address = this.querySelector("[data-news]")?.dataset.news;
    const { moves } = this.dataset;
    if (document.hidden || (!address && moves === undefined)) return;
    if (moves !== undefined && !this.isHeld()) return this.refresh(); // what it shows is of now
    if (moves === "" || !address) return;
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
    return this.isPaused || isInside || this.marks.size > 0 || scrollY > 0 || document.querySelector(":popover-open") !== null;
  }

  refresh() {
    this.firstElementChild.dispatchEvent(new Event("fresh"));
  }
}

customElements.define("st-records", Records);
