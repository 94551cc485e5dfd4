// <st-wave starts="…" ends="…">: the playhead over the levels of a run. Without the two it stands still.

import { serverNow } from "../clock.js";

class Wave extends HTMLElement {
  connectedCallback() {
    this.starts = Date.parse(this.getAttribute("starts"));
    this.ends = Date.parse(this.getAttribute("ends"));
    if (this.ends > this.starts) this.move();
  }

  disconnectedCallback() {
    cancelAnimationFrame(this.frame);
  }

  move() {
    const share = (serverNow() - this.starts) / (this.ends - this.starts);
    this.show(Math.min(Math.max(share, 0), 1));
    if (share < 1) this.frame = requestAnimationFrame(() => this.move());
  }

  show(share) {
    const place = `${(100 * share).toFixed(2)}%`;
    this.querySelector("[class$=played]")?.setAttribute("width", place);
    const head = this.querySelector("[class$=head]");
    head?.setAttribute("x1", place);
    head?.setAttribute("x2", place);
  }
}

customElements.define("st-wave", Wave);
