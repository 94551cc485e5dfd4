// What is pressed and typed before HTMX is there. A classic script in <head>, so that it hears from the first moment. A link and a
// form have a way of their own; a button that has none stands there already, and would do nothing. HTMX is told when it comes, once;
// what has waited too long is not done, and that is said. Whatever she does next, above all STOP, ends what waits.
(() => {
  const HELD_MS = 3000; // longer, and she has thought of something else
  const BUTTON = ["get", "post", "put", "delete"].map((method) => `button[type="button"][hx-${method}]`).join();
  const LATE = { text: "The page was not ready: nothing was done. Try again.", tone: "bad" };
  const hearing = new AbortController();
  const typed = new Map(); // field → its events
  let press = null; // of two the later one counts
  let timer;

  function touched({ type, target }) {
    typed.set(target, (typed.get(target) ?? new Set()).add(type));
  }

  function pressed(event) {
    forget();
    const button = event.target.closest(BUTTON);
    if (!button) return;
    event.stopImmediatePropagation(); // whoever else hears it hears it with HTMX
    press = { button, at: performance.now() };
    timer = setTimeout(tooLate, HELD_MS);
  }

  function forget() {
    clearTimeout(timer);
    press = null;
  }

  function tooLate() {
    forget();
    const told = document.querySelector("[data-told]");
    if (told) Object.assign(told, { textContent: LATE.text }).dataset.tone = LATE.tone; // the scripts may not be there either
    document.dispatchEvent(new CustomEvent("said", { detail: LATE }));
  }

  function ready() {
    hearing.abort();
    for (const [field, types] of typed) {
      for (const type of types) if (isListening(field, type)) field.dispatchEvent(new Event(type, { bubbles: true }));
    }
    if (!press) return;
    const { button, at } = press;
    if (performance.now() - at >= HELD_MS) return tooLate();
    forget();
    button.click();
  }

  /** Whether HTMX would have heard it: another script has, and what it did is not done twice. */
  function isListening(field, type) {
    if (type === "change" && field.matches("[hx-get], [hx-post]") && !field.hasAttribute("hx-trigger")) return true;
    return [...document.querySelectorAll("[hx-trigger]")].some((element) => {
      const triggers = element.getAttribute("hx-trigger").split(",").map((each) => each.trim().split(/\s+/));
      return triggers.some(([name, ...more]) => {
        const from = more.find((each) => each.startsWith("from:"))?.slice("from:".length);
        return name === type && (from ? field.closest(from) : element.contains(field));
      });
    });
  }

  const heard = { input: touched, change: touched, click: pressed, submit: forget, stopping: forget, "htmx:after:process": ready };
  for (const [type, hear] of Object.entries(heard)) document.addEventListener(type, hear, { capture: true, signal: hearing.signal });
})();
