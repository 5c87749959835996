// The signature covers the address of the endpoint too.
import * as contentful from "@contentful/node-apps-toolkit";
import { Signature as HubSpot } from "@hubspot/api-client";
import { WebhooksHelper as Square } from "square";
import twilio from "twilio";
import {
  field,
  header,
  headersOf,
  hmac,
  provider,
  secret,
  sha256,
  signed,
  usual,
  verified,
} from "../case.mjs";

const FORM = "application/x-www-form-urlencoded";
const TWILIO = "https://hooks.example.com/in/twilio";
/** A name that stands there several times has a list, as web frameworks hand it over. */
const fields = (body) => {
  const all = new URLSearchParams(body.toString());
  return Object.fromEntries(
    [...new Set(all.keys())].map((name) => [
      name,
      all.getAll(name).length > 1 ? all.getAll(name) : all.get(name),
    ]),
  );
};
const algorithm = (request) =>
  twilio.getSignatureAlgorithm(headersOf(request)["x-twilio-webhooks-signature-settings"]);
const signature = (one, params) => [
  [
    "x-twilio-signature",
    twilio.getExpectedTwilioSignature(
      one.secret,
      one.signedUrl ?? one.url,
      params,
      one.algorithm?.toUpperCase(),
    ),
  ],
];
const twilioRow = {
  ...signed("twilio", "getExpectedTwilioSignature"),
  algorithm: "hmac_sha1",
  url: TWILIO,
  headers: [["i-twilio-idempotency-token", "00000000-0000-4000-8000-000000000004"]],
  id: header("i-twilio-idempotency-token"),
};
const form = {
  ...twilioRow,
  type: FORM,
  sign: (one) => signature(one, fields(one.body)),
  accept: (request, token) =>
    twilio.validateRequest(
      token,
      headersOf(request)["x-twilio-signature"],
      request.url,
      fields(request.body),
      algorithm(request),
    ),
};
const json = {
  ...twilioRow,
  sign: (one) => signature(one, {}),
  accept: (request, token) =>
    twilio.validateRequestWithBody(
      token,
      headersOf(request)["x-twilio-signature"],
      request.url,
      request.body.toString(),
      algorithm(request),
    ),
};
const sharedKey = {
  algorithm: "hmac_sha256",
  secrets: [secret("twilio-shared-key")],
  headers: [
    ...twilioRow.headers,
    ["x-twilio-webhooks-signature-settings", "key=webhooks_sharedkey_test,algorithm=HMAC_SHA256"],
  ],
};
const MESSAGE = "From=%2B15005550006&To=%2B15005550001&Body=hello+world+1";
const EVENTS = '[{"specversion":"1.0","id":"EZtest1"}]';
const hashed = (body) => ({ body, url: `${TWILIO}?bodySHA256=${sha256(body, "hex")}` });
const anotherAddress = (request) => ({ ...request, url: request.url.replace(/1$/, "2") });

const SQUARE = {
  merchant_id: "TEST",
  type: "payment.created",
  event_id: "00000000-0000-4000-8000-000000000011",
};
const pathOf = (url) => url.slice("https://hooks.example.com".length);
/** Contentful wants exactly 64 characters. */
const contentfulSecret = (name) => secret(`contentful-${name}`).padEnd(64, "-");

export default [
  ...provider("twilio", form, [
    { case: "form-sha1", body: MESSAGE },
    { case: "form-sha256", body: MESSAGE, ...sharedKey },
    { case: "form-two-secrets", body: MESSAGE, secrets: [secret("twilio-new"), secret("twilio-old")] },
    {
      case: "form-unsorted-and-empty-fields",
      body: "b=2&a=&B=1&a_b=4&aB=5&%C3%A9=6&text=Z%C3%BCrich+%E2%98%83%0A&plus=%2B&tilde=~*",
    },
    { case: "form-repeated-fields", body: "MediaUrl=b2&MediaUrl=a1&MediaUrl=b2&Body=1" },
    { case: "form-query", body: MESSAGE, url: `${TWILIO}?b=2&a=%20x%27y&c` },
    {
      case: "form-signed-without-port",
      body: MESSAGE,
      url: TWILIO.replace(".com", ".com:443"),
      signedUrl: TWILIO,
    },
    { case: "form-signed-with-port", body: MESSAGE, signedUrl: TWILIO.replace(".com", ".com:443") },
    // The packages leave out a port of any number, not the standard one alone.
    { case: "form-other-port", body: MESSAGE, url: TWILIO.replace(".com", ".com:8443") },
    {
      case: "form-other-port-left-out",
      body: MESSAGE,
      url: TWILIO.replace(".com", ".com:8443"),
      signedUrl: TWILIO,
    },
    {
      case: "get",
      method: "GET",
      type: null,
      body: "",
      url: `${TWILIO}?From=%2B15005550006&Body=1`,
      change: anotherAddress,
    },
  ]),
  ...provider("twilio", json, [
    { case: "json-sha1", ...hashed(EVENTS) },
    { case: "json-sha256", ...hashed(EVENTS), ...sharedKey },
    { case: "json-unicode", ...hashed('[ {"text":"Zürich ☃",\n"id":"EZtest1"} ]\n') },
    { case: "json-other-query", body: EVENTS, url: `${TWILIO}?a=1&bodySHA256=${sha256(EVENTS, "hex")}&b=2` },
  ]),
  ...provider(
    "hubspot",
    {
      ...signed("@hubspot/api-client", "Signature.getSignature, v3"),
      window: { age: 300, future: null },
      sign: ({ secret, time, method, url, body }) => [
        ["x-hubspot-request-timestamp", `${time}000`],
        [
          "x-hubspot-signature-v3",
          HubSpot.getSignature(method, "v3", {
            clientSecret: secret,
            url,
            requestBody: body,
            timestamp: time * 1000,
          }),
        ],
        // HubSpot sends the older signature beside the new one.
        ["x-hubspot-signature-version", "v1"],
        ["x-hubspot-signature", sha256(secret + body, "hex")],
      ],
      accept: (request, clientSecret) => {
        const headers = headersOf(request);
        return HubSpot.isValid({
          signatureVersion: "v3",
          method: request.method,
          url: request.url,
          clientSecret,
          requestBody: request.body.toString(),
          signature: headers["x-hubspot-signature-v3"],
          timestamp: Number(headers["x-hubspot-request-timestamp"]),
        });
      },
    },
    [
      ...usual("hubspot", { eventId: 1, subscriptionType: "contact.creation" }).map((one) => ({
        ...one,
        body: `[${one.body}]`,
      })),
      {
        case: "query",
        url: "https://hooks.example.com/in/hubspot?portal=1&name=a%2Bb",
        body: '[{"eventId":1}]',
      },
    ],
  ),
  ...provider(
    "square",
    {
      ...verified("square", "WebhooksHelper.verifySignature"),
      id: field("event_id"),
      sign: ({ secret, url, body }) => [
        ["x-square-hmacsha256-signature", hmac("sha256", secret, url + body, "base64")],
      ],
      accept: (request, signatureKey) =>
        Square.verifySignature({
          requestBody: request.body.toString(),
          signatureHeader: headersOf(request)["x-square-hmacsha256-signature"],
          signatureKey,
          notificationUrl: request.url,
        }),
    },
    [
      ...usual("square", SQUARE),
      { case: "query", url: "https://hooks.example.com/in/square?shop=1", body: JSON.stringify(SQUARE) },
    ],
  ),
  ...provider(
    "contentful",
    {
      ...signed("@contentful/node-apps-toolkit", "signRequest"),
      window: { age: 30, future: null },
      secrets: [contentfulSecret("1")],
      type: null,
      id: header("x-contentful-idempotency-key"),
      // Contentful signs the headers that it lists, in the order of their names.
      signs: [
        ["content-type", "application/vnd.contentful.management.v1+json"],
        ["x-contentful-topic", "ContentManagement.Entry.publish"],
        ["x-contentful-idempotency-key", "test-1"],
      ],
      sign: ({ secret, time, method, url, body, signs }) => [
        ...signs,
        ...Object.entries(
          contentful.signRequest(
            secret,
            { method, path: pathOf(url), headers: Object.fromEntries(signs), body },
            time * 1000,
          ),
        ),
      ],
      accept: (request, secret) =>
        contentful.verifyRequest(secret, {
          method: request.method,
          path: pathOf(request.url),
          headers: headersOf(request),
          body: request.body.toString(),
        }),
    },
    [
      ...usual("contentful", { sys: { id: "test1", type: "Entry" } }).map((one) =>
        one.secrets ? { ...one, secrets: [contentfulSecret("2"), contentfulSecret("3")] } : one,
      ),
      {
        case: "query",
        url: "https://hooks.example.com/in/contentful?space=a%20b&x=1",
        body: '{"sys":{"id":"test1"}}',
      },
      { case: "no-headers-of-its-own", signs: [], body: '{"sys":{"id":"test1"}}', id: () => null },
      { case: "more-headers-than-signed", headers: [["x-request-id", "1"]], body: '{"sys":{"id":"test1"}}' },
    ],
  ),
];
