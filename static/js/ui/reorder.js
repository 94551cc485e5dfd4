// <st-reorder>: rows (data-row) of its lists (data-list) that are moved by their grip (data-grip), by pointer or touch, or by Alt and
// an arrow key anywhere in a row; Home on a grip puts one first. Where a row goes is posted to its data-place; the server has the
// last word: the region is fetched again, and shows what came of it.

import { renew } from "../regions.js";

const EDGE_PX = 60; // of the window, where a drag scrolls
const STEPS = { ArrowUp: -1, ArrowDown: 1 };

class Reorder extends HTMLElement {
  connectedCallback() {
    for (const type of ["pointerdown", "keydown"]) this.addEventListener(type, this);
  }

  disconnectedCallback() {
    for (const type of ["pointerdown", "keydown"]) this.removeEventListener(type, this);
  }

  handleEvent(event) {
    const row = event.target.closest("[data-row]");
    const grip = event.target.closest("[data-grip]");
    if (!row) return;
    if (event.type === "keydown") this.press(event, row, grip);
    else if (grip && event.button === 0) this.drag(event, row, grip);
  }

  press(event, row, grip) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !(event.altKey || grip)) return;
    const step = STEPS[event.key];
    const [list, rows] = [row.parentElement, [...row.parentElement.children]];
    if (!step && event.key !== "Home") return;
    event.preventDefault();
    const to = step ? rows.indexOf(row) + step : 0;
    if (to < 0 || to >= rows.length || rows[to] === row) return;
    list.insertBefore(row, step === 1 ? rows[to].nextElementSibling : rows[to]);
    event.target.focus({ preventScroll: true });
    this.place(row);
  }

  drag(event, row, grip) {
    event.preventDefault();
    grip.focus({ preventScroll: true });
    const from = [row.parentElement, row.nextElementSibling];
    const until = new AbortController();
    row.dataset.moving = "";
    const end = (isKept) => {
      until.abort();
      delete row.dataset.moving;
      if (!isKept) from[0].insertBefore(row, from[1]);
      else if (from[0] !== row.parentElement || from[1] !== row.nextElementSibling) this.place(row);
    };
    // a row that moves in the document loses what it has captured
    const on = (type, call) => document.addEventListener(type, call, { signal: until.signal });
    on("pointermove", (move) => this.follow(move.clientY, row));
    on("pointerup", () => end(true));
    on("pointercancel", () => end(false));
    on("keydown", ({ key }) => key === "Escape" && end(false));
  }

  /** Before the first row whose middle is below the pointer, of whichever list it is over. */
  follow(y, row) {
    const lists = [...this.querySelectorAll("[data-list]")];
    const list = lists.findLast((each) => each.getBoundingClientRect().top <= y) ?? lists[0];
    const next = [...list.children].find((each) => {
      const { top, height } = each.getBoundingClientRect();
      return each !== row && y < top + height / 2;
    });
    if (list !== row.parentElement || next !== row.nextElementSibling) list.insertBefore(row, next ?? null);
    if (y < EDGE_PX || y > innerHeight - 2 * EDGE_PX) scrollBy(0, y < EDGE_PX ? -EDGE_PX / 4 : EDGE_PX / 4);
  }

  place(row) {
    const list = row.parentElement;
    const rows = [...list.children];
    const values = { before: row.nextElementSibling?.dataset.row ?? "", section: list.dataset.section ?? "" };
    if (list.dataset.order) values.order = list.dataset.order;
    const form = document.getElementById(this.dataset.form);
    for (const [name, value] of form ? new FormData(form) : []) values[name] = value;
    renew(this.closest("[id^=region-]").parentElement); // what comes is shown, even if it is what was
    document.querySelector("[data-said]").textContent = `Place ${rows.indexOf(row) + 1} of ${rows.length}`;
    htmx.ajax("POST", row.dataset.place, { source: row, target: row, swap: "none", values });
  }
}

customElements.define("st-reorder", Reorder);
