// <st-dialog>: a dialog that is not modal, so that STOP works in it. It fills the window; Tab goes round within it, and
// Escape, or what closes it, gives the focus back to what opened it, as the browser does for every popover.

const STOPS = "a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex='0']";

class Dialog extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.dialog?.addEventListener("toggle", this);
    this.addEventListener("keydown", this);
  }

  disconnectedCallback() {
    this.dialog?.removeEventListener("toggle", this);
    this.removeEventListener("keydown", this);
  }

  handleEvent(event) {
    if (event.type === "toggle") {
      if (event.newState === "open" && !this.dialog.contains(document.activeElement)) this.stops()[0]?.focus();
    } else if (event.key === "Tab") {
      this.turn(event);
    }
  }

  stops() {
    return [...this.dialog.querySelectorAll(STOPS)].filter((each) => each.checkVisibility());
  }

  turn(event) {
    const stops = this.stops();
    const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (document.activeElement !== from) return;
    event.preventDefault();
    to.focus();
  }
}

customElements.define("st-dialog", Dialog);
