// What the visitor has chosen: a user and a basket. It outlives a reload.

import { keep, kept } from "./storage.js";

const BASKET = "shop.basket";
const USER = "shop.user";
const listeners = new Set();

// Anybody may have changed what is stored: only what fits is taken.
function readBasket() {
  const found = read(BASKET);
  const items = Array.isArray(found) ? found.filter((each) => typeof each?.item_id === "string") : [];
  return [...new Map(items.map((each) => [each.item_id, part(each)])).values()];
}

function readUser() {
  const found = read(USER);
  return typeof found === "string" && found ? found : null;
}

function read(name) {
  try {
    return JSON.parse(kept("localStorage", name));
  } catch {
    return null;
  }
}

// What the basket remembers of an item.
function part({ item_id, name, category, price }) {
  return { item_id, name: text(name), category: text(category), price: typeof price === "number" ? price : null };
}

const text = (value) => (typeof value === "string" ? value : "");

const state = { basket: readBasket(), user: readUser() };

export function onChange(listener) {
  listeners.add(listener);
}

function changed(what) {
  keep("localStorage", BASKET, JSON.stringify(state.basket));
  keep("localStorage", USER, JSON.stringify(state.user));
  for (const each of listeners) each(what);
}

// Another tab has changed something.
addEventListener("storage", ({ key }) => {
  if (key !== BASKET && key !== USER) return;
  const before = state.user;
  state.basket = readBasket();
  state.user = readUser();
  for (const each of listeners) each(state.user === before ? {} : { user: state.user });
});

export const basket = () => state.basket;
export const basketIds = () => state.basket.map((each) => each.item_id);
export const inBasket = (id) => state.basket.some((each) => each.item_id === id);
export const user = () => state.user;

export function add(item) {
  if (inBasket(item.item_id)) return;
  state.basket = [...state.basket, part(item)];
  changed({ added: item.item_id });
}

export function remove(...ids) {
  state.basket = state.basket.filter((each) => !ids.includes(each.item_id));
  changed({ removed: ids });
}

export function empty() {
  state.basket = [];
  changed({ emptied: true });
}

export function become(id) {
  state.user = id;
  changed({ user: id });
}
