// The panel of the live page that says what its toys do: words, a count, a meter, and the switch.

const panel = document.querySelector("[data-virtual]");
const bars = [...(panel?.querySelectorAll("[data-meter] > span") ?? [])];

export { panel };
export const lever = panel?.querySelector("[data-virtual-switch]");

export function say(words, count = "") {
  panel.querySelector("[data-virtual-words]").textContent = words;
  panel.querySelector("[data-virtual-count]").textContent = count;
}

export function meter(level) {
  bars.forEach((bar, index) => bar.toggleAttribute("data-on", index < level));
}

/** Something of the panel that is shown at times. */
export function show(name, isShown) {
  const element = panel.querySelector(`[data-${name}]`);
  if (element) element.hidden = !isShown;
}
