//! The types of `wasi:http@0.2` as ours.

kafka_edge_wasi_http::translations!(wasip2::http::types);
