// Regions that fetch themselves again: an answer equal to the one shown is not swapped in, so nothing moves or is read twice;
// one that could not be fetched says that it is out of date; and a swap does not throw away where a person was.

const fetched = new Map(); // region -> the HTML it shows
const held = new Map(); // region -> what was focused in it before the swap

// An event of an element that has left the page comes to the document alone.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  const { target } = ctx;
  if (!isRegion(target)) return;
  if (!mayShow(target, ctx)) return event.preventDefault();
  held.set(target.id, focused(target));
  for (const { id } of target.querySelectorAll("details[open][id]")) unfold(tasks, id);
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (isRegion(ctx.target) && !document.querySelector("dialog[open]")) refocus(ctx.target, held.get(ctx.target.id));
});
for (const failure of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(failure, ({ detail: { ctx } }) => isRegion(ctx?.target) && (ctx.target.dataset.stale = ""));
}

/** Whether the answer is swapped in. While a button waits for its own, nothing is: then the region is fetched again. */
function mayShow(region, { response, text }) {
  if (response.status !== 200 || region.querySelector(".htmx-request")) return false;
  delete region.dataset.stale;
  const isNew = fetched.get(region.id) !== text;
  fetched.set(region.id, text);
  return isNew;
}

/** What a person has opened is open in what comes. */
function unfold(tasks, id) {
  for (const { fragment } of tasks) fragment.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
}

/** What fetches itself; a button's answer goes elsewhere. */
export function isRegion(element) {
  return element instanceof Element && element.id.startsWith("region-");
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

/** What is still there has kept the focus, its text and its caret. Where it is gone, the next of its kind is the nearest. */
function refocus(region, was) {
  if (!was || region.contains(document.activeElement)) return;
  const able = alike(region, was.kind).filter((element) => !element.disabled);
  const next = able[Math.min(was.place, able.length - 1)] ?? region.querySelector("[data-focus-last]");
  next?.focus({ preventScroll: true });
}
