// The people of the demo: choose one, and see what the shop knows of them.

import { get, part, Problem } from "../api.js";
import { ranked, weeks } from "../drawing/charts.js";
import { h, tell } from "../dom.js";
import { fill } from "../failures.js";
import { tiles } from "../products.js";
import { become, user } from "../state.js";
import { count, date, quiet } from "../words.js";

const FOUND = 24;
const CATEGORIES = 12;

export function usersPage(place) {
  const input = h("input", { type: "search", id: "who", maxlength: 128, autocomplete: "off", spellcheck: "false" });
  const list = h("ul", { class: "people" });
  // Only the first list takes the place of nothing.
  const first = () => (list.children.length ? [...list.children] : Array.from({ length: 6 }, () => h("li", { class: "skeleton person-skeleton" })));
  const search = () =>
    fill(list, first, async () => {
      const { users } = await get("users", { query: input.value.trim(), limit: FOUND });
      tell(`${count(users.length, "user")} found`);
      return users.length ? users.map(person) : [h("li", { class: "soft" }, "Nobody is called that.")];
    });
  input.addEventListener("input", search);
  place.replaceChildren(
    h(
      "section",
      {},
      h("h1", {}, "Who are you today?"),
      h("p", { class: "soft" }, "Choose a customer and see the shop through their eyes. No password: this is a demo, and it lets anybody be anyone."),
      h("label", { class: "search-users" }, "Number or name", input),
      list,
    ),
  );
  search();
}

function person({ user_id: id, baskets, categories, last_purchase: last }) {
  const favourites = categories.map((each) => quiet(each.category).toLowerCase()).filter(Boolean).join(", ");
  const enter = () => {
    become(id);
    location.hash = "#/profile";
  };
  return h(
    "li",
    {},
    h(
      "button",
      { class: "person", onclick: enter, "aria-pressed": String(user() === id) },
      h("strong", {}, `Customer ${id}`),
      h("span", { class: "soft small" }, baskets === null ? `Last basket on ${date(last)}` : `${count(baskets, "basket")}, the last on ${date(last)}`),
      h("span", { class: "small" }, favourites),
    ),
  );
}

export const profile = (id) => get(`users/${part(id)}/profile`);

export function profilePage(place) {
  const id = user();
  const body = h("div", { class: "stack" });
  place.replaceChildren(
    h("section", {}, h("h1", {}, `Customer ${id}`), h("p", { class: "ways" }, h("button", { class: "plain", onclick: leave }, "Log out"), h("a", { class: "plain", href: "#/users" }, "Somebody else"))),
    body,
  );
  fill(body, () => h("p", { class: "skeleton tall" }), async () => {
    try {
      return known(await profile(id));
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 404) return h("p", {}, "The shop knows no purchase of yours. Fill a basket and check out: the next one knows it.");
      throw problem;
    }
  });
}

function leave() {
  become(null);
  location.hash = "#/";
}

function known({ baskets, first_purchase: first, categories, begun, last_items: items }) {
  const since = baskets === null ? null : `${count(baskets, "basket")} since ${date(first)}.`;
  return [
    since ? h("p", { class: "lead" }, since) : null,
    begun.length ? h("section", {}, h("h2", {}, "The rhythm of buying"), weeks(begun)) : null,
    h("section", {}, h("h2", {}, "Favourite categories"), ranked(categories.slice(0, CATEGORIES).map((each) => [quiet(each.category) || "Without a category", each.count]))),
    h("section", {}, h("h2", {}, "Bought last"), tiles(items, (each) => `${date(each.bought)}, ${each.times === 1 ? "once" : `${each.times} times so far`}`)),
  ].filter(Boolean);
}
