// What the program sees in a page that is not its own: when she pressed STOP, and when the virtual device was still. In
// milliseconds since the epoch, so that two browsers of one machine can be held beside each other.
(() => {
  const SPACE_MS = 700; // held for so long it is a press
  const MOVES = "[data-meter] > [data-on]";
  const eyes = { pressed: 0, silent: 0, sockets: 0 };
  const epoch = (at) => performance.timeOrigin + at;
  const press = (at) => (eyes.pressed = epoch(at));

  addEventListener("click", (event) => event.target.closest?.("[data-stop]") && press(event.timeStamp), true);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") press(event.timeStamp); // of two the later
    if (event.key === " " && !event.repeat) press(event.timeStamp + SPACE_MS);
  }, true);
  const looks = { subtree: true, attributes: true, attributeFilter: ["data-on"] };
  new MutationObserver((seen) => {
    if (!seen.some(({ target }) => target.parentElement?.matches("[data-meter]"))) return;
    eyes.silent = eyes.isMoving() ? 0 : epoch(performance.now());
  }).observe(document, looks);

  eyes.isMoving = () => document.querySelector(MOVES) !== null;
  /** When it is so, in milliseconds since the epoch; 0: it was not in time. */
  eyes.until = async (holds, patience) => {
    const end = performance.now() + patience;
    while (performance.now() < end) {
      if (holds()) return epoch(performance.now());
      await new Promise((done) => setTimeout(done, 4));
    }
    return 0;
  };

  // --- STOP as a finger finds it: at its centre and its corners, wherever the page is scrolled to ---------------------------
  const bar = () => {
    const over = document.querySelector("dialog:popover-open [data-stop] button");
    return over ?? [...document.querySelectorAll("[data-stop] button")].find((one) => one.checkVisibility());
  };
  const places = ({ left, top, right, bottom, width, height }) => {
    const round = Math.min(12, width / 4, height / 4); // what its corners leave out
    const [across, down] = [[left + round, right - round], [top + round, bottom - round]];
    return [[(left + right) / 2, (top + bottom) / 2], ...across.flatMap((x) => down.map((y) => [x, y]))];
  };
  const covered = (stop) =>
    places(stop.getBoundingClientRect())
      .map(([x, y]) => document.elementFromPoint(x, y))
      .filter((found) => !found?.closest("[data-stop]"))
      .map((found) => `at ${Math.round(scrollY)}: ${found?.outerHTML.slice(0, 80)}`);
  eyes.covered = async () => {
    const faults = covered(bar()); // where it is now: what is open may close when the page is scrolled
    let looks = 5;
    for (let y = 0; ; y += innerHeight / 2) {
      scrollTo({ top: y, behavior: "instant" });
      await new Promise((done) => requestAnimationFrame(done));
      faults.push(...covered(bar()));
      looks += 5;
      if (y >= document.documentElement.scrollHeight - innerHeight) break;
    }
    scrollTo({ top: 0, behavior: "instant" });
    const { width, height } = bar().getBoundingClientRect();
    if (height < 64 || (innerWidth > 400 && width < 360)) faults.push(`${width} by ${height}`);
    return { looks, faults };
  };

  // --- what has the focus: whether it is seen that it has it, and where -------------------------------------------------------
  const isOutlined = (one) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || boxShadow !== "none";
  };
  const isSeen = (one) => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    const [x, y] = [(Math.max(0, left) + Math.min(innerWidth, right)) / 2, (Math.max(0, top) + Math.min(innerHeight, bottom)) / 2];
    const found = document.elementFromPoint(x, y);
    return found !== null && (one.contains(found) || found.contains(one) || one.closest("label")?.contains(found));
  };
  const name = (one) => (one.id ? `#${one.id}` : one.outerHTML.slice(0, 90));
  eyes.focused = () => {
    const one = document.activeElement;
    if (!one || one === document.body) return { name: "", fault: "" };
    const shows = [one, one.nextElementSibling, one.closest("label")].filter(Boolean);
    const fault = !shows.some(isOutlined) ? "not seen to have the focus" : isSeen(one) ? "" : "out of sight or covered";
    return { name: name(one), fault: fault && `${location.pathname} ${name(one)}: ${fault}` };
  };
  /** Whether a thumb that comes down 20 pixels beside its middle still hits it, or its label. */
  eyes.isThumbs = (one) => {
    const { left, right, top, bottom } = one.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const hits = (found) => found && (one.contains(found) || found.closest("label")?.contains(one));
    const sides = [[0, 0], [20, 0], [-20, 0], [0, 20], [0, -20]];
    return sides.every(([dx, dy]) => hits(document.elementFromPoint(x + dx, y + dy)));
  };

  // sockets that this document opens
  globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      eyes.sockets++;
    }
  };
  globalThis.eyes = eyes;
})();
