//! The types of `wasi:http@0.3.0` as ours.

kafka_edge_wasi_http::translations!(wasip3::http::types);
