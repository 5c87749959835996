// Writes a record for each argument.

import { producer } from "kafka-edge";

const jobs = process.argv.slice(2);
const records = jobs.map((job) => ({ value: new TextEncoder().encode(job), headers: [] }));
const results = await producer.sendMany("jobs", records);
if (results.some(({ tag }) => tag !== "ok")) throw new Error(JSON.stringify(results));
