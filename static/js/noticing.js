// What is to be mended, said to who looks elsewhere, in the ways that she has chosen: two soft tones, the title of the tab, a
// notification, a vibration. The strip is the list: what it calls the worst is what is said.

const root = document.documentElement;
const NAME = "Settled Tips";
const TONES = [[660, 0], [880, 0.22]]; // hertz, and after how many seconds
const TONE_SECONDS = 0.4;
const LOUDNESS = 0.08;
const BUZZ_MS = [120, 80, 120];
const WAYS = { sound: play, title: mark, desktop: notify, vibration: () => navigator.vibrate?.(BUZZ_MS) };
let known = worst();
let marked = "";

/** The strip has come anew. */
export function look() {
  const now = worst();
  const isNew = now && now !== known;
  known = now;
  if (!now) unmark();
  if (isNew && !document.hasFocus()) say(now, root.dataset.noticing?.split(" ") ?? []);
}

/** Once, in these ways. */
export function say(words, ways) {
  for (const way of ways) WAYS[way]?.(words);
}

function worst() {
  return document.querySelector(".strip__worst")?.textContent.trim() ?? "";
}

function play() {
  const audio = new AudioContext();
  for (const [hertz, after] of TONES) tone(audio, hertz, audio.currentTime + after);
  setTimeout(() => audio.close(), 2000);
}

function tone(audio, hertz, at) {
  const [source, volume] = [audio.createOscillator(), audio.createGain()];
  source.frequency.value = hertz;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(LOUDNESS, at + 0.03);
  volume.gain.exponentialRampToValueAtTime(0.001, at + TONE_SECONDS);
  source.connect(volume).connect(audio.destination);
  source.start(at);
  source.stop(at + TONE_SECONDS);
}

function mark(words) {
  unmark();
  marked = `⚠ ${words} · `;
  document.title = marked + document.title;
}

function unmark() {
  if (marked && document.title.startsWith(marked)) document.title = document.title.slice(marked.length);
  marked = "";
}

function notify(words) {
  if (globalThis.Notification?.permission !== "granted") return;
  try {
    new Notification(NAME, { body: words, tag: "mend" });
  } catch {
    // a phone's browser wants a service worker for it: the other ways are heard
  }
}

addEventListener("focus", unmark);
