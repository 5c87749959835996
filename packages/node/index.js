// The component is compiled when this is imported. The store is opened by the first call
// that needs it, and the variables are read by every call.

import "./host/jspi.js";

import * as component from "./component/kafka_edge.js";
import { calls, following } from "./host/calls.js";

export { KafkaEdgeError } from "./host/calls.js";

export const actions = calls(component.actions);
export const config = calls(component.config);
export const consumer = calls(component.consumer);
export const credentials = calls(component.credentials);
export const destinations = calls(component.destinations);
export const follower = following(component.follower);
export const producer = calls(component.producer);
export const secrets = calls(component.secrets);
export const sources = calls(component.sources);
export const subscriptions = calls(component.subscriptions);
