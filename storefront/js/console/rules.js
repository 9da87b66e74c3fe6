// A rules file tried on a request. Nothing here puts rules in force.

import { post } from "../api.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
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
    fill(outcome, null, async () => changes(await post("rules/test", { ...asked(form), rules: text.value })));
  });
  place.replaceChildren(h("div", { class: "stack" }, form, outcome));
}

function changes({ refused, entered, left, moved }) {
  if (refused.length) {
    return h("div", { class: "notice" }, h("p", {}, "The file would be refused:"), h("ul", {}, refused.map(({ line, message }) => h("li", {}, line === null ? message : `Line ${line}: ${message}`))));
  }
  const rows = [...entered, ...moved, ...left].map((each) => [each.name || each.item_id, each.before ?? "not there", each.after ?? "not there", each.rules.join(", ")]);
  return rows.length ? table("What would change", ["Item", "Place now", "Place then", "Rules"], rows) : h("p", {}, "Nothing would change for this request.");
}
