// The pages of devices. The server's HTML is the state; here is what a pairing needs of a page: how long its code is valid, and a
// word for those who do not look; and that a test's end is seen.

import { every, serverNow } from "./clock.js";

const SLACK_MS = 300;

/** From now on, until what is returned is called. */
export function arrive() {
  const page = new DevicesPage();
  const listening = new AbortController();
  const { signal } = listening;
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => page.swapped(ctx.target), { signal });
  document.body.addEventListener("news-queue", tested, { signal });
  const cancel = every(1000, () => page.countdown());
  page.countdown();
  return () => {
    cancel();
    listening.abort();
  };
}

/** A test that waits or plays goes on in the queue: what is news there is news here. */
function tested() {
  if (document.querySelector("[data-testing]")) document.body.dispatchEvent(new CustomEvent("news-devices"));
}

class DevicesPage {
  #region = document.querySelector("#region-pairing");
  #error = document.querySelector("#pairing-error");
  #told = this.#walk?.dataset.says; // how it stood when the page came is no news
  #tests = this.#testing;

  get #walk() {
    return this.#region?.querySelector(".walk");
  }

  get #testing() {
    return [...document.querySelectorAll("[data-test]")].map((element) => element.textContent).join(" ");
  }

  swapped(target) {
    if (target.id?.startsWith("region-")) this.#tested();
    if (!this.#region) return;
    if (target === this.#error) this.#show();
    if (target !== this.#region) return;
    this.countdown();
    this.#moved();
  }

  /** Fetches the region a moment after its code has expired: the two clocks are not quite one. */
  countdown() {
    const element = this.#region?.querySelector("time[data-expires]");
    if (!element || "over" in element.dataset) return;
    const left = Date.parse(element.dateTime) - serverNow();
    const seconds = Math.max(0, Math.round(left / 1000));
    element.textContent = `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
    if (left > -SLACK_MS) return;
    element.dataset.over = "";
    document.body.dispatchEvent(new CustomEvent("news-devices"));
  }

  /** What came between is said for as long as the pairing stands where it stood then. */
  #moved() {
    const { step, says } = this.#walk.dataset;
    const notice = this.#error.querySelector("[data-while]");
    if (notice && notice.dataset.while !== step) notice.remove();
    if (says !== this.#told) document.querySelector("[data-said]").textContent = says;
    this.#told = says;
  }

  /** How far a test is, for those who do not look. */
  #tested() {
    const now = this.#testing;
    if (now && now !== this.#tests) document.querySelector("[data-said]").textContent = now;
    this.#tests = now;
  }

  /** "Pair again" stands far from where the code is shown, on a narrow screen. */
  #show() {
    const section = this.#region.closest("section");
    const { top } = section.getBoundingClientRect();
    if (top < 0 || top > innerHeight) section.scrollIntoView();
  }
}
