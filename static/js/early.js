// What is pressed and typed before HTMX is there. A classic script in <head>, so that it hears from the first moment. A link and a
// form have a way of their own; a button that has none stands there already, and would do nothing. HTMX is told when it comes, once;
// what has waited too long is not done, and that is said. Whatever she does next, above all STOP, ends what waits. And STOP by a key
// is heard here alone: it needs no other script. Where stopbar.js is there it takes what is sent; else the form goes by itself.
(() => {
  const HELD_MS = 3000; // longer, and she has thought of something else
  const BUTTON = ["get", "post", "put", "delete"].map((method) => `button[type="button"][hx-${method}]`).join();
  const LATE = { text: "The page was not ready: nothing was done. Try again.", tone: "bad" };
  const TWICE_MS = 1000; // between two Escapes
  const hearing = new AbortController();
  const typed = new Map(); // field → its events
  let press = null; // of two the later one counts
  let timer;
  let escaped = -Infinity;
  let sentAt = -Infinity;

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

  // --- STOP, by keys: before anybody else hears them, and for as long as the page is there --------------------------------------

  /** Its click comes after the key that presses a button. */
  function keyed(event) {
    if (!event.repeat) forget();
    if (event.isComposing || event.keyCode === 229) return; // of an input method
    const { stopKey } = document.documentElement.dataset;
    const isOwn = Boolean(stopKey) && event.key === stopKey;
    const isEscape = event.key === "Escape";
    if (!event.repeat && (isOwn || (isEscape && isSecond(event)))) document.querySelector("#stop")?.form.requestSubmit();
    if (isOwn || (isEscape && sentAt > 0)) event.preventDefault(); // a browser that loads would break off what is on its way
  }

  function isSecond({ timeStamp }) {
    const isTwice = timeStamp - escaped <= TWICE_MS;
    escaped = isTwice ? -Infinity : timeStamp;
    return isTwice;
  }

  /** By the browser itself, where no script has taken it: once, since another one would break off the first. */
  function sent(event) {
    if (event.defaultPrevented || !event.target.matches("[data-stop]")) return;
    if (performance.now() - sentAt < HELD_MS) return event.preventDefault();
    sentAt = performance.now();
    document.querySelector("[data-stop-words]")?.replaceChildren("Stopping…");
  }

  addEventListener("keydown", keyed, true);
  addEventListener("submit", sent);
  addEventListener("pageshow", ({ persisted }) => persisted && (sentAt = -Infinity)); // she came back

  const heard = { input: touched, change: touched, click: pressed, submit: forget, stopping: forget, "htmx:after:process": ready };
  for (const [type, hear] of Object.entries(heard)) document.addEventListener(type, hear, { capture: true, signal: hearing.signal });
})();
