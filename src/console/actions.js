// Actions, and runs of them.

import { ask, askText, get, part } from "./api.js";
import { h, pretty, put, say, when } from "./dom.js";
import { area, button, field, form, input, pill } from "./parts.js";
import { card, fold, listed, often, trouble } from "./views.js";

export const actions = (scene) =>
  listed(scene, {
    noun: "action",
    view: "actions",
    hint: "Choose an action to run it, and to see what was reported.",
    async load() {
      const { actions } = await get("actions");
      return actions.map(({ identifier, title, config }) => ({ name: identifier, about: title ?? config.topic }));
    },
    open: (place, name, signal) => open(scene, place, name, signal),
    beside: () => scene.may("consume") && looking(scene.signal),
  });

function open({ may }, place, identifier, signal) {
  const problem = trouble();
  const settings = h("pre", {});
  const run = h("div", {});
  place.append(problem.element);
  if (may("produce")) {
    const outputs = area({ rows: 5, class: "mono" });
    outputs.value = '{"trigger": {}}';
    const running = form("Run the action", [field("Outputs", outputs, "What the payload’s expressions find below .outputs.")], "Run", async () => {
      JSON.parse(outputs.value);
      const made = await ask("POST", `actions/${part(identifier)}/runs`, `{"outputs":${outputs.value}}`);
      if (may("consume")) put(run, follow(made.run_id, signal));
      return `Run ${made.run_id}`;
    });
    place.append(card("Run", running, run));
  }
  place.append(fold("Settings", settings));
  problem.over(signal, async () => say(settings, pretty(await askText("GET", `actions/${part(identifier)}`, undefined, { signal }))));
}

// A run, until it is finished.
function follow(id, signal) {
  const problem = trouble();
  const state = h("div", { class: "row" });
  const nodes = h("pre", {});
  const own = new AbortController();
  signal.addEventListener("abort", () => own.abort());
  often(own.signal, () =>
    problem.over(own.signal, async () => {
      const text = await askText("GET", `v1/workflows/runs/${part(id)}`, undefined, { signal: own.signal });
      const { status, result, updated, created } = JSON.parse(text);
      const kind = { SUCCESS: "good", FAILED: "bad" }[result] ?? "";
      put(state, pill(result ?? status, kind), h("span", { class: "about" }, updated ? "reported " : "since ", when(updated ?? created)));
      say(nodes, pretty(text));
      if (status === "COMPLETED") own.abort();
    }),
  );
  return h("div", {}, problem.element, state, nodes);
}

function looking(signal) {
  const id = input({ placeholder: "wfr_…", class: "mono" });
  const run = h("div", {});
  const look = () => id.value.trim() && put(run, follow(id.value.trim(), signal));
  return card("Look at a run", field("Its id", id), button("Look", look), run);
}
