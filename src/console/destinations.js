// Destinations: the Kafka clusters to which sources write, and whether they could.

import { ask, askText, get, part } from "./api.js";
import { h, pretty, put, say } from "./dom.js";
import { button, pill } from "./parts.js";
import { card, fold, listed, trouble } from "./views.js";

export const destinations = (scene) =>
  listed(scene, {
    noun: "destination",
    view: "destinations",
    hint: "Choose a destination to see whether it could be written to.",
    async load() {
      const { destinations } = await get("destinations");
      return destinations.map(({ id, name, enabled }) => ({ name: id, about: enabled === false ? "off" : name }));
    },
    open,
  });

const CHECKS = [["reachable", "Reachable"], ["topic", "Topic"], ["write", "May write"]];

function open(place, id, signal) {
  const path = `destinations/${part(id)}`;
  const problem = trouble();
  const title = h("p", {});
  const result = h("div", { class: "stages", "aria-live": "polite" });
  const settings = h("pre", {});
  const check = () =>
    problem.over(signal, async () => {
      const said = await ask("POST", `${path}/test`, undefined, { signal });
      put(result, h("ol", {}, CHECKS.filter(([key]) => said[key]).map(([key, name]) => one(name, said[key]))), said.partitions !== undefined && said.partitions !== null && h("p", { class: "about" }, `${said.partitions} partitions`));
    });
  place.append(problem.element, title, card("Check", h("p", { class: "about" }, "Nothing is written."), result, h("div", { class: "row" }, button("Check again", check, "main"))), fold("Settings", settings));
  problem.over(signal, async () => {
    const text = await askText("GET", path, undefined, { signal });
    const { name, type, enabled } = JSON.parse(text);
    put(title, pill(enabled === false ? "off" : "on", enabled === false ? "" : "good"), " ", h("b", {}, name), ` ${type}`);
    say(settings, pretty(text));
  });
  check();
}

function one(name, { passed, reason, error, note }) {
  const kind = passed === true ? "passed" : passed === false ? "refused" : "open";
  const word = { passed: "passes", refused: reason ?? "fails", open: "not known" }[kind];
  return h("li", { class: kind }, h("span", { class: "stage" }, name), h("div", {}, pill(word, { passed: "good", refused: "bad" }[kind]), error && h("p", {}, error), note && h("p", { class: "about" }, note)));
}
