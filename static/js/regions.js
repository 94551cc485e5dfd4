// Regions that fetch themselves again: an answer equal to the one shown is not swapped in, so nothing moves or is read twice;
// one that could not be fetched says that it is out of date; and a swap does not throw away where a person was.

const fetched = new Map(); // region -> the HTML it shows
const held = new Map(); // region -> what was focused in it before the swap
const unfolded = new Map(); // region -> the ids of what was unfolded in it

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { target, serverResponse, xhr } = event.detail;
  if (xhr.status !== 200 || !isRegion(target)) return;
  if (target.querySelector(".htmx-request")) {
    event.detail.shouldSwap = false; // a button waits for its answer; then the region is fetched again
    return;
  }
  if (fetched.get(target.id) === serverResponse) event.detail.shouldSwap = false;
  fetched.set(target.id, serverResponse);
  held.set(target.id, focused(target));
  unfolded.set(target.id, [...target.querySelectorAll("details[open][id]")].map(({ id }) => id));
  delete target.dataset.stale;
});
document.body.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  for (const id of (isRegion(target) && unfolded.get(target.id)) || []) document.getElementById(id)?.setAttribute("open", "");
  if (isRegion(target) && !document.querySelector("dialog[open]")) refocus(target, held.get(target.id));
});
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.body.addEventListener(failure, ({ detail: { target } }) => isRegion(target) && (target.dataset.stale = ""));
}

/** What fetches itself; a button's answer goes elsewhere. */
export function isRegion(element) {
  return element.id.startsWith("region-");
}

/** The focused button by what it does and its place among its like: another one may have its place after the swap. */
function focused(region) {
  const element = document.activeElement;
  const kind = region.contains(element) ? element.dataset.focus : undefined;
  return kind ? { kind, place: alike(region, kind).indexOf(element) } : null;
}

function alike(region, kind) {
  return [...region.querySelectorAll(`[data-focus="${kind}"]`)];
}

/** HTMX has given the focus back to the element of the same id. Where there is none, the next of its kind is the nearest. */
function refocus(region, was) {
  if (!was || region.contains(document.activeElement)) return;
  const able = alike(region, was.kind).filter((element) => !element.disabled);
  const next = able[Math.min(was.place, able.length - 1)] ?? region.querySelector("[data-focus-last]");
  next?.focus({ preventScroll: true });
}
