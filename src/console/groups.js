// Consumer groups: where they are, how far behind, and moving them.

import { ask, get, part } from "./api.js";
import { h, number, plural, put, say, tell, when } from "./dom.js";
import { bar, button, confirm, field, form, input, select, table, tiles } from "./parts.js";
import { card, listed, often, trouble } from "./views.js";

export const groups = (scene) =>
  listed(scene, {
    noun: "group",
    view: "groups",
    hint: "Choose a consumer group to see how far it has read, and to move it.",
    async load() {
      const { groups } = await get("groups");
      return groups.map(({ group, topics }) => ({ name: group, about: topics.length === 1 ? topics[0] : plural(topics.length, "topic") }));
    },
    open: (...at) => open(scene.ofAllTopics, ...at),
  });

const sum = (rows, of) => rows.reduce((total, row) => total + (of(row) ?? 0), 0);

function open(ofAllTopics, place, group, signal, changed) {
  const problem = trouble();
  const totals = tiles(["Lag", "Claimed", "Rejected", "Given up"]);
  const settings = h("p", { class: "about" });
  let most = 0;
  const partitions = table("Positions", [
    { name: "Topic", kind: "name", of: ({ topic }) => topic },
    { name: "Partition", kind: "count", of: ({ partition }) => String(partition) },
    { name: "Committed", kind: "count", of: ({ committed }) => committed },
    { name: "Claimed", kind: "count", of: claimed },
    { name: "End", kind: "count", of: ({ end_offset }) => end_offset },
    { name: "Lag", kind: "count lag", of: (row) => (row.beyond_end ? "beyond the end" : row.lag === null ? null : bar(row.lag, most)) },
  ], 150, "tight");
  const topic = select([], {});
  place.append(problem.element, totals.element, card("Positions", settings, partitions.element), seeking(group, topic, () => look()));
  // The gateway does not say whether the group is on topics that are not the caller's.
  if (ofAllTopics) place.append(removing(group, changed));
  let known = "";
  const look = often(signal, () =>
    problem.over(signal, async () => {
      const described = await get(`groups/${part(group)}`, { signal });
      const rows = described.topics.flatMap(({ topic, partitions }) => partitions.map((row) => ({ topic, ...row })));
      most = Math.max(0, ...rows.map(({ lag }) => lag ?? 0));
      const lag = rows.some(({ lag }) => lag !== null) ? sum(rows, ({ lag }) => lag) : null;
      totals.show([lag, sum(rows, (row) => row.claimed), sum(rows, (row) => row.rejected), sum(rows, (row) => row.given_up)]);
      say(settings, setTo(described));
      partitions.show(rows);
      const topics = described.topics.map(({ topic }) => topic);
      if (known !== String(topics)) {
        known = String(topics);
        put(topic, topics.map((name) => h("option", { value: name }, name)));
      }
    }),
  );
}

function claimed({ claimed, acquired, oldest_claim: oldest }) {
  if (!claimed) return "0";
  const text = acquired < claimed ? `${number(claimed)}, ${number(acquired)} of them held` : number(claimed);
  return oldest ? [text, h("small", {}, `oldest at ${oldest.offset}, until `, when(oldest.until))] : text;
}

function setTo({ delivery_limit, lease, dead_letter, max_claimed }) {
  const said = [
    delivery_limit ? `A record is handed out ${delivery_limit} times at most` : "A record is handed out as often as it comes back",
    dead_letter ? `then it goes to ${dead_letter}` : undefined,
    lease?.default ? `a lease lasts ${lease.default} s` : undefined,
    max_claimed ? `up to ${number(max_claimed)} claimed at once` : undefined,
  ];
  return `${said.filter(Boolean).join("; ")}.`;
}

function seeking(group, topic, look) {
  const to = select([["earliest", "Its first record"], ["latest", "Its end"], ["offset", "An offset"], ["time", "A time"]], {});
  const partition = input({ type: "number", min: 0, value: 0 });
  const offset = input({ type: "number", min: 0, value: 0 });
  const time = input({ type: "datetime-local", step: 1 });
  const exact = h("div", { class: "columns", hidden: true }, field("Partition", partition), field("Offset", offset));
  const since = h("div", { hidden: true }, field("Time, in this browser’s time zone", time));
  to.addEventListener("change", () => {
    exact.hidden = to.value !== "offset";
    since.hidden = to.value !== "time";
  });
  const where = () => {
    if (to.value === "offset") return { offsets: { [Number(partition.value)]: Number(offset.value) } };
    if (to.value !== "time") return { to: to.value };
    const at = new Date(time.value);
    if (Number.isNaN(at.getTime())) throw new Error("There is no time yet");
    return { timestamp: at.toISOString() };
  };
  const move = async () => {
    const body = { topic: topic.value, ...where() };
    const { offsets } = await ask("POST", `groups/${part(group)}/seek`, body);
    look();
    tell(`${group} goes on at ${Object.entries(offsets).map(([partition, offset]) => `${partition}·${offset}`).join(", ")}.`);
  };
  return card(
    "Move",
    form("Move the group", [h("div", { class: "columns" }, field("Topic", topic), field("To", to)), exact, since], "Move…", () => {
      where();
      const name = to.selectedOptions[0].textContent.toLowerCase();
      confirm(`Move ${group} on ${topic.value}?`, `It goes on at ${name}. Claims from before are void.`, "Move", move);
    }),
  );
}

function removing(group, changed) {
  const remove = async () => {
    await ask("DELETE", `groups/${part(group)}`);
    tell(`${group} is forgotten.`);
    location.hash = "#/groups";
    changed();
  };
  const open = () => confirm(`Forget ${group}?`, "Its positions and settings are gone, and its name starts anew.", "Forget", remove);
  return h("div", { class: "row end" }, button("Forget this group…", open, "quiet danger"));
}
