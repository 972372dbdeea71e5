"use strict";
(() => {
  const root = document.documentElement;
  const toggle = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => { try { return localStorage.getItem("chextransfer-theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("chextransfer-theme", theme); } catch { /* a page without storage forgets */ } };
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const show = () => {
    toggle.textContent = isDark() ? "Light" : "Dark";
    toggle.setAttribute("aria-pressed", String(isDark()));
  };
  const theme = remembered();
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();

  // Tables: a click sorts, the next one the other way. What is missing stays last.
  const compare = (a, b) => {
    const [x, y] = [a, b].map((cell) => cell.dataset.v);
    if (x !== undefined && y !== undefined) return Number(x) - Number(y);
    return a.textContent.localeCompare(b.textContent, "en", { numeric: true });
  };
  const missing = (cell) => cell.classList.contains("missing") || cell.textContent === "";
  for (const heading of document.querySelectorAll("thead th")) {
    heading.setAttribute("aria-sort", "none");
    heading.querySelector("button").addEventListener("click", () => {
      const table = heading.closest("table");
      const place = heading.cellIndex;
      const first = heading.classList.contains("n") ? "descending" : "ascending";
      const other = first === "descending" ? "ascending" : "descending";
      const order = heading.getAttribute("aria-sort") === first ? other : first;
      for (const all of table.querySelectorAll("thead th")) all.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", order);
      const body = table.tBodies[0];
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [a.cells[place], b.cells[place]];
        if (missing(x) || missing(y)) return Number(missing(x)) - Number(missing(y));
        return sign * compare(x, y);
      });
      body.append(...rows);
    });
  }

  // Figures: values beside the pointer at once, in place of the browser's late ones.
  const tip = document.getElementById("tip");
  const place = (event) => {
    const [width, height] = [tip.offsetWidth, tip.offsetHeight];
    const left = event.clientX + 14 + width > window.innerWidth ? event.clientX - 14 - width : event.clientX + 14;
    const top = event.clientY + 14 + height > window.innerHeight ? event.clientY - 14 - height : event.clientY + 14;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, top)}px`;
  };
  for (const mark of document.querySelectorAll("svg .mark")) {
    const title = mark.querySelector("title");
    const text = title.textContent;
    mark.addEventListener("pointerenter", (event) => {
      title.textContent = "";
      tip.textContent = text;
      tip.hidden = false;
      place(event);
    });
    mark.addEventListener("pointermove", place);
    mark.addEventListener("pointerleave", () => {
      title.textContent = text;
      tip.hidden = true;
    });
  }
})();
