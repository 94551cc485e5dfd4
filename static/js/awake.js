// On air the screen stays on: a computer that sleeps plays nothing. A browser takes that back whenever its page is hidden, so it is
// asked again on return; where it refuses, the Live page says what she can do (`data-sleeps`).

let lock = null;
let isAsking = false;

const isOnAir = () => document.querySelector(".strip__air[data-on]") !== null;

async function keepAwake() {
  if (isAsking || document.hidden) return;
  isAsking = true;
  if (!isOnAir()) await lock?.release();
  else if (!lock || lock.released) lock = await navigator.wakeLock?.request("screen").catch(() => null);
  isAsking = false;
  for (const each of document.querySelectorAll("[data-sleeps]")) each.hidden = !isOnAir() || Boolean(lock);
}

document.addEventListener("visibilitychange", keepAwake);
document.addEventListener("htmx:after:swap", keepAwake);
keepAwake();
