// <st-level toy="…">: the level that a device is told now, from the levels of the run that the stage shows (lovense/page/livestage.py).
// Of each share: its toys (none named: all of them), how long a bar lasts, and the bars; `late`: by device, ms later than the run.

import { every, serverNow } from "../clock.js";

const FRAME_MS = 100;

class Level extends HTMLElement {
  connectedCallback() {
    this.cancel = every(FRAME_MS, () => this.show());
    this.show();
  }

  disconnectedCallback() {
    this.cancel();
  }

  show() {
    const level = levelOf(this.getAttribute("toy"));
    const svg = this.firstElementChild;
    if (svg.querySelectorAll("[data-on]").length === level) return;
    [...svg.children].forEach((step, place) => step.toggleAttribute("data-on", place < level));
    svg.setAttribute("aria-label", `Level: ${level} of ${svg.children.length}`);
  }
}

/** 0: nothing plays on it. */
function levelOf(toy) {
  const run = document.querySelector("[data-levels]");
  if (!run) return 0;
  const { shares, late, silent } = JSON.parse(run.dataset.levels);
  const share = silent.includes(toy) ? null : shares.find(({ toys }) => !toys.length || toys.includes(toy));
  const ms = serverNow() - Number(run.dataset.began) - (late[toy] ?? 0);
  return share && ms >= 0 ? (share.bars[Math.floor(ms / share.step)] ?? 0) : 0;
}

customElements.define("st-level", Level);
