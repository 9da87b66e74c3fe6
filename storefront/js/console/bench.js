// One request, as the service answers it and under other settings, side by side.

import { get, part, post, Problem } from "../api.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { basketIds, user } from "../state.js";
import { quiet, short, title } from "../words.js";
import { table } from "./tables.js";

const ABSENT = "not there";

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
      field("λ (1 relevant, 0 diverse)", h("input", { name: "mmr_lambda", type: "number", min: 0, max: 1, step: 0.05, placeholder: "as set" })),
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
      const anchors = await named([own, other].flatMap((each) => each.recommendations.map(({ reasons }) => reasons.anchor)));
      return [
        h("p", {}, difference(own, other)),
        h("div", { class: "sides" }, side("As it is set", own, other, anchors), side(settings(form), other, own, anchors)),
      ];
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

// In words, what the second of two answers was asked with.
function settings(form) {
  const changed = Object.entries(changes(form)).filter(([, value]) => value !== null);
  const words = changed.map(([name, value]) => `${name} ${value === false ? "off" : value === true ? "on" : value}`);
  return words.length ? `With ${words.join(", ")}` : "Once more, with the same settings";
}

function difference(own, other) {
  const places = placesIn(own);
  const there = other.recommendations.map((each) => places.get(each.item_id));
  const entered = there.filter((place) => place === undefined).length;
  const moved = there.filter((place, at) => place !== undefined && place !== at + 1).length;
  if (!entered && !moved && own.recommendations.length === there.length) return "No difference.";
  return `Of ${there.length}, ${entered} are only in the second list and ${moved} have another place in it.`;
}

// The names of the items that recommendations go with.
async function named(ids) {
  const known = [...new Set(ids)].filter(Boolean).map(async (id) => {
    try {
      return [id, short((await get(`items/${part(id)}`)).item)];
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      return [id, id];
    }
  });
  return new Map(await Promise.all(known));
}

const placesIn = ({ recommendations }) => new Map(recommendations.map((each, at) => [each.item_id, at + 1]));

function side(name, answer, other, anchors) {
  const places = placesIn(other);
  const moved = answer.recommendations.map((each, at) => movement(at + 1, places.get(each.item_id)));
  const fixed = (value) => value.toFixed(2);
  return table(
    `${name}: ${answer.candidates} candidates, ${answer.took_ms.toFixed(1)} ms`,
    ["Place", "In the other", "Item", "Score", "Basket", "User", "Popular"],
    answer.recommendations.map((each, at) => [
      at + 1, moved[at], [h("strong", {}, title(each)), h("span", { class: "soft small" }, why(each, anchors))],
      fixed(each.score), fixed(each.reasons.basket), fixed(each.reasons.user), fixed(each.reasons.popularity),
    ]),
    (at) => (moved[at] === "same" ? null : moved[at] === ABSENT ? "changed absent" : "changed"),
  );
}

function why({ item_id: id, category, reasons }, anchors) {
  const rules = reasons.rules.map((each) => `rule “${each}”`);
  const anchor = reasons.anchor ? `goes with ${anchors.get(reasons.anchor)}` : null;
  return [id, quiet(category), anchor, ...rules].filter(Boolean).join(" · ");
}

function movement(here, there) {
  if (there === undefined) return ABSENT;
  return here === there ? "same" : `${there}`;
}
