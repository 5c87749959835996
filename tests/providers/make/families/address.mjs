// The signature covers the address of the endpoint too.
import twilio from "twilio";
import { header, headersOf, provider, secret, sha256, signed } from "../case.mjs";

const FORM = "application/x-www-form-urlencoded";
const TWILIO = "https://hooks.example.com/in/twilio";
/** A name that stands there several times has a list, as web frameworks hand it over. */
const fields = (body) => {
  const all = new URLSearchParams(body.toString());
  return Object.fromEntries([...new Set(all.keys())].map((name) => [name, all.getAll(name).length > 1 ? all.getAll(name) : all.get(name)]));
};
const algorithm = (request) => twilio.getSignatureAlgorithm(headersOf(request)["x-twilio-webhooks-signature-settings"]);
const signature = (one, params) => [["x-twilio-signature", twilio.getExpectedTwilioSignature(one.secret, one.signedUrl ?? one.url, params, one.algorithm?.toUpperCase())]];
const twilioRow = {
  ...signed("twilio", "getExpectedTwilioSignature"), algorithm: "hmac_sha1", url: TWILIO,
  headers: [["i-twilio-idempotency-token", "00000000-0000-4000-8000-000000000004"]], id: header("i-twilio-idempotency-token"),
};
const form = {
  ...twilioRow, type: FORM, sign: (one) => signature(one, fields(one.body)),
  accept: (request, token) => twilio.validateRequest(token, headersOf(request)["x-twilio-signature"], request.url, fields(request.body), algorithm(request)),
};
const json = {
  ...twilioRow, sign: (one) => signature(one, {}),
  accept: (request, token) => twilio.validateRequestWithBody(token, headersOf(request)["x-twilio-signature"], request.url, request.body.toString(), algorithm(request)),
};
const sharedKey = {
  algorithm: "hmac_sha256", secrets: [secret("twilio-shared-key")],
  headers: [...twilioRow.headers, ["x-twilio-webhooks-signature-settings", "key=webhooks_sharedkey_test,algorithm=HMAC_SHA256"]],
};
const MESSAGE = "From=%2B15005550006&To=%2B15005550001&Body=hello+world+1";
const EVENTS = '[{"specversion":"1.0","id":"EZtest1"}]';
const hashed = (body) => ({ body, url: `${TWILIO}?bodySHA256=${sha256(body, "hex")}` });
const anotherAddress = (request) => ({ ...request, url: request.url.replace(/1$/, "2") });

export default [
  ...provider("twilio", form, [
    { case: "form-sha1", body: MESSAGE },
    { case: "form-sha256", body: MESSAGE, ...sharedKey },
    { case: "form-two-secrets", body: MESSAGE, secrets: [secret("twilio-new"), secret("twilio-old")] },
    { case: "form-unsorted-and-empty-fields", body: "b=2&a=&B=1&a_b=4&aB=5&%C3%A9=6&text=Z%C3%BCrich+%E2%98%83%0A&plus=%2B&tilde=~*" },
    { case: "form-repeated-fields", body: "MediaUrl=b2&MediaUrl=a1&MediaUrl=b2&Body=1" },
    { case: "form-query", body: MESSAGE, url: `${TWILIO}?b=2&a=%20x%27y&c` },
    { case: "form-signed-without-port", body: MESSAGE, url: TWILIO.replace(".com", ".com:443"), signedUrl: TWILIO },
    { case: "form-signed-with-port", body: MESSAGE, signedUrl: TWILIO.replace(".com", ".com:443") },
    { case: "get", method: "GET", type: null, body: "", url: `${TWILIO}?From=%2B15005550006&Body=1`, change: anotherAddress },
  ]),
  ...provider("twilio", json, [
    { case: "json-sha1", ...hashed(EVENTS) },
    { case: "json-sha256", ...hashed(EVENTS), ...sharedKey },
    { case: "json-unicode", ...hashed('[ {"text":"Zürich ☃",\n"id":"EZtest1"} ]\n') },
    { case: "json-other-query", body: EVENTS, url: `${TWILIO}?a=1&bodySHA256=${sha256(EVENTS, "hex")}&b=2` },
  ]),
];
