// Figures and tables. A cell is a text, a number, or a list of elements.

import { h } from "../dom.js";

export function figures(entries) {
  return h("dl", { class: "figures" }, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

const numeric = (value) => /^[-−+]?[\d.,]+( ms)?$/.test(String(value));

// A row may have a class.
export function table(caption, heads, rows, kind = () => null) {
  const right = heads.map((_, column) => rows.length > 0 && rows.every((row) => numeric(row[column]) || row[column] === "–"));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map((head, at) => h("th", { scope: "col", class: right[at] ? "number" : null }, head)))),
      h("tbody", {}, rows.map((row, at) => h("tr", { class: kind(at) }, row.map((cell, column) => h("td", { class: right[column] ? "number" : null }, Array.isArray(cell) ? cell : String(cell)))))),
    ),
  );
}
