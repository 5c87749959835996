// The records of a topic as they come. All are counted, the last ones are shown, and no
// more of them is kept.

import { follow, part } from "./api.js";
import { cut, h, number, plural, pretty, put, say, time } from "./dom.js";
import { button, pill, select } from "./parts.js";

// How many records are shown.
const MOST = 80;
// How much is kept of a value, of a key and of a header.
const LONGEST = 4096;
const EVERY = 120;
const SECONDS = 60;

export function tail(topic, signal) {
  const from = select([["latest", "From now on"], ["earliest", "From the beginning"]], { "aria-label": "Where to begin" });
  const start = button("Follow", () => begin(), "main");
  const state = h("span", { class: "state" }, pill("off"));
  const count = h("p", { class: "count" }, "No records yet.");
  const note = h("p", { class: "said bad", role: "alert" });
  const rows = h("ol", { class: "records", "aria-label": "Records, the last one first" });
  const pulse = pulses();
  const kept = [];
  let total = 0;
  let size = 0;
  let waits = 0;
  let running;

  function begin() {
    if (running) return stop();
    running = new AbortController();
    [total, size, waits] = [0, 0, 0];
    kept.length = 0;
    rows.replaceChildren();
    say(start, "Stop");
    say(note, "");
    from.disabled = true;
    put(state, pill("opening"));
    const timer = setInterval(draw, EVERY);
    const ended = () => {
      clearInterval(timer);
      draw();
      put(state, pill("off"));
      say(start, "Follow");
      from.disabled = false;
      running = undefined;
    };
    const onState = (what, why) => put(state, pill(what === "live" ? "live" : `waits: ${why}`, what === "live" ? "good" : "warn"));
    follow(`consumer/${part(topic)}?from=${from.value}`, running.signal, take, onState)
      .catch((error) => say(note, error.message))
      .finally(ended);
  }
  const stop = () => running?.abort();
  signal.addEventListener("abort", stop);

  // A line of its data is all that is done with a record that is not shown.
  function take({ name, data }) {
    if (name === "error") {
      const { error, detail } = JSON.parse(data);
      say(note, detail ? `${error} (${detail})` : error);
      return;
    }
    total += 1;
    waits += 1;
    size += data.length;
    kept.push(data);
    if (kept.length > MOST) kept.shift();
  }

  // What somebody reads stays where it is.
  const isRead = () => rows.querySelector("details[open]") !== null;

  function draw() {
    pulse.beat(total);
    const paused = isRead();
    say(count, `${plural(total, "record")} · ${pulse.rate()} a second${paused && waits ? ` · ${number(waits)} wait while you read` : ""}`);
    if (paused || !waits) return;
    waits = 0;
    const shown = kept.map((data) => summary(JSON.parse(data))).reverse();
    // What is kept of a long record is its beginning.
    kept.forEach((data, place) => data.length > 4 * LONGEST && (kept[place] = JSON.stringify(shown[shown.length - 1 - place])));
    while (rows.children.length > shown.length) rows.lastChild.remove();
    shown.forEach((record, place) => (rows.children[place] ?? rows.appendChild(row())).show(record));
  }

  return h("section", { class: "card tail", "aria-label": "Live tail" }, [
    h("div", { class: "row" }, h("h3", {}, "Live tail"), state, h("span", { class: "gap" }), from, start),
    h("div", { class: "row meter" }, count, pulse.element),
    note,
    rows,
  ]);
}

// Of a record as it is kept.
function summary(record) {
  const text = (value, encoding) => (value === null || value === undefined ? value : encoding ? `base64 ${cut(value, LONGEST)}` : cut(value, LONGEST));
  const headers = (record.headers ?? []).slice(0, 50).map(({ name, value }) => ({ name: cut(name, 256), value: value === null ? null : cut(value, 1024) }));
  return { ...record, message: text(record.message, record.encoding), encoding: undefined, key: text(record.key, record.key_encoding), key_encoding: undefined, headers };
}

// A line that opens. It is used again for another record.
function row() {
  const place = h("span", { class: "place" });
  const at = h("time", {});
  const key = h("span", { class: "key" });
  const message = h("span", { class: "message" });
  const whole = h("div", { class: "whole" });
  let record;
  const fill = () => {
    if (!details.open) return whole.replaceChildren();
    const headers = record.headers.map(({ name, value }) => [h("dt", {}, name), h("dd", {}, value ?? "null")]);
    put(whole, h("pre", {}, record.message === null ? "null" : pretty(record.message)), [
      headers.length > 0 && h("dl", { class: "pairs" }, headers),
      h("p", { class: "about" }, `partition ${record.partition}, offset ${record.offset}, ${record.timestamp ?? "no time"}`),
    ]);
  };
  const details = h("details", { ontoggle: fill }, h("summary", {}, place, at, key, message), whole);
  const element = h("li", {}, details);
  element.show = (shown) => {
    record = shown;
    say(place, `${record.partition}·${record.offset}`);
    say(at, record.timestamp ? time(record.timestamp) : "");
    say(key, record.key ? cut(record.key, 60) : "");
    say(message, record.message === null ? "null" : cut(record.message, 300));
  };
  return element;
}

// How many came in each of the last seconds.
function pulses() {
  const space = "http://www.w3.org/2000/svg";
  const element = document.createElementNS(space, "svg");
  element.setAttribute("viewBox", `0 0 ${SECONDS * 3} 24`);
  element.setAttribute("aria-hidden", "true");
  element.setAttribute("class", "pulse");
  const bars = Array.from({ length: SECONDS }, (_, place) => {
    const bar = document.createElementNS(space, "rect");
    bar.setAttribute("x", place * 3);
    bar.setAttribute("width", 2);
    element.append(bar);
    return bar;
  });
  const counts = new Array(SECONDS).fill(0);
  let before = 0;
  let since = performance.now();
  const draw = () => {
    const most = Math.max(1, ...counts);
    bars.forEach((bar, place) => {
      const height = counts[place] ? Math.max(1.5, (24 * counts[place]) / most) : 0.75;
      bar.setAttribute("y", 24 - height);
      bar.setAttribute("height", height);
    });
  };
  draw();
  return {
    element,
    rate: () => number(counts[SECONDS - 1]),
    beat(total) {
      const now = performance.now();
      if (total < before) before = 0;
      if (now - since < 1000) return;
      counts.shift();
      counts.push(Math.round(((total - before) * 1000) / (now - since)));
      [before, since] = [total, now];
      draw();
    },
  };
}
