// An HMAC over the body and a time, under headers of the provider's own.
import bolt from "@slack/bolt/dist/receivers/verify-request.js";
import Stripe from "stripe";
import Mux from "@mux/mux-node";
import { WorkOS } from "@workos-inc/node";
import * as sanity from "@sanity/webhook";
import { Paddle } from "@paddle/paddle-node-sdk";
import { WebhooksManager as Box } from "box-node-sdk/managers/webhooks";
import { AwsLambdaReceiver, MeetingsS2SAuthClient } from "@zoom/rivet/meetings";
import { WebflowClient } from "webflow-api";
import {
  both,
  documented,
  field,
  header,
  headersOf,
  hmac,
  odd,
  provider,
  python,
  secret,
  signed,
  usual,
  verified,
  SENT,
} from "../case.mjs";

const text = (request) => request.body.toString();

const STRIPE = { id: "evt_test_1", object: "event", type: "charge.succeeded", created: SENT };
const stripe = new Stripe("sk_test_kafka_edge");
const stripeHeader = ({ secret, time, body }) =>
  stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: time });
const v1 = (header) => header.slice(header.indexOf(",") + 1);

const SLACK = { type: "event_callback", event_id: "EvTEST0001", event: { type: "reaction_added" } };

const mux = new Mux({ tokenId: "test", tokenSecret: "test" });
const MUX = { id: "00000000-0000-4000-8000-000000000009", type: "video.asset.ready" };
const workos = new WorkOS("sk_test_kafka_edge");
const WORKOS = { id: "event_test_1", event: "dsync.user.created" };
const paddle = new Paddle("test");
const PDL = "pdl_ntfset_kafka_edge_test";
const PADDLE = { event_id: "evt_test_1", event_type: "transaction.paid" };
/** As PHP writes JSON, and Box's servers with it: slashes and what is not ASCII are escaped. */
const BOX_SENT =
  '{"type":"webhook_event","id":"00000000-0000-4000-8000-000000000010","trigger":"FILE.UPLOADED",' +
  '"source":{"type":"file","id":"1","name":"Z\\u00fcrich \\u2603 \\ud83d\\ude00"},"path":"a\\/b"}';
const boxSigned = ({ time, keys }, body) => {
  const at = new Date(time * 1000).toISOString().replace(".000Z", "-00:00");
  const [primary, secondary] = keys.map((key) => hmac("sha256", key, body + at, "base64"));
  return [
    ["box-delivery-timestamp", at],
    ["box-signature-primary", primary],
    ["box-signature-secondary", secondary],
  ];
};
const BOX = { type: "webhook_event", id: "00000000-0000-4000-8000-000000000010", trigger: "FILE.UPLOADED" };
const webflow = new WebflowClient({ accessToken: "test" });

const ZOOM = { event: "meeting.started", event_ts: SENT * 1000, payload: { account_id: "test1" } };
/** Zoom's package has no function that only checks, so that this plays a whole request. */
export async function zoom(request, webhooksSecretToken) {
  const receiver = new AwsLambdaReceiver({ webhooksSecretToken });
  const client = new MeetingsS2SAuthClient({
    clientId: "test",
    clientSecret: "test",
    webhooksSecretToken,
    receiver,
  });
  const handle = await client.start();
  return handle({ body: text(request), headers: headersOf(request), isBase64Encoded: false }, {});
}

export const slackRow = {
  ...python("sdk-signed", "slack_sdk 3.48.0 SignatureVerifier.generate_signature"),
  window: both(300),
  // The package for JavaScript does not look ahead; the one for Python does.
  limits: { age: 300, future: null },
  sign: ({ secret, time, body }) => [
    ["x-slack-request-timestamp", `${time}`],
    ["x-slack-signature", "v0=" + hmac("sha256", secret, `v0:${time}:${body}`, "hex")],
  ],
  accept: (request, signingSecret) =>
    bolt.verifySlackRequest({ signingSecret, body: text(request), headers: headersOf(request) }),
};
export const zoomRow = {
  ...verified("@zoom/rivet", "AwsLambdaReceiver"),
  sign: ({ secret, time, body }) => [
    ["x-zm-request-timestamp", `${time}`],
    ["x-zm-signature", "v0=" + hmac("sha256", secret, `v0:${time}:${body}`, "hex")],
  ],
  headers: [["x-zm-trackingid", "v=2.0;clid=test;rid=WEB_1"]],
  id: header("x-zm-trackingid"),
  accept: async (request, secret) => (await zoom(request, secret)).statusCode === 200,
};

export default [
  ...provider(
    "stripe",
    {
      ...signed("stripe", "webhooks.generateTestHeaderString"),
      window: { age: 300, future: null },
      sign: (one) => [["stripe-signature", stripeHeader(one)]],
      id: field("id"),
      accept: (request, secret) =>
        void stripe.webhooks.constructEvent(request.body, headersOf(request)["stripe-signature"], secret),
      secrets: ["whsec_kafka_edge_test_secret"],
      body: JSON.stringify(STRIPE),
    },
    [
      { case: "v1" },
      { case: "odd-json", body: odd(STRIPE) },
      { case: "two-secrets", secrets: ["whsec_kafka_edge_test_new", "whsec_kafka_edge_test_old"] },
      // While a secret is being retired Stripe signs with both, in one header.
      {
        case: "two-signatures",
        sign: (one) => [
          [
            "stripe-signature",
            `${stripeHeader({ ...one, secret: "whsec_kafka_edge_test_old" })},${v1(stripeHeader(one))}`,
          ],
        ],
      },
      {
        case: "other-schemes",
        sign: (one) => [
          ["stripe-signature", `${stripeHeader(one)},v0=${hmac("sha256", "test", one.body, "hex")}`],
        ],
      },
      {
        case: "thin-event",
        body: JSON.stringify({
          ...STRIPE,
          object: "v2.core.event",
          type: "v1.billing.meter.error_report_triggered",
        }),
        accept: (request, secret) =>
          void stripe.parseEventNotification(request.body, headersOf(request)["stripe-signature"], secret),
      },
    ],
  ),
  ...provider(
    "slack",
    {
      ...slackRow,
      id: field("event_id"),
      body: JSON.stringify(SLACK),
    },
    [
      { case: "json" },
      { case: "odd-json", body: odd(SLACK) },
      { case: "two-secrets", secrets: [secret("slack-new"), secret("slack-old")] },
      {
        case: "form",
        type: "application/x-www-form-urlencoded",
        body: "command=%2Ftest&text=hello+world&trigger_id=1.2",
        id: () => null,
      },
    ],
  ),
  ...provider(
    "mux",
    {
      ...verified("@mux/mux-node", "webhooks.verifySignature"),
      window: { age: 300, future: null },
      id: field("id"),
      sign: ({ secret, time, body, more = "" }) => [
        ["mux-signature", `t=${time},v1=${hmac("sha256", secret, `${time}.${body}`, "hex")}${more}`],
      ],
      accept: (request, secret) => mux.webhooks.verifySignature(text(request), headersOf(request), secret),
    },
    [
      ...usual("mux", MUX),
      { case: "two-signatures", more: `,v1=${"0".repeat(64)}`, body: JSON.stringify(MUX) },
    ],
  ),
  ...provider(
    "workos",
    {
      ...signed("@workos-inc/node", "webhooks.computeSignature"),
      window: { age: 180, future: null },
      id: field("id"),
      sign: async ({ secret, time, body, space = " " }) => [
        [
          "workos-signature",
          `t=${time}000,${space}v1=${await workos.webhooks.computeSignature(time * 1000, body, secret)}`,
        ],
      ],
      accept: (request, secret) =>
        workos.webhooks.verifyHeader({
          payload: text(request),
          sigHeader: headersOf(request)["workos-signature"],
          secret,
        }),
    },
    [...usual("workos", WORKOS), { case: "without-space", space: "", body: JSON.stringify(WORKOS) }],
  ),
  ...provider(
    "sanity",
    {
      ...signed("@sanity/webhook", "encodeSignatureHeader"),
      id: header("idempotency-key"),
      sign: async ({ secret, time, body }) => [
        ["sanity-webhook-signature", await sanity.encodeSignatureHeader(body, time * 1000, secret)],
      ],
      headers: [["idempotency-key", "test-1"]],
      accept: (request, secret) =>
        sanity.isValidSignature(text(request), headersOf(request)["sanity-webhook-signature"], secret),
    },
    usual("sanity", { _id: "test1", _type: "post" }),
  ),
  ...provider(
    "paddle",
    {
      ...verified("@paddle/paddle-node-sdk", "webhooks.isSignatureValid"),
      window: { age: 5, future: null },
      id: field("event_id"),
      sign: ({ secret, time, body, before = "" }) => [
        ["paddle-signature", `ts=${time};${before}h1=${hmac("sha256", secret, `${time}:${body}`, "hex")}`],
      ],
      accept: (request, secret) =>
        paddle.webhooks.isSignatureValid(text(request), secret, headersOf(request)["paddle-signature"]),
      secrets: [PDL],
    },
    [
      ...usual("paddle", PADDLE).map((one) =>
        one.secrets ? { ...one, secrets: [`${PDL}_new`, `${PDL}_old`] } : one,
      ),
      // The package for JavaScript takes the last one alone, and the one for Python any.
      { case: "two-signatures", before: `h1=${"0".repeat(64)};`, body: JSON.stringify(PADDLE) },
    ],
  ),
  ...provider("zoom", zoomRow, [
    { case: "json", body: JSON.stringify(ZOOM) },
    { case: "two-secrets", body: JSON.stringify(ZOOM), secrets: [secret("zoom-new"), secret("zoom-old")] },
    // The package writes the body anew before it checks, so that it takes no other white space.
    { case: "unicode", body: JSON.stringify({ ...ZOOM, payload: { topic: "Zürich ☃ 😀", n: 1 } }) },
  ]),
  ...provider(
    "box",
    {
      ...verified("box-node-sdk", "WebhooksManager.validateMessage"),
      window: { age: 600, future: 0 },
      id: header("box-delivery-id"),
      secrets: [secret("box-primary"), secret("box-secondary")],
      keys: [secret("box-primary"), secret("box-secondary")],
      sign: (all) => boxSigned(all, all.body),
      headers: [
        ["box-delivery-id", "00000000-0000-4000-8000-000000000008"],
        ["box-signature-algorithm", "HmacSHA256"],
        ["box-signature-version", "1"],
      ],
      accept: (request, primary, [, secondaryKey]) =>
        Box.validateMessage(text(request), headersOf(request), primary, { secondaryKey }),
    },
    [
      { case: "json", body: JSON.stringify(BOX) },
      { case: "odd-json", body: odd(BOX) },
      { case: "escaped", body: BOX_SENT },
      {
        case: "parsed-and-written-anew",
        body: JSON.stringify(JSON.parse(BOX_SENT)),
        sign: (all) => boxSigned(all, BOX_SENT),
        refused: "the signature is that of the bytes that Box sent",
      },
      { case: "primary-key-retired", keys: ["another", secret("box-secondary")], body: JSON.stringify(BOX) },
      { case: "secondary-key-retired", keys: [secret("box-primary"), "another"], body: JSON.stringify(BOX) },
    ],
  ),
  ...provider(
    "webflow",
    {
      ...verified("webflow-api", "webhooks.verifySignature"),
      sign: ({ secret, time, body }) => [
        ["x-webflow-timestamp", `${time}000`],
        ["x-webflow-signature", hmac("sha256", secret, `${time}000:${body}`, "hex")],
      ],
      accept: (request, secret) =>
        webflow.webhooks.verifySignature({ headers: headersOf(request), body: text(request), secret }),
    },
    usual("webflow", { triggerType: "form_submission", payload: { id: "test1" } }),
  ),
  ...provider(
    "port",
    {
      ...documented(
        "Validating Webhook signatures, Port",
        "https://docs.port.io/actions-and-automations/setup-backend/webhook/signature-verification/",
      ),
      sign: ({ secret, time, body }) => [
        ["x-port-timestamp", `${time}`],
        ["x-port-signature", "v1," + hmac("sha256", secret, `${time}.${body}`, "base64")],
      ],
    },
    usual("port", { action: "create_service", context: { runId: "r_test1" } }),
  ),
];
