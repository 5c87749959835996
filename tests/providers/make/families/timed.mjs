// An HMAC over the body and a time, under headers of the provider's own.
import bolt from "@slack/bolt/dist/receivers/verify-request.js";
import Stripe from "stripe";
import { both, field, headersOf, hmac, odd, provider, secret, signed, verified, SENT } from "../case.mjs";

const text = (request) => request.body.toString();

const STRIPE = { id: "evt_test_1", object: "event", type: "charge.succeeded", created: SENT };
const stripe = new Stripe("sk_test_kafka_edge");
const stripeHeader = ({ secret, time, body }) =>
  stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: time });
const v1 = (header) => header.slice(header.indexOf(",") + 1);

const SLACK = { type: "event_callback", event_id: "EvTEST0001", event: { type: "reaction_added" } };

export default [
  ...provider("stripe", {
    ...signed("stripe", "webhooks.generateTestHeaderString"), window: { age: 300, future: null },
    sign: (one) => [["stripe-signature", stripeHeader(one)]], id: field("id"),
    accept: (request, secret) => void stripe.webhooks.constructEvent(request.body, headersOf(request)["stripe-signature"], secret),
    secrets: ["whsec_kafka_edge_test_secret"], body: JSON.stringify(STRIPE),
  }, [
    { case: "v1" },
    { case: "odd-json", body: odd(STRIPE) },
    { case: "two-secrets", secrets: ["whsec_kafka_edge_test_new", "whsec_kafka_edge_test_old"] },
    // While a secret is being retired Stripe signs with both, in one header.
    { case: "two-signatures", sign: (one) => [["stripe-signature", `${stripeHeader({ ...one, secret: "whsec_kafka_edge_test_old" })},${v1(stripeHeader(one))}`]] },
    { case: "other-schemes", sign: (one) => [["stripe-signature", `${stripeHeader(one)},v0=${hmac("sha256", "test", one.body, "hex")}`]] },
    { case: "thin-event", body: JSON.stringify({ ...STRIPE, object: "v2.core.event", type: "v1.billing.meter.error_report_triggered" }),
      accept: (request, secret) => void stripe.parseEventNotification(request.body, headersOf(request)["stripe-signature"], secret) },
  ]),
  ...provider("slack", {
    made: "sdk-signed", by: "PyPI slack_sdk 3.48.0 SignatureVerifier.generate_signature", window: both(300),
    // The package for JavaScript does not look ahead; the one for Python does.
    limits: { age: 300, future: null },
    sign: ({ secret, time, body }) => [
      ["x-slack-request-timestamp", `${time}`],
      ["x-slack-signature", "v0=" + hmac("sha256", secret, `v0:${time}:${body}`, "hex")],
    ],
    accept: (request, signingSecret) => bolt.verifySlackRequest({ signingSecret, body: text(request), headers: headersOf(request) }),
    id: field("event_id"), body: JSON.stringify(SLACK),
  }, [
    { case: "json" },
    { case: "odd-json", body: odd(SLACK) },
    { case: "two-secrets", secrets: [secret("slack-new"), secret("slack-old")] },
    { case: "form", type: "application/x-www-form-urlencoded", body: "command=%2Ftest&text=hello+world&trigger_id=1.2", id: () => null },
  ]),
];
