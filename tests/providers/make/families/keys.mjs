// Signatures of a private key. The keys were made for these tests and open nothing.
import { createPrivateKey, createPublicKey, sign as signWith } from "node:crypto";
import { readFileSync } from "node:fs";
import { p256 } from "@noble/curves/nist.js";
import sendgrid from "@sendgrid/eventwebhook";
import { Receiver } from "@upstash/qstash";
import discord from "discord-interactions";
import { OAuth2Client } from "google-auth-library";
import { Telnyx } from "telnyx";
import { both, field, header, headersOf, hmac, odd, provider, secret, sha256, usual, verified, SENT } from "../case.mjs";

const read = (name) => createPrivateKey(readFileSync(new URL(`../keys/${name}.pem`, import.meta.url)));
const [ed25519, ecdsa, rsa] = ["ed25519", "p256", "rsa"].map(read);
const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
/** The 32 bytes that the vendors show of an Ed25519 key. */
const point = (encoding) => Buffer.from(createPublicKey(ed25519).export({ format: "jwk" }).x, "base64url").toString(encoding);

// Node's own ECDSA is random. This one takes its nonce from key and message (RFC 6979).
const scalar = Buffer.from(ecdsa.export({ format: "jwk" }).d, "base64url");
const der = (message) => Buffer.from(p256.sign(message, scalar, { format: "der", lowS: false })).toString("base64");

const mail = new sendgrid.EventWebhook();
const MAIL = [{ email: "test@example.com", timestamp: SENT, event: "delivered", sg_event_id: "test-event-1" }];
const PING = { id: "100000000000000001", type: 1, version: 1 };

const telnyx = new Telnyx({ apiKey: "test" });
const TELNYX = { id: "00000000-0000-4000-8000-000000000012", event_type: "message.received" };
const jwtPart = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (head, claims, signature) => {
  const text = `${jwtPart(head)}.${jwtPart(claims)}`;
  return `${text}.${signature(text)}`;
};
const PUBSUB = { message: { data: "aGVsbG8=", messageId: "2070443601311540", message_id: "2070443601311540", publishTime: "2025-11-29T07:06:38Z" }, subscription: "projects/test/subscriptions/test" };

export const discordRow = {
  ...verified("discord-interactions", "verifyKey"), secrets: [point("hex")],
  sign: ({ time, body }) => [
    ["x-signature-ed25519", signWith(null, bytes(`${time}`, body), ed25519).toString("hex")],
    ["x-signature-timestamp", `${time}`],
  ],
  accept: (request, key) => discord.verifyKey(request.body, headersOf(request)["x-signature-ed25519"], headersOf(request)["x-signature-timestamp"], key),
};

export default [
  ...provider("sendgrid", {
    ...verified("@sendgrid/eventwebhook", "EventWebhook.verifySignature"),
    secrets: [createPublicKey(ecdsa).export({ type: "spki", format: "der" }).toString("base64")],
    sign: ({ time, body }) => [
      ["x-twilio-email-event-webhook-signature", der(bytes(`${time}`, body))],
      ["x-twilio-email-event-webhook-timestamp", `${time}`],
    ],
    accept: (request, key) => {
      const headers = headersOf(request);
      return mail.verifySignature(mail.convertPublicKeyToECDSA(key), request.body, headers["x-twilio-email-event-webhook-signature"], headers["x-twilio-email-event-webhook-timestamp"]);
    },
    // One request holds many events, so there is no id for the whole.
  }, [
    { case: "json", body: JSON.stringify(MAIL) + "\r\n" },
    { case: "odd-json", body: `[ ${odd(MAIL[0])} ]` },
  ]),
  ...provider("discord", { ...discordRow, id: field("id") }, [
    { case: "json", body: JSON.stringify({ ...PING, type: 2 }) },
    { case: "odd-json", body: odd({ ...PING, type: 2 }) },
    { case: "not-utf-8", body: Buffer.from("ff00fe31", "hex"), type: "application/octet-stream", id: () => null },
  ]),
  ...provider("telnyx", {
    ...verified("telnyx", "webhooks.unwrap"), secrets: [point("base64")], window: both(300), id: field("data", "id"),
    sign: ({ time, body }) => [
      ["telnyx-signature-ed25519", signWith(null, bytes(`${time}|`, body), ed25519).toString("base64")],
      ["telnyx-timestamp", `${time}`],
    ],
    accept: async (request, key) => void (await telnyx.webhooks.unwrap(request.body.toString(), { headers: headersOf(request), key })),
  }, [
    { case: "json", body: JSON.stringify({ data: TELNYX }) },
    { case: "odd-json", body: odd({ data: TELNYX }) },
  ]),
  ...provider("qstash", {
    ...verified("@upstash/qstash", "Receiver.verify"), window: { age: 300, future: 0 },
    // Each attempt has a token with a `jti` of its own; the message keeps its id.
    id: header("upstash-message-id"), secrets: [secret("qstash-current"), secret("qstash-next")],
    sign: ({ secret, time, url, body, padded = "" }) => [
      ["upstash-signature", jwt({ alg: "HS256", typ: "JWT" }, {
        iss: "Upstash", sub: url, exp: time + 300, nbf: time, iat: time, jti: "jwt_test_1", body: sha256(body, "base64url") + padded,
      }, (text) => hmac("sha256", secret, text, "base64url"))],
      ["upstash-message-id", "msg_test_1"],
    ],
    accept: (request, currentSigningKey, [, nextSigningKey]) =>
      new Receiver({ currentSigningKey, nextSigningKey }).verify({ signature: headersOf(request)["upstash-signature"], body: request.body.toString(), url: request.url }),
  }, [
    ...usual("qstash", { hello: "world 1" }).slice(0, 2).map((one) => ({ ...one, signer: secret("qstash-current") })),
    { case: "next-key", body: '{"n":1}' },
    { case: "padded-hash", padded: "=", body: '{"n":1}' },
    { case: "text", type: "text/plain", body: "hello 1" },
    { case: "query", url: "https://hooks.example.com/in/qstash?a=1&b=%20", body: '{"n":1}' },
  ]),
  // The token says who sends, and nothing about the body. `jwks` is what Google's address of its keys would give.
  ...provider("google-pubsub", {
    ...verified("google-auth-library", `OAuth2Client.verifySignedJwtWithCertsAsync, after Authentication for push subscriptions, https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions`),
    // An hour of validity, and five minutes for clocks that differ.
    secrets: [], window: { age: 3900, future: 300 }, id: field("message", "messageId"),
    jwks: { keys: [{ ...createPublicKey(rsa).export({ format: "jwk" }), kid: "test-1", alg: "RS256", use: "sig" }] },
    claims: { iss: "https://accounts.google.com", aud: "https://hooks.example.com/in/google-pubsub", email: "pubsub@test.iam.gserviceaccount.com" },
    sign: ({ time, claims }) => [["authorization", "Bearer " + jwt({ alg: "RS256", kid: "test-1", typ: "JWT" }, {
      ...claims, azp: "100000000000000000001", email_verified: true, exp: time + 3600, iat: time, sub: "100000000000000000001",
    }, (text) => signWith("sha256", bytes(text), rsa).toString("base64url"))]],
    change: (request) => ({ ...request, headers: request.headers.map(([name, value]) => [name, value.replace(/\.[^.]+\./, `.${jwtPart({ iss: "https://accounts.google.com" })}.`)]) }),
    accept: async (request) => {
      const token = headersOf(request).authorization.slice("Bearer ".length);
      const certificates = { "test-1": createPublicKey(rsa).export({ type: "spki", format: "pem" }) };
      const ticket = await new OAuth2Client().verifySignedJwtWithCertsAsync(token, certificates, "https://hooks.example.com/in/google-pubsub", ["https://accounts.google.com"]);
      return ticket.getPayload().email === "pubsub@test.iam.gserviceaccount.com";
    },
  }, [
    { case: "json", body: JSON.stringify(PUBSUB) },
    { case: "odd-json", body: odd(PUBSUB) },
  ]),
];
