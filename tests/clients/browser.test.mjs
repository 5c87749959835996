// What needs a browser: pages of other origins, remembered passwords, EventSource.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { produce } from "./support/calls.mjs";
import { CREDENTIALS, SECRET, startGateway } from "./support/gateway.mjs";
import { startLink } from "./support/link.mjs";
import { AWAY, produceUntil, startScene } from "./support/outage.mjs";
import { startBrowser, startSite } from "./support/pages.mjs";
import * as tools from "./support/tools.mjs";
import { Inbox, sleep } from "./support/waiting.mjs";

const chromium = tools.chromium();
const AUTHORIZATION = { authorization: `Bearer ${SECRET}` };

describe("in Chromium", chromium.options, () => {
  let browser, named, neighbour, foreign;
  before(async () => {
    browser = await startBrowser(chromium.path);
    // The two that `cors_origins` names, and one that it does not.
    [named, neighbour, foreign] = [await startSite(), await startSite("127.0.0.1"), await startSite()];
  });
  after(async () => {
    await browser?.close();
    for (const site of [named, neighbour, foreign]) await site?.stop();
  });

  // A page with no history of its own, in which no test has left anything.
  const openPage = async (t, url) => {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };

  // Opens an EventSource in a page, and shows what it meets.
  const openSource = async (page, url, options) => {
    const [inbox, states] = [new Inbox(), new Inbox()];
    const name = `show${Math.random()}`;
    await page.exposeFunction(name, (what, item) => (what === "event" ? inbox : states).put(item));
    await page.evaluate(
      ([url, options, name]) => {
        const source = new EventSource(url, options);
        source.onmessage = ({ data }) => window[name]("event", { data });
        source.onopen = source.onerror = () => window[name]("state", source.readyState);
      },
      [url, options, name],
    );
    return { inbox, states };
  };

  describe("with credentials", () => {
    let gateway, link;
    before(async () => {
      const topics = { cors: 1, foreign: 1, quiet: 1, forged: 1 };
      const access = { open_access: "false", credentials: CREDENTIALS };
      const variables = { ...access, cors_origins: `${named.origin},${neighbour.origin}` };
      gateway = await startGateway({ topics, variables });
      link = await startLink(gateway.port);
    });
    after(async () => {
      await link?.stop();
      await gateway?.stop();
    });

    // Without a browser, and with a credential.
    const read = async (path) => (await fetch(gateway.url + path, { headers: AUTHORIZATION })).json();
    const end = async (topic) => (await read(`/topics/${topic}`)).offsets[0].end_offset;

    // Calls from a page; `unreadable` where the browser shows the page no answer.
    const call = (page, path, options = {}) =>
      page.evaluate(
        async ([url, options]) => {
          try {
            const answer = await fetch(url, options);
            const headers = Object.fromEntries(answer.headers);
            return { status: answer.status, headers, body: await answer.json() };
          } catch (error) {
            return { unreadable: String(error) };
          }
        },
        [gateway.url + path, options],
      );

    const JSON_BODY = { ...AUTHORIZATION, "content-type": "application/json" };
    const writing = (headers = {}) => ({
      method: "POST",
      headers: { ...JSON_BODY, "kafka-header-x": "from a page", ...headers },
      body: '{"order":42}',
    });

    const withPassword = (url) => url.replace("//", `//all:${SECRET}@`);

    test("a page of a named origin produces, and reads the answer", async (t) => {
      const page = await openPage(t, named.origin);
      const answer = await call(page, "/producer/cors", writing());
      assert.equal(answer.status, 200, JSON.stringify(answer));
      assert.equal(answer.body.topic, "cors");
      const { records } = await read("/topics/cors/partitions/0/records");
      assert.equal(records[0].message, '{"order":42}');
      const header = records[0].headers.find(({ name }) => name === "x");
      assert.equal(header?.value, "from a page");
    });

    test("it reads a stream with its credential", async (t) => {
      const page = await openPage(t, named.origin);
      await produceAs(gateway, "cors", "for the page");
      const text = await page.evaluate(
        async ([url, headers]) => {
          const answer = await fetch(url, { headers: { ...headers, accept: "text/event-stream" } });
          const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          let text = "";
          while (!text.includes("for the page")) text += (await reader.read()).value;
          await reader.cancel();
          return text;
        },
        [`${gateway.url}/consumer/cors?from=earliest`, AUTHORIZATION],
      );
      assert.match(text, /^data: \{.*"for the page"/m);
    });

    test("it reads errors, and the header location", async (t) => {
      const page = await openPage(t, named.origin);
      const refused = await call(page, "/topics/cors");
      assert.equal(refused.status, 401, JSON.stringify(refused));
      assert.equal(refused.body.status, 401);
      const registration = { topic: "quiet", callback_url: "http://127.0.0.1:9/never" };
      const body = JSON.stringify(registration);
      const made = await call(page, "/webhooks", { method: "POST", headers: JSON_BODY, body });
      assert.equal(made.status, 201, JSON.stringify(made));
      assert.match(made.headers.location ?? "", new RegExp(`${made.body.webhook_id}$`));
    });

    // An EventSource has no other way to present a credential.
    test("an EventSource of a named origin uses a password that the browser remembers", async (t) => {
      await produceAs(gateway, "cors", "for the EventSource");
      const page = await openPage(t, `${withPassword(gateway.url)}/topics`);
      await page.goto(neighbour.origin);
      const url = `${gateway.url}/consumer/cors?from=earliest`;
      const { inbox } = await openSource(page, url, { withCredentials: true });
      const has = (events) => events.some(({ data }) => data.includes("for the EventSource"));
      await inbox.until("the record", has);
    });

    // The gateway of this test is never so busy that it sends one of these.
    test("retry-after is exposed", async () => {
      const headers = { ...AUTHORIZATION, origin: named.origin };
      const answer = await fetch(`${gateway.url}/topics`, { headers });
      assert.equal(answer.headers.get("access-control-allow-origin"), named.origin);
      const exposed = answer.headers.get("access-control-expose-headers") ?? "";
      assert.match(exposed.toLowerCase(), /\bretry-after\b/);
    });

    test("a page of an origin that is not named reads nothing, and produces nothing", async (t) => {
      const page = await openPage(t, foreign.origin);
      const calls = {
        produce: ["/producer/foreign", writing()],
        message: ["/producer/foreign/hello", { headers: AUTHORIZATION }],
        topics: ["/topics", { headers: AUTHORIZATION }],
        health: ["/healthz"],
        description: ["/openapi.json"],
      };
      for (const [name, [path, options]] of Object.entries(calls)) {
        const { unreadable, ...answer } = await call(page, path, options);
        assert.ok(unreadable, `${name}: ${JSON.stringify(answer).slice(0, 200)}`);
      }
      assert.equal(await end("foreign"), 0);
    });

    // Chromium keeps a password for each site that is at the top of a page, so that only
    // a navigation carries it to the gateway from another site; others may send it with
    // a picture as well.
    test("a page of another site writes nothing with a password that the browser remembers", async (t) => {
      const url = `${link.url}/producer/forged`;
      const page = await openPage(t, `${withPassword(link.url)}/topics`);
      const typed = await page.goto(`${url}/typed`);
      assert.equal(typed.status(), 200, "the browser remembers the password");
      const before = await end("forged");

      for (const attempt of [
        (url) => fetch(`${url}/fetch`, { credentials: "include", mode: "no-cors" }),
        (url) => fetch(url, { method: "POST", body: "post", credentials: "include", mode: "no-cors" }),
        (url) =>
          new Promise((done) => {
            const image = new Image();
            image.onload = image.onerror = done;
            image.src = `${url}/image`;
          }),
        (url) =>
          new Promise((done) => {
            const frame = document.createElement("iframe");
            frame.onload = done;
            frame.src = `${url}/frame`;
            document.body.append(frame);
          }),
      ]) {
        await page.goto(foreign.origin);
        await page.evaluate(attempt, url).catch(() => {});
      }
      const statuses = [];
      for (const attempt of [
        (url) => location.assign(`${url}/link`),
        (url) => {
          document.body.innerHTML = `<form method="post" enctype="text/plain"><input name="a"></form>`;
          document.forms[0].action = url;
          document.forms[0].submit();
        },
      ]) {
        await page.goto(foreign.origin);
        // The page may be gone before the call that leaves it has returned.
        const leave = page.evaluate(attempt, url).catch(() => {});
        const [answer] = await Promise.all([page.waitForNavigation(), leave]);
        statuses.push(answer.status());
      }
      assert.equal(await end("forged"), before, "nothing was written");
      assert.deepEqual(statuses, [403, 403]);
      for (const line of ["GET /producer/forged/link", "POST /producer/forged"]) {
        const requests = link.sent().split(/^(?=[A-Z]+ \/)/m);
        const carries = (request) => request.startsWith(`${line} `) && /^authorization: basic/im.test(request);
        assert.ok(requests.some(carries), `${line} carried the password`);
      }
    });
  });

  describe("with open access", () => {
    let scene, link;
    before(async () => {
      const topics = { cors: 1, orders: 1 };
      scene = await startScene(topics, { open_access: "true", cors_origins: named.origin });
      link = await startLink(scene.gateway.port);
    });
    after(async () => {
      await link?.stop();
      await scene?.stop();
    });

    test("an EventSource of a named origin gets records, and goes on after a cut", async (t) => {
      const page = await openPage(t, named.origin);
      const { inbox, states } = await openSource(page, `${link.url}/consumer/cors?from=earliest`);
      const messages = () => inbox.items.map(({ data }) => JSON.parse(data).message);
      await produce(scene.gateway.url, "cors", "one");
      await inbox.until("the first", () => messages().length >= 1);
      link.refuse();
      await produce(scene.gateway.url, "cors", "while it was cut");
      link.allow();
      await states.until("open again", (all) => all.filter((state) => state === 1).length >= 2);
      await produce(scene.gateway.url, "cors", "three");
      await inbox.until("the last", () => messages().includes("three"));
      assert.deepEqual(messages(), ["one", "while it was cut", "three"]);
    });

    test("an EventSource of another origin gets nothing", async (t) => {
      const page = await openPage(t, foreign.origin);
      const { inbox, states } = await openSource(page, `${scene.gateway.url}/consumer/cors?from=earliest`);
      await states.until("given up", (all) => all.includes(2));
      assert.deepEqual(inbox.items, []);
    });

    // The page is the gateway's own, so that this needs no permission for its origin.
    test("its EventSources go on after Kafka was away for eight seconds", async (t) => {
      const page = await openPage(t, `${scene.gateway.url}/healthz`);
      const open = async (query) =>
        (await openSource(page, `${scene.gateway.url}/consumer/orders${query}`)).inbox;
      const [tail, group] = [await open(""), await open("?group=g")];
      await produceUntil(scene, "orders", "before", [tail, group]);
      scene.link.refuse();
      const away = sleep(AWAY);
      const during = await open("?from=earliest");
      await away;
      scene.link.allow();
      const each = Object.entries({ tail, group, "opened while it was away": during });
      const late = await Promise.all(
        each.map(([name, inbox]) => produceUntil(scene, "orders", "after", [inbox]).then(() => [], () => name)),
      );
      assert.deepEqual(late.flat(), []);
    });
  });
});

async function produceAs(gateway, topic, body) {
  const call = { method: "POST", headers: AUTHORIZATION, body };
  const answer = await fetch(`${gateway.url}/producer/${topic}`, call);
  assert.equal(answer.status, 200);
}
