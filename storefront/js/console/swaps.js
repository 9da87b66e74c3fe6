// The history of swaps: which bundles answered, and which were refused.

import { moment } from "../words.js";
import { table } from "./tables.js";

// The latest comes first; a bundle that had answered before has come back.
export function history(swaps) {
  const rows = swaps.map(({ at, bundle_id: id, refused }, place) => {
    const before = swaps.slice(place + 1).some((each) => each.bundle_id === id);
    const what = refused ?? `Bundle ${id} ${place === swaps.length - 1 ? "answered first" : before ? "answered again" : "took over"}`;
    return [moment(at), refused ? "Refused" : "Answers", what];
  });
  return table("Swaps since this worker started", ["When", "Outcome", "What"], rows, (at) => (rows[at][1] === "Refused" ? "bad" : null));
}
