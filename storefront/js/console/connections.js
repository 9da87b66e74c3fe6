// memcached and Kafka, in words, and what was counted of them.

import { h } from "../dom.js";
import { count, plain } from "../words.js";
import { named, total } from "./metrics.js";
import { table } from "./tables.js";

const COUNTED = /^rtt2vec_(events|kafka_errors|journal|quarantine|dead|stream|profile|export)\w*$/;

export function connections(samples) {
  return [table("memcached and Kafka", ["Part", "State"], [["memcached", memcached(samples)], ...kafka(samples)]), counted(samples)];
}

function memcached(samples) {
  if (!named(samples, "rtt2vec_circuit_open").length) return "Not configured: profiles come from the bundle.";
  const open = total(samples, "rtt2vec_circuit_open");
  if (!open) return "Configured, circuit closed: it is asked for profiles.";
  return `It fails: circuit open in ${count(open, "worker")}, where the bundle's profiles stand in.`;
}

function kafka(samples) {
  const topics = named(samples, "rtt2vec_kafka_consuming").map(({ labels: { topic }, value }) => {
    const lag = named(samples, "rtt2vec_kafka_lag_messages").filter(({ labels }) => labels.topic === topic);
    const behind = lag.length ? `${count(total(lag, "rtt2vec_kafka_lag_messages"), "message")} behind` : "lag not known yet";
    return ["Kafka", `${value ? "Consuming" : "Not consuming"} the topic ${topic}, ${behind}.`];
  });
  return topics.length ? topics : [["Kafka", "Not configured: no purchases come from it."]];
}

function counted(samples) {
  const rows = samples
    .filter(({ name, value }) => COUNTED.test(name) && !/_(created|bucket|sum|bytes|seconds)$/.test(name) && value)
    .map(({ name, labels, value }) => [name.replace(/^rtt2vec_|_total$/g, "").replaceAll("_", " "), Object.values(labels).join(", "), plain(value)]);
  return rows.length
    ? table("Purchases and profiles, since the start", ["What", "Which", "Count"], rows)
    : h("p", { class: "soft" }, "No purchases and no profiles from memcached so far.");
}
