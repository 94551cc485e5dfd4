// <st-copy value="…">: its button puts the value into the clipboard, and says so.

class Copy extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this);
  }

  async handleEvent({ target }) {
    if (!target.closest("button")) return;
    const said = this.querySelector("[role=status]");
    try {
      await navigator.clipboard.writeText(this.getAttribute("value"));
      said.textContent = "Copied";
    } catch {
      this.querySelector("code").focus(); // shown whole then, to be copied by hand
      said.textContent = "Not copied: the browser does not allow it. Select it instead.";
    }
  }
}

customElements.define("st-copy", Copy);
