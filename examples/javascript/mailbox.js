// A mailbox for each topic of Kafka, by HTTP.
//
// `POST /orders` puts the body into the topic `orders`, `GET /orders` takes a record
// out of it, and `GET /orders/follow` shows all its records as they come.

import consumer from "kafka-edge:api/consumer@0.2.0";
import follower from "kafka-edge:api/follower@0.2.0";
import producer from "kafka-edge:api/producer@0.2.0";
import http from "wasi:http/types@0.3.0";

const GROUP = "mailbox";
// How long a call waits for a record, and how long it is claimed, in milliseconds.
const WAIT = 1_000;
const LEASE = 30_000;

export const handler = {
  async handle(request) {
    const [topic, what = ""] = (request.getPathWithQuery() ?? "").slice(1).split("/");
    const call = `${request.getMethod().tag} ${what}`.trim();
    try {
      if (call === "post") return response(...put(topic, await bodyOf(request)));
      if (call === "get") return response(...take(topic));
      if (call === "get follow") return response(...follow(topic));
    } catch (error) {
      return response(...refusal(topic, error));
    }
    return response(405, bytes("POST /topic, GET /topic or GET /topic/follow\n"));
  },
};

function put(topic, value) {
  const record = { key: null, value, headers: [], partition: null, timestamp: null };
  const { partition, offset } = producer.send(topic, record);
  return [201, bytes(`partition ${partition}, offset ${offset}\n`)];
}

function take(topic) {
  const request = { topics: [topic], group: GROUP, start: "earliest", wait: WAIT, max: 1, maxBytes: 1 << 20 };
  const [claimed] = consumer.claim(request, LEASE);
  if (!claimed) return [404, bytes("the mailbox is empty\n")];
  // Whatever has to be done with the record is done here. If this dies before the
  // acknowledgement, the record is handed out again when the lease has ended.
  const [result] = consumer.ack(GROUP, [claimed.receipt]);
  if (result !== "done") return [409, bytes("somebody else has it by now\n")];
  return [200, claimed.record.value ?? bytes("")];
}

function follow(topic) {
  const request = { topics: [topic], group: null, start: "earliest", cursor: null, lease: null };
  const [records] = follower.follow(request);
  async function* lines() {
    for await (const { record } of records) yield* [record.value ?? bytes(""), bytes("\n")];
  }
  return [200, lines()];
}

// What an error means to a caller. Its `payload` is the variant; an error of JavaScript's
// own has none.
function refusal(topic, error) {
  const { tag, val } = error.payload ?? { tag: "javascript", val: String(error) };
  switch (tag) {
    case "unknown-topic":
      return [404, bytes(`there is no topic ${topic}\n`)];
    case "invalid":
      return [400, bytes(`${val.field}: ${val.message}\n`)];
    default:
      return [502, bytes(`${tag}: ${JSON.stringify(val ?? null)}\n`)];
  }
}

async function bodyOf(request) {
  const read = wit.Future.from({ tag: "ok" }, wit.Future.RESULT_VOID_ERROR_CODE);
  const [contents] = http.Request.consumeBody(request, read.readable);
  const chunks = [];
  for await (const chunk of contents) chunks.push(chunk);
  const body = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  chunks.reduce((at, chunk) => (body.set(chunk, at), at + chunk.length), 0);
  return body;
}

function response(status, body) {
  const ok = { tag: "ok", val: null };
  const trailers = wit.Future.from(ok, wit.Future.RESULT_OPTION_OTHER_ERROR_CODE);
  // Bytes by themselves would be written one by one, which is a thousand times slower.
  const chunks = body instanceof Uint8Array ? [body] : body;
  const [answer] = http.Response.new(new http.Fields(), chunks, trailers.readable);
  answer.setStatusCode(status);
  return answer;
}

// QuickJS has no TextEncoder.
function bytes(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (letter) => letter.charCodeAt(0));
}
