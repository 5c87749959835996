// Signatures of a private key. The keys were made for these tests and open nothing.
import { createPrivateKey, createPublicKey, sign as signWith } from "node:crypto";
import { readFileSync } from "node:fs";
import { p256 } from "@noble/curves/nist.js";
import sendgrid from "@sendgrid/eventwebhook";
import discord from "discord-interactions";
import { Telnyx } from "telnyx";
import { both, field, headersOf, odd, provider, verified, SENT } from "../case.mjs";

const read = (name) => createPrivateKey(readFileSync(new URL(`../keys/${name}.pem`, import.meta.url)));
export const [ed25519, ecdsa, rsa] = ["ed25519", "p256", "rsa"].map(read);
export const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
/** The 32 bytes that the vendors show of an Ed25519 key. */
const point = (encoding) =>
  Buffer.from(createPublicKey(ed25519).export({ format: "jwk" }).x, "base64url").toString(encoding);

// Node's own ECDSA is random. This one takes its nonce from key and message (RFC 6979).
const scalar = Buffer.from(ecdsa.export({ format: "jwk" }).d, "base64url");
export const p256Signature = (message, format, encoding) =>
  Buffer.from(p256.sign(message, scalar, { format, lowS: false })).toString(encoding);

const mail = new sendgrid.EventWebhook();
const MAIL = [
  { email: "test@example.com", timestamp: SENT, event: "delivered", sg_event_id: "test-event-1" },
];
const PING = { id: "100000000000000001", type: 1, version: 1 };

const telnyx = new Telnyx({ apiKey: "test" });
const TELNYX = { id: "00000000-0000-4000-8000-000000000012", event_type: "message.received" };

export const discordRow = {
  ...verified("discord-interactions", "verifyKey"),
  secrets: [point("hex")],
  sign: ({ time, body }) => [
    ["x-signature-ed25519", signWith(null, bytes(`${time}`, body), ed25519).toString("hex")],
    ["x-signature-timestamp", `${time}`],
  ],
  accept: (request, key) =>
    discord.verifyKey(
      request.body,
      headersOf(request)["x-signature-ed25519"],
      headersOf(request)["x-signature-timestamp"],
      key,
    ),
};

export default [
  ...provider(
    "sendgrid",
    {
      ...verified("@sendgrid/eventwebhook", "EventWebhook.verifySignature"),
      secrets: [createPublicKey(ecdsa).export({ type: "spki", format: "der" }).toString("base64")],
      sign: ({ time, body }) => [
        ["x-twilio-email-event-webhook-signature", p256Signature(bytes(`${time}`, body), "der", "base64")],
        ["x-twilio-email-event-webhook-timestamp", `${time}`],
      ],
      accept: (request, key) => {
        const headers = headersOf(request);
        return mail.verifySignature(
          mail.convertPublicKeyToECDSA(key),
          request.body,
          headers["x-twilio-email-event-webhook-signature"],
          headers["x-twilio-email-event-webhook-timestamp"],
        );
      },
      // One request holds many events, so there is no id for the whole.
    },
    [
      { case: "json", body: JSON.stringify(MAIL) + "\r\n" },
      { case: "odd-json", body: `[ ${odd(MAIL[0])} ]` },
    ],
  ),
  ...provider("discord", { ...discordRow, id: field("id") }, [
    { case: "json", body: JSON.stringify({ ...PING, type: 2 }) },
    { case: "odd-json", body: odd({ ...PING, type: 2 }) },
    {
      case: "not-utf-8",
      body: Buffer.from("ff00fe31", "hex"),
      type: "application/octet-stream",
      id: () => null,
    },
  ]),
  ...provider(
    "telnyx",
    {
      ...verified("telnyx", "webhooks.unwrap"),
      secrets: [point("base64")],
      window: both(300),
      id: field("data", "id"),
      sign: ({ time, body }) => [
        ["telnyx-signature-ed25519", signWith(null, bytes(`${time}|`, body), ed25519).toString("base64")],
        ["telnyx-timestamp", `${time}`],
      ],
      accept: async (request, key) =>
        void (await telnyx.webhooks.unwrap(request.body.toString(), { headers: headersOf(request), key })),
    },
    [
      { case: "json", body: JSON.stringify({ data: TELNYX }) },
      { case: "odd-json", body: odd({ data: TELNYX }) },
    ],
  ),
];
