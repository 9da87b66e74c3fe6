// Small pictures of numbers: a gauge, bars along time, bars beside names.

import { h, svg } from "../dom.js";
import { count, date, plain } from "../words.js";

const WEEK_MS = 7 * 24 * 3600 * 1000;
const ARC = Math.PI * 40;

// A half circle that is filled as far as a share from 0 to 1 goes.
export function gauge(share, label, digits = 0) {
  const hundredths = String(Number((100 * share).toFixed(digits)));
  const arc = "M10 50a40 40 0 0 1 80 0";
  const filled = svg("path", { d: arc, class: "gauge-filled", "stroke-dasharray": `${share * ARC} ${ARC}` });
  return h(
    "figure",
    { class: "gauge" },
    svg(
      "svg",
      { viewBox: "0 0 100 58", role: "img", "aria-label": `${label}: ${hundredths} of 100` },
      svg("path", { d: arc, class: "gauge-track" }),
      filled,
      svg("text", { x: 50, y: 50, "text-anchor": "middle" }, hundredths),
    ),
    h("figcaption", {}, label),
  );
}

// How many baskets each week had, from the first to the last.
export function weeks(moments) {
  const at = moments.map((each) => Date.parse(each)).sort((a, b) => a - b);
  const all = Math.floor((at.at(-1) - at[0]) / WEEK_MS) + 1;
  const last = Math.min(all, 104);
  const from = at.at(-1) - last * WEEK_MS;
  const counts = new Array(last).fill(0);
  for (const each of at) {
    const week = Math.ceil((each - from) / WEEK_MS) - 1;
    if (week >= 0) counts[week] += 1;
  }
  const most = Math.max(...counts);
  const label = `Baskets of each week from ${date(from)} to ${date(at.at(-1))}; at most ${most} in a week`;
  const bars = counts.map((n, week) =>
    svg("rect", { x: week * 10 + 1, width: 8, y: 60 - (56 * n) / most, height: Math.max((56 * n) / most, 0.8), rx: 1.5, class: n ? "bar" : "bar none" }, svg("title", {}, `Week of ${date(from + week * WEEK_MS)}: ${count(n, "basket")}`)),
  );
  return h(
    "figure",
    { class: "weeks" },
    svg("svg", { viewBox: `0 0 ${Math.max(last, 20) * 10} 62`, preserveAspectRatio: "none", role: "img", "aria-label": label }, bars),
    h("figcaption", { class: "soft small" }, h("span", {}, date(from)), h("span", {}, "Baskets a week"), h("span", {}, date(at.at(-1)))),
  );
}

// Names with a bar each, as long as its count.
export function ranked(entries, shown = plain) {
  const most = Math.max(...entries.map(([, n]) => n)) || 1;
  return h(
    "ul",
    { class: "ranked" },
    entries.map(([name, n]) => {
      const bar = h("span", { class: "ranked-bar", "aria-hidden": "true" });
      bar.style.inlineSize = `${(100 * n) / most}%`;
      return h("li", {}, h("span", {}, name), h("span", { class: "soft number" }, shown(n)), bar);
    }),
  );
}

// Lines along time, the latest at the right: each has a class and its points, null where unknown.
export function timeline(label, lines, room) {
  const most = Math.max(...lines.flatMap(([, points]) => points), 0) || 1;
  const drawn = lines.map(([name, points]) => {
    const begun = room - points.length;
    const places = points.flatMap((y, x) => (y === null ? [] : `${x + begun},${(58 - (54 * y) / most).toFixed(1)}`));
    if (!places.length) return null;
    const d = name === "area" ? `M${places[0].split(",")[0]},60L${places.join("L")}V60z` : `M${places.join("L")}h.01`;
    return svg("path", { class: name, d });
  });
  return svg("svg", { class: "timeline", viewBox: `0 0 ${room - 1} 60`, preserveAspectRatio: "none", role: "img", "aria-label": label }, drawn);
}
