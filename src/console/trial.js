// A box to try an event: what each stage of a source decides about it, and what each
// expression gives, as one types. Nothing is written.

import { askText } from "./api.js";
import { h, pretty, put, say } from "./dom.js";
import { area, field, input, pill } from "./parts.js";
import { card } from "./views.js";

// How long somebody has to pause.
const PAUSE = 200;
// How many steps and records of an event are shown, and how many rows of all events.
const MOST = 20;
const ROWS = 100;

const FIRST = { rows: 1, class: "mono" };

// `know` is told the shape that the source has.
export function trial(path, signal) {
  const event = area({ rows: 7, class: "mono" });
  event.value = '{"id": 1, "total": 2.5}';
  const headers = area({ rows: 2, class: "mono", placeholder: "x-github-event: push" });
  const method = input({ placeholder: "POST", size: 8 });
  const query = input({ placeholder: "a=1" });
  const parts = { filter: area(FIRST), transform: area({ ...FIRST, rows: 2 }) };
  let known = {};
  const result = h("div", { class: "stages", "aria-live": "polite" });
  const problem = h("p", { class: "said bad", role: "alert" });
  let timer;
  let asked;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  };
  const look = async () => {
    asked?.abort();
    const mine = (asked = new AbortController());
    try {
      const answer = JSON.parse(await askText("POST", `${path}/test`, sample(), { signal: mine.signal }));
      if (asked !== mine) return;
      say(problem, "");
      put(result, stages(answer));
    } catch (error) {
      if (asked !== mine || signal.aborted) return;
      say(problem, error.message);
      result.replaceChildren();
    }
  };
  // What is JSON goes as it is written, so that numbers keep their digits.
  function sample() {
    const rest = { headers: {}, method: method.value || undefined, query: query.value || undefined };
    for (const line of headers.value.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) rest.headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
    }
    // Only what is another expression than that of the source.
    for (const [name, { value }] of Object.entries(parts)) {
      if (value.trim() !== (known[name] ?? "")) rest.shape = { ...rest.shape, [name]: value.trim() || null };
    }
    const others = JSON.stringify(rest).slice(1);
    try {
      JSON.parse(event.value);
      return `{"event":${event.value},${others}`;
    } catch {
      return `{"body":${JSON.stringify(event.value)},${others}`;
    }
  }
  const element = card(
    "Try an event",
    h("div", { class: "halves" }, [
      h("div", {}, [
        field("Event", event, "JSON, or any other text. Nothing is written."),
        h("details", {}, h("summary", {}, "Other expressions"), field("Filter", parts.filter), field("Transform", parts.transform, "Tried in place of those of the source, which stay what they are.")),
        h("details", {}, h("summary", {}, "Headers, method, query"), field("Headers, one to a line", headers), h("div", { class: "columns" }, field("Method", method), field("Query", query))),
      ]),
      h("div", {}, problem, result),
    ]),
  );
  element.addEventListener("input", soon);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    asked?.abort();
  });
  look();
  const know = (shape = {}) => {
    for (const [name, box] of Object.entries(parts)) {
      // What somebody is typing stays.
      if (box.value.trim() === (known[name] ?? "")) box.value = shape[name] ?? "";
    }
    known = shape;
  };
  return { element, know };
}

const refusal = ({ reason, error, detail, status }) => [pill(`${status} ${reason}`, "bad"), h("p", {}, error), detail && h("p", { class: "about" }, detail)];

const stage = (name, passed, ...content) =>
  h("li", { class: passed ? "passed" : "refused" }, h("span", { class: "stage" }, name), h("div", {}, content));

function stages({ allow, verify, unreadable, events, destinations = [] }) {
  const first = [["allow", allow], ["verify", verify]].map(([name, { passed, refused }]) =>
    stage(name, passed, passed ? h("p", { class: "about" }, "passes") : refusal(refused)),
  );
  if (unreadable) first.push(stage("read", false, refusal(unreadable)));
  let rows = 0;
  const shown = events.filter(({ steps }) => (rows += Math.min(steps.length, MOST) + 1) <= ROWS);
  const left = events.length - shown.length;
  return [
    h("ol", {}, first),
    shown.map((event, place) => one(event, events.length > 1 ? `Event ${place + 1}` : undefined)),
    left > 0 && h("p", { class: "rest" }, `${left} more events are not shown.`),
    destinations.length > 0 && [h("h4", {}, "Destinations"), h("ol", {}, destinations.map(target))],
  ];
}

const target = ({ name, topic, outcome, error }) =>
  stage(name, outcome !== "refused", pill(outcome, { written: "good", refused: "bad" }[outcome]), topic && h("p", { class: "about" }, "topic ", h("b", {}, topic)), error && h("p", {}, error));

function one({ id, steps, outcome, refused, records }, title) {
  const step = ({ stage: name, part, values, error }) => {
    const given = error ? h("p", { class: "bad" }, error) : (values ?? []).slice(0, MOST).map((value) => h("pre", {}, pretty(value)));
    return stage(`${name} · ${part}`, !error, values?.length === 0 ? h("p", { class: "about" }, "nothing") : given);
  };
  const record = ({ topic, key, value, headers }) => [
    h("p", { class: "about" }, "A record", topic && [" for ", h("b", {}, topic)], key !== null && [" with the key ", h("code", {}, key)]),
    h("pre", {}, value === null ? "null" : pretty(value)),
    headers.length > 0 && h("p", { class: "fine" }, headers.slice(0, MOST).map(({ name, value }) => `${name}: ${value}`).join("\n")),
  ];
  const kind = { written: "good", filtered: "", "dead-letter": "warn" }[outcome];
  const end = refused ? refusal(refused) : [pill(outcome, kind), records.slice(0, MOST).map(record)];
  return [
    title && h("h4", {}, title),
    id !== null && h("p", { class: "about" }, "A repeat would be known by ", h("code", {}, id)),
    h("ol", {}, steps.slice(0, MOST).map(step), stage("outcome", !refused, end)),
  ];
}
