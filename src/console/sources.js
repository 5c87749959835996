// Sources: what came to them, what was refused, and a box to try an event.

import { ask, askText, get, part } from "./api.js";
import { h, pretty, put, say, tell, when } from "./dom.js";
import { button, copy, pill, table, tiles } from "./parts.js";
import { trial } from "./trial.js";
import { card, fold, listed, often, trouble } from "./views.js";

export const sources = (scene) =>
  listed(scene, {
    noun: "source",
    view: "sources",
    hint: "Choose a source to see what came to it, and to try an event.",
    async load() {
      const { sources } = await get("sources");
      return sources.map(({ name, topic, enabled }) => ({ name, about: enabled === false ? "off" : topic }));
    },
    open,
  });

function open(place, name, signal, changed) {
  const path = `sources/${part(name)}`;
  const problem = trouble();
  const state = h("div", { class: "row" });
  const totals = tiles(["Accepted", "Repeats", "Filtered", "Dead letters", "Failed", "Refused"]);
  const reasons = table("Refused, by reason", [
    { name: "Stage", of: ([reason]) => reason.split("/")[0] },
    { name: "Reason", of: ([reason]) => reason.split("/").slice(1).join("/") },
    { name: "Requests", kind: "count", of: ([, count]) => count },
  ], 40);
  const refusals = table("The last refusals", [
    { name: "Time", of: ({ time }) => when(time) },
    { name: "Stage", of: ({ stage }) => stage },
    { name: "Reason", of: ({ reason }) => reason },
    { name: "Headers", kind: "fine", of: ({ headers }) => headers.join(", ") },
  ], 20, "stack");
  const settings = h("pre", {});
  const trying = trial(path, signal);
  let shown = "";
  const look = often(signal, () =>
    problem.over(signal, async () => {
      const text = await askText("GET", path, undefined, { signal });
      const { url, enabled = true, statistics, topic, shape } = JSON.parse(text);
      trying.know(shape);
      const refused = Object.entries(statistics.refused);
      totals.show([
        statistics.accepted,
        statistics.repeats,
        statistics.filtered,
        statistics.dead_lettered,
        statistics.failed + statistics.unknown,
        refused.reduce((sum, [, count]) => sum + count, 0),
      ]);
      reasons.show(refused.sort(([, one], [, other]) => other - one), "Nothing was refused.");
      refusals.show(statistics.refusals, "Nothing was refused.");
      say(settings, pretty(text.slice(0, text.lastIndexOf(',"statistics":')) + "}"));
      const now = JSON.stringify([url, enabled, topic]);
      if (now === shown) return;
      shown = now;
      put(state, pill(enabled ? "on" : "off", enabled ? "good" : ""), h("code", {}, url), copy(new URL(url, location.href).href), h("span", { class: "gap" }), button(enabled ? "Turn off" : "Turn on", () => turn(!enabled), "quiet"));
    }),
  );
  async function turn(enabled) {
    await problem.over(signal, () => ask("PATCH", path, { enabled }));
    tell(`${name} is ${enabled ? "on" : "off"}.`);
    look();
    changed();
  }
  place.append(problem.element, state, totals.element, trying.element);
  place.append(card("The last refusals", refusals.element, h("p", { class: "about" }, "Counts are lower bounds, and these are some of the last refusals.")));
  place.append(fold("Refused, by reason", reasons.element), fold("Settings", settings));
}
