// <st-chart>: a cursor over a chart. It is a slider, so arrow keys, Home and End move it, and it reads what the table
// of the same numbers says: the drawing carries no data of its own.

class Chart extends HTMLElement {
  connectedCallback() {
    this.cursor = this.querySelector("label:has(> input)");
    if (!this.rows.length) return;
    this.cursor.hidden = false;
    this.addEventListener("input", this);
    this.addEventListener("pointermove", this);
    this.addEventListener("click", this);
    this.show(0, false);
  }

  disconnectedCallback() {
    this.removeEventListener("input", this);
    this.removeEventListener("pointermove", this);
    this.removeEventListener("click", this);
  }

  /** As they are now: a swap may have brought others. */
  get rows() {
    return [...this.querySelectorAll("tbody tr")];
  }

  get slider() {
    return this.cursor.querySelector("input");
  }

  handleEvent({ type, target, clientX }) {
    if (type === "input") return this.show(Number(target.value));
    const drawing = target.closest("svg");
    if (!drawing || drawing.closest("details")) return;
    if (this.getAttribute("kind") === "ruler") return this.pointed(type, target);
    const { left, width } = this.querySelector("svg").getBoundingClientRect();
    const share = Math.min(Math.max((clientX - left) / width, 0), 0.9999);
    this.show(Math.floor(share * this.rows.length));
  }

  /** A stretch of the ruler; a press on one where a row has a link is a press on that. */
  pointed(type, stretch) {
    const index = [...this.querySelectorAll("rect")].indexOf(stretch);
    if (index < 0) return;
    this.show(index);
    if (type === "click") this.rows[index].querySelector("a")?.click();
  }

  show(index, isMarked = true) {
    this.slider.value = index;
    const [head, ...cells] = this.rows[index].cells;
    const names = [...this.querySelectorAll("thead th")].slice(-cells.length);
    const several = cells.length > 1;
    const read = cells.map((cell, at) => (several ? `${names[at].textContent.trim()} ` : "") + cell.textContent.trim());
    const words = `${head.textContent.trim()}: ${read.join(", ")}`;
    this.slider.setAttribute("aria-valuetext", words);
    this.querySelector("output").value = words;
    if (isMarked) this.mark(index);
  }

  mark(index) {
    const drawing = this.querySelector("svg");
    if (this.getAttribute("kind") === "ruler") {
      drawing.querySelectorAll("rect").forEach((bar, at) => bar.toggleAttribute("data-at", at === index));
      return;
    }
    const bars = this.getAttribute("kind") === "bars";
    const share = bars ? (index + 0.5) / this.rows.length : index / Math.max(this.rows.length - 1, 1);
    this.line ??= drawing.appendChild(document.createElementNS(drawing.namespaceURI, "line"));
    this.line.setAttribute("class", "ui-chart__at");
    for (const [name, value] of Object.entries({ x1: share, x2: share, y1: 0, y2: 1 })) {
      this.line.setAttribute(name, `${100 * value}%`);
    }
  }
}

customElements.define("st-chart", Chart);
