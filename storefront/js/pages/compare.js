// The same basket for a stranger and for the user, side by side.

import { h } from "../dom.js";
import { fill } from "../failures.js";
import { skeletonLines } from "../products.js";
import { footnote, recommend, renewList } from "../recommendations.js";
import { basket, user } from "../state.js";

const SHOWN = 12;

export function comparePage(place) {
  const columns = h("div", { class: "two side" });
  place.replaceChildren(
    h("section", {}, h("h1", {}, "Stranger or customer"), h("p", { class: "soft" }, basket().length ? "The same basket, recommended for twice. What only one of them gets is marked." : "An empty basket, recommended for twice. What only one of them gets is marked."), columns),
  );
  fill(columns, () => h("ul", { class: "lines" }, skeletonLines(SHOWN)), async () => {
    const chosen = basket();
    const [strange, own] = await Promise.all([recommend(null, chosen, SHOWN), recommend(user(), chosen, SHOWN)]);
    return [column("As a stranger", strange, own, chosen), column(`As customer ${user()}`, own, strange, chosen)];
  });
}

function column(heading, answer, other, chosen) {
  const elsewhere = new Set(other.recommendations.map((each) => each.item_id));
  const list = h("ul", { class: "lines" });
  renewList(list, answer, chosen, (each) => (elsewhere.has(each.item_id) ? null : "Only here"));
  return h("section", {}, h("h2", {}, heading), list, h("p", { class: "soft small" }, footnote(answer)));
}
