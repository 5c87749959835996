// Standard Webhooks, and the providers that sign as it does.
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";
import { verifyWebhook as clerk } from "@clerk/backend/webhooks";
import { Finch } from "@tryfinch/finch-api";
import OpenAI from "openai";
import { validateEvent as polar0 } from "polar-0/webhooks";
import { webhooks as polar } from "@polar-sh/sdk/2026-10";
import { validateWebhook as replicate } from "replicate";
import {
  ALWAYS,
  base64,
  both,
  documented,
  header,
  headersOf,
  hmac,
  odd,
  provider,
  secret,
  signed,
  verified,
  whsec,
} from "../case.mjs";

const EVENT = { type: "order.paid", timestamp: "2025-11-29T07:06:38Z", data: { order: "order_test_1" } };
const PLAIN = { body: JSON.stringify(EVENT) };
const ODD = { case: "odd-json", body: odd(EVENT) };

const decoded = (secret) => Buffer.from(secret.slice(secret.indexOf("_") + 1), "base64");
const v1 = (key, id, time, body) =>
  "v1," + hmac("sha256", key, Buffer.concat([Buffer.from(`${id}.${time}.`), Buffer.from(body)]), "base64");

/** Headers under the names of `prefix`; `key` makes the key's bytes of the secret. */
export const sign =
  (prefix, key = decoded) =>
  ({ secret, time, body, msg = "msg_test_1", lists = (right) => right }) => [
    [`${prefix}-id`, msg],
    [`${prefix}-timestamp`, `${time}`],
    [`${prefix}-signature`, lists(v1(key(secret), msg, time, body))],
  ];
const bySdk =
  (Webhook, prefix) =>
  ({ secret, time, body, msg = "msg_test_1", lists = (right) => right }) => [
    [`${prefix}-id`, msg],
    [`${prefix}-timestamp`, `${time}`],
    [`${prefix}-signature`, lists(new Webhook(secret).sign(msg, new Date(time * 1000), body))],
  ];
const wrong = `v1,${base64("kafka-edge test signature 32 by.")}`;

const CASES = [
  { case: "v1", ...PLAIN },
  ODD,
  { case: "two-secrets", secrets: [whsec("new"), whsec("old")], ...PLAIN },
  { case: "two-signatures", lists: (right) => `${wrong} ${right}`, ...PLAIN },
];
const MORE = [
  {
    case: "unknown-version",
    lists: (right) =>
      `v1a,${base64("kafka-edge test signature of another scheme, 64 bytes long......")} ${right} v2,AAAA`,
    ...PLAIN,
  },
  { case: "id-with-dots", msg: "msg.test.1", ...PLAIN },
  { case: "empty-body", body: "" },
  { case: "unpadded-secret", secrets: [whsec("1").replace(/=+$/, "")], ...PLAIN },
  {
    case: "secret-without-prefix",
    secrets: [whsec("1").slice("whsec_".length)],
    signer: whsec("1"),
    ...PLAIN,
  },
];
const SIGNING = "GitLab merge request 230944, https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944";
const PUSH = JSON.stringify({ object_kind: "push", project_id: 1 });
const text = (request) => request.body.toString();
const raw = (secret) => Buffer.from(secret);
const openai = new OpenAI({ apiKey: "test" });
const finch = new Finch({ accessToken: "test" });
/** Polar's packages read the event after they have checked it, and this one is none of theirs. */
const signatureHolds = async (check) => {
  try {
    await check();
  } catch (error) {
    if (!["SDKValidationError", "PolarWebhookUnknownTypeError"].includes(error.constructor.name)) throw error;
  }
};
const bare = (name) => whsec(name).slice("whsec_".length);
const row = { secrets: [whsec("1")], window: both(300), id: header("webhook-id") };
const other = (request) => ({ ...request, body: Buffer.from("1") });

export default [
  ...provider(
    "standard-webhooks",
    {
      ...row,
      ...signed("standardwebhooks", "Webhook.sign"),
      sign: bySdk(Standard, "webhook"),
      accept: (request, secret) => void new Standard(secret).verify(request.body, headersOf(request)),
    },
    [...CASES, ...MORE.map((one) => (one.body === "" ? { ...one, change: other } : one))],
  ),
  ...provider(
    "svix",
    {
      ...row,
      ...signed("svix", "Webhook.sign"),
      sign: bySdk(Svix, "svix"),
      id: header("svix-id"),
      accept: (request, secret) => void new Svix(secret).verify(request.body, headersOf(request)),
    },
    [...CASES, { case: "webhook-headers", sign: bySdk(Svix, "webhook"), id: header("webhook-id"), ...PLAIN }],
  ),
  ...provider(
    "gitlab",
    {
      ...signed("standardwebhooks", `Webhook.sign, after ${SIGNING}`),
      window: both(300),
      sign: bySdk(Standard, "webhook"),
      secrets: [whsec("1")],
      body: PUSH,
      id: header("webhook-id"),
      headers: [
        ["idempotency-key", "msg_test_1"],
        ["x-gitlab-event", "Push Hook"],
      ],
      accept: (request, secret) => void new Standard(secret).verify(request.body, headersOf(request)),
    },
    [{ case: "signing-token" }, { case: "signing-token-two-secrets", secrets: [whsec("new"), whsec("old")] }],
  ),
  ...provider(
    "gitlab",
    {
      ...documented("Webhooks | GitLab Docs", "https://docs.gitlab.com/user/project/integrations/webhooks/"),
      sign: ({ secret }) => [["x-gitlab-token", secret]],
      body: PUSH,
      id: header("idempotency-key"),
      headers: [
        ["idempotency-key", "00000000-0000-4000-8000-000000000005"],
        ["x-gitlab-event", "Push Hook"],
      ],
    },
    [{ case: "token" }, { case: "token-two-secrets", secrets: [secret("gitlab-new"), secret("gitlab-old")] }],
  ),
  ...provider(
    "openai",
    {
      ...row,
      ...verified("openai", "webhooks.verifySignature"),
      sign: sign("webhook"),
      accept: (request, secret) => openai.webhooks.verifySignature(text(request), headersOf(request), secret),
    },
    [
      ...CASES,
      { case: "secret-is-text", secrets: [secret("openai")], sign: sign("webhook", raw), ...PLAIN },
      { case: "signature-without-version", lists: (right) => right.slice("v1,".length), ...PLAIN },
    ],
  ),
  ...provider(
    "clerk",
    {
      ...row,
      ...verified("@clerk/backend", "verifyWebhook"),
      sign: sign("svix"),
      id: header("svix-id"),
      accept: (request, signingSecret) => clerk(new Request(request.url, request), { signingSecret }),
    },
    CASES,
  ),
  // Up to 0.49 the whole secret is the key; 1.x tries that first and what it decodes to next.
  ...provider(
    "polar",
    {
      ...row,
      ...verified("polar-0", "validateEvent"),
      sign: sign("webhook", raw),
      secrets: [secret("polar")],
      accept: (request, secret) => signatureHolds(() => polar0(request.body, headersOf(request), secret)),
    },
    [...CASES, { case: "key-is-text-with-prefix", secrets: [whsec("1")], ...PLAIN }],
  ),
  ...provider(
    "polar",
    {
      ...row,
      ...verified("@polar-sh/sdk", "webhooks.validateEvent"),
      sign: sign("webhook"),
      accept: (request, secret) =>
        signatureHolds(() => polar.validateEvent(request.body, headersOf(request), secret)),
    },
    [
      { case: "key-is-base64", ...PLAIN },
      { case: "key-is-text", sign: sign("webhook", raw), ...PLAIN },
    ],
  ),
  ...provider(
    "replicate",
    {
      ...row,
      ...verified("replicate", "validateWebhook"),
      sign: sign("webhook"),
      window: ALWAYS,
      accept: (request, secret) => replicate({ headers: headersOf(request), body: text(request) }, secret),
    },
    CASES,
  ),
  // The secret is base64 without a prefix.
  ...provider(
    "finch",
    {
      ...row,
      ...verified("@tryfinch/finch-api", "webhooks.verifySignature"),
      secrets: [bare("1")],
      id: header("finch-event-id"),
      sign: ({ secret, time, body, lists = (right) => right }) => [
        ["finch-event-id", "msg_test_1"],
        ["finch-timestamp", `${time}`],
        ["finch-signature", lists(v1(Buffer.from(secret, "base64"), "msg_test_1", time, body))],
      ],
      accept: (request, secret) =>
        void finch.webhooks.verifySignature(text(request), headersOf(request), secret),
    },
    CASES.map((one) => (one.secrets ? { ...one, secrets: [bare("new"), bare("old")] } : one)),
  ),
];
