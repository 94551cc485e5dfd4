// <st-range>: a slider whose number stands beside it.

class Range extends HTMLElement {
  connectedCallback() {
    this.addEventListener("input", this);
    this.handleEvent({ target: this.querySelector("input") }); // it may have been moved before this script came
  }

  disconnectedCallback() {
    this.removeEventListener("input", this);
  }

  handleEvent({ target }) {
    const unit = target.dataset.unit;
    this.querySelector("output").value = unit ? `${target.value}\u00a0${unit}` : target.value;
  }
}

customElements.define("st-range", Range);
