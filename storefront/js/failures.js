// What a view shows in place of what it could not get.

import { onKey, Problem, useKey } from "./api.js";
import { h, tell } from "./dom.js";

const LONGEST_S = 16;
const tries = new WeakMap();
const locked = new Map(); // places that a key may open, and how to try again

// Fills a place with what `make` returns: first a skeleton, then that, or the failure. A failure
// that passes is tried again by itself, later each time.
export async function fill(place, skeleton, make) {
  const turn = (tries.get(place)?.turn ?? 0) + 1;
  tries.set(place, { turn });
  locked.delete(place);
  const current = () => tries.get(place).turn === turn && place.isConnected;
  if (skeleton) place.replaceChildren(...[skeleton()].flat());
  place.setAttribute("aria-busy", "true");
  for (let wait = 1; ; wait = Math.min(2 * wait, LONGEST_S)) {
    try {
      const made = [await make()].flat();
      if (current()) replace(place, made);
      break;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (!current()) return;
      const again = () => fill(place, skeleton, make);
      if (problem.needsKey) locked.set(place, again);
      place.replaceChildren(problem.needsKey ? keyForm(problem) : notice(problem, again));
      if (!problem.passes) break;
      await pause(1000 * (problem.retryAfter ?? wait));
      if (!current()) return;
    }
  }
  if (current()) place.removeAttribute("aria-busy");
}

// What stays keeps its focus and its movements.
function replace(place, made) {
  const old = [...place.childNodes];
  if (old.length !== made.length || made.some((each, at) => each !== old[at])) {
    place.replaceChildren(...made.filter((each) => each !== null));
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// One key opens all of them.
onKey(() => {
  for (const [place, again] of [...locked]) {
    locked.delete(place);
    if (place.isConnected) again();
  }
});

function notice(problem, again) {
  if (!problem.passes) {
    tell(problem.message);
    return h("p", { class: "notice" }, problem.message);
  }
  const text = "The service cannot answer just now.";
  tell(text);
  return h(
    "div",
    { class: "notice" },
    h("p", {}, h("strong", {}, text), ` ${problem.message}`),
    h("p", {}, "It is asked again in a moment. ", document.body.dataset.meanwhile ?? ""),
    h("button", { class: "plain", onclick: again }, "Try again now"),
  );
}

function keyForm(problem) {
  const input = h("input", { type: "password", autocomplete: "off", required: true });
  const submit = (event) => {
    event.preventDefault();
    useKey(input.value.trim());
  };
  return h(
    "form",
    { class: "notice", onsubmit: submit },
    h("p", {}, problem.status === 401 ? "This service asks for an API key." : problem.message),
    h("label", {}, "API key ", input),
    h("button", { class: "primary" }, "Use this key"),
    h("p", { class: "soft" }, "It stays in this tab, until you close it."),
  );
}
