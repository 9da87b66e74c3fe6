// One request, as the service answers it and under other settings, side by side.

import { post } from "../api.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { basketIds, user } from "../state.js";
import { table } from "./tables.js";

export function field(label, input, kind = null) {
  return h("label", { class: kind }, label, input);
}

function choice(name, options) {
  return h("select", { name }, options.map(([value, text]) => h("option", { value }, text)));
}

// The request that a form holds.
export function asked(form) {
  const text = (name) => form.elements[name].value.trim();
  return { user_id: text("user") || null, basket: text("basket").split(/\s+/).filter(Boolean), k: Number(text("k")) || 20 };
}

// It begins with what is in the shop's basket.
export function requestFields() {
  return [
    field("User", h("input", { name: "user", maxlength: 128, value: user() })),
    field("How many", h("input", { name: "k", type: "number", min: 1, max: 100, value: 20 })),
    field("Basket: item ids between spaces", h("input", { name: "basket", value: basketIds().join(" ") }), "broad"),
  ];
}

export function showBench(place) {
  const outcome = h("div", { class: "stack" });
  const form = h(
    "form",
    {},
    h(
      "div",
      { class: "fields" },
      requestFields(),
      field("Relevance against diversity (λ)", h("input", { name: "mmr_lambda", type: "number", min: 0, max: 1, step: 0.05, placeholder: "as set" })),
      field("Most of one category", h("input", { name: "category_cap", type: "number", min: 0, max: 100, placeholder: "as set" })),
      field("Ranker", choice("ranker", [["", "as set"], ["false", "off"], ["true", "on"]])),
      field("Search", choice("search", [["", "as set"], ["lists", "lists"], ["mean", "mean"], ["anchors", "anchors"], ["none", "none"]])),
    ),
    h("button", { class: "primary" }, "Compare"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fill(outcome, null, async () => {
      const request = asked(form);
      const [own, other] = await Promise.all([post("admin/recommend", request), post("admin/recommend", { ...request, ...changes(form) })]);
      return [side("As it is set", own, other), side("Under other settings", other, own)];
    });
  });
  place.replaceChildren(h("div", { class: "stack" }, form, outcome));
}

function changes(form) {
  const { mmr_lambda: lambda, category_cap: cap, ranker, search } = form.elements;
  return {
    mmr_lambda: lambda.value === "" ? null : Number(lambda.value),
    category_cap: cap.value === "" ? null : Number(cap.value),
    ranker: ranker.value === "" ? null : ranker.value === "true",
    search: search.value || null,
  };
}

function side(name, answer, other) {
  const places = new Map(other.recommendations.map((each, at) => [each.item_id, at + 1]));
  const moved = answer.recommendations.map((each, at) => movement(at + 1, places.get(each.item_id)));
  const fixed = (value) => value.toFixed(2);
  return table(
    `${name}: ${answer.candidates} candidates, ${answer.took_ms.toFixed(1)} ms`,
    ["Place", "There", "Item", "Category", "Score", "Basket", "User", "Popularity", "Goes with", "Rules"],
    answer.recommendations.map((each, at) => [
      at + 1, moved[at], each.name || each.item_id, each.category, fixed(each.score),
      fixed(each.reasons.basket), fixed(each.reasons.user), fixed(each.reasons.popularity),
      each.reasons.anchor ?? "", each.reasons.rules.join(", "),
    ]),
    (at) => moved[at] !== "same",
  );
}

function movement(here, there) {
  if (there === undefined) return "only here";
  return here === there ? "same" : `at ${there}`;
}
