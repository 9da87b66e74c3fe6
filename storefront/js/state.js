// What the visitor has chosen: a user and a basket. It outlives a reload.

const BASKET = "shop.basket";
const USER = "shop.user";
const listeners = new Set();

const state = { basket: read(BASKET, []), user: read(USER, null) };

function read(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function onChange(listener) {
  listeners.add(listener);
}

function changed(what) {
  localStorage.setItem(BASKET, JSON.stringify(state.basket));
  localStorage.setItem(USER, JSON.stringify(state.user));
  for (const each of listeners) each(what);
}

export const basket = () => state.basket;
export const basketIds = () => state.basket.map((each) => each.item_id);
export const inBasket = (id) => state.basket.some((each) => each.item_id === id);
export const user = () => state.user;

export function add(item) {
  if (inBasket(item.item_id)) return;
  const { item_id, name, category, price = null } = item;
  state.basket = [...state.basket, { item_id, name, category, price }];
  changed({ added: item_id });
}

export function remove(id) {
  state.basket = state.basket.filter((each) => each.item_id !== id);
  changed({ removed: id });
}

export function empty() {
  state.basket = [];
  changed({ emptied: true });
}

export function become(id) {
  state.user = id;
  changed({ user: id });
}
