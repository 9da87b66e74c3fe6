// Products as tiles and as lines, wherever they appear.

import { part } from "./api.js";
import { h, svg } from "./dom.js";
import { picture } from "./drawing/pictures.js";
import { add, inBasket, remove } from "./state.js";
import { joined, money, quiet, title, twins } from "./words.js";

export const pageOf = (item) => `#/product/${part(item.item_id)}`;

// Adds an item to the basket, or takes it out again; it shows which of the two it will do.
export function adder(item) {
  const pressed = inBasket(item.item_id);
  const sign = pressed ? "M5 12.5l4.5 4.5L19 7.5" : "M12 5v14M5 12h14";
  return h(
    "button",
    {
      class: "round",
      "aria-pressed": String(pressed),
      "aria-label": `${title(item)}, in the basket`,
      "data-adds": item.item_id,
      title: pressed ? "Take it out of the basket" : "Add it to the basket",
      onclick: () => (inBasket(item.item_id) ? remove(item.item_id) : add(item)),
    },
    svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: sign })),
  );
}

// Takes an item out of the basket.
export function taker(item) {
  return h(
    "button",
    { class: "round", "aria-label": `Take out ${title(item)}`, title: "Take it out", onclick: () => remove(item.item_id) },
    svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: "M6 12h12" })),
  );
}

// Brings the buttons of a place up to date with the basket, and leaves the focus where it is.
export function refreshAdders(place, known) {
  for (const old of place.querySelectorAll("[data-adds]")) {
    const item = known.get(old.dataset.adds);
    if (!item || (old.getAttribute("aria-pressed") === "true") === inBasket(item.item_id)) continue;
    const focused = old === document.activeElement;
    const renewed = adder(item);
    old.replaceWith(renewed);
    if (focused) renewed.focus({ preventScroll: true });
  }
}

// Items that the page shows, by id: whatever has a button is among them.
export const shown = new Map();

function tile(item, note) {
  shown.set(item.item_id, item);
  return h(
    "li",
    { class: "tile", "data-key": item.item_id },
    picture(item),
    h("p", { class: "tile-name" }, h("a", { href: pageOf(item) }, title(item))),
    h("p", { class: "soft small" }, note),
    h(
      "div",
      { class: "tile-foot" },
      h("span", { class: "number" }, typeof item.price === "number" ? money(item.price) : ""),
      adder(item),
    ),
  );
}

export function tiles(items, note = () => null) {
  const number = twins(items);
  return h("ul", { class: "tiles" }, items.map((each) => tile(each, joined(note(each) ?? quiet(each.category), number(each)))));
}

export function line(item, note, ...more) {
  shown.set(item.item_id, item);
  return h(
    "li",
    { class: "line", "data-key": item.item_id },
    picture(item, "thumb"),
    h("div", {}, h("a", { href: pageOf(item) }, title(item)), h("p", { class: "soft small" }, note)),
    more.length ? more : adder(item),
  );
}

export function skeletonTiles(n = 12) {
  return h("ul", { class: "tiles", "aria-hidden": "true" }, Array.from({ length: n }, () => h("li", { class: "skeleton tall" })));
}

export function skeletonLines(n = 6) {
  return Array.from({ length: n }, () => h("li", { class: "skeleton row", "aria-hidden": "true" }));
}
