// <st-pad top="20">: levels in steps of 0.1 s, drawn by pointer or touch, or by arrow keys. They stand in its hidden
// field, apart by spaces.

class Pad extends HTMLElement {
  connectedCallback() {
    this.sheet = this.querySelector("svg");
    this.field = this.querySelector("input");
    this.levels = this.field.value.split(" ").map(Number);
    this.top = Number(this.getAttribute("top"));
    this.at = 0;
    for (const type of ["pointerdown", "pointermove", "keydown"]) this.sheet.addEventListener(type, this);
  }

  disconnectedCallback() {
    for (const type of ["pointerdown", "pointermove", "keydown"]) this.sheet.removeEventListener(type, this);
  }

  get columns() {
    return [...this.sheet.querySelectorAll("rect")];
  }

  /** Others in place of those that are drawn. */
  load(levels) {
    const [one] = this.columns;
    this.levels = levels;
    this.field.value = levels.join(" ");
    this.at = Math.min(this.at, levels.length - 1);
    this.columns.slice(1).forEach((column) => column.remove());
    levels.forEach((level, place) => {
      const column = place ? this.sheet.insertBefore(one.cloneNode(), this.sheet.querySelector("line")) : one;
      column.setAttribute("x", `${(100 * place) / levels.length}%`);
      column.setAttribute("width", `${80 / levels.length}%`);
      column.setAttribute("y", `${100 - (100 * level) / this.top}%`);
    });
  }

  /** A line: the strongest that is played. */
  cap(level) {
    const line = this.sheet.querySelector("line") ?? this.sheet.appendChild(document.createElementNS(this.sheet.namespaceURI, "line"));
    line.setAttribute("class", "ui-pad__cap");
    line.setAttribute("x2", "100%");
    for (const end of ["y1", "y2"]) line.setAttribute(end, `${100 - (100 * level) / this.top}%`);
  }

  handleEvent(event) {
    if (event.type === "keydown") return this.press(event);
    if (event.type === "pointerdown") {
      this.sheet.setPointerCapture(event.pointerId);
      this.from = null;
    }
    if (!(event.buttons & 1)) return;
    const { left, top, width, height } = this.sheet.getBoundingClientRect();
    const at = Math.floor(((event.clientX - left) / width) * this.levels.length);
    this.stroke(at, this.top * (1 - (event.clientY - top) / height));
  }

  /** From where the pointer was: a fast one passes over columns. */
  stroke(at, level) {
    const [from, was] = this.from ?? [at, level];
    const far = Math.abs(at - from);
    for (let n = 1; n < far; n++) this.put(from + Math.sign(at - from) * n, was + ((level - was) * n) / far);
    this.from = [at, level];
    this.set(at, level);
  }

  press(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const [moment, level] = steps[event.key] ?? [];
    if (moment === undefined) return;
    event.preventDefault();
    const at = Math.min(Math.max(this.at + moment, 0), this.levels.length - 1);
    this.set(at, this.levels[at] + level);
  }

  /** What is drawn of one column; its place and its level, as they can be. */
  put(index, wanted) {
    const at = Math.min(Math.max(index, 0), this.levels.length - 1);
    const level = Math.min(Math.max(Math.round(wanted), 0), this.top);
    this.levels[at] = level;
    this.columns[at].setAttribute("y", `${100 - (100 * level) / this.top}%`);
    return [at, level];
  }

  set(index, wanted) {
    const [at, level] = this.put(index, wanted);
    this.at = at;
    this.field.value = this.levels.join(" ");
    this.columns.forEach((column, place) => column.toggleAttribute("data-at", place === at));
    this.sheet.setAttribute("aria-valuenow", level);
    this.sheet.setAttribute("aria-valuetext", `${(at / 10).toFixed(1)} s: ${level}`);
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

customElements.define("st-pad", Pad);
