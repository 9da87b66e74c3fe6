// The last minutes, from two readings of the metrics at a time.

import { getText } from "../api.js";
import { h, svg } from "../dom.js";
import { fill } from "../failures.js";
import { plain } from "../words.js";
import { connections } from "./connections.js";
import { between, parse, total } from "./metrics.js";
import { figures, table } from "./tables.js";
import { workers } from "./workers.js";

const EVERY_MS = 2000;
const KEPT = 150; // readings: five minutes
const MINUTE = 30; // readings
const STAGES = ["parse", "lookup", "anchors", "search", "aggregate", "rank", "postprocess", "encode"];
const OWN = /^\/(metrics|health|shop|console|docs|openapi|embed)/;

export function showLive(place) {
  const readings = [];
  const body = h("div", { class: "stack" });
  place.replaceChildren(body);
  const look = () =>
    fill(body, null, async () => {
      readings.push({ at: performance.now(), samples: parse(await getText("metrics")) });
      if (readings.length > KEPT) readings.shift();
      return picture(readings);
    });
  const loop = async () => {
    if (!document.hidden) await look();
    setTimeout(loop, EVERY_MS);
  };
  loop();
}

const ofUsers = (labels) => !OWN.test(labels.route ?? "");

function picture(readings) {
  const last = readings.at(-1).samples;
  // Until the page has seen a minute, everything since the start.
  const minute = readings.at(-MINUTE)?.samples ?? [];
  const since = minute.length ? "in the last minute" : "since the start";
  const answers = between(minute, last, "rtt2vec_request_duration_seconds", (labels) => labels.route === "/recommend");
  const grown = (name, wanted) => plain(total(last, name, wanted) - total(minute, name, wanted));
  return [
    figures([
      ["Workers ready", `${plain(total(last, "rtt2vec_workers_ready"))} of ${plain(total(last, "rtt2vec_workers"))}`],
      [`Recommendations ${since}`, plain(answers.n)],
      ["Half of them within", upTo(answers.p50)],
      ["99 of 100 within", upTo(answers.p99)],
      ["Shed", grown("rtt2vec_shed_requests_total")],
      ["Degraded", grown("rtt2vec_degraded_total")],
      ["Failed", grown("rtt2vec_requests_total", (labels) => labels.status.startsWith("5"))],
    ]),
    spark(readings),
    table(
      `Where the time of a recommendation goes, ${since}`,
      ["Stage", "Mean", "Half within", "99 of 100 within"],
      STAGES.map((stage) => {
        const of = between(minute, last, "rtt2vec_stage_duration_seconds", (labels) => labels.stage === stage);
        return [stage, of.mean === null ? "–" : `${of.mean.toFixed(2)} ms`, upTo(of.p50), upTo(of.p99)];
      }),
    ),
    workers(last),
    ...connections(last),
  ];
}

const upTo = (ms) => (ms === null ? "–" : ms === Infinity ? "over 100 ms" : `${ms} ms`);

function spark(readings) {
  const rates = readings.slice(1).map(({ at, samples }, before) => {
    const old = readings[before];
    const n = total(samples, "rtt2vec_requests_total", ofUsers) - total(old.samples, "rtt2vec_requests_total", ofUsers);
    return (1000 * n) / (at - old.at);
  });
  const most = Math.max(1, ...rates);
  const points = rates.map((rate, x) => `${x + KEPT - 1 - rates.length},${(60 - (56 * rate) / most).toFixed(1)}`);
  const now = rates.at(-1) ?? 0;
  const label = `Requests a second in the last five minutes: ${now.toFixed(1)} now, ${most.toFixed(1)} at most`;
  const d = points.length ? `M${KEPT - 1 - rates.length},60L${points.join("L")}L${KEPT - 2},60z` : "";
  return h(
    "figure",
    {},
    svg("svg", { class: "spark", viewBox: `0 0 ${KEPT - 2} 61`, preserveAspectRatio: "none", role: "img", "aria-label": label }, svg("path", { d })),
    h("figcaption", { class: "soft small" }, label),
  );
}
