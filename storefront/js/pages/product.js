// The page of one product: what it is, what goes with it, and what replaces it.

import { get, part, Problem } from "../api.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { picture } from "../drawing/pictures.js";
import { line, shown, skeletonLines } from "../products.js";
import { add, inBasket, remove } from "../state.js";
import { count, joined, money, quiet, times, title, twins } from "../words.js";

const LONG = 60; // characters of a name that get smaller letters

export function productPage(place, { id }) {
  const top = h("section", { class: "product" });
  const goes = h("ul", { class: "lines" });
  const replaces = h("ul", { class: "lines" });
  place.replaceChildren(
    top,
    h(
      "div",
      { class: "two" },
      h("section", {}, h("h2", {}, "Goes with it"), goes),
      h("section", {}, h("h2", {}, "Instead of it"), replaces),
    ),
  );
  fill(top, skeleton, async () => {
    try {
      const { item } = await get(`items/${part(id)}`);
      document.title = `${title(item)} · The corner shop`;
      return about(item);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 404) throw problem;
      place.replaceChildren(gone(id));
      return [];
    }
  });
  fill(goes, skeletonLines, async () => {
    const { related } = await get(`items/${part(id)}/related`, { k: 6 });
    const ruled = related.filter((each) => each.rule);
    const entries = await Promise.all(ruled.map((each) => related_(each)));
    return entries.length ? entries : none("Nothing is bought with it strikingly often.");
  });
  fill(replaces, skeletonLines, async () => {
    const { substitutes } = await get(`items/${part(id)}/substitutes`, { k: 6 });
    const number = twins(substitutes);
    return substitutes.length ? substitutes.map((each) => line(each, joined(replacement(each), number(each)))) : none("Nothing replaces it.");
  });
}

const skeleton = () => [h("p", { class: "skeleton tall" }), h("p", { class: "skeleton tall" })];

// The score is a share of the buyers, made smaller by how often they buy both at once.
function replacement({ score }) {
  const share = Math.floor(100 * score);
  return share ? `At least ${share} % of those who buy it buy this one, mostly instead` : "Some of those who buy it buy this one instead";
}

function gone(id) {
  return h(
    "section",
    { class: "narrow" },
    h("h1", {}, "Not sold here"),
    h("p", {}, `The shop has no product with the number ${id}. It may have had it until a moment ago.`),
    h("a", { class: "primary", href: "#/" }, "To the shop"),
  );
}

const none = (text) => h("li", { class: "soft" }, text);

// A rule in words. Its numbers are shares; the item's own page has the baskets behind them.
async function related_(each) {
  const { item } = await get(`items/${part(each.item_id)}`);
  const { support, confidence, lift } = each.rule;
  // The lift is the confidence over the item's share of all baskets.
  const together = Math.round((item.baskets * support * lift) / confidence);
  return line(item, `Bought together in ${count(together, "basket")}, ${times(lift)} as often as by chance`);
}

function about(item) {
  shown.set(item.item_id, item);
  const facts = [
    ["Department", quiet(item.department)],
    ["Category", quiet(item.category)],
    ["Kind", quiet(item.subcategory)],
    ["Brand", item.brand],
    ["Bought in", count(item.baskets, "basket")],
    ["Number", item.item_id],
  ].filter(([, value]) => value);
  const button = h("button", { class: "primary", "data-toggles": item.item_id });
  const say = () => {
    button.textContent = inBasket(item.item_id) ? "Take it out again" : "Add to the basket";
  };
  button.addEventListener("click", () => {
    if (inBasket(item.item_id)) remove(item.item_id);
    else add(item);
  });
  button.say = say;
  say();
  const aisle = `#/aisle/${part(item.department)}`;
  return [
    picture(item, "large"),
    h(
      "div",
      { class: "about" },
      item.department
        ? h(
            "nav",
            { class: "crumbs small", "aria-label": "You are here" },
            h("a", { href: aisle }, quiet(item.department)),
            item.category ? h("a", { href: `${aisle}/${part(item.category)}` }, quiet(item.category)) : null,
          )
        : null,
      h("h1", { class: title(item).length > LONG ? "long" : null }, title(item)),
      typeof item.price === "number" ? h("p", { class: "price number" }, money(item.price)) : null,
      button,
      h("dl", { class: "facts small" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    ),
  ];
}
