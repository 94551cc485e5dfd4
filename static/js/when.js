// Times of the staff's pages, as `ui_when` writes them: in UTC, or by the clock of this device where whoever reads has chosen it (the
// switch in the frame); in lists how long ago, with the exact one on focus, on hover and for a screen reader. Only text changes, and
// before an answer is swapped in: what reads the same stays as it is. And where no row takes the focus, its list does.

import { age, every, serverNow } from "./clock.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const UNSEEN = "Not known"; // as adminpanel/watch/lasthour.py says it
const root = document.documentElement;

/** As a clock shows it: `date` 2026-11-30, `time` 14:03:05.123, and of which zone. */
function read(ms, isLocal) {
  const ahead = isLocal ? -new Date(ms).getTimezoneOffset() : 0;
  const [date, time] = new Date(ms + ahead * MINUTE_MS).toISOString().slice(0, -1).split("T");
  return { date, time, zone: isLocal ? offset(ahead) : "UTC" };
}

/** "+01:00": the zone of what is copied from here is told by it. */
function offset(ahead) {
  const [hours, minutes] = [Math.floor(Math.abs(ahead) / 60), Math.abs(ahead) % 60].map((each) => `${each}`.padStart(2, "0"));
  return `${ahead < 0 ? "-" : "+"}${hours}:${minutes}`;
}

function day(date) {
  const [year, month, dayOfMonth] = date.split("-").map(Number);
  return `${dayOfMonth} ${MONTHS[month - 1]} ${year}`;
}

const SHAPES = {
  exact: ({ date, time, zone }) => `${date} ${time.slice(0, 8)} ${zone}`,
  minute: ({ date, time, zone }) => `${day(date)}, ${time.slice(0, 5)} ${zone}`,
  day: ({ date }) => day(date),
  clock: ({ time, zone }) => `${time.slice(0, 8)} ${zone}`,
  fact: ({ time, zone }) => `${time} ${zone}`,
};

/** "12 s ago", "3 h ago", "yesterday 14:03", "12 Nov 14:03", "12 Nov 2025"; of what comes "in 4 min". */
function ago(ms, isLocal) {
  const now = serverNow();
  const [then, today, yesterday] = [ms, now, now - DAY_MS].map((each) => read(each, isLocal));
  const left = Math.abs(now - ms);
  if (left < HOUR_MS || (then.date === today.date && left < DAY_MS)) return ms > now + 1000 ? `in ${age(left)}` : `${age(left)} ago`;
  const time = then.time.slice(0, 5);
  if (then.date === yesterday.date) return `yesterday ${time}`;
  const [date, year] = day(then.date).split(/ (?=\d+$)/);
  return today.date.startsWith(year) ? `${date} ${time}` : `${date} ${year}`;
}

function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Every time below this element. */
function write(under) {
  const isLocal = root.dataset.times === "local";
  for (const element of under.querySelectorAll("time[data-when]")) {
    const ms = Date.parse(element.dateTime);
    const shape = SHAPES[element.dataset.when];
    say(element.querySelector(".ui-when__exact") ?? element, shape(read(ms, isLocal)));
    if ("ago" in element.dataset) reach(element);
    element.title = isLocal || element.dataset.when !== "exact" ? SHAPES.exact(read(ms, false)) : "";
  }
  for (const switched of under.querySelectorAll("[data-times-switch]")) label(switched, isLocal);
  grow(under);
}

/** What changes by itself. */
function grow(under) {
  const isLocal = root.dataset.times === "local";
  for (const element of under.querySelectorAll("time[data-ago]")) {
    say(element.querySelector(".ui-when__ago"), ago(Date.parse(element.dateTime), isLocal));
  }
  for (const light of under.querySelectorAll("[data-good-for]")) fade(light);
}

/** The exact one is seen while its row has the focus, or its whole list: once for all rows that take none. */
function reach(element) {
  const row = element.closest("tr, li, a");
  const isReached = row?.matches("a, [tabindex]") || row?.querySelector("a, button, input, summary") || row?.closest(".ui-table");
  const list = element.closest("ul, ol");
  if (!isReached && list && isNamed(list)) list.tabIndex = 0;
}

/** What takes the focus is told by its name: its own, or that of what stands above it. Without one it takes none. */
function isNamed(list) {
  if (list.matches("[aria-label], [aria-labelledby]")) return true;
  const heading = list.closest("section, dialog, [popover], main")?.querySelector("h1, h2, h3");
  if (heading) list.setAttribute("aria-label", heading.textContent.trim());
  return Boolean(heading);
}

/** A light that nobody has refreshed is not green: also on a page that fetches nothing. */
function fade(light) {
  const seen = Date.parse(light.querySelector("time").dateTime);
  const isOld = serverNow() - seen >= light.dataset.goodFor * 1000;
  light.parentElement?.toggleAttribute("data-faded", isOld); // what stands beside it was seen then, too
  if (!isOld) return;
  const badge = light.querySelector(".badge");
  badge.dataset.tone = "idle";
  say(badge, UNSEEN);
}

// --- the switch -----------------------------------------------------------------------------------------------------------

function label(switched, isLocal) {
  switched.elements.times.value = isLocal ? "utc" : "local";
  say(switched.querySelector("[data-times-words]"), isLocal ? "Times in UTC" : "Times by your clock");
}

/** At once, and kept for the next page; a page that could not say so has turned all the same. */
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-times-switch]")) return;
  event.preventDefault();
  const said = new FormData(event.target);
  fetch(event.target.action, { method: "POST", body: said }).catch(() => null);
  root.dataset.times = said.get("times");
  write(document);
});

write(document);
every(1000, () => document.hidden || grow(document));
document.addEventListener("visibilitychange", () => document.hidden || grow(document));
document.addEventListener("htmx:before:swap", ({ detail: { tasks } }) => tasks.forEach(({ fragment }) => write(fragment)));
