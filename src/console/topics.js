// Topics: their partitions, a form to produce, and a live tail.

import { ask, get, part } from "./api.js";
import { h } from "./dom.js";
import { area, field, form, input, table, tiles } from "./parts.js";
import { tail } from "./tail.js";
import { card, fold, listed, often, trouble } from "./views.js";


export const topics = (scene) =>
  listed(scene, {
    noun: "topic",
    view: "topics",
    hint: "Choose a topic to see its partitions, to follow its records and to write some.",
    async load() {
      const { topics } = await get("topics");
      return topics.map(({ topic, partitions }) => ({ name: topic, about: partitions }));
    },
    open: (place, topic, signal) => open(scene, place, topic, signal),
  });

function open({ may }, place, topic, signal) {
  const problem = trouble();
  const totals = tiles(["Partitions", "Records", "Largest message"]);
  const partitions = table("Partitions", [
    { name: "Partition", kind: "count", of: ({ partition }) => String(partition) },
    { name: "First offset", kind: "count", of: ({ first_offset }) => first_offset },
    { name: "End", kind: "count", of: ({ end_offset }) => end_offset },
    { name: "Records", kind: "count", of: ({ first_offset, end_offset }) => end_offset - first_offset },
  ]);
  const look = often(signal, () =>
    problem.over(signal, async () => {
      const { offsets = [], partitions: count, max_message_bytes } = await get(`topics/${part(topic)}`, { signal });
      const records = offsets.reduce((sum, { first_offset, end_offset }) => sum + end_offset - first_offset, 0);
      totals.show([count, offsets.length ? records : null, bytes(max_message_bytes)]);
      partitions.show(offsets, "The server does not give offsets.");
    }),
  );
  place.append(problem.element, totals.element);
  if (may("consume")) place.append(tail(topic, signal));
  if (may("produce")) place.append(card("Produce", producing(topic, look)));
  place.append(fold("Partitions", partitions.element));
}

function bytes(count) {
  if (!count) return "–";
  return count >= 1048576 ? `${+(count / 1048576).toFixed(1)} MiB` : `${+(count / 1024).toFixed(1)} KiB`;
}

function producing(topic, look) {
  const message = area({ rows: 3, placeholder: '{"order": 42}', class: "mono" });
  const key = input();
  const partition = input({ type: "number", min: 0, inputmode: "numeric" });
  const headers = area({ rows: 2, placeholder: "trace: abc", class: "mono" });
  return form(
    "Produce a record",
    [
      field("Message", message),
      h("div", { class: "columns" }, field("Key", key), field("Partition", partition)),
      h("details", {}, h("summary", {}, "Headers"), field("One to a line", headers, "A name, a colon and a value.")),
    ],
    "Produce",
    async () => {
      const query = new URLSearchParams();
      if (key.value) query.set("key", key.value);
      if (partition.value) query.set("partition", partition.value);
      const sent = { "content-type": isJson(message.value) ? "application/json" : "text/plain; charset=utf-8" };
      for (const line of headers.value.split("\n").filter((line) => line.trim())) {
        const [name, ...value] = line.split(":");
        if (!value.length) throw new Error(`There is no colon in the header “${line.trim()}”`);
        sent[`kafka-header-${name.trim()}`] = value.join(":").trim();
      }
      const report = await ask("POST", `producer/${part(topic)}?${query}`, message.value, { headers: sent });
      look();
      return `Written to partition ${report.partition} at offset ${report.offset}.`;
    },
  );
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
