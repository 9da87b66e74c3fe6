// Numbers, names and reasons as people say them.

const number = new Intl.NumberFormat("en");
const SHORT = 40; // characters
const TELLING = 0.05; // of the largest part: a smaller one is not worth telling
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const second = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

export const count = (n, one, many = `${one}s`) => `${number.format(n)} ${n === 1 ? one : many}`;
export const plain = (n) => number.format(n);
export const date = (moment) => day.format(new Date(moment));
export const moment = (ms) => second.format(new Date(ms));
export const money = (price) => price.toFixed(2);
export const percent = (share) => `${Math.round(100 * share)} %`;
export const times = (factor) => `${factor < 10 ? factor.toFixed(1) : Math.round(factor)} times`;

// "FLUID MILK PRODUCTS" shouts; "Fluid milk products" does not.
export function quiet(name) {
  if (!name || name !== name.toUpperCase()) return name;
  const lower = name.toLowerCase();
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

// The name of an item; some have none but their id.
export const title = (item) => item.name || item.item_id;

// "Bananas" from "Bananas", and "White Milk" from "White Milk, 1 gal (store brand)".
export function short(item) {
  const [name] = title(item).split(/,| \(/);
  return name.length > SHORT ? `${[...name].slice(0, SHORT).join("")}…` : name;
}

// Tells products apart that have one name: the number of each, or nothing if its name is its own.
export function twins(items) {
  const seen = new Map();
  for (const each of items) seen.set(title(each), (seen.get(title(each)) ?? 0) + 1);
  return (item) => (seen.get(title(item)) > 1 ? `no. ${item.item_id}` : "");
}

export const joined = (...texts) => texts.filter(Boolean).join(" · ");

// Why an item is recommended, from the parts of its score: a shop's rule, else what adds to it,
// the user first if that adds most.
export function reason({ reasons, category }, chosen, rests) {
  if (!reasons) return quiet(category);
  if (reasons.rules.length) return `The shop's rule “${reasons.rules[0]}”`;
  const anchor = chosen.find((each) => each.item_id === reasons.anchor);
  const parts = [
    [rests.includes("user") ? reasons.user : 0, "your own habit"],
    [anchor ? reasons.basket : 0, anchor && `goes with ${short(anchor)}`],
  ].sort(([a], [b]) => b - a);
  const least = TELLING * Math.max(reasons.popularity, parts[0][0], 0);
  const words = parts.filter(([part]) => part > 0 && part >= least).map(([, text]) => text);
  const text = words.join(", ") || "popular with everybody";
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const SOURCES = {
  "user+basket": "what you bought before and your basket",
  basket: "your basket alone",
  user: "what you bought before",
  popularity: "what everybody buys",
};

export const source = (name) => SOURCES[name] ?? name;
