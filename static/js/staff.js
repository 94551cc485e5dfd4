// The keys of every page of the staff's: / or Ctrl/⌘ K goes to Find, from anywhere but a field.

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
