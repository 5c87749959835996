// Credentials: who may call, made here, with the secret shown once.

import { ask, get, part } from "./api.js";
import { h, put, tell, time, when } from "./dom.js";
import { button, confirm, field, form, input, pill, showSecret, table } from "./parts.js";
import { card, often, trouble } from "./views.js";

const PERMISSIONS = {
  produce: "write records",
  consume: "read records, and move groups",
  webhooks: "webhooks in and out",
  admin: "credentials and actions",
  metrics: "metrics, for Prometheus",
};

export function credentials({ place, signal }) {
  const problem = trouble();
  const all = table("Credentials", [
    { name: "Name", kind: "name", of: ({ name }) => name },
    { name: "May", of: ({ allow }) => h("div", {}, allow.map((one) => pill(one))) },
    { name: "Topics", kind: "fine", of: ({ topics }) => topics.join(", ") || "–" },
    { name: "Ends", of: ({ expires }) => (expires ? when(expires) : "never") },
    { name: "Last used", of: ({ last_used: used, source }) => (source === "variable" ? "–" : (used ?? "never")) },
    { name: "Change", kind: "acts", of: acts },
  ], 150, "stack");
  const look = often(signal, () =>
    problem.over(signal, async () => {
      const { credentials } = await get("credentials", { signal });
      const now = JSON.stringify(credentials);
      if (now === look.shown) return;
      look.shown = now;
      all.show(credentials, "There is none: access is open, or nobody may call.");
    }),
  );
  function acts({ name, source, previous_secret_expires: previous }) {
    if (source === "variable") return h("small", {}, "in the configuration");
    const rotate = () =>
      confirm(`Give ${name} a new secret?`, "The one that it has is accepted for another day.", "Make a new secret", async () => {
        const { secret, previous_secret_expires: until } = await ask("POST", `credentials/${part(name)}/rotate`, {});
        showSecret(`The new secret of ${name}`, secret, `It is shown only now. The other one ends at ${time(until)}.`);
        look();
      });
    const remove = () =>
      confirm(`Remove ${name}?`, "Its callers are refused within four seconds.", "Remove", async () => {
        await ask("DELETE", `credentials/${part(name)}`);
        tell(`${name} is removed.`);
        look();
      });
    return [button("Rotate…", rotate, "quiet"), button("Remove…", remove, "quiet danger"), previous && h("small", {}, "two secrets until ", when(previous))];
  }
  put(place, h("div", { class: "wide" }, problem.element, card("All credentials", all.element), card("A new credential", making(look))));
  return () => {};
}

function making(look) {
  const name = input({ required: true, placeholder: "orders-reader" });
  const topics = input({ placeholder: "orders, logs.*" });
  const expires = input({ type: "datetime-local" });
  const rate = input({ type: "number", min: 1 });
  const boxes = Object.entries(PERMISSIONS).map(([permission, about]) => {
    const box = h("input", { type: "checkbox", value: permission });
    return { box, label: h("label", { class: "check" }, box, h("b", {}, permission), h("small", {}, about)) };
  });
  const element = form(
    "Make a credential",
    [
      h("div", { class: "columns" }, field("Name", name), field("Topics", topics, "Names, or beginnings with a * behind them; * is all.")),
      h("fieldset", {}, h("legend", {}, "It may"), boxes.map(({ label }) => label)),
      h("div", { class: "columns" }, field("Ends", expires, "Never, if it is empty."), field("Calls a second", rate, "Any number, if it is empty.")),
    ],
    "Make it",
    async () => {
      const made = await ask("POST", "credentials", {
        name: name.value,
        allow: boxes.filter(({ box }) => box.checked).map(({ box }) => box.value),
        topics: topics.value.split(",").map((topic) => topic.trim()).filter(Boolean),
        expires: expires.value ? new Date(expires.value).toISOString() : undefined,
        rate: rate.value ? Number(rate.value) : undefined,
      });
      element.reset();
      showSecret(`The secret of ${made.name}`, made.secret, "It is shown only now; the gateway keeps no more than its hash.");
      look();
    },
  );
  return element;
}
