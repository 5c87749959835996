//! The report on a request of a caller.

use std::time::Duration;

use http::{Method, StatusCode};
use kafka_edge::telemetry::RequestReport;
use kafka_edge_sim::{SimHost, World, local};

use crate::scene::{Scene, trace};

fn begin(host: &SimHost, traceparents: &[&str]) -> RequestReport {
    RequestReport::begin(host, traceparents.iter().map(|value| value.as_bytes()))
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_reported_by_its_route_and_not_by_its_path() {
    local(async {
        let scene = Scene::new("logfmt", "debug");
        scene.app.prepare_telemetry().await.unwrap();
        for (status, level) in [
            (200, "debug"),
            (202, "debug"),
            (404, "debug"),
            (401, "info"),
            (403, "info"),
            (429, "info"),
            (500, "warn"),
            (503, "warn"),
        ] {
            let report = begin(&scene.host, &[trace('1').as_str()]);
            tokio::time::sleep(Duration::from_millis(12)).await;
            let status = StatusCode::from_u16(status).unwrap();
            let route = "/producer/{topic}/{message}";
            report.finished(&scene.host, &Method::GET, route, status);
            let line = scene.world.reported().pop().unwrap();
            let end = format!(
                "level={level} event=request-finished traceparent={} method=GET route={route} \
                 status={} millis=12",
                trace('1').as_str(),
                status.as_u16()
            );
            assert!(line.ends_with(&end), "{line}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_names_no_valid_trace_gets_its_own() {
    local(async {
        let host = World::new(1).instance();
        let valid = trace('1');
        assert_eq!(begin(&host, &[valid.as_str()]).trace(), valid);
        let mut seen = vec![valid];
        for named in [&[][..], &["nonsense"], &[valid.as_str(), valid.as_str()]] {
            let new = begin(&host, named).trace();
            assert!(!seen.contains(&new));
            seen.push(new);
        }
    })
    .await;
}
