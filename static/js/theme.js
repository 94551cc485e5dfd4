// The theme switch. A classic script in <head>, run before the first paint, so a page never flashes in the other theme.
// What a device turns for itself is stored, and forgotten where she chooses otherwise in her preferences (`data-own-theme`), or it is turned
// back.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => root.dataset.ownTheme ?? "";
  const usual = () => chosen() || (system.matches ? "dark" : "light");

  const stored = () => {
    try {
      const [found, over = ""] = (localStorage.getItem(KEY) ?? "").split("@");
      return over === chosen() && (found === "light" || found === "dark") ? found : null;
    } catch {
      return null; // storage is blocked: follow what she chose, and the system
    }
  };
  const shown = () => root.dataset.theme || usual();

  const store = (theme) => {
    try {
      if (theme) localStorage.setItem(KEY, chosen() ? `${theme}@${chosen()}` : theme);
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

  const apply = (own) => {
    const theme = own ?? chosen();
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    label();
  };

  const turn = () => {
    const next = shown() === "dark" ? "light" : "dark";
    const own = next === usual() ? null : next;
    store(own);
    apply(own);
  };

  root.classList.add("js");
  apply(stored());
  system.addEventListener("change", label);
  new MutationObserver(() => apply(stored())).observe(root, { attributeFilter: ["data-own-theme"] });
  addEventListener("storage", (event) => event.key === KEY && apply(stored())); // another tab switched
  document.addEventListener("DOMContentLoaded", () => {
    label();
    for (const button of document.querySelectorAll("[data-theme-switch]")) button.addEventListener("click", turn);
  });
})();
