// What the views have in common: a list on one side, and one of its entries on the other.

import { h, icon, put } from "./dom.js";
import { names } from "./parts.js";

const AGAIN = 2000;

// Calls at once and then every two seconds, while somebody looks and until `signal`
// says so. Returns what calls now.
export function often(signal, look) {
  let timer;
  let looking = false;
  const again = async () => {
    clearTimeout(timer);
    if (signal.aborted) return;
    if (!document.hidden && !looking) {
      looking = true;
      await look();
      looking = false;
    }
    clearTimeout(timer);
    timer = setTimeout(again, AGAIN);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  again();
  return again;
}

// A view with a list. `load` gives what is in it, and `open` shows one entry.
export function listed({ place, signal }, { noun, view, load, open, hint, beside }) {
  const list = names(noun, view);
  const detail = h("section", { class: "detail", "aria-label": noun });
  let current;
  let now;
  const problem = (error) => h("p", { class: "said bad", role: "alert" }, error.message);
  put(place, list.element, detail);
  const look = async () => {
    try {
      list.show(await load());
    } catch (error) {
      if (!signal.aborted && now === undefined) put(detail, problem(error));
    }
  };
  look();
  const timer = setInterval(() => document.hidden || look(), 5 * AGAIN);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    current?.abort();
  });
  return (name) => {
    list.mark(name);
    if (name === now && name !== undefined) return;
    now = name;
    current?.abort();
    current = new AbortController();
    if (name === undefined) {
      put(detail, h("div", { class: "card hint" }, h("p", {}, hint)), beside?.(look));
      return;
    }
    const back = h("a", { class: "back", href: `#/${view}` }, icon("back"), `All ${noun}s`);
    const content = h("div", { class: "content" });
    put(detail, back, h("h2", { tabindex: "-1" }, name), content);
    open(content, name, current.signal, look);
  };
}

// A part of a view, with a heading.
export const card = (title, ...content) => h("section", { class: "card", "aria-label": title }, h("h3", {}, title), content);

// A heading whose content opens.
export const fold = (title, ...content) => h("details", { class: "card" }, h("summary", {}, title), content);

export const trouble = () => {
  const element = h("p", { class: "said bad", role: "alert" });
  return {
    element,
    // Runs something whose failure is said here.
    async over(signal, work) {
      try {
        await work();
        element.textContent = "";
      } catch (error) {
        if (!signal.aborted) element.textContent = error.message;
      }
    },
  };
};
