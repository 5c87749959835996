// Who looks, which views there are for them, and which one is open.

import { authorization, get, signInWith, signedIn, whenUnknown } from "./api.js";
import { h, put, say } from "./dom.js";
import { button, field, input } from "./parts.js";
import { actions } from "./actions.js";
import { credentials } from "./credentials.js";
import { destinations } from "./destinations.js";
import { groups } from "./groups.js";
import { sources } from "./sources.js";
import { subscriptions } from "./subscriptions.js";
import { topics } from "./topics.js";

// In the order in which they are offered: what a view needs of the credential and of the
// gateway, which may have been built without it.
const VIEWS = [
  { name: "topics", title: "Topics", call: "/topics", open: topics },
  { name: "groups", title: "Groups", call: "/groups", needs: ["consume"], open: groups },
  { name: "sources", title: "Sources", call: "/sources", needs: ["webhooks", "produce"], open: sources },
  { name: "subscriptions", title: "Subscriptions", call: "/subscriptions", needs: ["webhooks"], open: subscriptions },
  { name: "destinations", title: "Destinations", call: "/destinations", needs: ["admin"], open: destinations },
  { name: "actions", title: "Actions", call: "/actions", needs: ["admin"], open: actions },
  { name: "credentials", title: "Credentials", call: "/credentials", needs: ["admin"], open: credentials },
];

const main = document.getElementById("main");
const who = document.getElementById("who");
const list = document.getElementById("views");
// How often the gateway is asked whether it is ready.
const READY = 15000;

let caller;
let offered = [];
let shown;

function signIn(why) {
  const name = input({ autocomplete: "username" });
  const secret = input({ type: "password", autocomplete: "current-password", required: true });
  const said = h("p", { class: "said bad", role: "alert" }, why);
  const enter = (value) => {
    signInWith(value);
    start();
  };
  const here = h("form", {}, [
    field("Secret", secret, "Of a credential of this gateway. It is kept for this tab."),
    field("Name", name, "Needed only where callers present a key for Kafka."),
    h("div", { class: "row" }, h("button", { type: "submit", class: "main" }, "Sign in"), button("Use the browser’s dialogue", () => enter("browser"), "quiet")),
    said,
  ]);
  here.addEventListener("submit", (event) => {
    event.preventDefault();
    enter(authorization(name.value, secret.value));
  });
  leaveView();
  document.body.classList.add("outside");
  put(list);
  put(who);
  const title = h("h1", {}, "Sign in");
  put(main, h("section", { class: "card door" }, title, h("p", {}, "This is the console of a kafka-edge gateway."), here));
  secret.focus();
}

async function start() {
  try {
    caller = await get("caller");
  } catch (error) {
    signInWith(null);
    if (error.status !== 401) signIn(error.message);
    return;
  }
  let calls;
  try {
    calls = new Set((await get("./")).calls.map(({ url }) => url));
  } catch (error) {
    return signIn(error.message);
  }
  const has = (call) => [...calls].some((url) => url.endsWith(call));
  offered = VIEWS.filter(({ call, needs = [] }) => has(call) && needs.every((need) => caller.allow.includes(need)));
  document.body.classList.remove("outside");
  const link = ({ name, title }) => h("li", {}, h("a", { href: `#/${name}`, "data-view": name }, title));
  put(list, offered.map(link));
  introduce();
  route();
}

function introduce() {
  const dot = h("span", { class: "dot" });
  const state = h("span", {}, "…");
  const ready = async () => {
    if (!document.hidden) {
      try {
        await get("readyz");
        dot.className = "dot good";
        say(state, "Ready");
      } catch (error) {
        dot.className = "dot bad";
        say(state, error.message);
      }
    }
  };
  ready();
  clearInterval(introduce.timer);
  introduce.timer = setInterval(ready, READY);
  const name = caller.name ?? (signedIn() ? "Signed in" : "Open access");
  const out = () => {
    signInWith(null);
    signIn();
  };
  put(who, h("p", { class: "state" }, dot, state), h("p", { class: "name" }, name), h("p", { class: "about" }, caller.allow.join(", ")), signedIn() && button("Sign out", out, "quiet"));
}

function leaveView() {
  shown?.controller.abort();
  shown = undefined;
}

// `#/view/name`. Who has followed a link goes on, by keyboard too, where it leads.
function route(followed) {
  if (!caller || document.body.classList.contains("outside")) return;
  const [, name = "", rest] = location.hash.match(/^#\/([a-z]*)(?:\/(.*))?$/) ?? [];
  const named = offered.find((one) => one.name === name);
  const view = named ?? offered[0];
  let item;
  try {
    item = named && rest ? decodeURIComponent(rest) : undefined;
  } catch {
    item = undefined;
  }
  for (const link of list.querySelectorAll("a")) {
    if (link.dataset.view === view.name) {
      link.setAttribute("aria-current", "page");
      // On a phone there is no room for all of them.
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
  document.title = `${item ? `${item} – ` : ""}${view.title} – kafka-edge`;
  document.body.classList.toggle("deep", item !== undefined);
  if (shown?.view !== view) {
    leaveView();
    const controller = new AbortController();
    const may = (permission) => caller.allow.includes(permission);
    const title = h("h1", { tabindex: "-1" }, view.title);
    const place = h("div", { class: "view" });
    put(main, title, place);
    shown = { view, controller, show: view.open({ place, may, ofAllTopics: caller.topics.includes("*"), signal: controller.signal }) };
  }
  shown.show(item);
  if (followed) main.querySelector(item === undefined ? "h1" : "h2")?.focus();
}

whenUnknown((refused) => {
  const had = signedIn();
  signInWith(null);
  signIn(had ? refused.message : "");
});
window.addEventListener("hashchange", route);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
  main.querySelector("input[type=search]")?.focus();
  event.preventDefault();
});
start();
