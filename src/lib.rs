//! Kafka over HTTP, at the edge.
