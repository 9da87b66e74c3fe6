// A rules file tried on a request, and on recent ones. Nothing here puts rules in force.

import { post } from "../api.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { count, plain } from "../words.js";
import { asked, requestFields } from "./bench.js";
import { table } from "./tables.js";

const EXAMPLE = "rules:\n- {name: more fruit, action: boost, factor: 2, category: TROPICAL FRUIT}\n";

export function showRules(place) {
  const outcome = h("div", { class: "stack" });
  const text = h("textarea", { name: "rules", spellcheck: "false", maxlength: 500000 });
  text.value = EXAMPLE;
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
    fill(outcome, null, async () => changes(await post("rules/test", { ...asked(form), rules: text.value, recent: true })));
  });
  place.replaceChildren(h("div", { class: "stack" }, form, outcome));
}

function changes({ refused, entered, left, moved, recent }) {
  if (refused.length) {
    return h("div", { class: "notice" }, h("p", {}, "The file would be refused:"), h("ul", {}, refused.map(({ line, message }) => h("li", {}, line === null ? message : `Line ${line}: ${message}`))));
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
