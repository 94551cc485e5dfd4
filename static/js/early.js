// What is pressed and typed before HTMX is there. A classic script in <head>, so that it hears from the first moment. A link and a
// form have a way of their own; a button that has none stands there already, and would do nothing. HTMX is told when it comes, once;
// what has waited too long is not done, and that is said.
(() => {
  const HELD_MS = 3000; // longer, and she has thought of something else
  const BUTTON = ["get", "post", "put", "delete"].map((method) => `button[type="button"][hx-${method}]`).join();
  const LATE = { text: "The page was not ready: nothing was done. Try again.", tone: "bad" };
  const hearing = new AbortController();
  const typed = new Map(); // field → its events
  let press = null; // of two the later one counts

  function touched({ type, target }) {
    typed.set(target, (typed.get(target) ?? new Set()).add(type));
  }

  function pressed(event) {
    const button = event.target.closest(BUTTON);
    if (!button) return;
    event.stopImmediatePropagation(); // whoever else hears it hears it with HTMX
    press = { button, at: performance.now() };
  }

  function ready() {
    hearing.abort();
    for (const [field, types] of typed) {
      for (const type of types) field.dispatchEvent(new Event(type, { bubbles: true }));
    }
    if (!press) return;
    if (performance.now() - press.at < HELD_MS) press.button.click();
    else document.dispatchEvent(new CustomEvent("said", { detail: LATE }));
  }

  const heard = { input: touched, change: touched, click: pressed, "htmx:after:process": ready };
  for (const [type, hear] of Object.entries(heard)) document.addEventListener(type, hear, { capture: true, signal: hearing.signal });
})();
