//! An in-process Confluent-compatible Kafka REST server.
