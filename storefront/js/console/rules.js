// A rules file tried on a request, and on recent ones. Nothing here puts rules in force.

import { post, Problem } from "../api.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { categories } from "../pages/aisles.js";
import { count, plain } from "../words.js";
import { asked, requestFields } from "./bench.js";
import { table } from "./tables.js";

const example = (category) => `rules:\n- {name: more of it, action: boost, factor: 2, category: ${JSON.stringify(category)}}\n`;

export function showRules(place) {
  const outcome = h("div", { class: "stack" });
  const text = h("textarea", { name: "rules", spellcheck: "false", maxlength: 500000 });
  begin(text);
  const form = h(
    "form",
    { class: "stack" },
    h("label", { class: "field" }, "The text of a rules file", text),
    h("div", { class: "fields" }, requestFields()),
    h("div", {}, h("button", { class: "primary" }, "What would it change?")),
    h("p", { class: "soft small" }, "This tries the rules and puts none of them in force: for that, save them in the file of RTT2VEC_RULES."),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fill(outcome, null, async () => changes(await post("rules/test", { ...asked(form), rules: text.value, recent: true }), text));
  });
  place.replaceChildren(h("div", { class: "stack" }, form, outcome));
}

// A rule that this bundle can follow: more of its largest category.
async function begin(text) {
  text.value = example("A CATEGORY");
  const begun = text.value;
  try {
    const { departments } = await categories();
    const [largest] = departments.flatMap((each) => each.categories).sort((a, b) => b.items - a.items);
    if (largest && text.value === begun) text.value = example(largest.category);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem; // then it stays as it is
  }
}

// A mistake, with a button that leads to its line.
function mistake({ line, message }, text) {
  if (line === null) return h("li", {}, message);
  const lead = () => {
    const lines = text.value.split("\n");
    const from = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    text.focus();
    text.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
  };
  return h("li", {}, h("button", { class: "link", type: "button", onclick: lead }, `Line ${line}`), `: ${message}`);
}

function changes({ refused, entered, left, moved, recent }, text) {
  if (refused.length) {
    return h("div", { class: "notice", role: "alert" }, h("p", {}, "The file would be refused:"), h("ul", {}, refused.map((each) => mistake(each, text))));
  }
  const rows = [...entered, ...moved, ...left].map((each) => [each.name || each.item_id, each.before ?? "not there", each.after ?? "not there", each.rules.join(", ")]);
  return [
    rows.length ? table("What would change", ["Item", "Place now", "Place then", "Rules"], rows) : h("p", {}, "Nothing would change for this request."),
    h("p", {}, ofRecent(recent)),
  ];
}

function ofRecent({ known, tried, changed, entered, left }) {
  if (!known) return "The worker that answered knows no recent requests to try.";
  const which = tried < known ? `${plain(tried)} of ${count(known, "recent request")} tried in two seconds` : `${count(known, "recent request")} tried`;
  return `${which}: ${count(changed, "answer")} would change, ${count(entered, "item")} enter and ${count(left, "item")} leave.`;
}
