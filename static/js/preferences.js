// Preferences: what has been typed and not saved is not fetched over, a refusal takes the focus, and ways of noticing are tried.

import { say } from "./noticing.js";

const SAMPLE = "Lush: battery low";

export function arrive() {
  const form = document.querySelector("[data-preferences]");
  const summary = form.querySelector("[data-summary]");
  summary?.focus();
  document.addEventListener("htmx:before:swap", kept);
  form.addEventListener("change", asked);
  form.addEventListener("click", tried);
  return () => document.removeEventListener("htmx:before:swap", kept);
}

/** News of what another page has saved waits until this one has saved or left. */
function kept(event) {
  if (event.detail.ctx.target.id === "region-section" && isTyped()) event.preventDefault();
}

function isTyped() {
  const form = document.querySelector("[data-preferences]");
  return form && ("typed" in form.dataset || [...form.elements].some(isChanged));
}

function isChanged(field) {
  if (field.options) return [...field.options].some((one) => one.selected !== one.defaultSelected) && field.querySelector("[selected]");
  if (/checkbox|radio/.test(field.type)) return field.checked !== field.defaultChecked;
  return field.defaultValue !== undefined && field.type !== "hidden" && field.value !== field.defaultValue;
}

/** A browser asks only in the moment of a press. */
function asked({ target }) {
  if (target.name === "noticeDesktop" && target.checked) globalThis.Notification?.requestPermission();
}

function tried({ target }) {
  if (!target.closest("#try")) return;
  const ways = ["sound", "title", "desktop", "vibration"].filter((way) => document.getElementById(`notice${way[0].toUpperCase()}${way.slice(1)}`).checked);
  say(SAMPLE, ways);
}
