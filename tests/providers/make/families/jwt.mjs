// JSON Web Tokens: QStash's and Google's, and one of each algorithm.
import { createPublicKey, sign as signWith } from "node:crypto";
import { Receiver } from "@upstash/qstash";
import { OAuth2Client } from "google-auth-library";
import { createLocalJWKSet, jwtVerify } from "jose";
import { field, header, headersOf, hmac, odd, provider, secret, sha256, usual, verified } from "../case.mjs";
import { bytes, ecdsa, ed25519, p256Signature, rsa } from "./keys.mjs";

const jwtPart = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (head, claims, signature) => {
  const text = `${jwtPart(head)}.${jwtPart(claims)}`;
  return `${text}.${signature(text)}`;
};
const jwk = (key, alg) => ({
  keys: [{ ...createPublicKey(key).export({ format: "jwk" }), kid: `test-${alg}`, alg, use: "sig" }],
});
const PUBSUB = {
  message: {
    data: "aGVsbG8=",
    messageId: "2070443601311540",
    message_id: "2070443601311540",
    publishTime: "2025-11-29T07:06:38Z",
  },
  subscription: "projects/test/subscriptions/test",
};

export default [
  ...provider(
    "qstash",
    {
      ...verified("@upstash/qstash", "Receiver.verify"),
      window: { age: 300, future: 0 },
      // Each attempt has a token with a `jti` of its own; the message keeps its id.
      id: header("upstash-message-id"),
      secrets: [secret("qstash-current"), secret("qstash-next")],
      sign: ({ secret, time, url, body, padded = "" }) => [
        [
          "upstash-signature",
          jwt(
            { alg: "HS256", typ: "JWT" },
            {
              iss: "Upstash",
              sub: url,
              exp: time + 300,
              nbf: time,
              iat: time,
              jti: "jwt_test_1",
              body: sha256(body, "base64url") + padded,
            },
            (text) => hmac("sha256", secret, text, "base64url"),
          ),
        ],
        ["upstash-message-id", "msg_test_1"],
      ],
      accept: (request, currentSigningKey, [, nextSigningKey]) =>
        new Receiver({ currentSigningKey, nextSigningKey }).verify({
          signature: headersOf(request)["upstash-signature"],
          body: request.body.toString(),
          url: request.url,
        }),
    },
    [
      ...usual("qstash", { hello: "world 1" })
        .slice(0, 2)
        .map((one) => ({ ...one, signer: secret("qstash-current") })),
      { case: "next-key", body: '{"n":1}' },
      { case: "padded-hash", padded: "=", body: '{"n":1}' },
      { case: "text", type: "text/plain", body: "hello 1" },
      { case: "query", url: "https://hooks.example.com/in/qstash?a=1&b=%20", body: '{"n":1}' },
    ],
  ),
  // The token says who sends, and nothing about the body. `jwks` is what Google's address of its keys would give.
  ...provider(
    "google-pubsub",
    {
      ...verified(
        "google-auth-library",
        `OAuth2Client.verifySignedJwtWithCertsAsync, after Authentication for push subscriptions, https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions`,
      ),
      // An hour of validity, and five minutes for clocks that differ.
      secrets: [],
      window: { age: 3900, future: 300 },
      id: field("message", "messageId"),
      jwks: jwk(rsa, "RS256"),
      claims: {
        iss: "https://accounts.google.com",
        aud: "https://hooks.example.com/in/google-pubsub",
        email: "pubsub@test.iam.gserviceaccount.com",
      },
      sign: ({ time, claims }) => [
        [
          "authorization",
          "Bearer " +
            jwt(
              { alg: "RS256", kid: "test-RS256", typ: "JWT" },
              {
                ...claims,
                azp: "100000000000000000001",
                email_verified: true,
                exp: time + 3600,
                iat: time,
                sub: "100000000000000000001",
              },
              (text) => signWith("sha256", bytes(text), rsa).toString("base64url"),
            ),
        ],
      ],
      change: (request) => ({
        ...request,
        headers: request.headers.map(([name, value]) => [
          name,
          value.replace(/\.[^.]+\./, `.${jwtPart({ iss: "https://accounts.google.com" })}.`),
        ]),
      }),
      accept: async (request) => {
        const token = headersOf(request).authorization.slice("Bearer ".length);
        const certificates = { "test-RS256": createPublicKey(rsa).export({ type: "spki", format: "pem" }) };
        const ticket = await new OAuth2Client().verifySignedJwtWithCertsAsync(
          token,
          certificates,
          "https://hooks.example.com/in/google-pubsub",
          ["https://accounts.google.com"],
        );
        return ticket.getPayload().email === "pubsub@test.iam.gserviceaccount.com";
      },
    },
    [
      { case: "json", body: JSON.stringify(PUBSUB) },
      { case: "odd-json", body: odd(PUBSUB) },
    ],
  ),
  // No provider's: tokens for a source that spells its JWT out, one of each algorithm.
  ...provider(
    "jwt",
    {
      ...verified("jose", "jwtVerify"),
      window: { age: 300, future: 0 },
      secrets: [],
      url: "https://hooks.example.com/in/jwt",
      id: () => "jwt_test_1",
      body: '{"n":1}',
      claims: { iss: "https://issuer.example.com", aud: "https://hooks.example.com/in/jwt" },
      sign: ({ time, claims, alg, make }) => [
        [
          "authorization",
          "Bearer " +
            jwt(
              { alg, kid: `test-${alg}`, typ: "JWT" },
              {
                ...claims,
                jti: "jwt_test_1",
                iat: time,
                nbf: time,
                exp: time + 300,
              },
              make,
            ),
        ],
      ],
      change: (request) => ({
        ...request,
        headers: request.headers.map(([name, value]) => [
          name,
          value.replace(/\.[^.]+\./, `.${jwtPart({ iss: "https://issuer.example.com" })}.`),
        ]),
      }),
      accept: (request, secret, all, { alg, jwks, claims }) =>
        jwtVerify(
          headersOf(request).authorization.slice("Bearer ".length),
          jwks ? createLocalJWKSet(jwks) : Buffer.from(secret),
          {
            algorithms: [alg],
            issuer: claims.iss,
            audience: claims.aud,
          },
        ),
    },
    [
      {
        case: "hs256",
        alg: "HS256",
        secrets: [secret("jwt-hs256")],
        make: (text) => hmac("sha256", secret("jwt-hs256"), text, "base64url"),
      },
      {
        case: "rs256",
        alg: "RS256",
        jwks: jwk(rsa, "RS256"),
        make: (text) => signWith("sha256", bytes(text), rsa).toString("base64url"),
      },
      {
        case: "es256",
        alg: "ES256",
        jwks: jwk(ecdsa, "ES256"),
        make: (text) => p256Signature(bytes(text), "compact", "base64url"),
      },
      {
        case: "eddsa",
        alg: "EdDSA",
        jwks: jwk(ed25519, "EdDSA"),
        make: (text) => signWith(null, bytes(text), ed25519).toString("base64url"),
      },
    ],
  ),
];
