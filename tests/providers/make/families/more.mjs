// Providers that the project does not promise by name, checked as the others are.
import Anthropic from "@anthropic-ai/sdk";
import { signatureHelper as kontent } from "@kontent-ai/webhook-helper";
import { WebhookHandler as Liveblocks } from "@liveblocks/node";
import coinbase from "coinbase-commerce-node";
import Dodo from "dodopayments";
import * as gocardless from "gocardless-nodejs/webhooks";
import Lithic from "lithic";
import ModernTreasury from "modern-treasury";
import Orb from "orb-billing";
import Pusher from "pusher";
import razorpay from "razorpay";
import { Resend } from "resend";
import { symmetric as retell } from "retell-sdk/lib/webhook_auth.js";
import {
  SENT,
  both,
  field,
  header,
  headersOf,
  hmac,
  provider,
  python,
  secret,
  signed,
  usual,
  verified,
  whsec,
} from "../case.mjs";
import { sign as standard } from "./standard.mjs";

const text = (request) => request.body.toString();
/** A body under two secrets, as every provider has it here. */
const cases = (name, fields, secrets) =>
  usual(name, fields).map((one) => (one.secrets && secrets ? { ...one, secrets } : one));

const STANDARD = {
  window: both(300),
  secrets: [whsec("1")],
  sign: standard("webhook"),
  id: header("webhook-id"),
};
const standardCases = (name, fields) => cases(name, fields, [whsec("new"), whsec("old")]);
const anthropic = new Anthropic({ apiKey: "test" });
const lithic = new Lithic({ apiKey: "test" });
const dodo = new Dodo({ bearerToken: "test" });
const resend = new Resend("re_test");
const orb = new Orb({ apiKey: "test" });
const treasury = new ModernTreasury({ apiKey: "test", organizationID: "test" });
const pusher = ({ secret, body }) => new Pusher.Token("test-key", secret).sign(body);

const HEX =
  (name, prefix = "") =>
  ({ secret, body }) => [[name, prefix + hmac("sha256", secret, body, "hex")]];

export default [
  ...provider(
    "anthropic",
    {
      ...STANDARD,
      ...verified("@anthropic-ai/sdk", "beta.webhooks.unwrap"),
      accept: (request, key) =>
        void anthropic.beta.webhooks.unwrap(text(request), { headers: headersOf(request), key }),
    },
    standardCases("anthropic", { type: "event", id: "evt_test_1" }),
  ),
  ...provider(
    "lithic",
    {
      ...STANDARD,
      ...verified("lithic", "webhooks.parse"),
      accept: (request, secret) =>
        void lithic.webhooks.parse(text(request), { headers: headersOf(request), secret }),
    },
    standardCases("lithic", { event_type: "card.created", token: "test1" }),
  ),
  ...provider(
    "dodo-payments",
    {
      ...STANDARD,
      ...verified("dodopayments", "webhooks.unwrap"),
      accept: (request, key) =>
        void dodo.webhooks.unwrap(text(request), { headers: headersOf(request), key }),
    },
    standardCases("dodo-payments", { type: "payment.succeeded", data: { id: "test1" } }),
  ),
  ...provider(
    "liveblocks",
    {
      ...STANDARD,
      ...verified("@liveblocks/node", "WebhookHandler.verifyRequest"),
      accept: (request, secret) =>
        void new Liveblocks(secret).verifyRequest({ headers: headersOf(request), rawBody: text(request) }),
    },
    standardCases("liveblocks", { type: "storageUpdated", data: { roomId: "test1" } }),
  ),
  ...provider(
    "resend",
    {
      ...STANDARD,
      ...verified("resend", "webhooks.verify"),
      sign: standard("svix"),
      id: header("svix-id"),
      accept: (request, webhookSecret) => {
        const headers = headersOf(request);
        resend.webhooks.verify({
          payload: text(request),
          webhookSecret,
          headers: {
            id: headers["svix-id"],
            timestamp: headers["svix-timestamp"],
            signature: headers["svix-signature"],
          },
        });
      },
    },
    standardCases("resend", { type: "email.delivered", data: { email_id: "test1" } }),
  ),
  ...provider(
    "orb",
    {
      ...verified("orb-billing", "webhooks.verifySignature"),
      window: both(300),
      id: field("id"),
      // The time has no zone, and is in UTC.
      sign: ({ secret, time, body }) => {
        const at = new Date(time * 1000).toISOString().slice(0, -1);
        return [
          ["x-orb-timestamp", at],
          ["x-orb-signature", "v1=" + hmac("sha256", secret, `v1:${at}:${body}`, "hex")],
        ];
      },
      accept: (request, secret) =>
        void orb.webhooks.verifySignature(text(request), headersOf(request), secret),
    },
    cases("orb", { id: "evt_test_1", type: "customer.created" }),
  ),
  ...provider(
    "retell",
    {
      ...signed("retell-sdk", "lib/webhook_auth symmetric.sign"),
      window: both(300),
      sign: async ({ secret, time, body }) => [
        ["x-retell-signature", await retell.sign(body, secret, time * 1000)],
      ],
      accept: (request, secret) =>
        retell.verify(text(request), secret, headersOf(request)["x-retell-signature"]),
    },
    cases("retell", { event: "call_ended", call: { call_id: "test1" } }),
  ),
  ...provider(
    "gocardless",
    {
      ...verified("gocardless-nodejs", "webhooks.verifySignature"),
      sign: HEX("webhook-signature"),
      id: field("meta", "webhook_id"),
      accept: (request, secret) =>
        void gocardless.verifySignature(text(request), secret, headersOf(request)["webhook-signature"]),
    },
    cases("gocardless", { events: [{ id: "EV0001", action: "created" }], meta: { webhook_id: "WB0001" } }),
  ),
  ...provider(
    "razorpay",
    {
      ...verified("razorpay", "validateWebhookSignature"),
      sign: HEX("x-razorpay-signature"),
      id: header("x-razorpay-event-id"),
      headers: [["x-razorpay-event-id", "test1"]],
      accept: (request, secret) =>
        razorpay.validateWebhookSignature(text(request), headersOf(request)["x-razorpay-signature"], secret),
    },
    cases("razorpay", { entity: "event", event: "payment.captured", created_at: SENT }),
  ),
  ...provider(
    "coinbase-commerce",
    {
      ...signed("coinbase-commerce-node", "Webhook.computeSignature"),
      id: field("event", "id"),
      sign: ({ secret, body }) => [
        ["x-cc-webhook-signature", coinbase.Webhook.computeSignature(body, secret)],
      ],
      accept: (request, secret) =>
        void coinbase.Webhook.verifyEventBody(
          text(request),
          headersOf(request)["x-cc-webhook-signature"],
          secret,
        ),
    },
    cases("coinbase-commerce", {
      id: 1,
      event: { id: "00000000-0000-4000-8000-000000000016", type: "charge:created", resource: "event" },
    }),
  ),
  ...provider(
    "modern-treasury",
    {
      ...signed("modern-treasury", "webhooks.getSignature"),
      sign: ({ secret: key, body }) => [["x-signature", treasury.webhooks.getSignature(body, { key })]],
      accept: (request, key) =>
        treasury.webhooks.validateSignature(text(request), headersOf(request), { key }),
    },
    cases("modern-treasury", { event: "created", data: { id: "test1" } }),
  ),
  ...provider(
    "kontent",
    {
      ...signed("@kontent-ai/webhook-helper", "signatureHelper.getHashFromString"),
      sign: ({ secret, body }) => [["x-kontent-ai-signature", kontent.getHashFromString(body, secret)]],
      accept: (request, secret) =>
        kontent.isValidSignatureFromString(
          text(request),
          secret,
          headersOf(request)["x-kontent-ai-signature"],
        ),
    },
    cases("kontent", { notifications: [{ data: { system: { id: "test1" } } }] }),
  ),
  ...provider(
    "pusher",
    {
      ...signed("pusher", "Token.sign"),
      sign: (one) => [
        ["x-pusher-key", "test-key"],
        ["x-pusher-signature", pusher(one)],
      ],
      accept: (request, secret) =>
        new Pusher({ appId: "1", key: "test-key", secret, cluster: "test" })
          .webhook({ headers: headersOf(request), rawBody: text(request) })
          .isValid(),
    },
    cases("pusher", { time_ms: SENT * 1000, events: [{ name: "channel_occupied", channel: "test" }] }),
  ),
  ...provider(
    "elevenlabs",
    {
      ...python("sdk-verified", "elevenlabs 2.78.0 webhooks.construct_event"),
      window: { age: 1800, future: null },
      sign: ({ secret, time, body }) => [
        ["elevenlabs-signature", `t=${time},v0=${hmac("sha256", secret, `${time}.${body}`, "hex")}`],
      ],
    },
    cases("elevenlabs", {
      type: "post_call_transcription",
      event_timestamp: SENT,
      data: { conversation_id: "test1" },
    }),
  ),
  // Only the time and the token are signed, which stand in the body with the signature.
  ...provider(
    "mailgun",
    {
      ...python("sdk-verified", "mailgun 1.10.0 SecurityGuard.verify_webhook"),
      window: both(900),
      id: field("signature", "token"),
      sign: ({ secret, time }) =>
        Object.assign([], {
          body: JSON.stringify({
            "event-data": { event: "delivered", id: "test" },
            signature: {
              signature: hmac("sha256", secret, `${time}kafka-edge-test-token-1`, "hex"),
              timestamp: `${time}`,
              token: "kafka-edge-test-token-1",
            },
          }),
        }),
    },
    [{ case: "json" }, { case: "two-secrets", secrets: [secret("mailgun-new"), secret("mailgun-old")] }],
  ),
];
