// Where the time of a recommendation goes: a bar for each stage.

import { h } from "../dom.js";
import { between } from "./metrics.js";

const STAGES = ["parse", "lookup", "anchors", "search", "aggregate", "rank", "postprocess", "encode"];

export function stages(before, after, since) {
  const found = STAGES.map((stage) => [stage, between(before, after, "rtt2vec_stage_duration_seconds", (labels) => labels.stage === stage)]);
  const most = Math.max(...found.map(([, { p99 }]) => finite(p99)), 0) || 1;
  return h(
    "div",
    {},
    h("h3", { id: "stages" }, `Time of each stage, ${since}`),
    h("p", { class: "soft small" }, "Green: half of the requests; grey: 99 of 100. Each is the upper end of its bucket."),
    h("ul", { class: "stages", "aria-labelledby": "stages" }, found.map(([stage, times]) => bar(stage, times, most))),
  );
}

const finite = (ms) => (ms === Infinity ? 100 : (ms ?? 0));

function bar(stage, { mean, p50, p99 }, most) {
  const part = (name, ms) => {
    const made = h("span", { class: name });
    made.style.inlineSize = `${(100 * finite(ms)) / most}%`;
    return made;
  };
  const words = mean === null ? "–" : `${p50} / ${p99 === Infinity ? "over 100" : p99} ms, mean ${mean.toFixed(2)}`;
  return h("li", {}, h("span", {}, stage), h("span", { class: "track", "aria-hidden": "true" }, part("slow", p99), part("usual", p50)), h("span", { class: "soft small number" }, words));
}
