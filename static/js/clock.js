// Time in the page: timers that keep their word while the page is hidden, and the server's clock.

const ticker = new Worker(new URL("./ticker.js", import.meta.url));
const waiting = new Map();
let last = 0;

ticker.onmessage = ({ data: id }) => {
  const call = waiting.get(id);
  waiting.delete(id);
  call?.();
};

/** Calls back once after `ms`. Returns a function that cancels. */
export function after(ms, call) {
  const id = ++last;
  waiting.set(id, call);
  ticker.postMessage({ id, ms });
  return () => waiting.delete(id);
}

/** Calls back every `ms` until the returned function is called. */
export function every(ms, call) {
  let cancel = () => {};
  const again = () => {
    cancel = after(ms, again);
    call();
  };
  cancel = after(ms, again);
  return () => cancel();
}

// The page carries the moment, in seconds, at which the server wrote it; it reached us when the response began.
const [navigation] = performance.getEntriesByType("navigation");
const arrived = performance.timeOrigin + (navigation?.responseStart ?? 0);
const written = Number(document.body.dataset.now) * 1000;
const ahead = written ? written - arrived : 0;

/** The server's time in milliseconds, as well as this page can know it. */
export function serverNow() {
  return performance.timeOrigin + performance.now() + ahead;
}

/** "4 s", "3 min", "2 h", "5 d": how long ago, in the largest whole unit. */
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}
