//! The types of `wasi:http@0.3.0` as ours.

kafka_edge_wasi_http::translations!(spin_sdk::wasip3::http::types);
