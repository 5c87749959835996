// What several views are made of.

import { add, h, icon, number, plural, put, say, tell } from "./dom.js";

// A table whose rows are kept from one look to the next: only what differs is changed.
// At most `most` rows are in the document.
export function table(caption, columns, most = 100, kind = "") {
  const body = h("tbody");
  const rest = h("p", { class: "rest" });
  const head = columns.map((column) => h("th", { scope: "col", class: column.kind }, column.name));
  const element = h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, head)), body);
  const show = (items, nothing = "Nothing yet.") => {
    const shown = items.slice(0, most);
    while (body.rows.length > shown.length) body.deleteRow(-1);
    shown.forEach((item, place) => {
      const row = body.rows[place] ?? body.insertRow();
      columns.forEach((column, at) => {
        const cell = row.cells[at] ?? add(row, h("td", { class: column.kind, "data-name": column.name })).cells[at];
        const value = column.of(item);
        if (value instanceof Node || Array.isArray(value)) put(cell, value);
        else say(cell, typeof value === "number" || value === null || value === undefined ? number(value) : value);
      });
    });
    const left = items.length - shown.length;
    say(rest, items.length === 0 ? nothing : left ? `${number(left)} more of ${number(items.length)} are not shown.` : "");
  };
  return { element: h("div", { class: `table ${kind}` }, element, rest), show };
}

// A share of something, as a bar with its number.
export function bar(value, most) {
  const share = h("span", { class: "share" });
  share.style.width = `${value > 0 ? Math.max(2, Math.round((100 * value) / most)) : 0}%`;
  return [h("span", { class: "track", "aria-hidden": "true" }, share), h("span", { class: "amount" }, number(value))];
}

export function tiles(names) {
  const values = names.map(() => h("dd", {}, "–"));
  const element = h("dl", { class: "tiles" }, names.map((name, at) => h("div", {}, h("dt", {}, name), values[at])));
  return {
    element,
    show: (shown) => shown.forEach((value, at) => say(values[at], typeof value === "string" ? value : number(value))),
  };
}

export const pill = (text, kind = "") => h("span", { class: `pill ${kind}` }, text);

export const button = (text, then, kind = "") => h("button", { type: "button", class: kind, onclick: then }, text);

// A label with its field, and what there is to say about it.
let labels = 0;
export function field(name, input, about) {
  input.id ||= `field-${++labels}`;
  return h("div", { class: "field" }, h("label", { for: input.id }, name), input, about && h("small", {}, about));
}

export const input = (attributes) => h("input", { autocomplete: "off", spellcheck: "false", ...attributes });

export const area = (attributes) => h("textarea", { spellcheck: "false", rows: 4, ...attributes });

export const select = (options, attributes) =>
  h("select", attributes, options.map(([value, name]) => h("option", { value }, name)));

// A form whose answer stands below it. `then` returns what to show.
export function form(name, fields, verb, then) {
  const said = h("output", { class: "said" });
  const submit = h("button", { type: "submit", class: "main" }, verb);
  const element = h("form", { "aria-label": name, novalidate: false }, fields, h("div", { class: "row" }, submit, said));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      put(said, await then());
      said.className = "said";
    } catch (error) {
      say(said, error.message);
      said.className = "said bad";
    }
    submit.disabled = false;
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element.requestSubmit();
  });
  return element;
}

// Asks before something that cannot be undone.
export function confirm(question, detail, verb, then) {
  const dialog = h("dialog", { "aria-label": question });
  const act = form(question, [h("h2", {}, question), h("p", {}, detail)], verb, async () => {
    await then();
    shut(dialog);
  });
  act.querySelector(".main").classList.add("danger");
  act.querySelector(".row").prepend(button("Cancel", () => shut(dialog)));
  open(dialog, act);
}

// A secret is shown once, and is gone from the document when it is closed.
export function showSecret(title, secret, about) {
  const dialog = h("dialog", { "aria-label": title });
  const close = button("I have it", () => shut(dialog), "main");
  open(dialog, [
    h("h2", {}, title),
    h("p", {}, about),
    h("div", { class: "secret" }, h("code", {}, secret), copy(secret)),
    h("div", { class: "row end" }, close),
  ]);
}

function open(dialog, content) {
  add(dialog, content);
  // Escape closes a dialog without a button.
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// The event "close" comes later than the closing (HTML, "close the dialog"): what a dialog
// holds would stay in the document until then.
function shut(dialog) {
  dialog.close();
  dialog.remove();
}

export function copy(text) {
  const then = async () => {
    try {
      await navigator.clipboard.writeText(text);
      tell("Copied.");
    } catch {
      tell("The browser does not let this page copy.", "bad");
    }
  };
  return h("button", { type: "button", class: "quiet icon", "aria-label": "Copy", title: "Copy", onclick: then }, icon("copy"));
}

// A list of names with a field that narrows it; at most `most` of them are shown.
export function names(noun, view, most = 100) {
  const count = h("p", { class: "count" });
  const list = h("ul", { class: "names" });
  const find = `Find ${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
  const filter = input({ type: "search", placeholder: find, "aria-label": find, class: "find" });
  let all = [];
  let current;
  // A line that is used again for another name: who has come to it by keyboard stays there.
  const row = () => {
    const [called, more] = ["name", "about"].map((kind) => h("span", { class: kind }));
    const link = h("a", {}, called, more);
    const element = h("li", {}, link);
    element.show = ({ name, about }) => {
      link.href = `#/${view}/${encodeURIComponent(name)}`;
      if (name === current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      say(called, name);
      say(more, about ?? "");
    };
    return element;
  };
  const draw = () => {
    const wanted = filter.value.toLowerCase();
    const found = wanted ? all.filter(({ name }) => name.toLowerCase().includes(wanted)) : all;
    const shown = found.slice(0, most);
    while (list.children.length > shown.length) list.lastChild.remove();
    shown.forEach((one, place) => (list.children[place] ?? list.appendChild(row())).show(one));
    const of = found.length < all.length ? `${number(found.length)} of ${plural(all.length, noun)}` : plural(all.length, noun);
    const more = shown.length < found.length ? `, the first ${shown.length} shown` : "";
    say(count, of + more);
  };
  filter.addEventListener("input", draw);
  const step = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const links = [filter, ...list.querySelectorAll("a")];
    links[links.indexOf(document.activeElement) + by]?.focus();
    event.preventDefault();
  };
  const element = h("section", { class: "list", "aria-label": `${noun}s`, onkeydown: step }, filter, count, list);
  return {
    element,
    show(items) {
      all = items;
      draw();
    },
    mark(name) {
      current = name;
      draw();
    },
  };
}
