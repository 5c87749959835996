// What is checked stands in the body, or is a token that nothing signs.
import adyen from "@adyen/api-library";
import { documented, odd, provider, secret, signed } from "../case.mjs";

const hmacs = new adyen.hmacValidator();
const key = (digit) => Buffer.from(`kafka-edge test secret payment ${digit}`).toString("hex");
const ITEM = {
  pspReference: "TEST0000000000001",
  originalReference: "TEST0000000000000",
  merchantAccountCode: "TestMerchant",
  merchantReference: "order-1",
  amount: { value: 1130, currency: "EUR" },
  eventCode: "AUTHORISATION",
  success: "true",
};
/** A notification whose items are signed each on their own; `write` makes the JSON. */
const notification =
  (items, write = JSON.stringify) =>
  ({ secret }) =>
    Object.assign([], {
      body: write({
        live: "false",
        notificationItems: items.map((item) => ({
          NotificationRequestItem: {
            additionalData: { hmacSignature: hmacs.calculateHmac(item, secret) },
            ...item,
          },
        })),
      }),
    });
const itemsOf = (request) =>
  JSON.parse(request.body).notificationItems.map((item) => item.NotificationRequestItem);
const { originalReference, ...first } = ITEM;

const GRAPH = (clientState) => ({
  value: [
    {
      id: "test1",
      subscriptionId: "00000000-0000-4000-8000-000000000013",
      clientState,
      changeType: "created",
      resource: "users/test/messages/test",
    },
    {
      id: "test2",
      subscriptionId: "00000000-0000-4000-8000-000000000013",
      clientState,
      changeType: "updated",
      resource: "users/test/messages/test",
    },
  ],
});
const OKTA = {
  eventType: "com.okta.event_hook",
  eventId: "00000000-0000-4000-8000-000000000014",
  data: { events: [{ uuid: "00000000-0000-4000-8000-000000000015", eventType: "user.session.start" }] },
};

export default [
  ...provider(
    "adyen",
    {
      ...signed("@adyen/api-library", "HmacValidator.calculateHmac"),
      secrets: [key(1)],
      change: (request) => ({
        ...request,
        body: Buffer.from(request.body.toString().replace("1130", "1131")),
      }),
      accept: (request, secret) => itemsOf(request).every((item) => hmacs.validateHMAC(item, secret)),
    },
    [
      { case: "payment", sign: notification([ITEM]) },
      { case: "payment-without-original-reference", sign: notification([first]) },
      {
        case: "payment-empty-fields",
        sign: notification([{ ...ITEM, originalReference: "", merchantReference: "" }]),
      },
      {
        case: "payment-unicode",
        sign: notification([{ ...ITEM, merchantReference: 'Zürich ☃ 😀 "1" \\ /' }]),
      },
      {
        case: "payment-odd-json",
        sign: notification([{ ...ITEM, merchantReference: "é/1" }], (value) =>
          JSON.stringify(value, null, 3).replace("é/1", "\\u00e9\\/1"),
        ),
      },
      {
        case: "payment-two-items",
        sign: notification([
          ITEM,
          { ...ITEM, pspReference: "TEST0000000000002", eventCode: "CAPTURE", success: "false" },
        ]),
      },
      { case: "payment-two-secrets", secrets: [key(2), key(3)], sign: notification([ITEM]) },
    ],
  ),
  ...provider(
    "microsoft-graph",
    {
      ...documented(
        "Receive change notifications through webhooks, Microsoft Graph",
        "https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
      ),
      sign: ({ secret }) => Object.assign([], { body: JSON.stringify(GRAPH(secret)) }),
    },
    [
      { case: "client-state" },
      {
        case: "client-state-odd-json",
        sign: ({ secret }) => Object.assign([], { body: odd(GRAPH(secret)) }),
      },
      { case: "client-state-two-secrets", secrets: [secret("graph-new"), secret("graph-old")] },
    ],
  ),
  ...provider(
    "okta",
    {
      ...documented("Event hooks, Okta Developer", "https://developer.okta.com/docs/concepts/event-hooks/"),
      sign: ({ secret }) => [["authorization", secret]],
      body: JSON.stringify(OKTA),
    },
    [
      { case: "authorization" },
      { case: "authorization-two-secrets", secrets: [secret("okta-new"), secret("okta-old")] },
    ],
  ),
];
