// What the build measured of its bundle, as pictures, and the settings in force.

import { gauge, ranked } from "../drawing/charts.js";
import { h } from "../dom.js";
import { plain } from "../words.js";
import { table } from "./tables.js";

const MEASURES = [
  ["recall", "Recall@20", "Of what people went on to buy, this share is among the 20."],
  ["ndcg", "NDCG@20", "The same, and what comes earlier counts more."],
  ["recall_repeat", "Recall@20 of the familiar", "Of products that the customer had bought before."],
  ["recall_new", "Recall@20 of the new", "Of products that are new to the customer."],
];

const thousandths = (value) => value.toFixed(3);

export function measured({ metrics, index, settings }) {
  const methods = Object.entries(metrics.validation ?? {})
    .filter(([, each]) => typeof each?.recall === "number")
    .sort(([, a], [, b]) => b.recall - a.recall);
  const rows = Object.entries(settings).map(([name, value]) => [name, String(value)]);
  return h(
    "div",
    { class: "stack" },
    methods.length
      ? h("div", { class: "intro" }, h("p", { class: "soft" }, "Measured by the build, on the last days before its cut, for the bundle's own methods and the simplest others."), h("div", { class: "panels" }, MEASURES.map((each) => panel(each, methods))))
      : h("p", { class: "soft" }, "The build measured no recommendations: it had too few baskets."),
    h("div", { class: "panels" }, shares(metrics, index)),
    h("details", {}, h("summary", {}, "Settings in force"), table("Settings in force", ["Setting", "Value"], rows)),
  );
}

function panel([name, heading, meaning], methods) {
  const known = methods.filter(([, each]) => typeof each[name] === "number");
  if (!known.length) return null;
  return h("div", {}, h("h3", {}, heading), h("p", { class: "soft small" }, meaning), ranked(known.map(([method, each]) => [method, each[name]]), thousandths));
}

function shares({ basket_score: score, rules }, index) {
  const found = [[index.ann_recall_at_k, "The index", `It finds this share of the ${index.k} closest vectors.`]];
  if (score) {
    found.push([score.auc_foreign, "Yours, or another's", "How often the basket score ranks a customer's own basket above somebody else's (AUC)."]);
    found.push([score.auc_swapped, "Real, or thrown together", "How often it ranks a real basket above one with exchanged products (AUC)."]);
  }
  return [
    ...found.filter(([share]) => typeof share === "number").map(([share, label, meaning]) => h("div", { class: "share" }, gauge(share, label, 1), h("p", { class: "soft small" }, meaning))),
    rules?.count ? h("div", { class: "share" }, h("p", { class: "large-number" }, plain(rules.count)), h("p", { class: "gauge-name" }, "Association rules"), h("p", { class: "soft small" }, "What is bought together more often than by chance.")) : null,
  ];
}
