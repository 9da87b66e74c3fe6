// The basket judged: how likely it is, which item makes it so, and what would change it most.

import { get, part, post, Problem } from "../api.js";
import { gauge } from "../drawing/charts.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { adder, line, taker } from "../products.js";
import { recommend } from "../recommendations.js";
import { basket, user } from "../state.js";
import { quiet } from "../words.js";

const ODD = 0.5;
const TRIED = 4;

export function scorePage(place) {
  const body = h("div", { class: "stack" });
  place.replaceChildren(h("section", {}, h("h1", {}, "Your basket, judged"), h("p", { class: "soft" }, "How much it looks like a real basket, and like one of yours.")), body);
  if (!basket().length) {
    body.append(h("p", {}, "There is nothing in it yet. Take a product or two, and come back."), h("p", {}, h("a", { class: "primary", href: "#/" }, "To the shop")));
    return;
  }
  fill(body, () => h("p", { class: "skeleton tall" }), judged);
}

const score = (ids) => post("score", { user_id: user(), basket: ids });

// Null if the bundle has no score.
async function scoreOf(ids) {
  try {
    return await score(ids);
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 404) return null;
    throw problem;
  }
}

async function judged() {
  const chosen = basket();
  const ids = chosen.map((each) => each.item_id);
  const [found, categories] = await Promise.all([scoreOf(ids), boughtCategories()]);
  if (found === null) return h("p", {}, "This shop cannot judge baskets: its bundle was built from too few of them.");
  if (found.population_score === null) return h("p", {}, "The shop knows none of these products any more.");
  const changes = h("ul", { class: "lines" });
  const sorted = [...found.items].sort((a, b) => a.contribution - b.contribution);
  queueMicrotask(() => fill(changes, null, () => whatChanges(chosen, sorted, found)));
  return [
    verdict(found),
    h("section", {}, h("h2", {}, "Product by product"), h("ul", { class: "lines" }, [...sorted].reverse().map((each) => judgedLine(each, chosen, categories)))),
    h("section", {}, h("h2", {}, "What would change it most"), h("p", { class: "soft small" }, `The effect of each change on ${found.score === null ? "Real" : "Yours"}.`), changes),
  ];
}

async function boughtCategories() {
  if (!user()) return null;
  try {
    const { categories } = await get(`users/${part(user())}/profile`);
    return new Map(categories.map((each) => [each.category, each.count]));
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 404) return null;
    throw problem;
  }
}

function verdict({ score: own, population_score: real }) {
  const odd = real < ODD;
  return h(
    "section",
    { class: "verdict" },
    h(
      "div",
      { class: "gauges" },
      own === null ? null : meaning(own, "Yours", "The chance that this basket is yours and nobody else's, by what you bought before."),
      meaning(real, "Real", "The chance that anybody would buy these together, and that it is not thrown together at random."),
    ),
    odd
      ? h("p", { class: "notice odd" }, h("strong", {}, "An odd basket."), " People hardly ever buy these together. A shop would look at it twice: a mistake at the till, a stolen card, or somebody new.")
      : null,
    own === null ? h("p", { class: "soft" }, "A stranger's basket can be judged real, but not their own. Log in to see the other half.") : null,
  );
}

const meaning = (share, label, text) => h("div", {}, gauge(share, label), h("p", { class: "soft small" }, text));

function judgedLine({ item_id: id, category, contribution, times_bought: bought }, chosen, categories) {
  const item = chosen.find((each) => each.item_id === id) ?? { item_id: id, name: "", category };
  const fits = contribution >= 0;
  const amount = Math.abs(contribution).toFixed(2);
  const before = known(bought, category, categories);
  const entry = line(
    item,
    before.text,
    h("span", { class: `verdict-mark ${fits ? "good" : "bad"} number` }, fits ? `fits, +${amount}` : `does not fit, −${amount}`),
  );
  entry.classList.add(before.known ? "known" : "unknown");
  return entry;
}

function known(bought, category, categories) {
  if (!categories) return { known: true, text: quiet(category) };
  if (bought) return { known: true, text: `You bought it ${bought === 1 ? "once" : `${bought} times`}` };
  const n = categories.get(category) ?? 0;
  return n
    ? { known: true, text: `New to you; its category, ${quiet(category).toLowerCase()}, is not` }
    : { known: false, text: `You never bought from ${quiet(category).toLowerCase()}` };
}

// Tries the basket without the products that weigh most, and with the best recommended ones.
async function whatChanges(chosen, judged_, found) {
  const ids = chosen.map((each) => each.item_id);
  const of = (answer) => answer.score ?? answer.population_score;
  const weighty = [...judged_].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)).slice(0, TRIED);
  const out = chosen.length > 1 ? weighty.map((each) => chosen.find((one) => one.item_id === each.item_id)).filter(Boolean) : [];
  const { recommendations } = await recommend(user(), chosen, TRIED);
  const tried = [
    ...out.map((item) => ({ item, text: "Take it out", button: taker, ids: ids.filter((each) => each !== item.item_id) })),
    ...recommendations.map((item) => ({ item, text: "Add it", button: adder, ids: [...ids, item.item_id] })),
  ];
  const now = of(found);
  const then = await Promise.all(tried.map((each) => score(each.ids)));
  return tried
    .map((each, at) => ({ ...each, change: (of(then[at]) ?? 0) - now }))
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
    .map(({ item, text, button, change }) => {
      const points = Math.round(100 * change);
      const words = points ? `${points > 0 ? "+" : "−"}${Math.abs(points)} of 100` : "hardly any change";
      const kind = points ? (points > 0 ? "good" : "bad") : "";
      return line(item, text, h("span", { class: `verdict-mark ${kind} number` }, words), button(item));
    });
}
