// Checking out: the purchase goes to the service, and the next basket knows it.

import { post, Problem } from "../api.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { line, tiles } from "../products.js";
import { recommend, renewList } from "../recommendations.js";
import { basket, become, empty, user } from "../state.js";
import { profile } from "./users.js";
import { count, money, quiet } from "../words.js";

const SHOWN = 8;

export function checkoutPage(place) {
  const chosen = basket();
  if (!chosen.length) {
    place.replaceChildren(h("section", { class: "narrow" }, h("h1", {}, "Check out"), h("p", {}, "Your basket is empty. Take a product or two, and come back."), h("a", { class: "primary", href: "#/" }, "To the shop")));
    return;
  }
  const buyer = user() ?? newcomer();
  const priced = chosen.filter((each) => typeof each.price === "number");
  const result = h("div");
  const button = h("button", { class: "primary" }, "Buy");
  const page = h(
    "section",
    { class: "narrow" },
    h("h1", {}, "Check out"),
    h("p", {}, user() ? `Customer ${buyer} buys ${count(chosen.length, "product")}.` : `You are new here. You get the number ${buyer}, and the shop will know you by it.`),
    h("ul", { class: "lines" }, chosen.map((each) => line(each, quiet(each.category), h("span", { class: "number" }, typeof each.price === "number" ? money(each.price) : "")))),
    priced.length ? h("p", { class: "sum number" }, `${money(priced.reduce((all, each) => all + each.price, 0))} in all. Nobody pays: this is a demo.`) : null,
    button,
    result,
  );
  const purchase = { id: crypto.randomUUID(), at: new Date().toISOString() };
  button.addEventListener("click", () => {
    button.disabled = true;
    fill(result, () => h("p", { class: "soft" }, "One moment."), async () => {
      try {
        return await bought(place, buyer, chosen, purchase);
      } catch (problem) {
        button.disabled = problem instanceof Problem && problem.passes;
        if (problem instanceof Problem && (problem.status === 404 || problem.status === 405)) {
          return h("p", { class: "notice" }, "This service takes no purchases: it was started without RTT2VEC_EVENTS.");
        }
        throw problem;
      }
    });
  });
  place.replaceChildren(page);
}

const newcomer = () => `guest-${crypto.randomUUID().slice(0, 8)}`;

// A purchase that is sent again counts once: its ids stay the same.
async function bought(place, buyer, chosen, purchase) {
  const before = await recommend(user(), [], SHOWN);
  const events = chosen.map((each) => ({
    event_id: `${purchase.id}/${each.item_id}`.slice(0, 128),
    user_id: buyer,
    basket_id: purchase.id,
    item_id: each.item_id,
    timestamp: purchase.at,
    quantity: 1,
    price: each.price ?? null,
  }));
  const taken = await post("events", { events });
  empty();
  become(buyer);
  thanks(place, taken, before);
  return [];
}

function thanks(place, { new: taken }, before) {
  const news = h("div", { class: "stack" });
  place.replaceChildren(
    h("section", {}, h("h1", {}, "Thank you"), h("p", { class: "lead" }, `${count(taken, "purchase")} written down, and known from this moment on.`), h("p", { class: "ways" }, h("a", { class: "primary", href: "#/" }, "Next basket"), h("a", { class: "plain", href: "#/profile" }, "Your profile"))),
    news,
  );
  fill(news, null, async () => {
    const [known, now] = await Promise.all([profile(user()), recommend(user(), [], SHOWN)]);
    const old = new Set(before.recommendations.map((each) => each.item_id));
    const list = h("ul", { class: "lines" });
    renewList(list, now, [], (each) => (old.has(each.item_id) ? null : "New"));
    const baskets = known.baskets === null ? "" : ` They make ${count(known.baskets, "basket")} so far.`;
    const latest = known.last_items.filter((each) => each.bought === known.last_purchase);
    return [
      h("section", {}, h("h2", {}, "What the shop knows now"), h("p", { class: "soft" }, `These are your latest purchases.${baskets}`), tiles(latest, (each) => `Bought just now, ${each.times === 1 ? "for the first time" : `${each.times} times in all`}`)),
      h("section", {}, h("h2", {}, "To begin the next basket with"), list),
    ];
  });
}
