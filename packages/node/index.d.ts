import type { types } from "./component/kafka_edge.js";

export {
  actions,
  config,
  consumer,
  credentials,
  destinations,
  follower,
  producer,
  secrets,
  sources,
  subscriptions,
  types,
} from "./component/kafka_edge.js";

/** What a function throws: a case of the interfaces' `error`. */
export class KafkaEdgeError extends Error {
  /** The case, such as `unknown-topic`. */
  tag: types.Error["tag"];
  /** What the case holds, if it holds anything. */
  val?: unknown;
}
