// The console: one page for those who run the service.

import { hasKey } from "../api.js";
import { showBench } from "./bench.js";
import { showBundle } from "./bundle.js";
import { showLive } from "./live.js";
import { showRules } from "./rules.js";

const at = (id) => document.getElementById(id);

showBundle(at("bundle"), at("quality"), access);
showLive(at("live"));
showBench(at("bench"));
showRules(at("rules"));

// How whoever sees the bundle was let in.
function access() {
  at("access").textContent = hasKey()
    ? "You are here by your admin key, until you close this tab."
    : "This service has no keys: the console is open to everybody on this machine, and to nobody else.";
}
