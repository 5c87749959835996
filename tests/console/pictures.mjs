// Writes a picture of each view: what docs/console.md shows. `.ci/console pictures`

import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import { startKafka } from "../clients/support/gateway.mjs";
import { lines, open, signIn, startBrowser, startScene } from "./support/console.mjs";

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const scene = await startScene({ variables: { public_url: "https://edge.example.com" } });
const { call } = scene;

const CITIES = ["Oslo", "Lima", "Kyoto", "Porto", "Graz"];
const order = (id) => ({ order: 1000 + id, total: Number(((id * 3.7) % 99).toFixed(2)), city: CITIES[id % 5] });
const orders = Array.from({ length: 240 }, (_, id) => ({ key: `customer-${id % 17}`, value: JSON.stringify(order(id)) }));
await call("POST", "/producer/orders", ...lines(orders));
const refunds = Array.from({ length: 30 }, (_, id) => ({ value: JSON.stringify({ refund: id }) }));
await call("POST", "/producer/refunds", ...lines(refunds));
for (const topic of ["orders", "refunds"]) await call("POST", "/groups/billing/seek", { topic, to: "earliest" });
await call("PUT", "/groups/billing", { delivery_limit: 5, lease: { default: 60 }, dead_letter: "customers" });
for (let turn = 0; turn < 6; turn += 1) await call("GET", "/consumer/orders?group=billing&max=20&wait=0");
await call("GET", "/consumer/refunds?group=billing&max=7&ack=manual&lease=600&wait=0");
for (const group of ["audit", "mailer", "search-index"]) await call("POST", `/groups/${group}/seek`, { topic: "payments", to: "latest" });
await call("POST", "/sources", {
  name: "shop",
  topic: "orders",
  verify: { token: { header: "x-shop-token" }, secrets: ["the secret of the shop"] },
  dedupe: { id: { jq: ".id" } },
  shape: { filter: ".total > 0", transform: "{id, total}", key: { jq: ".id" } },
});
await call("POST", "/sources", { name: "github", topic: "logs.web", verify: { provider: "github", secrets: ["a secret of GitHub"] } });
for (let id = 0; id < 12; id += 1) {
  const headers = { "x-shop-token": id % 4 ? "the secret of the shop" : "a guess" };
  await fetch(`${scene.url}/in/shop`, { method: "POST", headers, body: JSON.stringify({ id, total: id }) });
}
const payload = { text: "Hello {{ .outputs.trigger.name }}" };
await call("POST", "/actions", { identifier: "greet", title: "Greet a customer", config: { type: "KAFKA", topic: "customers", payload } });
// One whose callback takes everything, and says no to every fifth record at first.
let told = 0;
const callback = createServer((request, response) => {
  request.resume().on("end", () => {
    told += 1;
    response.writeHead(told % 5 === 0 ? 503 : 204).end(told % 5 === 0 ? "One moment" : undefined);
  });
});
await new Promise((resolve) => callback.listen(0, "127.0.0.1", resolve));
const callback_url = `http://127.0.0.1:${callback.address().port}/orders`;
await call("PUT", "/subscriptions/webhook_warehouse", { topics: ["orders", "refunds"], callback_url, from: "earliest", order: "none", concurrency: 4, retry: { delays: [1, 2, 3], jitter: 0 } });
await call("PUT", "/subscriptions/webhook_audit", { topics: ["logs.*"], callback_url: "https://audit.example.com/hook" });
await call("POST", "/subscriptions/webhook_audit/pause");
const kafka = await startKafka({ customers: 3 });
const rest_url = `http://127.0.0.1:${kafka.port}`;
await call("POST", "/destinations", { name: "Event Stream", type: "kafka", config: { rest_url, topic: "customers" } });
await call("POST", "/destinations", { name: "Archive", type: "kafka", config: { rest_url, topic: "no-such-topic" }, enabled: false });
await call("POST", "/credentials", { name: "warehouse", allow: ["consume"], topics: ["orders", "refunds"], expires: "2100-01-01T00:00:00Z" });

const browser = await startBrowser();
const context = async (options) => {
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 760 }, ...options })).newPage();
  await signIn(page, scene, "admin");
  return page;
};
const shoot = (page, name) => page.screenshot({ path: join(folder, `console-${name}.png`) });
const settle = (page) => page.waitForLoadState("networkidle");

const STEPS = {
  async topics(page) {
    await open(page, "topics/orders");
    await page.getByLabel("Where to begin").selectOption("earliest");
    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByText("240 records").or(page.getByText(/^2\d\d records/)).waitFor();
    await page.waitForTimeout(1500);
  },
  groups: (page) => open(page, "groups/billing"),
  async sources(page) {
    await open(page, "sources/shop");
    await page.getByText("Headers, method, query").click();
    await page.getByLabel("Headers, one to a line").fill("x-shop-token: the secret of the shop");
    await page.getByRole("textbox", { name: "Event" }).fill('{"id": 4711, "total": 19.90, "note": "by express"}');
    await page.getByText("written", { exact: true }).waitFor();
  },
  async subscriptions(page) {
    await open(page, "subscriptions/webhook_warehouse");
    await page.getByRole("table", { name: "The last attempts" }).locator("tbody tr").first().waitFor();
    await page.waitForTimeout(4000);
  },
  async destinations(page) {
    await open(page, "destinations");
    await page.getByText("Event Stream").first().click();
    await page.getByText("Reachable").waitFor();
  },
  async actions(page) {
    await open(page, "actions/greet");
    await page.getByLabel("Outputs").fill('{"trigger": {"name": "Ada"}}');
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("IN_PROGRESS", { exact: true }).waitFor();
  },
  credentials: (page) => open(page, "credentials"),
};
const light = await context({});
const dark = await context({ colorScheme: "dark" });
const phone = await context({ viewport: { width: 390, height: 760 }, isMobile: true });
for (const [name, step] of Object.entries(STEPS)) {
  await step(light);
  await settle(light).catch(() => {});
  await light.waitForTimeout(600);
  await shoot(light, name);
}
await open(dark, "sources/shop");
await dark.getByText("written", { exact: true }).waitFor();
await shoot(dark, "dark");
await open(phone, "groups/billing");
await phone.getByRole("table", { name: "Positions" }).locator("tbody td").first().waitFor();
await phone.waitForTimeout(600);
await shoot(phone, "phone");
await browser.close();
callback.close();
await kafka.stop();
await scene.stop();
