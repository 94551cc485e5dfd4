// The theme switch. A classic script in <head>, run before the first paint, so a page never flashes in the other theme.
// Only a choice that differs from the system's is stored; choosing the system's own theme forgets the choice.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  const stored = () => {
    try {
      const found = localStorage.getItem(KEY);
      return found === "light" || found === "dark" ? found : null;
    } catch {
      return null; // storage is blocked: follow the system
    }
  };
  const shown = () => root.dataset.theme ?? (system.matches ? "dark" : "light");

  const store = (theme) => {
    try {
      if (theme) localStorage.setItem(KEY, theme);
      else localStorage.removeItem(KEY);
    } catch {
      // the choice lasts as long as the page
    }
  };

  const label = () => {
    const other = shown() === "dark" ? "light" : "dark";
    root.dataset.shown = shown();
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const words = button.querySelector("[data-theme-words]");
      if (words) words.textContent = `Switch to the ${other} theme`;
      else button.setAttribute("aria-label", `Switch to the ${other} theme`);
      button.title = `Switch to the ${other} theme`;
    }
  };

  const apply = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    label();
  };

  const turn = () => {
    const next = shown() === "dark" ? "light" : "dark";
    const chosen = next === (system.matches ? "dark" : "light") ? null : next;
    store(chosen);
    apply(chosen);
  };

  root.classList.add("js");
  apply(stored());
  system.addEventListener("change", label);
  addEventListener("storage", (event) => event.key === KEY && apply(stored())); // another tab switched
  document.addEventListener("DOMContentLoaded", () => {
    label();
    for (const button of document.querySelectorAll("[data-theme-switch]")) button.addEventListener("click", turn);
  });
})();
