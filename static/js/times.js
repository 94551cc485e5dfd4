// Times in the reader's own clock: `data-clock` a time of day ("minutes": without seconds), `data-age` how long ago, `data-starts` how long until, `data-lasts` for how long.

import { age, every, serverNow } from "./clock.js";

const TO_THE_MINUTE = { hour: "2-digit", minute: "2-digit" };
const TO_THE_SECOND = { second: "2-digit" };

/** In the zone that she has chosen, else the device's; and by her clock. */
function own(parts) {
  const { zone, clock } = document.documentElement.dataset;
  return { ...parts, timeZone: zone || undefined, hourCycle: clock === "12" ? "h12" : "h23" };
}

export function clockTime(at, parts) {
  return at.toLocaleTimeString(undefined, own({ ...TO_THE_MINUTE, ...parts }));
}

/** Writes every time below this element. */
export function times(root) {
  for (const element of root.querySelectorAll("time[data-clock]")) {
    const at = new Date(element.dateTime);
    element.textContent = clockTime(at, element.dataset.clock === "minutes" ? {} : TO_THE_SECOND);
    element.title = at.toLocaleString(undefined, own());
  }
  ages(root);
}

function ages(root) {
  for (const element of root.querySelectorAll("time[data-age]")) {
    element.textContent = `${age(serverNow() - Date.parse(element.dateTime))} ago`;
  }
  for (const element of root.querySelectorAll("time[data-lasts]")) {
    const ms = Math.max(0, serverNow() - Date.parse(element.dateTime));
    element.textContent = new Date(ms).toISOString().slice(11, 19);
  }
  for (const element of root.querySelectorAll("time[data-starts]")) {
    element.textContent = until(Date.parse(element.dateTime) - serverNow());
    element.title = new Date(element.dateTime).toLocaleString(undefined, own());
  }
}

/** "now", "in 8 s", "in 4 min", "in 2 h 5 min": foreseen, so the further away the rounder. */
function until(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) return "now";
  if (seconds < 100) return `in ${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `in ${minutes} min` : `in ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

times(document);
every(1000, () => ages(document));
// Before it is swapped in: what reads the same stays as it is.
document.addEventListener("htmx:before:swap", ({ detail: { tasks } }) => tasks.forEach(({ fragment }) => times(fragment)));
