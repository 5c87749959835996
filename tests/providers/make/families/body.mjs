// An HMAC over the body alone, in one header.
import * as octokit from "@octokit/webhooks-methods";
import "@shopify/shopify-api/adapters/web-api";
import { shopifyApi } from "@shopify/shopify-api";
import adyen from "@adyen/api-library";
import { verifyWebhookSignature as hookdeck } from "@hookdeck/sdk/webhooks/helpers.js";
import { validateSignature as line } from "@line/bot-sdk";
import { LinearWebhookClient } from "@linear/sdk/webhooks";
import {
  both,
  documented,
  field,
  header,
  headersOf,
  hmac,
  odd,
  provider,
  secret,
  signed,
  template,
  usual,
  verified,
  SENT,
} from "../case.mjs";

/** The header, what stands before the signature, and how it is written. */
const sign =
  (name, encoding, { hash = "sha256", prefix = "" } = {}) =>
  ({ secret, body }) => [[name, prefix + hmac(hash, secret, body, encoding)]];
const text = (request) => request.body.toString();
export const WOOCOMMERCE = documented(
  "class-wc-webhook.php at 00e1bc4",
  "https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-webhook.php",
);
const hello = (request) => ({ ...request, body: Buffer.from("Hello, World?") });

const github = {
  ...signed("@octokit/webhooks-methods", "sign"),
  sign: async ({ secret, body }) => [["x-hub-signature-256", await octokit.sign(secret, body)]],
  accept: (request, secret) =>
    octokit.verify(secret, text(request), headersOf(request)["x-hub-signature-256"]),
  headers: [
    ["x-github-delivery", "00000000-0000-4000-8000-000000000001"],
    ["x-github-event", "issues"],
  ],
  id: header("x-github-delivery"),
};

const shopify = (prefix) => ({
  ...verified("@shopify/shopify-api", "webhooks.validate"),
  sign: sign(`${prefix}hmac-sha256`, "base64"),
  headers: [
    [`${prefix}topic`, "orders/create"],
    [`${prefix}shop-domain`, "test.myshopify.com"],
    [`${prefix}api-version`, "2026-10"],
    [`${prefix}webhook-id`, "00000000-0000-4000-8000-000000000002"],
    [`${prefix}event-id`, "00000000-0000-4000-8000-000000000003"],
  ],
  id: header(`${prefix}webhook-id`),
  accept: async (request, apiSecretKey) => {
    const api = shopifyApi({
      apiKey: "test",
      apiSecretKey,
      hostName: "hooks.example.com",
      apiVersion: "2026-10",
      isEmbeddedApp: false,
      logger: { level: 0 },
    });
    const rawRequest = new Request(request.url, { method: "POST", headers: request.headers });
    return (await api.webhooks.validate({ rawBody: text(request), rawRequest })).valid;
  },
});
const hmacs = new adyen.hmacValidator();
/** Adyen shows its keys as 64 hexadecimal digits. */
const adyenKey = (digit) =>
  Buffer.from(`kafka-edge test secret adyen .. ${digit}`.slice(-32)).toString("hex");
const ORDER = { id: 820982911946154508n.toString(), note: "test 1" };

export default [
  ...provider("github", github, [
    ...usual("github", { action: "opened", issue: { number: 1 } }),
    {
      case: "form",
      type: "application/x-www-form-urlencoded",
      body: "payload=" + encodeURIComponent('{"action":"opened","issue":{"number":1}}'),
    },
    {
      case: "documented",
      secrets: ["It's a Secret to Everybody"],
      body: "Hello, World!",
      type: "text/plain",
      change: hello,
    },
  ]),
  ...provider("shopify", shopify("x-shopify-"), usual("shopify", ORDER)),
  ...provider("shopify", shopify("shopify-"), [{ case: "events", body: JSON.stringify(ORDER) }]),
  ...provider(
    "linear",
    {
      ...verified("@linear/sdk", "LinearWebhookClient.verify"),
      window: both(60),
      id: header("linear-delivery"),
      sign: sign("linear-signature", "hex"),
      headers: [
        ["linear-delivery", "00000000-0000-4000-8000-000000000006"],
        ["linear-event", "Issue"],
      ],
      accept: (request, secret) =>
        new LinearWebhookClient(secret).verify(request.body, headersOf(request)["linear-signature"]),
    },
    usual("linear", { action: "create", type: "Issue", webhookTimestamp: SENT * 1000, webhookId: "test" }),
  ),
  ...provider(
    "line",
    {
      ...verified("@line/bot-sdk", "validateSignature"),
      sign: sign("x-line-signature", "base64"),
      accept: (request, secret) => line(request.body, secret, headersOf(request)["x-line-signature"]),
    },
    [
      ...usual("line", { destination: "Utest", events: [{ type: "follow", webhookEventId: "01TEST0001" }] }),
      // LINE sends this when somebody presses "verify" in its console.
      { case: "no-events", body: '{"destination":"Utest1","events":[]}' },
    ],
  ),
  ...provider(
    "hookdeck",
    {
      ...verified("@hookdeck/sdk", "verifyWebhookSignature"),
      sign: sign("x-hookdeck-signature", "base64"),
      id: header("x-hookdeck-eventid"),
      headers: [["x-hookdeck-eventid", "evt_test_1"]],
      accept: async (request, signingSecret) =>
        (await hookdeck({ headers: headersOf(request), rawBody: text(request), signingSecret }))
          .isValidSignature,
    },
    [
      ...usual("hookdeck", { test: 1 }),
      // The second header has the signature under the other secret.
      {
        case: "second-header",
        body: '{"test":1}',
        sign: (one) => [
          ...sign("x-hookdeck-signature", "base64")({ ...one, secret: "another" }),
          ...sign("x-hookdeck-signature-2", "base64")(one),
        ],
      },
    ],
  ),
  ...provider(
    "adyen",
    {
      ...signed("@adyen/api-library", "HmacValidator.calculateHmac"),
      secrets: [adyenKey(1)],
      sign: ({ secret, body }) => [["hmacsignature", hmacs.calculateHmac(body, secret)]],
      accept: (request, secret) =>
        hmacs.validateHMACSignature(secret, headersOf(request).hmacsignature, text(request)),
      body: '{"type":"balancePlatform.transfer.created","data":{"id":"TEST1"}}',
    },
    [
      { case: "header" },
      { case: "header-odd-json", body: odd({ type: "balancePlatform.transfer.created" }) },
      { case: "header-two-secrets", secrets: [adyenKey(2), adyenKey(3)] },
    ],
  ),
  ...provider(
    "vercel",
    {
      ...template(
        "Vercel webhooks, trigger.dev's documentation, https://trigger.dev/docs/webhooks/providers/vercel",
      ),
      sign: sign("x-vercel-signature", "hex", { hash: "sha1" }),
      id: field("id"),
    },
    usual("vercel", { id: "evt_test_1", type: "deployment.created", createdAt: SENT * 1000 }),
  ),
  ...provider(
    "woocommerce",
    {
      ...WOOCOMMERCE,
      // The delivery's id is a hash of the webhook's id and the second (`get_new_delivery_id` in
      // class-wc-webhook.php), so that two orders in one second share it: it is no event's id.
      sign: sign("x-wc-webhook-signature", "base64"),
      headers: [
        ["x-wc-webhook-topic", "order.created"],
        ["x-wc-webhook-delivery-id", "00000000000000000000000000000007"],
      ],
    },
    usual("woocommerce", { id: 1, status: "processing" }),
  ),
  ...provider(
    "x",
    {
      ...documented("Quickstart, X webhooks", "https://docs.x.com/x-api/webhooks/quickstart"),
      sign: sign("x-twitter-webhooks-signature", "base64", { prefix: "sha256=" }),
    },
    usual("x", { for_user_id: "1", tweet_create_events: [] }),
  ),
];
