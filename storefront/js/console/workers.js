// Each worker, and what it answers from.

import { moment } from "../words.js";
import { named } from "./metrics.js";
import { table } from "./tables.js";

export function workers(samples) {
  const rules = new Map(named(samples, "rtt2vec_worker_rules_checksum").map(({ labels, value }) => [labels.pid, value]));
  const rows = named(samples, "rtt2vec_worker_since_timestamp_seconds")
    .filter(({ value }) => value) // of earlier bundles it is 0
    .map(({ labels: { pid, bundle_id: bundle }, value }) => [
      process(pid), bundle ? "yes" : "no", bundle || "none", checksum(rules.get(pid)), moment(1000 * value),
    ])
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  return table("Workers", ["Process", "Ready", "Bundle", "Rules and stock (checksum)", "Since"], rows, (at) => (rows[at][1] === "no" ? "bad" : null));
}

// A single worker is not told apart. Behind the dash is how often its files were made anew.
const process = (pid) => (pid ? pid.split("-")[0] : "the only one");

const checksum = (value) => (value ? value.toString(16).padStart(8, "0") : "none");
