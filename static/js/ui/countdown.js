// <st-countdown ends="…">: whole seconds until what plays ends, and then nothing more.

import { every, serverNow } from "../clock.js";

class Countdown extends HTMLElement {
  connectedCallback() {
    this.cancel = every(250, () => this.write());
    this.write();
  }

  disconnectedCallback() {
    this.cancel();
  }

  write() {
    const left = Math.max(0, Math.ceil((Date.parse(this.getAttribute("ends")) - serverNow()) / 1000));
    const shown = this.querySelector("[role=timer]");
    if (shown && shown.textContent !== `${left}`) shown.textContent = left;
    if (left === 0) this.cancel();
  }
}

customElements.define("st-countdown", Countdown);
