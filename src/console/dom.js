// Makes elements. Whatever comes from a server is put in as text, never as markup.

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  add(element, children);
  return element;
}

export function add(element, ...children) {
  const there = children.flat(9).filter((child) => child !== undefined && child !== null && child !== false);
  element.append(...there.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

export function put(element, ...children) {
  element.replaceChildren();
  return add(element, ...children);
}

// Sets a text only where it differs, so that a selection of it stays.
export function say(element, text) {
  text = String(text);
  if (element.textContent !== text) element.textContent = text;
}

export const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));

export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

// The beginning of a text, as a text of its own: what is cut off a long one would keep
// all of it in memory.
export const cut = (text, most) => (text.length > most ? JSON.parse(JSON.stringify(text.slice(0, most))) + "…" : text);

// JSON with indents where a text is JSON; its numbers keep their digits.
export function pretty(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  const line = (depth) => "\n" + "  ".repeat(depth);
  let written = "";
  let depth = 0;
  tokens.forEach((token, place) => {
    const next = tokens[place + 1];
    if (token === "{" || token === "[") written += next === "}" || next === "]" ? token : token + line(++depth);
    else if (token === "}" || token === "]") written += "{[".includes(tokens[place - 1]) ? token : line(--depth) + token;
    else if (token === ",") written += token + line(depth);
    else written += token === ":" ? ": " : token;
  });
  return written;
}

export function time(text) {
  if (!text) return "–";
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  const two = (part) => String(part).padStart(2, "0");
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return at.toDateString() === new Date().toDateString() ? clock : `${day} ${clock}`;
}

export const when = (text) => h("time", { datetime: text, title: text }, time(text));

const SHAPES = {
  copy: "M9 9h9v11H9zM6 15V4h9",
  back: "M14 6l-6 6 6 6",
};

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

// Says something to everyone, with a screen reader too, and takes it away again.
let gone;
export function tell(text, kind = "") {
  const said = document.getElementById("said");
  clearTimeout(gone);
  put(said, h("p", { class: kind }, text));
  gone = setTimeout(() => said.replaceChildren(), 6000);
}
