// What providers ask of an endpoint before they send events to it, and the answer that they
// want. Where a vendor's package answers such a request, its answer is the one written here.
import discord from "discord-interactions";
import slack from "@slack/bolt/dist/receivers/HTTPModuleFunctions.js";
import { documented, headersOf, hmac, provider, secret, signed } from "./case.mjs";
import { WOOCOMMERCE } from "./families/body.mjs";
import { discordRow } from "./families/keys.mjs";
import { slackRow, zoom, zoomRow } from "./families/timed.mjs";

const JSON_TYPE = [["content-type", "application/json"]];
const json = (value) => ({ status: 200, headers: JSON_TYPE, body: JSON.stringify(value) });
const get = { method: "GET", type: null, body: "", sign: () => [] };
const CLOUDEVENTS = documented(
  "HTTP 1.1 Web Hooks for Event Delivery 1.0.2, section 4",
  "https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md",
);

/** What a package writes to the answer of Node's server. */
const recorded = () => {
  const answer = { status: 200, headers: [] };
  const set = (headers) =>
    answer.headers.push(...Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    answer,
    setHeader: (name, value) => set({ [name]: value }),
    writeHead: (status, headers) => ((answer.status = status), set(headers)),
    end: (body) => (answer.body = body),
  };
};

export default [
  ...provider(
    "slack",
    {
      ...slackRow,
      ...signed("@slack/bolt", "buildUrlVerificationResponse"),
      answer: (request) => {
        const response = recorded();
        slack.buildUrlVerificationResponse(response, JSON.parse(request.body));
        return response.answer;
      },
    },
    [
      {
        case: "url-verification",
        body: '{"token":"test","challenge":"test-challenge-1","type":"url_verification"}',
      },
    ],
  ),
  ...provider(
    "zoom",
    {
      ...zoomRow,
      ...signed("@zoom/rivet", "AwsLambdaReceiver"),
      answer: async (request, secret) => {
        const { statusCode, headers, body } = await zoom(request, secret);
        return {
          status: statusCode,
          headers: Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
          body,
        };
      },
    },
    [
      {
        case: "url-validation",
        body: '{"payload":{"plainToken":"test-token-1"},"event_ts":1764399998000,"event":"endpoint.url_validation"}',
      },
    ],
  ),
  ...provider(
    "discord",
    {
      ...discordRow,
      ...signed("discord-interactions", "verifyKeyMiddleware"),
      answer: async (request, key) => {
        const response = recorded();
        const headers = headersOf(request);
        await discord.verifyKeyMiddleware(key)(
          { header: (name) => headers[name.toLowerCase()], body: Buffer.from(request.body) },
          response,
          () => {},
        );
        return response.answer;
      },
    },
    [{ case: "ping", body: '{"id":"100000000000000001","application_id":"1","type":1,"version":1}' }],
  ),
  ...provider(
    "x",
    {
      ...get,
      ...documented("Quickstart, X webhooks", "https://docs.x.com/x-api/webhooks/quickstart"),
      answer: (request, secret) =>
        json({
          response_token:
            "sha256=" + hmac("sha256", secret, new URL(request.url).searchParams.get("crc_token"), "base64"),
        }),
    },
    [
      { case: "crc", url: "https://hooks.example.com/in/x?crc_token=test-token-1" },
      { case: "crc-escaped", url: "https://hooks.example.com/in/x?nonce=1&crc_token=a%2Bb%20c%3D" },
    ],
  ),
  ...provider(
    "microsoft-graph",
    {
      ...documented(
        "Receive change notifications through webhooks, section notificationUrl validation, Microsoft Graph",
        "https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
      ),
      type: "text/plain; charset=utf-8",
      body: "",
      sign: () => [],
      answer: (request) => ({
        status: 200,
        headers: [["content-type", "text/plain"]],
        body: new URL(request.url).searchParams.get("validationToken"),
      }),
    },
    [
      {
        case: "validation-token",
        url: "https://hooks.example.com/in/microsoft-graph?validationToken=Validation%3a+Testing+client+%3c1%3e%2f%3d%2b",
      },
    ],
  ),
  ...provider(
    "okta",
    {
      ...get,
      ...documented(
        "Event hooks, section One-Time Verification Request, Okta Developer",
        "https://developer.okta.com/docs/concepts/event-hooks/",
      ),
      headers: [["x-okta-verification-challenge", "test-challenge-1"]],
      answer: (request) => json({ verification: headersOf(request)["x-okta-verification-challenge"] }),
    },
    [{ case: "verification-challenge" }],
  ),
  // Whoever makes a webhook in WooCommerce sees an error unless this is answered 200. Nothing
  // signs it.
  ...provider(
    "woocommerce",
    {
      ...WOOCOMMERCE,
      type: "application/x-www-form-urlencoded",
      body: "webhook_id=1",
      sign: () => [],
      answer: () => ({ status: 200, headers: [], body: "" }),
    },
    [{ case: "ping" }],
  ),
  // `answer` has what the specification requires. The rate, and `Allow`, are the target's own.
  ...provider(
    "cloudevents",
    {
      ...get,
      ...CLOUDEVENTS,
      method: "OPTIONS",
      secrets: [],
      answer: () => ({
        status: 200,
        headers: [
          ["webhook-allowed-origin", "events.example.com"],
          ["webhook-allowed-rate", "*"],
        ],
        body: "",
      }),
    },
    [
      { case: "abuse-protection", headers: [["webhook-request-origin", "events.example.com"]] },
      {
        case: "abuse-protection-rate",
        headers: [
          ["webhook-request-origin", "events.example.com"],
          ["webhook-request-rate", "120"],
        ],
      },
    ],
  ),
];
