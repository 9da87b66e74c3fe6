// The console: one page for those who run the service.

import { hasKey } from "../api.js";
import { showBench } from "./bench.js";
import { showBundle } from "./bundle.js";
import { showLive } from "./live.js";
import { showRules } from "./rules.js";

const at = (id) => document.getElementById(id);

at("access").textContent = hasKey()
  ? "You are here by your admin key, until you close this tab."
  : "Without keys, the console is open to this machine alone. With keys it asks for one with the scope admin.";
showBundle(at("bundle"), at("quality"));
showLive(at("live"));
showBench(at("bench"));
showRules(at("rules"));
