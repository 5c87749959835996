// Standard Webhooks, and the providers that sign as it does.
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";
import { SENT, base64, both, documented, header, headersOf, hmac, odd, provider, secret, signed, whsec } from "../case.mjs";

const EVENT = { type: "order.paid", timestamp: "2025-11-29T07:06:38Z", data: { order: "order_test_1" } };
const PLAIN = { body: JSON.stringify(EVENT) };
const ODD = { case: "odd-json", body: odd(EVENT) };

const decoded = (secret) => Buffer.from(secret.slice(secret.indexOf("_") + 1), "base64");
const v1 = (key, id, time, body) => "v1," + hmac("sha256", key, Buffer.concat([Buffer.from(`${id}.${time}.`), Buffer.from(body)]), "base64");

/** Headers under the names of `prefix`; `key` makes the key's bytes of the secret. */
const sign = (prefix, key = decoded) => ({ secret, time, body, msg = "msg_test_1", lists = (right) => right }) => [
  [`${prefix}-id`, msg],
  [`${prefix}-timestamp`, `${time}`],
  [`${prefix}-signature`, lists(v1(key(secret), msg, time, body))],
];
const bySdk = (Webhook, prefix) => ({ secret, time, body, msg = "msg_test_1", lists = (right) => right }) => [
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
  { case: "unknown-version", lists: (right) => `v1a,${base64("kafka-edge test signature of another scheme, 64 bytes long......")} ${right} v2,AAAA`, ...PLAIN },
  { case: "id-with-dots", msg: "msg.test.1", ...PLAIN },
  { case: "empty-body", body: "" },
  { case: "unpadded-secret", secrets: [whsec("1").replace(/=+$/, "")], ...PLAIN },
  { case: "secret-without-prefix", secrets: [whsec("1").slice("whsec_".length)], signer: whsec("1"), ...PLAIN },
];
const SIGNING = "GitLab merge request 230944, https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944";
const PUSH = JSON.stringify({ object_kind: "push", project_id: 1 });
const row = { secrets: [whsec("1")], window: both(300), id: header("webhook-id") };
const other = (request) => ({ ...request, body: Buffer.from("1") });

export default [
  ...provider("standard-webhooks", {
    ...row, ...signed("standardwebhooks", "Webhook.sign"), sign: bySdk(Standard, "webhook"),
    accept: (request, secret) => void new Standard(secret).verify(request.body, headersOf(request)),
  }, [...CASES, ...MORE.map((one) => (one.body === "" ? { ...one, change: other } : one))]),
  ...provider("svix", {
    ...row, ...signed("svix", "Webhook.sign"), sign: bySdk(Svix, "svix"), id: header("svix-id"),
    accept: (request, secret) => void new Svix(secret).verify(request.body, headersOf(request)),
  }, [...CASES, { case: "webhook-headers", sign: bySdk(Svix, "webhook"), id: header("webhook-id"), ...PLAIN }]),
  ...provider("gitlab", {
    ...signed("standardwebhooks", `Webhook.sign, after ${SIGNING}`), window: both(300),
    sign: bySdk(Standard, "webhook"), secrets: [whsec("1")], body: PUSH, id: header("webhook-id"),
    headers: [["idempotency-key", "msg_test_1"], ["x-gitlab-event", "Push Hook"]],
    accept: (request, secret) => void new Standard(secret).verify(request.body, headersOf(request)),
  }, [{ case: "signing-token" }, { case: "signing-token-two-secrets", secrets: [whsec("new"), whsec("old")] }]),
  ...provider("gitlab", {
    ...documented("Webhooks | GitLab Docs", "https://docs.gitlab.com/user/project/integrations/webhooks/"),
    sign: ({ secret }) => [["x-gitlab-token", secret]], body: PUSH, id: header("idempotency-key"),
    headers: [["idempotency-key", "00000000-0000-4000-8000-000000000005"], ["x-gitlab-event", "Push Hook"]],
  }, [{ case: "token" }, { case: "token-two-secrets", secrets: [secret("gitlab-new"), secret("gitlab-old")] }]),
];
