// Recommendations for a basket: asked for, and shown with their reasons.

import { post } from "./api.js";
import { h, renew } from "./dom.js";
import { line } from "./products.js";
import { joined, reason, source, twins } from "./words.js";

export async function recommend(user, basket, k) {
  const begun = performance.now();
  const body = { user_id: user, basket: basket.map((each) => each.item_id), k, explain: true };
  const answer = await post("recommend", body);
  return { ...answer, allMs: performance.now() - begun };
}

export function renewList(list, { recommendations, source: rests }, basket, mark = () => null) {
  const number = twins(recommendations);
  const why = (each) => joined(reason(each, basket, rests), number(each));
  renew(list, recommendations.map((each) => marked(line(each, why(each)), mark(each))));
}

function marked(entry, mark) {
  if (mark) entry.querySelector("p").prepend(h("span", { class: "mark" }, mark), " ");
  return entry;
}

// What an answer rests on, and how long it took.
export function footnote({ source: name, took_ms: tookMs, allMs, degraded }) {
  const rests = `Rests on ${source(name)}${degraded ? ", which is less than was asked for" : ""}.`;
  return `${rests} ${tookMs.toFixed(1)} ms in the service, ${Math.round(allMs)} ms in all.`;
}
