// Runs before the first paint, so that a chosen theme does not flash.
// Without a choice the page follows the system; the button stores a choice.
"use strict";
(() => {
  const read = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const chosen = read();
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
