// The bundle that answers: what it is, how good it was measured to be, and how to change it.

import { get, post, Problem } from "../api.js";
import { h, tell } from "../dom.js";
import { fill } from "../failures.js";
import { plain } from "../words.js";
import { measured } from "./quality.js";
import { history } from "./swaps.js";
import { figures } from "./tables.js";

export function showBundle(place, quality, seen) {
  const body = h("div", { class: "stack" });
  place.replaceChildren(body);
  const look = () =>
    fill(body, null, async () => {
      const [health, facts, { swaps }] = await Promise.all([get("health"), get("admin/bundle"), get("admin/swaps")]);
      seen();
      fill(quality, null, async () => measured(facts));
      return [...about(health, facts, look), history(swaps)];
    });
  look();
}

function about(health, facts, again) {
  const refused = [health.reason, health.bundle_refused, health.rules_refused, ...(health.rules_warnings ?? [])].filter(Boolean);
  return [
    figures([
      ["Bundle", facts.bundle_id],
      ["Ready", health.ready ? "yes" : "no"],
      ["Knows purchases up to", facts.as_of.slice(0, 10)],
      ["Products", plain(facts.items)],
      ["Users", plain(facts.users)],
      ["Before it", health.previous_bundle_id ?? "none"],
    ]),
    refused.map((each) => h("p", { class: "notice" }, each)),
    h(
      "p",
      { class: "ways" },
      changer("Load the newest", "admin/reload", "The newest bundle answers, if it passes its trial.", again),
      health.previous_bundle_id
        ? changer("Go back", "admin/rollback", `Bundle ${health.previous_bundle_id} answers again. Going back once more undoes it.`, again)
        : null,
    ),
  ].flat();
}

// A button that changes what answers, once somebody has said yes.
function changer(text, path, consequence, again) {
  const outcome = h("span", { role: "status" });
  const change = async () => {
    try {
      const { bundle_id: id } = await post(path, {});
      tell(`Bundle ${id} answers.`);
      again();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      outcome.textContent = ` ${problem.message}`;
    }
  };
  const dialog = h(
    "dialog",
    { "aria-label": text },
    h("form", { method: "dialog" }, h("h2", {}, `${text}?`), h("p", {}, consequence), h("p", { class: "ways" }, h("button", { class: "primary", value: "yes" }, "Yes"), h("button", { class: "plain", value: "" }, "No"))),
  );
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") change();
  });
  const ask = () => {
    dialog.returnValue = "";
    dialog.showModal();
  };
  return [h("button", { class: "plain", onclick: ask }, text), dialog, outcome];
}
