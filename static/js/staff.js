// What every page of the staff's runs: its times, and / or Ctrl/⌘ K, which goes to Find from anywhere but a field.
// The script that a page names brings it, or it is that script.

import "./when.js";

const find = document.getElementById("find");

addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  const asks = event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
  const calls = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
  if (!asks && !calls) return;
  event.preventDefault();
  find.focus();
  find.select();
});
