// Aisles: departments and categories with their counts, and the pages of products behind them.

import { get, part } from "../api.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { picture } from "../drawing/pictures.js";
import { skeletonTiles, tiles } from "../products.js";
import { count, plain, quiet } from "../words.js";

const PAGE = 24;
const DOORS = 12;
const FURTHEST = 10_000_000; // the service counts no further
let tree = null;

export const categories = () => (tree ??= get("categories").catch((problem) => {
  tree = null;
  throw problem;
}));

const wayTo = (department, category) =>
  `#/aisle/${part(department)}${category ? `/${part(category)}` : ""}`;

export async function showAisles(place, { department, category } = {}) {
  const { departments, items } = await categories();
  const entry = (href, name, n, current, below) =>
    h(
      "li",
      {},
      h("a", { href, "aria-current": current ? "page" : null }, h("span", {}, name), h("span", { class: "soft number" }, plain(n))),
      below,
    );
  const open = ({ categories: below }) =>
    h("ul", {}, below.map((each) => entry(wayTo(department, each.category), quiet(each.category), each.items, each.category === category)));
  place.replaceChildren(
    h(
      "ul",
      {},
      entry("#/all", "Everything", items, false),
      departments.map((each) =>
        entry(
          wayTo(each.department),
          quiet(each.department),
          each.items,
          each.department === department && !category,
          each.department === department ? open(each) : null,
        ),
      ),
    ),
  );
  place.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function homePage(place) {
  const aisles = h("div");
  const popular = h("div");
  place.replaceChildren(
    h("section", {}, h("h1", {}, "What will it be today?"), aisles),
    h("section", {}, h("h2", {}, "Bought most"), popular),
  );
  fill(aisles, skeletonDoors, async () => {
    const { departments } = await categories();
    return h("ul", { class: "doors" }, departments.slice(0, DOORS).map(door));
  });
  fill(popular, skeletonTiles, async () => tiles((await get("items", { limit: PAGE })).items));
}

const skeletonDoors = () => h("ul", { class: "doors", "aria-hidden": "true" }, Array.from({ length: DOORS }, () => h("li", { class: "skeleton door-skeleton" })));

function door({ department, items, categories: below }) {
  const example = { item_id: department, name: department, category: below[0]?.category ?? "" };
  return h(
    "li",
    {},
    h("a", { href: wayTo(department) }, picture(example, "door"), h("strong", {}, quiet(department)), h("span", { class: "soft small" }, count(items, "product"))),
  );
}

export function aislePage(place, { department, category, page }) {
  const crumbs = [h("a", { href: "#/" }, "Shop")];
  if (category) crumbs.push(h("a", { href: wayTo(department) }, quiet(department)));
  const name = category ?? department;
  listing(place, name ? quiet(name) : "Everything", { department, category }, page, name ? crumbs : []);
}

export function searchPage(place, { query, page }) {
  listing(place, `“${query}”`, { query }, page, []);
}

function listing(place, heading, what, page = 1, crumbs = []) {
  document.title = `${heading} · The corner shop`;
  const found = h("p", { class: "soft" }, " ");
  const list = h("div");
  place.replaceChildren(
    h(
      "section",
      {},
      crumbs.length ? h("nav", { class: "crumbs small", "aria-label": "You are here" }, crumbs) : null,
      h("h1", {}, heading),
      found,
      list,
    ),
  );
  fill(list, skeletonTiles, async () => {
    const { items, total } = await get("items", { ...what, offset: Math.min((page - 1) * PAGE, FURTHEST), limit: PAGE });
    found.textContent = range(items.length, total, page);
    if (!total) return h("p", { class: "nothing" }, "Nothing here. Try a shorter word, or one of the aisles.");
    if (!items.length) return h("p", { class: "nothing" }, "The shelf ends before this page. ", h("a", { href: location.hash.split("?")[0] }, "Back to its beginning"));
    return [tiles(items), pager(page, Math.ceil(total / PAGE))];
  });
}

function range(n, total, page) {
  if (total <= PAGE || !n) return count(total, "product");
  const first = (page - 1) * PAGE + 1;
  return `${plain(first)} to ${plain(first + n - 1)} of ${count(total, "product")}`;
}

function pager(page, pages) {
  if (pages < 2) return null;
  const here = location.hash.split("?")[0];
  const step = (to, text) =>
    to < 1 || to > pages ? h("span") : h("a", { class: "plain", href: `${here}?page=${to}` }, text);
  return h(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    step(page - 1, "Back"),
    h("span", { class: "soft small number" }, `Page ${plain(page)} of ${plain(pages)}`),
    step(page + 1, "More"),
  );
}
