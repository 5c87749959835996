// What Kafka holds, read from the REST server itself by its consumers of version 2.

import { randomUUID } from "node:crypto";

const V2 = "application/vnd.kafka.v2+json";
const BINARY = "application/vnd.kafka.binary.v2+json";

// The values of all records of a topic, by "partition, offset".
export async function recordsOf(kafka, topic, partitions) {
  const call = async (method, url, body) => {
    const headers = { "content-type": V2, accept: url.includes("/records") ? BINARY : V2 };
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const group = `${kafka}/consumers/reads-${randomUUID()}`;
  const { base_uri } = await call("POST", group, { format: "binary", "auto.offset.reset": "earliest" });
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  await call("POST", `${base_uri}/assignments`, { partitions: all });
  await call("POST", `${base_uri}/positions/beginning`, { partitions: all });
  // A page may be empty although there is more, as the REST Proxy's first one often is.
  let ends = 0;
  for (const { partition } of all) {
    ends += (await call("GET", `${kafka}/topics/${topic}/partitions/${partition}/offsets`)).end_offset;
  }
  const records = new Map();
  const deadline = Date.now() + 30_000;
  while (records.size < ends) {
    if (Date.now() > deadline) throw new Error(`${records.size} of ${ends} records of ${topic} were read`);
    const page = await call("GET", `${base_uri}/records?timeout=300`);
    for (const { partition, offset, value } of page) {
      records.set(`partition ${partition}, offset ${offset}`, Buffer.from(value, "base64"));
    }
  }
  await call("DELETE", base_uri);
  return records;
}
