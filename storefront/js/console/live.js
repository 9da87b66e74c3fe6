// The last minutes, from two readings of the metrics at a time.

import { getText } from "../api.js";
import { timeline } from "../drawing/charts.js";
import { h } from "../dom.js";
import { fill } from "../failures.js";
import { plain } from "../words.js";
import { connections } from "./connections.js";
import { between, parse, total } from "./metrics.js";
import { stages } from "./stages.js";
import { figures } from "./tables.js";
import { workers } from "./workers.js";

const EVERY_MS = 2000;
const DRAWN = 150; // points: five minutes
const KEPT = 30; // readings: a minute
const WINDOW = 5; // readings that a point sums up
const OWN = /^\/(metrics|health|shop|console|docs|openapi|embed|admin)/;

export function showLive(place) {
  const readings = [];
  const points = [];
  const body = h("div", { class: "stack" });
  place.replaceChildren(body);
  const look = () =>
    fill(body, null, async () => {
      readings.push({ at: performance.now(), samples: parse(await getText("metrics")) });
      if (readings.length > 1) points.push(point(readings));
      if (readings.length > KEPT) readings.shift();
      if (points.length > DRAWN) points.shift();
      return picture(readings, points);
    });
  const loop = async () => {
    if (!document.hidden) await look();
    setTimeout(loop, EVERY_MS);
  };
  loop();
}

const ofUsers = (labels) => !OWN.test(labels.route ?? "");
const ofAnswers = (labels) => labels.route === "/recommend";
const durations = (before, after) => between(before, after, "rtt2vec_request_duration_seconds", ofAnswers);

function point(readings) {
  const [now, last] = [readings.at(-1), readings.at(-2)];
  const requests = ({ samples }) => total(samples, "rtt2vec_requests_total", ofUsers);
  const { p50, p99 } = durations((readings.at(-1 - WINDOW) ?? readings[0]).samples, now.samples);
  return { rate: Math.max(0, (1000 * (requests(now) - requests(last))) / (now.at - last.at)), p50, p99 };
}

function picture(readings, points) {
  const last = readings.at(-1).samples;
  // Until the page has seen a minute, everything since the start.
  const minute = readings.length === KEPT ? readings[0].samples : [];
  const since = minute.length ? "in the last minute" : "since the start";
  const answers = durations(minute, last);
  const grown = (name, wanted) => plain(total(last, name, wanted) - total(minute, name, wanted));
  return [
    figures([
      ["Workers ready", `${plain(total(last, "rtt2vec_workers_ready"))} of ${plain(total(last, "rtt2vec_workers"))}`],
      [`Recommendations ${since}`, plain(answers.n)],
      ["Half of them within", upTo(answers.p50)],
      ["99 of 100 within", upTo(answers.p99)],
      ["Shed", grown("rtt2vec_shed_requests_total")],
      ["Degraded", grown("rtt2vec_degraded_total")],
      ["Failed", grown("rtt2vec_requests_total", (labels) => ofUsers(labels) && labels.status.startsWith("5"))],
    ]),
    h("div", { class: "panels" }, rates(points), times(points)),
    stages(minute, last, since),
    h("div", { class: "panels broad-panels" }, workers(last), ...connections(last)),
  ];
}

const upTo = (ms) => (ms === null ? "–" : ms === Infinity ? "over 100 ms" : `${ms} ms`);

function drawn(heading, label, lines) {
  return h("figure", {}, h("h3", {}, heading), timeline(`${heading}: ${label}`, lines, DRAWN), h("figcaption", { class: "soft small" }, label));
}

function rates(points) {
  const all = points.map(({ rate }) => rate);
  const label = `${(all.at(-1) ?? 0).toFixed(1)} now, ${Math.max(0, ...all).toFixed(1)} at most`;
  return drawn("Requests a second, in five minutes", label, [["area", all]]);
}

function times(points) {
  const finite = (name) => points.map((each) => (each[name] === Infinity ? 100 : each[name]));
  const latest = points.at(-1) ?? { p50: null, p99: null };
  const label = latest.p50 === null ? "No recommendation just now" : `Half within ${upTo(latest.p50)}, 99 of 100 within ${upTo(latest.p99)}`;
  return drawn("Time of a recommendation", label, [["slow", finite("p99")], ["usual", finite("p50")]]);
}
