// Subscriptions: how far their deliveries are, the last attempts, and steering them.

import { ask, askText, get, part } from "./api.js";
import { h, number, pretty, put, say, tell, when } from "./dom.js";
import { bar, button, confirm, field, form, input, pill, select, table, tiles } from "./parts.js";
import { card, fold, listed, often, trouble } from "./views.js";

// How many pages of the list are read: 500 subscriptions each.
const PAGES = 40;
const KINDS = { active: "good", paused: "warn", disabled: "bad" };

export const subscriptions = (scene) =>
  listed(scene, {
    noun: "subscription",
    view: "subscriptions",
    hint: "Choose a subscription to see its deliveries, to pause them and to send records again.",
    async load() {
      const all = [];
      let next = "";
      for (let page = 0; page < PAGES && next !== undefined; page += 1) {
        const answer = await get(`subscriptions${next && `?cursor=${encodeURIComponent(next)}`}`);
        all.push(...answer.subscriptions);
        next = answer.next ?? undefined;
      }
      return all.map(({ id, topics, state }) => ({ name: id, about: state === "active" ? topics.join(", ") : state }));
    },
    open: (place, id, signal, changed) => open(scene, place, id, signal, changed),
  });

function open({ may }, place, id, signal, changed) {
  const path = `subscriptions/${part(id)}`;
  const problem = trouble();
  const state = h("div", { class: "row" });
  const url = h("p", { class: "mono" });
  const why = h("p", { class: "about" });
  const totals = tiles(["Lag", "Delivered", "Failed", "Retried", "Dead letters"]);
  let most = 0;
  const partitions = table("Positions", [
    { name: "Topic", kind: "name", of: ({ topic }) => topic },
    { name: "Partition", kind: "count", of: ({ partition }) => String(partition) },
    { name: "Position", kind: "count", of: ({ position }) => position },
    { name: "Failures", kind: "count", of: ({ failures }) => failures },
    { name: "Last error", kind: "fine", of: ({ last_error: error, next_attempt: next }) => (error ? [error, next && h("small", {}, "again ", when(next))] : "") },
    { name: "Lag", kind: "count lag", of: (row) => (row.beyond_end ? "beyond the end" : row.lag === null ? null : bar(row.lag, most)) },
  ], 100, "tight");
  const attempts = table("The last attempts", [
    { name: "Time", of: ({ time }) => when(time) },
    { name: "Record", of: ({ topic, partition, offset }) => `${topic} ${partition}·${offset}` },
    { name: "Answer", of: ({ status, error }) => pill(status ?? "none", status >= 200 && status < 300 ? "good" : "bad") },
    { name: "Took", kind: "count", of: ({ millis }) => `${number(millis)} ms` },
    { name: "What it said", kind: "fine", of: ({ error, answer }) => [error, answer].filter(Boolean).join(": ") },
  ], 50, "stack");
  const runs = table("Sent again", [
    { name: "Run", kind: "name", of: ({ redrive, topic }) => `${redrive ? "dead letters" : "replay"} of ${topic}` },
    { name: "Partition", kind: "count", of: ({ partition }) => String(partition) },
    { name: "From", kind: "count", of: ({ from }) => from },
    { name: "At", kind: "count", of: ({ position }) => position },
    { name: "Up to", kind: "count", of: ({ to }) => to },
    { name: "Delivered", kind: "count", of: ({ delivered }) => delivered },
    { name: "Failed", kind: "count", of: ({ failed }) => failed },
  ], 40, "tight");
  const again = card("Sent again", runs.element);
  const settings = h("pre", {});
  let shown = "";
  const act = async (verb, said, body) => {
    const answer = await ask("POST", `${path}/${verb}`, body);
    tell(said);
    look();
    changed();
    return answer;
  };
  const look = often(signal, () =>
    problem.over(signal, async () => {
      const text = await askText("GET", path, undefined, { signal });
      const one = JSON.parse(text);
      const { totals: counts } = one;
      most = Math.max(0, ...one.partitions.map(({ lag }) => lag ?? 0));
      totals.show([one.lag, counts.delivered, counts.failed, counts.retried, counts.dead_lettered]);
      say(url, one.callback_url);
      put(why, one.why && `${one.why} `, one.waiting_since && ["The oldest record has waited since ", when(one.waiting_since), ". "], one.overdue_since && ["Something is due since ", when(one.overdue_since), "."]);
      partitions.show(one.partitions);
      const parts = one.runs.flatMap(({ partitions, ...run }) => partitions.map((part) => ({ ...run, ...part })));
      again.hidden = parts.length === 0;
      runs.show(parts);
      say(settings, pretty(text.slice(0, text.lastIndexOf(',"partitions":')) + "}"));
      const { attempts: last } = await get(`${path}/attempts`, { signal });
      attempts.show(last, "Nothing was sent yet.");
      if (shown === one.state) return;
      shown = one.state;
      const verb = one.state === "active" ? "pause" : "resume";
      const turn = button(verb === "pause" ? "Pause" : "Resume", () => problem.over(signal, () => act(verb, `${id} is ${verb === "pause" ? "paused" : "active"}.`)), "quiet");
      put(state, pill(one.state, KINDS[one.state]), h("span", { class: "gap" }), turn);
    }),
  );
  place.append(problem.element, state, url, why, totals.element, card("Positions", partitions.element), card("The last attempts", attempts.element), again);
  place.append(card("Send again", sending(act, may), h("div", { class: "row end" }, removing(id, path, changed))), fold("Settings", settings));
}

const FROM = [["earliest", "The first record"], ["offset", "An offset"], ["time", "A time"]];

// A replay sends records once more beside the live position; a redrive, dead letters.
function sending(act, may) {
  const topic = input({ placeholder: "all" });
  const partition = input({ type: "number", min: 0, placeholder: "all" });
  const from = select(FROM, {});
  const offset = input({ type: "number", min: 0, value: 0 });
  const time = input({ type: "datetime-local", step: 1 });
  const exact = h("div", { hidden: true }, field("Offset", offset));
  const since = h("div", { hidden: true }, field("Time, in this browser’s time zone", time));
  from.addEventListener("change", () => {
    exact.hidden = from.value !== "offset";
    since.hidden = from.value !== "time";
  });
  const replay = form(
    "Replay",
    [h("div", { class: "columns" }, field("Topic", topic), field("Partition", partition)), field("From", from), exact, since],
    "Replay",
    async () => {
      const where = { earliest: () => "earliest", offset: () => ({ offset: Number(offset.value) }), time: () => ({ time: new Date(time.value).toISOString() }) };
      const body = { topic: topic.value || undefined, partition: partition.value === "" ? undefined : Number(partition.value), from: where[from.value]() };
      const { run_id: run } = await act("replay", "Records are sent once more.", body);
      return run;
    },
  );
  const redrive = form("Redrive", [], "Redrive the dead letters", async () => (await act("redrive", "Dead letters are sent again.")).run_id);
  return may("consume") ? [replay, redrive] : [];
}

function removing(id, path, changed) {
  const remove = async () => {
    await ask("DELETE", path);
    tell(`${id} is removed.`);
    location.hash = "#/subscriptions";
    changed();
  };
  return button("Remove it…", () => confirm(`Remove ${id}?`, "Its positions are gone, and nothing is delivered any more.", "Remove", remove), "quiet danger");
}
