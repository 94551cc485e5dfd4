// A pattern in its three views: the pad, the text, and what it plays. The text is the pattern; what is drawn becomes text at the
// server, and what is typed is drawn by it. Of two views the one that was not touched follows.

import * as recorder from "./recorder.js";
import "./ui/pad.js";

const MOST = 300; // columns

export function arrive() {
  const leave = recorder.arrive();
  document.addEventListener("htmx:after:swap", answered);
  document.addEventListener("click", lengthened);
  document.addEventListener("change", capped);
  capped();
  return () => {
    leave();
    document.removeEventListener("htmx:after:swap", answered);
    document.removeEventListener("click", lengthened);
    document.removeEventListener("change", capped);
  };
}

function answered({ detail: { ctx } }) {
  const said = ctx.target.id === "drawn" && ctx.target.querySelector("data");
  if (!said) return;
  const view = document.querySelector("[data-pad-view]");
  if (view.contains(ctx.sourceElement)) {
    document.querySelector("#text").value = said.textContent;
    return;
  }
  const { levels, why } = said.dataset;
  view.hidden = why !== "";
  document.querySelector("[data-pad-why]").textContent = why;
  if (levels) view.querySelector("st-pad").load(levels.split(" ").map(Number));
}

function lengthened({ target }) {
  const button = target.closest("[data-pad-length]");
  if (!button) return;
  const pad = document.querySelector("[data-pad-view] st-pad");
  const length = Math.min(MOST, Math.max(10, pad.levels.length + Number(button.dataset.padLength)));
  pad.load(Array.from({ length }, (_, place) => pad.levels[place] ?? 0));
  pad.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Of the device on which it is tested. */
function capped() {
  const level = document.querySelector("#deviceId")?.selectedOptions[0]?.dataset.cap;
  if (level) document.querySelector("[data-pad-view] st-pad")?.cap(Number(level));
}
