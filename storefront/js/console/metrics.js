// The metrics of the service, read from the text that Prometheus reads.

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

// Every sample: its name, labels and value.
export function parse(text) {
  return text
    .split("\n")
    .map((line) => LINE.exec(line))
    .filter(Boolean)
    .map(([, name, labels, value]) => ({
      name,
      labels: Object.fromEntries([...(labels ?? "").matchAll(LABEL)].map(([, key, text_]) => [key, text_])),
      value: Number(value),
    }));
}

export const named = (samples, name) => samples.filter((each) => each.name === name);

export function total(samples, name, wanted = () => true) {
  return named(samples, name)
    .filter((each) => wanted(each.labels))
    .reduce((sum, each) => sum + each.value, 0);
}

// What a histogram counted between two readings: count, mean and quantiles, in milliseconds. A
// quantile is the upper end of its bucket, since no more is known.
export function between(before, after, name, wanted) {
  const counts = new Map();
  for (const [samples, sign] of [[after, 1], [before, -1]]) {
    for (const { name: each, labels, value } of samples) {
      if (each !== `${name}_bucket` || !wanted(labels)) continue;
      counts.set(labels.le, (counts.get(labels.le) ?? 0) + sign * value);
    }
  }
  const buckets = [...counts].map(([le, n]) => [Number(le.replace("+Inf", "Infinity")), n]).sort(([a], [b]) => a - b);
  const difference = (suffix) => total(after, name + suffix, wanted) - total(before, name + suffix, wanted);
  const n = difference("_count");
  const quantile = (share) => (n ? 1000 * (buckets.find(([, below]) => below >= share * n)?.[0] ?? Infinity) : null);
  return { n, mean: n ? (1000 * difference("_sum")) / n : null, p50: quantile(0.5), p99: quantile(0.99) };
}
