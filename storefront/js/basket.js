// The basket, always in sight, and what is recommended for it.

import { h, renew, tell } from "./dom.js";
import { fill } from "./failures.js";
import { line, skeletonLines, taker } from "./products.js";
import { footnote, recommend, renewList } from "./recommendations.js";
import { basket, onChange, remove, user } from "./state.js";
import { count, joined, money, quiet, title, twins } from "./words.js";

const SHOWN = 8;

export function showBasket(place) {
  const head = h("h2", { class: "basket-head" });
  const items = h("ul", { class: "lines chosen" });
  const sum = h("p", { class: "sum soft small" });
  const ways = h("p", { class: "ways" });
  const heading = h("h3", { id: "goes", tabindex: "-1" });
  const list = h("ul", { class: "lines", "aria-labelledby": "goes" });
  const foot = h("p", { class: "soft small" });
  const tabs = h("p", { class: "ways" });
  const answers = h("div", { class: "answers" }, list, foot);
  place.replaceChildren(head, items, sum, ways, heading, tabs, answers);
  let stranger = false;
  let turn = 0;

  const opener = h("button", { class: "opener plain", "aria-expanded": "false" });
  opener.addEventListener("click", () => {
    const open = place.classList.toggle("open");
    opener.setAttribute("aria-expanded", String(open));
    opener.textContent = open ? "Close" : "Open";
  });
  opener.textContent = "Open";
  place.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !place.classList.contains("open")) return;
    opener.click();
    opener.focus();
  });
  const title_ = h("span");
  head.append(title_, opener);

  function draw() {
    const chosen = basket();
    const priced = chosen.filter((each) => typeof each.price === "number");
    title_.textContent = chosen.length ? `Basket, ${count(chosen.length, "product")}` : "Basket";
    const number = twins(chosen);
    const focused = items.contains(document.activeElement);
    renew(items, chosen.map((each) => line(each, joined(quiet(each.category), number(each)), taker(each))));
    sum.textContent = chosen.length
      ? priced.length ? `${money(priced.reduce((all, each) => all + each.price, 0))} in all` : ""
      : "It is empty. What you add stays here, also after a reload.";
    ways.replaceChildren(
      ...(chosen.length
        ? [
            h("a", { class: "primary", href: "#/checkout" }, "Check out"),
            h("a", { class: "plain", href: "#/score" }, "Judge this basket"),
          ]
        : []),
    );
    if (focused && !chosen.length) heading.focus();
    heading.textContent = chosen.length ? "Goes with your basket" : "To begin with";
    tabs.replaceChildren(...(user() ? who() : []));
  }

  function who() {
    const tab = (text, value) =>
      h("button", { class: "tab", "aria-pressed": String(stranger === value), onclick: () => choose(value) }, text);
    return [
      h("span", { class: "tabs", role: "group", "aria-label": "Recommend as" }, tab("As yourself", false), tab("As a stranger", true)),
      h("a", { href: "#/compare", class: "small" }, "Side by side"),
    ];
  }

  function choose(value) {
    stranger = value;
    draw();
    ask();
    tabs.querySelector("[aria-pressed=true]")?.focus();
  }

  function ask() {
    const mine = (turn += 1);
    const begun = performance.now();
    const chosen = basket();
    fill(answers, null, async () => {
      const answer = await recommend(stranger ? null : user(), chosen, SHOWN);
      if (mine === turn) {
        renewList(list, answer, chosen);
        foot.textContent = footnote(answer);
        forget(answer.unknown_items);
        performance.measure("recommended", { start: begun, end: performance.now() });
      }
      return [list, foot];
    });
  }

  // Another bundle may not have all that is in the basket.
  function forget(unknown) {
    if (!unknown.length) return;
    const gone = basket().filter((each) => unknown.includes(each.item_id)).map(title);
    remove(...unknown);
    tell(`No longer sold, and taken out: ${gone.join(", ")}`);
    sum.append(h("span", {}, ` No longer sold, and taken out: ${gone.join(", ")}.`));
  }

  onChange((what) => {
    if ("user" in what) stranger = false;
    draw();
    ask();
    if (what.added) tell(`Added. ${count(basket().length, "product")} in the basket.`);
    if (what.removed) tell(`Taken out. ${count(basket().length, "product")} in the basket.`);
  });
  draw();
  list.replaceChildren(...skeletonLines(SHOWN));
  ask();
}
