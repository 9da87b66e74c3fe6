// The shop: which page is shown, and what is around it.

import { aislePage, homePage, searchPage, showAisles } from "./pages/aisles.js";
import { onKey, Problem, part } from "./api.js";
import { showBasket } from "./basket.js";
import { checkoutPage } from "./pages/checkout.js";
import { comparePage } from "./pages/compare.js";
import { h } from "./dom.js";
import { productPage } from "./pages/product.js";
import { refreshAdders, shown } from "./products.js";
import { scorePage } from "./pages/score.js";
import { onChange, user } from "./state.js";
import { profilePage, usersPage } from "./pages/users.js";

const main = document.getElementById("main");
const search = document.getElementById("search");
const TYPING_MS = 120;

const PAGES = {
  "": [homePage, "The corner shop"],
  all: [aislePage, "Everything"],
  aisle: [aislePage, "Aisle"],
  search: [searchPage, "Search"],
  product: [productPage, "Product"],
  users: [usersPage, "Who are you?"],
  profile: [profilePage, "Profile"],
  compare: [comparePage, "Side by side"],
  score: [scorePage, "Basket, judged"],
  checkout: [checkoutPage, "Check out"],
};
const NEEDS_USER = new Set(["profile", "compare"]);
const FOLLOWS_BASKET = new Set(["score", "compare", "checkout"]);

// "#/aisle/GROCERY/SOUP?page=2": the page, what it is about, and which page of that.
function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...about] = path.split("/").map(decode);
  const page = Math.max(1, Number.parseInt(new URLSearchParams(query).get("page"), 10) || 1);
  return { name, about, page };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

let named = null;

function show() {
  const { name, about, page } = address();
  const known = name in PAGES ? name : "";
  const at = NEEDS_USER.has(known) && !user() ? "users" : known;
  named = at;
  const [draw, title] = PAGES[at];
  const [first, second] = about;
  document.title = at ? `${title} · The corner shop` : title;
  draw(main, { department: first, category: second, query: first, id: first, page });
  if (document.activeElement !== search) search.value = at === "search" ? first : "";
  aisles();
}

function aisles() {
  const { about: [department, category] } = address();
  showAisles(document.querySelector(".aisles"), named === "aisle" ? { department, category } : {}).catch(silent);
}

// The page itself says what fails; the aisles come back with the next one.
function silent(problem) {
  if (!(problem instanceof Problem)) throw problem;
}

function showUser() {
  const place = document.querySelector(".who");
  place.replaceChildren(
    user() ? h("a", { class: "plain", href: "#/profile" }, `Customer ${user()}`) : h("a", { class: "plain", href: "#/users" }, "Log in"),
  );
}

function searchSoon() {
  const query = search.value.trim();
  const to = query ? `#/search/${part(query)}` : "#/";
  if (address().name === "search") {
    history.replaceState(null, "", to);
    show();
  } else location.hash = to;
}

let typing = 0;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(searchSoon, TYPING_MS);
});
search.form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  searchSoon();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => {
  show();
  if (document.activeElement !== search) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
});
onChange((what) => {
  showUser();
  refreshAdders(document, shown);
  for (const each of document.querySelectorAll("[data-toggles]")) each.say();
  if (FOLLOWS_BASKET.has(named) && !what.emptied && !("user" in what && named === "checkout")) {
    show();
    // What had the focus may be gone.
    if (document.activeElement === document.body) main.focus({ preventScroll: true });
  }
});
onKey(aisles);
showUser();
showBasket(document.querySelector(".basket"));
show();
