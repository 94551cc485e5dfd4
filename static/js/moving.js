// Rows that have another place after a swap go there: one that jumps away under a finger is another one when it comes down.

import { isRegion } from "./regions.js";

const MOVE_MS = 180;
const MOVED = "moved";
const still = matchMedia("(prefers-reduced-motion: reduce)");
const places = new Map(); // region -> how far down each of its rows is drawn

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (event.defaultPrevented || !isRegion(ctx.target) || still.matches) return;
  places.set(ctx.target.id, new Map(rows(ctx.target).map((row) => [row.id, top(row)])));
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const before = places.get(ctx.target?.id);
  if (!before) return;
  places.delete(ctx.target.id);
  const known = rows(ctx.target).filter(({ id }) => before.has(id));
  for (const row of known) for (const move of row.getAnimations()) if (move.id === MOVED) move.cancel();
  const ways = known.map((row) => before.get(row.id) - top(row)); // read at once, then written
  known.forEach((row, place) => Math.abs(ways[place]) >= 1 && move(row, ways[place]));
});

function rows(region) {
  return [...region.querySelectorAll("li[id]")];
}

function top(row) {
  return row.getBoundingClientRect().top;
}

/** From where it was drawn to where it stands. */
function move(row, way) {
  row.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { id: MOVED, duration: MOVE_MS, easing: "ease-out" });
}
