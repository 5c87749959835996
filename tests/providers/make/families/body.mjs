// An HMAC over the body alone, in one header.
import * as octokit from "@octokit/webhooks-methods";
import "@shopify/shopify-api/adapters/web-api";
import { shopifyApi } from "@shopify/shopify-api";
import { documented, field, header, headersOf, hmac, odd, provider, secret, signed, template, verified } from "../case.mjs";

/** The header, what stands before the signature, and how it is written. */
const sign = (name, encoding, { hash = "sha256", prefix = "" } = {}) => ({ secret, body }) => [
  [name, prefix + hmac(hash, secret, body, encoding)],
];
const text = (request) => request.body.toString();
/** What each provider gets: a plain body, an odd one, and one under the retiring secret. */
const usual = (name, fields, extra = []) => [
  { case: "json", body: JSON.stringify(fields) },
  { case: "odd-json", body: odd(fields) },
  { case: "two-secrets", body: JSON.stringify(fields), secrets: [secret(`${name}-new`), secret(`${name}-old`)] },
  ...extra,
];
const hello = (request) => ({ ...request, body: Buffer.from("Hello, World?") });

const github = {
  ...signed("@octokit/webhooks-methods", "sign"),
  sign: async ({ secret, body }) => [["x-hub-signature-256", await octokit.sign(secret, body)]],
  accept: (request, secret) => octokit.verify(secret, text(request), headersOf(request)["x-hub-signature-256"]),
  headers: [["x-github-delivery", "00000000-0000-4000-8000-000000000001"], ["x-github-event", "issues"]],
  id: header("x-github-delivery"),
};

const shopify = (prefix) => ({
  ...verified("@shopify/shopify-api", "webhooks.validate"),
  sign: sign(`${prefix}hmac-sha256`, "base64"),
  headers: [
    [`${prefix}topic`, "orders/create"], [`${prefix}shop-domain`, "test.myshopify.com"],
    [`${prefix}api-version`, "2026-10"], [`${prefix}webhook-id`, "00000000-0000-4000-8000-000000000002"],
    [`${prefix}event-id`, "00000000-0000-4000-8000-000000000003"],
  ],
  id: header(`${prefix}webhook-id`),
  accept: async (request, apiSecretKey) => {
    const api = shopifyApi({ apiKey: "test", apiSecretKey, hostName: "hooks.example.com", apiVersion: "2026-10", isEmbeddedApp: false, logger: { level: 0 } });
    const rawRequest = new Request(request.url, { method: "POST", headers: request.headers });
    return (await api.webhooks.validate({ rawBody: text(request), rawRequest })).valid;
  },
});
const ORDER = { id: 820982911946154508n.toString(), note: "test 1" };

export default [
  ...provider("github", github, [
    ...usual("github", { action: "opened", issue: { number: 1 } }),
    { case: "form", type: "application/x-www-form-urlencoded", body: "payload=" + encodeURIComponent('{"action":"opened","issue":{"number":1}}') },
    { case: "documented", secrets: ["It's a Secret to Everybody"], body: "Hello, World!", type: "text/plain", change: hello },
  ]),
  ...provider("shopify", shopify("x-shopify-"), usual("shopify", ORDER)),
  ...provider("shopify", shopify("shopify-"), [{ case: "events", body: JSON.stringify(ORDER) }]),
];
