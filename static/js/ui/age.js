// <st-age>: how long ago, in the largest whole unit; the exact moment is its title.

import { age, every, serverNow } from "../clock.js";

class Age extends HTMLElement {
  connectedCallback() {
    this.cancel = every(1000, () => this.write());
    this.write();
  }

  disconnectedCallback() {
    this.cancel();
  }

  write() {
    const time = this.querySelector("time");
    if (time) time.textContent = `${age(serverNow() - Date.parse(time.dateTime))} ago`;
  }
}

customElements.define("st-age", Age);
